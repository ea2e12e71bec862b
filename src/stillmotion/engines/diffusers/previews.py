"""Previews of latents without the decoder: a linear map from channels to colours, fitted when a model is loaded.

The map is the least-squares fit to a few small pictures encoded by the model's own encoder.
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
"""Patches per side of the pictures that the map is fitted to: soft, of random colours."""
PLACES: Final = 8
"""Side of those pictures in latent cells. Together they have twice as many cells as any model has channels."""
DAMPING: Final = 1e-4
"""Ridge regression's damping, as a fraction of the mean diagonal: correlated channels share a weight."""

Encode = Callable[[torch.Tensor], torch.Tensor]
"""From a clip (1 × 3 × frames × height × width, −1 to 1) to its latents."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Colours:
    """Linear map to red, green and blue in −1 to 1: one row per channel and one constant row."""

    weights: torch.Tensor

    def picture(self, latents: torch.Tensor) -> Picture:
        """Preview of the middle frame of decoder input (1 × channels × frames × height × width)."""
        middle = latents[0, :, latents.shape[2] // 2].movedim(0, -1).float()
        weights = self.weights.to(middle.device)
        rgb = torch.nan_to_num(middle @ weights[:-1] + weights[-1])
        pixels = (rgb * 127.5 + 127.5).round().clamp(0, 255).to(torch.uint8).cpu()
        return Picture(pixels.shape[1], pixels.shape[0], pixels.contiguous().numpy())


def colours_of(pipeline: Any, device: torch.device) -> Colours | None:
    """The colour map of a pipeline's latents; None, with a log line, if its encoder does not permit one."""
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
            # At least two latent frames: the first stands for one frame, the others for several.
            frames = 1 + getattr(pipeline, "vae_temporal_compression_ratio", 4)
            return fitted(encode, PLACES * pipeline.video_processor.config.vae_scale_factor, frames)
    except Exception:  # Encoders raise anything; clips can be rendered without previews.
        log.warning("there are no previews of %s", type(pipeline).__name__, exc_info=True)
        return None
    finally:
        pipeline.maybe_free_model_hooks()


def fitted(encode: Encode, side: int, frames: int) -> Colours:
    """The least-squares map from the latents of still clips to their colours."""
    seen, shown = [], []
    for picture in _pictures(side):
        latent = encode(picture[None, :, None].expand(-1, -1, frames, -1, -1))[0, :, -1].double().cpu()
        seen.append(latent.flatten(1).T)
        shown.append(adaptive_avg_pool2d(picture, latent.shape[1:]).flatten(1).T.double())
    given, wanted = torch.cat(seen), torch.cat(shown)
    # A column of ones fits the constant colour.
    given = torch.cat([given, torch.ones_like(given[:, :1])], dim=1)
    square = given.T @ given
    # Normal equations with Tikhonov damping.
    square += DAMPING * square.diagonal().mean() * torch.eye(len(square), dtype=square.dtype)
    return Colours(torch.linalg.solve(square, given.T @ wanted).float())


def _pictures(side: int) -> list[torch.Tensor]:
    chance = torch.Generator().manual_seed(0)
    patches = [torch.rand(1, 3, grid, grid, generator=chance) * 2 - 1 for grid in GRIDS]
    return [interpolate(each, (side, side), mode="bilinear")[0] for each in patches]


def expected(step: Step) -> torch.Tensor:
    """The scheduler's prediction of the final latents at this step."""
    scheduler, answer = step.scheduler, step.answer
    if len(answer) > 1:  # DDIM, DPM and Euler schedulers return it (`pred_original_sample`).
        return answer[1]
    if getattr(scheduler, "model_outputs", None):  # UniPC stores it.
        return scheduler.model_outputs[-1]
    # Flow matching: x0 = x − σ · v.
    asked = inspect.signature(scheduler.step).bind(*step.given, **step.named).arguments
    noise = scheduler.sigmas[scheduler.step_index - 1]
    if asked.get("per_token_timesteps") is not None:
        noise = -asked["per_token_timesteps"][..., None] / scheduler.config.num_train_timesteps
    return asked["sample"].float() - noise * asked["model_output"]
