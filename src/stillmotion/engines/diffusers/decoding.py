"""Latents to pictures, piece by piece: the first frames are on their way while the next are decoded.

Decoders that look only backward in time (Wan's, CogVideoX's) are run one piece after the other with the state that they
keep between pieces, exactly as their own `decode` does. The others are run whole, and in tiles where memory is short.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import unpatchify

from stillmotion.engines.diffusers.watched import Latents

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
    if fineness == 0 or type(vae).__name__ in BY_FRAMES:
        yield from _DECODERS.get(type(vae).__name__, _whole)(vae, latents, fineness)
        return
    sizes = _tile_sizes(vae)
    vae.enable_tiling()
    try:
        for name, size in _tile_sizes(vae).items():
            setattr(vae, name, max(1, size >> (fineness - 1)))
        yield from _whole(vae, latents, fineness)
    finally:
        for name, size in sizes.items():
            setattr(vae, name, size)
        vae.disable_tiling()


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


def _whole(vae: Any, latents: Latents, _: int) -> Pieces:
    yield vae.decode(latents.tensor, *latents.more, **{**latents.named, "return_dict": False})[0][0]


def _wan(vae: Any, latents: Latents, _: int) -> Pieces:
    """As `AutoencoderKLWan._decode`, a frame of the latent at a time."""
    _on_device(vae)
    vae.clear_cache()
    try:
        hidden = vae.post_quant_conv(latents.tensor)
        for index in range(hidden.shape[2]):
            vae._conv_idx = [0]
            first = {"first_chunk": True} if index == 0 else {}
            out = vae.decoder(
                hidden[:, :, index : index + 1], feat_cache=vae._feat_map, feat_idx=vae._conv_idx, **first
            )
            if vae.config.patch_size is not None:
                out = unpatchify(out, patch_size=vae.config.patch_size)
            yield torch.clamp(out, min=-1.0, max=1.0)[0]
    finally:
        vae.clear_cache()


def _cogvideox(vae: Any, latents: Latents, _: int) -> Pieces:
    """As `AutoencoderKLCogVideoX._decode`, some frames of the latent at a time."""
    _on_device(vae)
    count, step = latents.tensor.shape[2], vae.num_latent_frames_batch_size
    left, kept = count % step, None
    for index in range(max(count // step, 1)):
        piece = latents.tensor[:, :, step * index + (left if index else 0) : step * (index + 1) + left]
        if vae.post_quant_conv is not None:
            piece = vae.post_quant_conv(piece)
        out, kept = vae.decoder(piece, conv_cache=kept)
        yield out[0]


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
    "AutoencoderKLTemporalDecoder": _svd,
}
BY_FRAMES: Final = frozenset({"AutoencoderKLTemporalDecoder"})
"""Those that encode and decode each frame as a picture. They have no tiles: frames are what they can take fewer of."""
