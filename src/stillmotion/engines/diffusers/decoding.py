"""Decoding of latents piece by piece: the first frames are handed on while the next are decoded.

Frames, compared with the pipeline's own decoding:

* Wan, CogVideoX: identical. Their decoders work through the frames in pieces by themselves.
* LTX-Video, LTX-2, HunyuanVideo-1.5: identical up to rounding. Their decoders take all frames at once; here each layer
  takes a window of frames (`windowed_decoder`), or all of a short clip.
* Kandinsky 5: identical. Its decoder blends overlapping stretches; each is handed on once blended.
* SVD, any other, and LTX-Video with noise in its decoder: identical, decoded in one piece.

If memory is short, all but SVD are decoded in tiles that the decoder blends at the seams, still piece by piece: a
little softer there. SVD has no tiles and is decoded in fewer frames at a time, which no longer see those of other
pieces.
"""

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from functools import partial
from typing import Any, Final

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import unpatchify
from torch import nn

from stillmotion.domain.rendering import Frame
from stillmotion.engines.diffusers import windowed_decoder
from stillmotion.engines.diffusers.hooks import Latents

Pieces = Iterator[torch.Tensor]
"""Tensors of 3 × frames × height × width, −1 to 1."""

_FINEST: Final = 3


def finest(vae: Any) -> int:
    """The largest useful `fineness`: 0 decodes as the pipeline does, and each step more halves the tiles.

    Tiles that overlap by a fraction of their side do so in whole pixels only at the decoder's original size.
    """
    return 1 if any("overlap_factor" in name for name in vars(vae)) else _FINEST


def pieces(vae: Any, latents: Latents, fineness: int) -> Pieces:
    """Decode. From `fineness` 1 on in tiles, halved with each step: a little softer at the seams."""
    name = type(vae).__name__
    vae = copy(vae)  # A shallow copy: the weights are shared, the settings below hold for this clip only.
    if fineness > 0 and name not in BY_FRAMES:
        vae.enable_tiling()
        for side, size in _tile_sizes(vae).items():
            setattr(vae, side, max(1, size >> (fineness - 1)))
    return _DECODERS.get(name, _whole)(vae, latents, fineness)


def _tile_sizes(vae: Any) -> dict[str, int]:
    """Sides and strides of the tiles in latents or pixels, by the decoder's attribute names."""
    return {
        name: value
        for name, value in vars(vae).items()
        if name.startswith("tile_") and isinstance(value, int) and not isinstance(value, bool) and "frames" not in name
    }


def _on_device(vae: Any) -> None:
    """Move offloaded weights back to the device, as the decoder's own `decode` would."""
    hook = getattr(vae, "_hf_hook", None)
    if hook is not None:
        hook.pre_forward(vae)


def _decoded(vae: Any, latents: Latents) -> torch.Tensor:
    return vae.decode(latents.tensor, *latents.more, **{**latents.named, "return_dict": False})[0]


def _whole(vae: Any, latents: Latents, _: int) -> Pieces:
    yield _decoded(vae, latents)[0]


def _wan(vae: Any, latents: Latents, fineness: int) -> Pieces:
    """`AutoencoderKLWan._decode`, one latent frame at a time."""
    if fineness:
        yield from _whole(vae, latents, fineness)
        return
    _on_device(vae)
    vae.clear_cache()
    hidden = vae.post_quant_conv(latents.tensor)
    for index in range(hidden.shape[2]):
        vae._conv_idx = [0]
        # The causal decoder upsamples the first latent frame to one frame, the others to four.
        first = {"first_chunk": True} if index == 0 else {}
        out = vae.decoder(hidden[:, :, index : index + 1], feat_cache=vae._feat_map, feat_idx=vae._conv_idx, **first)
        if vae.config.patch_size is not None:
            out = unpatchify(out, patch_size=vae.config.patch_size)
        yield torch.clamp(out, min=-1.0, max=1.0)[0]


def _cogvideox(vae: Any, latents: Latents, fineness: int) -> Pieces:
    """`AutoencoderKLCogVideoX._decode`, a batch of latent frames at a time."""
    if fineness:
        yield from _whole(vae, latents, fineness)
        return
    _on_device(vae)
    count, step = latents.tensor.shape[2], vae.num_latent_frames_batch_size
    # The first batch takes the remainder, as in the pipeline.
    left, kept = count % step, None
    for index in range(max(count // step, 1)):
        piece = latents.tensor[:, :, step * index + (left if index else 0) : step * (index + 1) + left]
        if vae.post_quant_conv is not None:
            piece = vae.post_quant_conv(piece)
        out, kept = vae.decoder(piece, conv_cache=kept)
        yield out[0]


def _ltx(vae: Any, latents: Latents, fineness: int) -> Pieces:
    alike = windowed_decoder.needs_whole_clip(vae.decoder)
    return _whole(vae, latents, fineness) if alike else _windowed(vae, latents, windowed_decoder.ltx)


def _hunyuan15(vae: Any, latents: Latents, _: int) -> Pieces:
    return _windowed(vae, latents, windowed_decoder.hunyuan15)


def _windowed(vae: Any, latents: Latents, layers: Callable[..., windowed_decoder.Layers]) -> Pieces:
    """The decoder's own `decode`, tiles and all, run once for each piece."""
    _on_device(vae)
    in_turn = _TileTurns(partial(layers, vae.decoder))
    # A new mapping, as the copy shares the old one with the original.
    vae._modules = {**vae._modules, "decoder": in_turn}
    while True:
        # Each `decode` walks over all tiles in the same order, so a counter identifies them.
        in_turn.turn = 0
        try:
            piece = _decoded(vae, latents)
        except StopIteration:
            return
        yield piece[0]


class _TileTurns(nn.Module):
    """Stand-in for a decoder that is called for the same tiles again and again: each call gives a tile's next frames.

    Raises `StopIteration` after the last frames.
    """

    def __init__(self, layers: Callable[..., windowed_decoder.Layers]) -> None:
        super().__init__()
        self.turn = 0
        self._layers = layers
        self._tiles: list[Iterator[torch.Tensor]] = []

    def forward(self, tile: torch.Tensor, *more: Any, **named: Any) -> torch.Tensor:
        """The next frames of the next tile."""
        if self.turn == len(self._tiles):
            self._tiles.append(windowed_decoder.run_layers(self._layers(tile, *more, **named), tile))
        self.turn += 1
        return next(self._tiles[self.turn - 1])


def _hunyuan(vae: Any, latents: Latents, fineness: int) -> Pieces:
    """`AutoencoderKLHunyuanVideo._temporal_tiled_decode`, each stretch handed on once blended with the last."""
    ratio, stride = vae.temporal_compression_ratio, vae.tile_sample_stride_num_frames
    count, length = latents.tensor.shape[2], vae.tile_sample_min_num_frames // ratio
    if not vae.use_framewise_decoding or count <= length:
        yield from _whole(vae, latents, fineness)
        return
    vae.use_framewise_decoding = False
    before, left = None, (count - 1) * ratio + 1
    for begin in range(0, count, stride // ratio):
        stretch = _decoded(vae, Latents(latents.tensor[:, :, begin : begin + length + 1]))
        if before is not None:
            stretch = vae.blend_t(before, stretch[:, :, 1:], vae.tile_sample_min_num_frames - stride)
        # The first stretch keeps one frame more: its first latent frame stands for a single frame.
        piece = stretch[0, :, : min(left, stride + (before is None))]
        before, left = stretch, left - piece.shape[1]
        yield piece


def _svd(vae: Any, latents: Latents, fineness: int) -> Pieces:
    """SVD: frames attend to each other within a piece only."""
    count = latents.tensor.shape[0]
    for piece in latents.tensor.split(max(1, count >> (2 * fineness))):
        decoded = vae.decode(piece, num_frames=piece.shape[0], return_dict=False)[0]
        yield decoded.permute(1, 0, 2, 3).float()


_Decoder = Callable[[Any, Latents, int], Pieces]

_DECODERS: Final[Mapping[str, _Decoder]] = {
    "AutoencoderKLWan": _wan,
    "AutoencoderKLCogVideoX": _cogvideox,
    "AutoencoderKLLTXVideo": _ltx,
    "AutoencoderKLLTX2Video": _ltx,
    "AutoencoderKLHunyuanVideo15": _hunyuan15,
    "AutoencoderKLHunyuanVideo": _hunyuan,
    "AutoencoderKLTemporalDecoder": _svd,
}

BY_FRAMES: Final = frozenset({"AutoencoderKLTemporalDecoder"})
"""Decoders of single pictures. They have no tiles; memory is saved with fewer frames at a time."""

_KR, _KB = 0.2126, 0.0722
"""Weights of red and blue in BT.709 luma (ITU-R BT.709, 3.2)."""

AT_ONCE = 8
"""Frames converted to YUV at once: more would need memory that decoding has just used up."""


def frames_of(decoded: torch.Tensor) -> Iterator[Frame]:
    """Frames of an RGB tensor of 3 × frames × height × width, −1 to 1; both sides must be even."""
    _, _, height, width = decoded.shape
    for some in decoded.split(AT_ONCE, dim=1):
        for planes in i420(as_unit(some)).cpu():
            yield Frame(width, height, planes.numpy().tobytes())


def as_unit(decoded: torch.Tensor) -> torch.Tensor:
    """RGB from 0 to 1, rounded and clamped in the decoder's precision as diffusers' `VaeImageProcessor` does."""
    return (decoded * 0.5 + 0.5).clamp(0, 1).float()


def i420(rgb: torch.Tensor) -> torch.Tensor:
    """Planar YUV 4:2:0, BT.709, limited range.

    Takes RGB of 3 × frames × height × width, 0 to 1; gives one row of bytes per frame.
    """
    red, green, blue = rgb
    luma = _KR * red + (1 - _KR - _KB) * green + _KB * blue
    # Scaled so that Cb and Cr span −0.5 to 0.5.
    chroma = torch.stack([(blue - luma) / (2 * (1 - _KB)), (red - luma) / (2 * (1 - _KR))])
    halved = torch.nn.functional.avg_pool2d(chroma, 2)
    planes = [16 + 219 * luma, *(128 + 224 * halved)]
    return torch.cat([plane.round().clamp(0, 255).to(torch.uint8).flatten(1) for plane in planes], dim=1)
