"""Pictures of latents without decoding them: each place of a latent has nearly the colour that a linear map gives it.

The map is fitted where a model is loaded, to a few small pictures that its own encoder has encoded.
"""

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from stillmotion.domain.rendering import Picture
from stillmotion.engines.diffusers.decoding import BY_FRAMES
from stillmotion.engines.diffusers.hooks import Step

GRIDS: Final = (1, 2, 3, 5)
"""The pictures of the fit are soft patches of random colours, so many to a side."""
PLACES: Final = 8
"""The pictures' side in places of the latent: in all twice as many as any model has channels."""
DAMPING: Final = 1e-4
"""Of the least squares, as a part of the mean square: channels that say the same share what they say."""

Encode = Callable[[torch.Tensor], torch.Tensor]
"""From a clip, 1 × 3 × frames × height × width in −1 to 1, to its latents."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Colours:
    """The map: a row for each channel and one for what is always there, on red, green and blue in −1 to 1."""

    weights: torch.Tensor

    def picture(self, latents: torch.Tensor) -> Picture:
        """The middle frame of latents as a decoder takes them, 1 × channels × frames × height × width."""
        middle = latents[0, :, latents.shape[2] // 2].movedim(0, -1).float()
        weights = self.weights.to(middle.device)
        rgb = torch.nan_to_num(middle @ weights[:-1] + weights[-1])
        pixels = (rgb * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8).cpu()
        return Picture(pixels.shape[1], pixels.shape[0], pixels.contiguous().numpy())


def colours_of(pipeline: Any, device: torch.device) -> Colours | None:
    """The map of a pipeline's latents; None, and a line in the log, where its encoder does not lend itself to that."""
    vae = pipeline.vae

    def encode(clip: torch.Tensor) -> torch.Tensor:
        given = clip.to(device, vae.dtype)
        if type(vae).__name__ in BY_FRAMES:
            latents: torch.Tensor = vae.encode(given[:, :, -1]).latent_dist.mode()[:, :, None]
        else:
            latents = vae.encode(given).latent_dist.mode()
        return latents

    try:
        with torch.no_grad():
            # Long enough for a latent frame that is not the first, which stands for one frame where others do for more.
            frames = 1 + getattr(pipeline, "vae_temporal_compression_ratio", 4)
            return fitted(encode, PLACES * pipeline.video_processor.config.vae_scale_factor, frames)
    except Exception:  # Whatever an encoder may raise: clips can be made without it.
        log.warning("there are no previews of %s", type(pipeline).__name__, exc_info=True)
        return None
    finally:
        pipeline.maybe_free_model_hooks()


def fitted(encode: Encode, side: int, frames: int) -> Colours:
    """The map that comes nearest, by least squares, to the colours of still clips of that side and length."""
    seen, shown = [], []
    for picture in _pictures(side):
        latent = encode(picture[None, :, None].expand(-1, -1, frames, -1, -1))[0, :, -1].double().cpu()
        seen.append(latent.flatten(1).T)
        shown.append(adaptive_avg_pool2d(picture, latent.shape[1:]).flatten(1).T.double())
    given, wanted = torch.cat(seen), torch.cat(shown)
    given = torch.cat([given, torch.ones_like(given[:, :1])], dim=1)
    square = given.T @ given
    square += DAMPING * square.diagonal().mean() * torch.eye(len(square), dtype=square.dtype)
    return Colours(torch.linalg.solve(square, given.T @ wanted).float())


def _pictures(side: int) -> list[torch.Tensor]:
    chance = torch.Generator().manual_seed(0)
    patches = [torch.rand(1, 3, grid, grid, generator=chance) * 2 - 1 for grid in GRIDS]
    return [interpolate(each, (side, side), mode="bilinear")[0] for each in patches]


def expected(step: Step) -> torch.Tensor:
    """The latents as the model takes them to be in the end, in whose direction the step went."""
    scheduler, answer = step.scheduler, step.answer
    if len(answer) > 1:  # DDIM, DPM and Euler of diffusion models answer with it.
        return answer[1]
    if getattr(scheduler, "model_outputs", None):  # UniPC keeps it.
        return scheduler.model_outputs[-1]
    # Along a straight flow it is as far as there is noise left.
    asked = inspect.signature(scheduler.step).bind(*step.given, **step.named).arguments
    noise = scheduler.sigmas[scheduler.step_index - 1]
    if asked.get("per_token_timesteps") is not None:
        noise = -asked["per_token_timesteps"][..., None] / scheduler.config.num_train_timesteps
    return asked["sample"].float() - noise * asked["model_output"]
