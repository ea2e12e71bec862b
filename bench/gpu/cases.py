"""The timed models: the published shapes of their networks and decoders, with random weights.

A text encoder of one layer and its model's width stands for the whole one, which runs once a clip and is cached.
Shapes are those of the configurations published with each model's weights in diffusers' layout.
"""

import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import diffusers
import torch
import transformers

from stillmotion.domain.catalogue import Ability, EngineKind, Entry
from stillmotion.domain.request import FrameSize


@dataclass(frozen=True, slots=True)
class Case:
    """A timed model: `build` makes the pipeline on a device, and `steps` are the numbers of steps to time."""

    name: str
    family: str
    build: Callable[[torch.device], Any]
    size: FrameSize
    frames: int
    fps: int
    steps: Sequence[int]
    guidance: float
    first_picture: bool
    dtype: str = "bfloat16"

    def entry(self, steps: int, options: Mapping[str, Any]) -> Entry:
        """The catalogue's entry for it."""
        abilities = frozenset({Ability.FIRST if self.first_picture else Ability.TEXT})
        return Entry(
            self.name,
            EngineKind.DIFFUSERS,
            abilities,
            family=self.family,
            fps=self.fps,
            steps=steps,
            guidance=self.guidance,
            dtype=self.dtype,
            options=options,
        )


def _tokenizer() -> Any:
    letters = string.ascii_letters + string.digits + string.punctuation
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((letter, -3.0) for letter in letters)]
    return transformers.T5Tokenizer(vocab=pieces, extra_ids=0)


def _encoder(kind: str, width: int) -> Any:
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=256, d_model=width, d_kv=64, d_ff=2 * width, num_layers=1, num_heads=max(1, width // 64)
    )
    return getattr(transformers, f"{kind}EncoderModel")(config)


def _as_loaded(network: Any) -> Any:
    """In bfloat16, but for what `from_pretrained` keeps in float32."""
    kept = set(getattr(network, "_keep_in_fp32_modules", None) or ())
    for name, weight in network.named_parameters():
        weight.data = weight.data.to(torch.float32 if kept.intersection(name.split(".")) else torch.bfloat16)
    return network


def _wan(device: torch.device, network: Mapping[str, Any], decoder: Mapping[str, Any], *, residual: bool) -> Any:
    scheduler = diffusers.UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
    )
    parts = {"tokenizer": _tokenizer(), "scheduler": scheduler}
    with torch.device(device):
        parts["text_encoder"] = _encoder("UMT5", network["text_dim"]).to(torch.bfloat16)
        parts["transformer"] = _as_loaded(diffusers.WanTransformer3DModel(**network))
        parts["vae"] = diffusers.AutoencoderKLWan(**decoder)
    if residual:
        return diffusers.WanImageToVideoPipeline(**parts, expand_timesteps=True)
    return diffusers.WanPipeline(**parts)


def _ltx(device: torch.device, network: Mapping[str, Any], decoder: Mapping[str, Any]) -> Any:
    parts = {"tokenizer": _tokenizer(), "scheduler": diffusers.FlowMatchEulerDiscreteScheduler()}
    with torch.device(device):
        parts["text_encoder"] = _encoder("T5", network["caption_channels"]).to(torch.bfloat16)
        parts["transformer"] = _as_loaded(diffusers.LTXVideoTransformer3DModel(**network))
        parts["vae"] = diffusers.AutoencoderKLLTXVideo(**decoder).to(torch.bfloat16)
    return diffusers.LTXConditionPipeline(**parts)


_WAN_14B = {"num_attention_heads": 40, "ffn_dim": 13824, "num_layers": 40, "text_dim": 4096}
_WAN_1B3 = {"num_attention_heads": 12, "ffn_dim": 8960, "num_layers": 30, "text_dim": 4096}
_WAN_5B = {
    "num_attention_heads": 24, "ffn_dim": 14336, "num_layers": 30, "text_dim": 4096, "in_channels": 48,
    "out_channels": 48,
}  # fmt: skip
_VAE_22 = {
    "base_dim": 160, "decoder_base_dim": 256, "z_dim": 48, "dim_mult": [1, 2, 4, 4], "num_res_blocks": 2,
    "temperal_downsample": [False, True, True], "is_residual": True, "in_channels": 12, "out_channels": 12,
    "patch_size": 2, "scale_factor_spatial": 16, "latents_mean": [0.0] * 48, "latents_std": [1.0] * 48,
}  # fmt: skip
_LTX_2B = {"num_attention_heads": 32, "attention_head_dim": 64, "num_layers": 28, "caption_channels": 4096}

FULL = (
    Case(
        "Wan2.1 1.3B, 480p", "wan", lambda device: _wan(device, _WAN_1B3, {}, residual=False),
        FrameSize(832, 480), 81, 16, (10,), 5.0, first_picture=False,
    ),
    Case(
        "Wan2.2 TI2V 5B, 720p", "wan", lambda device: _wan(device, _WAN_5B, _VAE_22, residual=True),
        FrameSize(1280, 704), 121, 24, (4, 50), 5.0, first_picture=True,
    ),
    Case(
        "LTX-Video 2B, 480p", "ltx", lambda device: _ltx(device, _LTX_2B, {}),
        FrameSize(704, 480), 121, 25, (8, 50), 3.0, first_picture=True,
    ),
    Case(
        "Wan2.1 14B, 480p", "wan", lambda device: _wan(device, _WAN_14B, {}, residual=False),
        FrameSize(832, 480), 81, 16, (50,), 5.0, first_picture=False,
    ),
)  # fmt: skip

_SMALL = {"num_attention_heads": 2, "attention_head_dim": 12, "ffn_dim": 32, "num_layers": 2, "text_dim": 64}
_SMALL_VAE = {"base_dim": 4, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1}

TINY = (
    Case(
        "tiny Wan, words", "wan", lambda device: _wan(device, _SMALL, _SMALL_VAE, residual=False),
        FrameSize(64, 32), 9, 16, (4,), 5.0, first_picture=False, dtype="float32",
    ),
    Case(
        "tiny Wan, picture", "wan",
        lambda device: _wan(
            device, _SMALL | {"in_channels": 48, "out_channels": 48}, _VAE_22 | _SMALL_VAE | {"decoder_base_dim": None},
            residual=True,
        ),
        FrameSize(64, 32), 9, 24, (4,), 5.0, first_picture=True, dtype="float32",
    ),
)  # fmt: skip
