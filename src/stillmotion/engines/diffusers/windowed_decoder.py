"""Decoders run layer after layer, each over some frames at a time together with those beside them that it looks at.

What comes out is what the decoder makes of all frames at once: no frame of it lacks a neighbour. Only how a library
sums within a convolution may depend on the number of frames, and with it the last bit of a result.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import torch
from diffusers.models.autoencoders.autoencoder_kl_ltx2 import LTX2VideoDecoder3d

AT_ONCE: Final = 32
"""Frames that a layer works on at once: with more, the neighbours weigh less that it works on a second time."""


@dataclass(frozen=True, slots=True)
class TemporalLayer:
    """Looks at so many frames behind and ahead of each, and makes `times` frames of each but the first."""

    run: Callable[[torch.Tensor], torch.Tensor]
    behind: int = 0
    ahead: int = 0
    times: int = 1


Layers = Iterable[TemporalLayer]


def through(layers: Layers, latents: torch.Tensor) -> Iterator[torch.Tensor]:
    """What the layers make of it, from the first frame to the last. The first layer gets all frames at once."""
    pieces, count = iter((latents,)), latents.shape[2]
    for layer in layers:
        pieces, count = _worked(layer, pieces, count), layer.times * (count - 1) + 1
    return pieces


def _worked(layer: TemporalLayer, pieces: Iterator[torch.Tensor], left: int) -> Iterator[torch.Tensor]:
    """`left` frames come in. Nothing that was handed on is held, since all layers wait for the last one."""
    held, behind = None, 0  # Of the frames that are held, so many are worked on already.
    for piece in pieces:
        left -= piece.shape[2]
        held = piece if held is None else torch.cat((held, piece), dim=2)
        del piece
        ahead = layer.ahead if left else 0
        until = held.shape[2] - ahead
        if until <= behind:
            continue
        done = _within(layer, layer.run(held), behind, ahead)
        since = max(0, until - layer.behind)
        held, behind = held[:, :, since:].clone(), until - since
        parts = list(done.chunk(-(-done.shape[2] // AT_ONCE), dim=2))
        del done
        while parts:
            yield parts.pop(0)


def _within(layer: TemporalLayer, made: torch.Tensor, behind: int, ahead: int) -> torch.Tensor:
    """Without what was made of the frames beside: they lack neighbours here."""
    first = layer.times * (behind - 1) + 1 if behind else 0
    return made[:, :, first : made.shape[2] - layer.times * ahead]


def looks_beyond(decoder: Any) -> bool:
    """Whether LTX's decoder draws noise for all frames alike, or puts several into one."""
    return decoder.patch_size_t != 1 or any("per_channel_scale" in name for name, _ in decoder.named_parameters())


def ltx(decoder: Any, latents: torch.Tensor, temb: Any = None, causal: bool | None = None) -> Layers:
    """As `LTXVideoDecoder3d.forward` and `LTX2VideoDecoder3d.forward`."""
    second = isinstance(decoder, LTX2VideoDecoder3d)
    causal = bool(causal or decoder.is_causal) if second else decoder.conv_in.is_causal
    how = {"causal": causal} if second else {}
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
    """As `HunyuanVideo15Decoder3D.forward`: what is of the latent's size sees all frames, the rest looks backward."""

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
