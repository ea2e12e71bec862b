"""Latents to pictures, piece by piece: the first frames are on their way while the next are decoded.

Which frames come of it, beside what the pipeline's own decoding makes:

* Wan and CogVideoX: the same. Their decoders go through the frames one piece after the other by themselves.
* LTX-Video, LTX-2, HunyuanVideo-1.5: the same but for the last bits of a sum. Their decoders take all frames at once;
  here each of their layers takes some at a time (`windows`), and all where a clip is short.
* Kandinsky 5: the same. Its decoder blends overlapping stretches by itself; each is handed on once it is blended.
* SVD: the same, whole.
* Any other, and LTX-Video where its decoder draws noise: the same, whole.

Where memory is short all but SVD are decoded in tiles that the decoder blends at the seams, still piece by piece: a
little softer there. SVD has no tiles and is decoded in fewer frames, of which those of a piece see each other.
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
"""Each 3 × frames × height × width, −1 to 1."""

_FINEST: Final = 3


def finest(vae: Any) -> int:
    """How fine the pieces may be: 0 is as the pipeline decodes, and each one more half as large.

    Tiles that overlap by a part of their side do so in whole pixels only at the size that the decoder came with.
    """
    return 1 if any("overlap_factor" in name for name in vars(vae)) else _FINEST


def pieces(vae: Any, latents: Latents, fineness: int) -> Pieces:
    """Decode. From `fineness` 1 on in tiles, each step half as large: a little softer at the seams."""
    name = type(vae).__name__
    vae = copy(vae)  # The same weights; what is set here is set for this clip alone.
    if fineness > 0 and name not in BY_FRAMES:
        vae.enable_tiling()
        for side, size in _tile_sizes(vae).items():
            setattr(vae, side, max(1, size >> (fineness - 1)))
    return _DECODERS.get(name, _whole)(vae, latents, fineness)


def _tile_sizes(vae: Any) -> dict[str, int]:
    """The sides and strides of the tiles, by the decoder's own names for them."""
    return {
        name: value
        for name, value in vars(vae).items()
        if name.startswith("tile_") and isinstance(value, int) and not isinstance(value, bool) and "frames" not in name
    }


def _on_device(vae: Any) -> None:
    """Have weights that wait in main memory brought back, as the decoder's own methods would."""
    hook = getattr(vae, "_hf_hook", None)
    if hook is not None:
        hook.pre_forward(vae)


def _decoded(vae: Any, latents: Latents) -> torch.Tensor:
    return vae.decode(latents.tensor, *latents.more, **{**latents.named, "return_dict": False})[0]


def _whole(vae: Any, latents: Latents, _: int) -> Pieces:
    yield _decoded(vae, latents)[0]


def _wan(vae: Any, latents: Latents, fineness: int) -> Pieces:
    """As `AutoencoderKLWan._decode`, a frame of the latent at a time."""
    if fineness:
        yield from _whole(vae, latents, fineness)
        return
    _on_device(vae)
    vae.clear_cache()
    hidden = vae.post_quant_conv(latents.tensor)
    for index in range(hidden.shape[2]):
        vae._conv_idx = [0]
        first = {"first_chunk": True} if index == 0 else {}
        out = vae.decoder(hidden[:, :, index : index + 1], feat_cache=vae._feat_map, feat_idx=vae._conv_idx, **first)
        if vae.config.patch_size is not None:
            out = unpatchify(out, patch_size=vae.config.patch_size)
        yield torch.clamp(out, min=-1.0, max=1.0)[0]


def _cogvideox(vae: Any, latents: Latents, fineness: int) -> Pieces:
    """As `AutoencoderKLCogVideoX._decode`, some frames of the latent at a time."""
    if fineness:
        yield from _whole(vae, latents, fineness)
        return
    _on_device(vae)
    count, step = latents.tensor.shape[2], vae.num_latent_frames_batch_size
    left, kept = count % step, None
    for index in range(max(count // step, 1)):
        piece = latents.tensor[:, :, step * index + (left if index else 0) : step * (index + 1) + left]
        if vae.post_quant_conv is not None:
            piece = vae.post_quant_conv(piece)
        out, kept = vae.decoder(piece, conv_cache=kept)
        yield out[0]


def _ltx(vae: Any, latents: Latents, fineness: int) -> Pieces:
    alike = windowed_decoder.looks_beyond(vae.decoder)
    return _whole(vae, latents, fineness) if alike else _windowed(vae, latents, windowed_decoder.ltx)


def _hunyuan15(vae: Any, latents: Latents, _: int) -> Pieces:
    return _windowed(vae, latents, windowed_decoder.hunyuan15)


def _windowed(vae: Any, latents: Latents, layers: Callable[..., windowed_decoder.Layers]) -> Pieces:
    """The decoder's own `decode`, tiles and all, once for each piece."""
    _on_device(vae)
    in_turn = _InTurn(partial(layers, vae.decoder))
    vae._modules = {**vae._modules, "decoder": in_turn}
    while True:
        in_turn.turn = 0
        try:
            piece = _decoded(vae, latents)
        except StopIteration:
            return
        yield piece[0]


class _InTurn(nn.Module):
    """Stands for a decoder that is asked for the same tiles over and over: each time it gives the next frames of one.

    Raises `StopIteration` where there are no more.
    """

    def __init__(self, layers: Callable[..., windowed_decoder.Layers]) -> None:
        super().__init__()
        self.turn = 0
        self._layers = layers
        self._tiles: list[Iterator[torch.Tensor]] = []

    def forward(self, tile: torch.Tensor, *more: Any, **named: Any) -> torch.Tensor:
        """The next frames of the tile whose turn it is."""
        if self.turn == len(self._tiles):
            self._tiles.append(windowed_decoder.through(self._layers(tile, *more, **named), tile))
        self.turn += 1
        return next(self._tiles[self.turn - 1])


def _hunyuan(vae: Any, latents: Latents, fineness: int) -> Pieces:
    """As `AutoencoderKLHunyuanVideo._temporal_tiled_decode`: each stretch as soon as it is blended with the last."""
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
        piece = stretch[0, :, : min(left, stride + (before is None))]
        before, left = stretch, left - piece.shape[1]
        yield piece


def _svd(vae: Any, latents: Latents, fineness: int) -> Pieces:
    """All frames see each other; in smaller pieces only those of a piece do."""
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
"""Those that encode and decode each frame as a picture. They have no tiles: frames are what they can take fewer of."""

_KR, _KB = 0.2126, 0.0722
"""BT.709's shares of red and blue in luma (ITU-R BT.709, 3.2)."""

AT_ONCE = 8
"""Frames that are converted at once: more would take memory that decoding has just used up."""


def frames_of(decoded: torch.Tensor) -> Iterator[Frame]:
    """The frames of a tensor of 3 × frames × height × width, −1 to 1, RGB: both sides are even."""
    _, _, height, width = decoded.shape
    for some in decoded.split(AT_ONCE, dim=1):
        for planes in i420(as_unit(some)).cpu():
            yield Frame(width, height, planes.numpy().tobytes())


def as_unit(decoded: torch.Tensor) -> torch.Tensor:
    """0 to 1, just as diffusers' own `VaeImageProcessor` rounds and clamps it in the decoder's precision."""
    return (decoded * 0.5 + 0.5).clamp(0, 1).float()


def i420(rgb: torch.Tensor) -> torch.Tensor:
    """Planar YUV 4:2:0, BT.709, limited range, from 3 × frames × height × width in 0 to 1: bytes, a row a frame."""
    red, green, blue = rgb
    luma = _KR * red + (1 - _KR - _KB) * green + _KB * blue
    chroma = torch.stack([(blue - luma) / (2 * (1 - _KB)), (red - luma) / (2 * (1 - _KR))])
    halved = torch.nn.functional.avg_pool2d(chroma, 2)
    planes = [16 + 219 * luma, *(128 + 224 * halved)]
    return torch.cat([plane.round().clamp(0, 255).to(torch.uint8).flatten(1) for plane in planes], dim=1)
