"""Optimizations of speed and memory, each an option of the catalogue entry.

`GPU_DEFAULTS` are applied if the entry does not say otherwise, on GPUs of the kind that they were measured on. Order
matters: weights are merged before they are cast, and blocks are compiled before a cache wraps them, so that each block
stays one graph.
"""

import inspect
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn
from torch.nn.functional import normalize, silu

from stillmotion.domain.catalogue import Entry
from stillmotion.domain.errors import EngineUnfit
from stillmotion.engines.diffusers import step_caches
from stillmotion.engines.diffusers.hooks import DENOISERS

OPTIMIZATIONS: Final[Mapping[str, type]] = {
    "attention": str,  # a backend of diffusers, e.g. _native_cudnn, sage
    **step_caches.OPTIONS,
    "channels_last": bool,  # memory layout of the decoder's weights
    "compile": bool,  # the repeated blocks of the networks, and the norms of Wan's decoder
    "flow_shift": float,  # of the scheduler
    "fp8": bool,  # weights stored in 8 bits, computed in `dtype`
    "lora": str,  # a file of LoRA weights to merge
    "lora_2": str,  # the same for the second network
    "lora_scale": float,
    "placement": str,  # placement of the weights, see `memory.DevicePlacement`
    "vae_dtype": str,
}

OWN: Final[Mapping[str, type]] = {**OPTIMIZATIONS, "negative_prompt": str, "force_camera": bool, "preview": bool}
"""Options that are not passed to the pipeline's call."""

GPU_DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "wan": {"compile": True, "channels_last": True, "vae_dtype": "bfloat16"},
}
"""Defaults by family; docs/howto/models-on-a-gpu.md has the figures."""

MEASURED_ON: Final = (9, 0)
"""The lowest compute capability (Hopper) that the defaults are for."""


def with_gpu_defaults(entry: Entry, device: torch.device) -> Entry:
    """The entry with its family's `GPU_DEFAULTS`, as far as it leaves them open and the device can have them."""
    if device.type != "cuda" or torch.cuda.get_device_capability(device) < MEASURED_ON:
        return entry
    quick = GPU_DEFAULTS.get(entry.family, {})
    return replace(entry, options={**{name: quick[name] for name in quick if _can_have(name)}, **entry.options})


def _can_have(name: str) -> bool:
    """True if an option's tools are installed: compiling needs Triton, and a C compiler for its kernel launchers."""
    return name != "compile" or bool(find_spec("triton") and any(map(shutil.which, ("cc", "gcc", "clang"))))


def pipeline_options(entry: Entry, pipeline: Any, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The entry's options for the pipeline's call. Raises `EngineUnfit` for one that it does not take.

    `asked` are the arguments given anyway. `pipeline` may be the class instead of an instance.
    """
    takes = inspect.signature(pipeline.__call__).parameters
    for name, value in entry.options.items():
        if name in OWN:
            if type(value) is not OWN[name] and not (OWN[name] is float and type(value) is int):
                raise EngineUnfit(f"models.{entry.name}.options.{name} must be a {_KINDS[OWN[name]]}.")
        elif name not in takes or name in asked or name in _OURS:
            there = sorted((set(OWN) | set(takes)) - set(asked) - _OURS)
            raise EngineUnfit(f"models.{entry.name}.options.{name} is not known. There are: {', '.join(there)}.")
    return {name: value for name, value in entry.options.items() if name not in OWN}


_KINDS: Final[Mapping[type, str]] = {str: "text", float: "number", int: "whole number", bool: "true or false"}

_OURS: Final = frozenset({"generator", "output_type", "return_dict", "callback_on_step_end", "latents"})


def networks(pipeline: Any) -> Iterator[nn.Module]:
    """The pipeline's denoising networks."""
    for name in DENOISERS:
        network = getattr(pipeline, name, None)
        if isinstance(network, nn.Module):
            yield network


def apply(pipeline: Any, entry: Entry) -> None:
    """Apply the entry's optimizations. Raises `EngineUnfit` if one is not available."""
    options = entry.options
    steps: Mapping[str, Callable[[], Any]] = {
        "lora": lambda: _merge(pipeline, options),
        "flow_shift": lambda: _shift(pipeline, float(options["flow_shift"])),
        "fp8": lambda: _store_in_eight_bits(pipeline, getattr(torch, entry.dtype)),
        "channels_last": lambda: _channels_last(pipeline.vae),
        "attention": lambda: _attend(pipeline, str(options["attention"])),
        "compile": lambda: _compile(pipeline),
        "cache": lambda: step_caches.enable(list(networks(pipeline)), entry),
    }
    for name, step in steps.items():
        if not options.get(name):
            continue
        try:
            step()
        except (ValueError, RuntimeError, ImportError, OSError, AttributeError, KeyError) as error:
            raise EngineUnfit(f"models.{entry.name}.options.{name} cannot be had: {error}") from error


def _merge(pipeline: Any, options: Mapping[str, Any]) -> None:
    for name in ("lora", "lora_2"):
        if not options.get(name):
            continue
        file = Path(str(options[name]))
        second = {"load_into_transformer_2": True} if name == "lora_2" else {}
        pipeline.load_lora_weights(str(file.parent), weight_name=file.name, adapter_name=name, **second)
    parts = ["transformer", "transformer_2"] if options.get("lora_2") else ["transformer"]
    # Merged once, so that each step costs no more than without.
    pipeline.fuse_lora(components=parts, lora_scale=float(options.get("lora_scale", 1.0)))
    pipeline.unload_lora_weights()


def _shift(pipeline: Any, shift: float) -> None:
    scheduler = pipeline.scheduler
    name = "flow_shift" if "flow_shift" in scheduler.config else "shift"
    if name not in scheduler.config:
        raise ValueError(f"{type(scheduler).__name__} has no shift")
    pipeline.scheduler = type(scheduler).from_config(scheduler.config, **{name: shift})


def _store_in_eight_bits(pipeline: Any, dtype: torch.dtype) -> None:
    for network in networks(pipeline):
        network.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=dtype)


def _channels_last(vae: Any) -> None:
    for module in vae.modules():
        if isinstance(module, nn.Conv3d):
            module.to(memory_format=torch.channels_last_3d)


def _attend(pipeline: Any, backend: str) -> None:
    if backend.endswith("_hub"):
        raise ValueError("it would fetch code from a hub: install the library and name the backend without _hub")
    for network in networks(pipeline):
        network.set_attention_backend(backend)


def _compile(pipeline: Any) -> None:
    """Compile each block's `forward`, not the block: cache hooks and the cancel between blocks stay outside."""
    for network in networks(pipeline):
        repeated = getattr(network, "_repeated_blocks", None)
        if not repeated:
            raise ValueError(f"{type(network).__name__} names no blocks that could be compiled")
        for block in network.modules():
            if type(block).__name__ in repeated:
                block.forward = torch.compile(block.forward)
    fuse(pipeline.vae)


def fuse(vae: nn.Module) -> None:
    """Fuse the norms and activations in the blocks of a Wan decoder into one kernel; other decoders are left alone."""
    activated = torch.compile(_activated, dynamic=True)
    for block in vae.modules():
        if type(block).__name__ != "WanResidualBlock" or not isinstance(block.nonlinearity, nn.SiLU):
            continue
        if any(isinstance(norm.bias, nn.Parameter) for norm in (block.norm1, block.norm2)):
            continue
        block.norm1, block.norm2 = _Activated(block.norm1, activated), _Activated(block.norm2, activated)
        block.nonlinearity = nn.Identity()


def _activated(hidden: torch.Tensor, gamma: torch.Tensor, scale: float) -> torch.Tensor:
    return silu(normalize(hidden.float(), dim=1) * scale * gamma).to(hidden.dtype)


class _Activated(nn.Module):
    """A `WanRMS_norm` fused with the activation after it; it uses the norm's own weights."""

    def __init__(self, norm: nn.Module, activated: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.gamma, self.scale, self._activated = norm.gamma, norm.scale, activated

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Normalize over dimension 1 (channels), scale, apply SiLU."""
        return self._activated(hidden, self.gamma, self.scale)
