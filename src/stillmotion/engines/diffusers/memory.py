"""Placement of a model's weights: on the device, or partly in main memory until they are needed.

Each placement needs less memory of the device than the one before, and is slower.
"""

import gc
import math
from enum import StrEnum
from typing import Any, Final

import torch
from accelerate.hooks import ModelHook, add_hook_to_module
from torch import nn

ROOM: Final = 0.72
"""Fraction of a device's free memory that weights may fill; activations need the rest."""
ENCODERS: Final = ("text_encoder", "text_encoder_2", "image_encoder")
"""Components needed once per clip, before the first step, and not at all if cached."""


class DevicePlacement(StrEnum):
    """Placement of the weights, from the fastest to the least demanding."""

    DEVICE = "device"
    """All weights on the device."""
    ENCODERS_OFF = "encoders-off"
    """Text and image encoders in main memory, moved to the device for each call."""
    PARTS = "parts"
    """One component on the device at a time (diffusers' model offload)."""
    BLOCKS = "blocks"
    """One block of a network on the device at a time (diffusers' group offload)."""


LADDER: Final = tuple(DevicePlacement)


def is_out_of_memory(error: BaseException) -> bool:
    """True if an error means that the device or main memory is exhausted."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _SAID)


_SAID: Final = ("out of memory", "can't allocate memory")


def room_on(device: torch.device) -> float:
    """Bytes of weights that fit on a device; infinite on the CPU and on shared memory."""
    return ROOM * torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else math.inf


def first_placement(pipeline: Any, room: float) -> DevicePlacement:
    """The fastest placement that leaves room for activations."""
    sizes = {name: _byte_count(part) for name, part in pipeline.components.items() if isinstance(part, nn.Module)}
    if sum(sizes.values()) <= room:
        return DevicePlacement.DEVICE
    if sum(size for name, size in sizes.items() if name not in ENCODERS) <= room:
        return DevicePlacement.ENCODERS_OFF
    return DevicePlacement.PARTS if max(sizes.values()) <= room else DevicePlacement.BLOCKS


def _byte_count(part: nn.Module) -> int:
    return sum(each.numel() * each.element_size() for each in (*part.parameters(), *part.buffers()))


def next_placement(placement: DevicePlacement, device: torch.device) -> DevicePlacement | None:
    """The next placement, which needs less of the device; None if there is none."""
    later = LADDER[LADDER.index(placement) + 1 :]
    return later[0] if later and device.type != "cpu" else None


def place(pipeline: Any, placement: DevicePlacement, device: torch.device) -> None:
    """Move the weights."""
    pipeline.remove_all_hooks()
    if placement is DevicePlacement.PARTS:
        pipeline.enable_model_cpu_offload(device=device)
        return
    if placement is DevicePlacement.BLOCKS:
        pipeline.to("cpu")
        streams = device.type == "cuda"
        pipeline.enable_group_offload(
            onload_device=device, offload_type="leaf_level", use_stream=streams, record_stream=streams
        )
        return
    parts = {name: part for name, part in pipeline.components.items() if isinstance(part, nn.Module)}
    visitors = {name for name in parts if placement is DevicePlacement.ENCODERS_OFF and name in ENCODERS}
    # Move weights off the device first: the others may need their room.
    for name in visitors:
        parts[name].to("cpu")
        add_hook_to_module(parts[name], _OffloadHook(device))
    for name in parts.keys() - visitors:
        parts[name].to(device)


class _OffloadHook(ModelHook):
    """Hook that moves a component to the device for each call and back. Pipelines read `execution_device` from it."""

    def __init__(self, device: torch.device) -> None:
        self.execution_device = device

    def pre_forward(self, module: nn.Module, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        """`ModelHook`."""
        module.to(self.execution_device)
        return args, kwargs

    def post_forward(self, module: nn.Module, output: Any) -> Any:
        """`ModelHook`."""
        module.to("cpu")
        return output


def release(device: torch.device) -> None:
    """Return unused memory to the device."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
