"""Windowed decoding: each layer of a decoder runs on a window of frames, with the neighbours that it needs.

The result is that of decoding all frames at once; no frame lacks a neighbour. Only rounding may differ, because a
library may sum a convolution differently for another number of frames.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import torch
from diffusers.models.autoencoders.autoencoder_kl_ltx2 import LTX2VideoDecoder3d

AT_ONCE: Final = 32
"""Frames per window: the neighbours computed twice weigh less in larger ones."""


@dataclass(frozen=True, slots=True)
class TemporalLayer:
    """A layer with its receptive field in time: frames `behind` and `ahead`.

    It makes `times` frames of each but the first.
    """

    run: Callable[[torch.Tensor], torch.Tensor]
    behind: int = 0
    ahead: int = 0
    times: int = 1


Layers = Iterable[TemporalLayer]


def run_layers(layers: Layers, latents: torch.Tensor) -> Iterator[torch.Tensor]:
    """The layers' output in order, piece by piece. The first layer gets all frames at once."""
    pieces, count = iter((latents,)), latents.shape[2]
    for layer in layers:
        pieces, count = _run_layer(layer, pieces, count), layer.times * (count - 1) + 1
    return pieces


def _run_layer(layer: TemporalLayer, pieces: Iterator[torch.Tensor], left: int) -> Iterator[torch.Tensor]:
    """One layer over a stream of pieces that add up to `left` frames.

    Pieces handed on are not kept, since all layers hold memory until the last frame.
    """
    held, behind = None, 0  # `behind` counts the held frames that are only context.
    for piece in pieces:
        left -= piece.shape[2]
        held = piece if held is None else torch.cat((held, piece), dim=2)
        del piece
        # The last frames have no successors to wait for.
        ahead = layer.ahead if left else 0
        until = held.shape[2] - ahead
        if until <= behind:
            continue
        done = _without_neighbours(layer, layer.run(held), behind, ahead)
        since = max(0, until - layer.behind)
        held, behind = held[:, :, since:].clone(), until - since
        parts = list(done.chunk(-(-done.shape[2] // AT_ONCE), dim=2))
        del done
        while parts:
            yield parts.pop(0)


def _without_neighbours(layer: TemporalLayer, made: torch.Tensor, behind: int, ahead: int) -> torch.Tensor:
    """The output without that of the context frames, which lack neighbours here."""
    first = layer.times * (behind - 1) + 1 if behind else 0
    return made[:, :, first : made.shape[2] - layer.times * ahead]


def needs_whole_clip(decoder: Any) -> bool:
    """True for a decoder of LTX that injects one noise into all frames, or packs several frames into one."""
    return decoder.patch_size_t != 1 or any("per_channel_scale" in name for name, _ in decoder.named_parameters())


def ltx(decoder: Any, latents: torch.Tensor, temb: Any = None, causal: bool | None = None) -> Layers:
    """The layers of `LTXVideoDecoder3d.forward` and `LTX2VideoDecoder3d.forward`."""
    second = isinstance(decoder, LTX2VideoDecoder3d)
    causal = bool(causal or decoder.is_causal) if second else decoder.conv_in.is_causal
    how = {"causal": causal} if second else {}
    # Kernels span three frames: causal convolutions look back two, others one to either side.
    behind, ahead = (2, 0) if causal else (1, 1)
    if decoder.timestep_scale_multiplier is not None:
        temb = temb * decoder.timestep_scale_multiplier.to(temb.device)
    yield TemporalLayer(partial(decoder.conv_in, **how), behind, ahead)
    for block in (decoder.mid_block, *decoder.up_blocks):
        if getattr(block, "conv_in", None) is not None:
            yield TemporalLayer(partial(block.conv_in, temb=temb, **how), 2 * behind, 2 * ahead)
        for upsampler in getattr(block, "upsamplers", None) or ():
            yield TemporalLayer(partial(upsampler, **how), behind, ahead, upsampler.stride[0])
        embedded = _embedded(block.time_embedder, temb, latents)
        for resnet in block.resnets:
            yield TemporalLayer(partial(resnet, temb=embedded, **how), 2 * behind, 2 * ahead)
    shift = None if decoder.time_embedder is None else _embedded(decoder.time_embedder, temb, latents)
    yield TemporalLayer(partial(_ltx_end, decoder, how, shift), behind, ahead)


def _embedded(embedder: Any, temb: Any, latents: torch.Tensor) -> Any:
    if embedder is None:
        return temb
    count = latents.shape[0]
    asked = {"resolution": None, "aspect_ratio": None, "batch_size": count, "hidden_dtype": latents.dtype}
    return embedder(timestep=temb.flatten(), **asked).view(count, -1, 1, 1, 1)


def _ltx_end(decoder: Any, how: dict[str, Any], temb: Any, hidden: torch.Tensor) -> torch.Tensor:
    if isinstance(decoder, LTX2VideoDecoder3d):
        hidden = decoder.norm_out(hidden)
    else:
        hidden = decoder.norm_out(hidden.movedim(1, -1)).movedim(-1, 1)
    if temb is not None:
        table = decoder.scale_shift_table.to(hidden.device)
        shift, scale = (temb.unflatten(1, (2, -1)) + table[None, ..., None, None, None]).unbind(dim=1)
        hidden = hidden * (1 + scale) + shift
    hidden = decoder.conv_out(decoder.conv_act(hidden), **how)
    count, _, frames, height, width = hidden.shape
    side = decoder.patch_size
    hidden = hidden.reshape(count, -1, 1, side, side, frames, height, width)
    return hidden.permute(0, 1, 5, 2, 6, 4, 7, 3).flatten(6, 7).flatten(4, 5).flatten(2, 3)


def hunyuan15(decoder: Any, _: torch.Tensor) -> Layers:
    """The layers of `HunyuanVideo15Decoder3D.forward`.

    All are causal but those at the latent's size, which attend to all frames.
    """

    def middle(latents: torch.Tensor) -> torch.Tensor:
        repeated = latents.repeat_interleave(repeats=decoder.repeat, dim=1)
        return decoder.mid_block(decoder.conv_in(latents) + repeated)

    yield TemporalLayer(middle)
    for block in decoder.up_blocks:
        for resnet in block.resnets:
            yield TemporalLayer(resnet, behind=4)
        for upsampler in block.upsamplers or ():
            yield TemporalLayer(upsampler, behind=2, times=2 if upsampler.add_temporal_upsample else 1)
    yield TemporalLayer(lambda hidden: decoder.conv_out(decoder.conv_act(decoder.norm_out(hidden))), behind=2)
