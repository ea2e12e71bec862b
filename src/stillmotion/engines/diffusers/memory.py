"""Where a model's weights lie: all on the device, or some in main memory until they are needed.

Less and less lies on the device from one placement to the next, and each is slower than the one before.
"""

import gc
import math
from enum import StrEnum
from typing import Any, Final

import torch
from accelerate.hooks import ModelHook, add_hook_to_module
from torch import nn

ROOM: Final = 0.72
"""The part of a device's memory that weights may fill: the rest is for what is computed."""
ENCODERS: Final = ("text_encoder", "text_encoder_2", "image_encoder")
"""What is needed once a clip, before the first step, and not at all where it is remembered."""


class DevicePlacement(StrEnum):
    """Where the weights lie."""

    DEVICE = "device"
    """All on the device."""
    ENCODERS_OFF = "encoders-off"
    """Text and picture encoders in main memory, brought for the moment in which they are needed."""
    PARTS = "parts"
    """One part of the pipeline at a time on the device (diffusers' model offload)."""
    BLOCKS = "blocks"
    """One block of a network at a time (diffusers' group offload)."""


LADDER: Final = tuple(DevicePlacement)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device or main memory had no more to give."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _SAID)


_SAID: Final = ("out of memory", "can't allocate memory")


def room_on(device: torch.device) -> float:
    """How many bytes of weights a device has room for; endless where they are in main memory anyway."""
    return ROOM * torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else math.inf


def first_placement(pipeline: Any, room: float) -> DevicePlacement:
    """The fastest placement that leaves room to compute in."""
    sizes = {name: _byte_count(part) for name, part in pipeline.components.items() if isinstance(part, nn.Module)}
    if sum(sizes.values()) <= room:
        return DevicePlacement.DEVICE
    if sum(size for name, size in sizes.items() if name not in ENCODERS) <= room:
        return DevicePlacement.ENCODERS_OFF
    return DevicePlacement.PARTS if max(sizes.values()) <= room else DevicePlacement.BLOCKS


def _byte_count(part: nn.Module) -> int:
    return sum(each.numel() * each.element_size() for each in (*part.parameters(), *part.buffers()))


def next_placement(placement: DevicePlacement, device: torch.device) -> DevicePlacement | None:
    """The one that takes less of the device; None where there is none."""
    later = LADDER[LADDER.index(placement) + 1 :]
    return later[0] if later and device.type != "cpu" else None


def place(pipeline: Any, placement: DevicePlacement, device: torch.device) -> None:
    """Put the weights there."""
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
    # First those that go: what stays may need their room.
    for name in visitors:
        parts[name].to("cpu")
        add_hook_to_module(parts[name], _Visit(device))
    for name in parts.keys() - visitors:
        parts[name].to(device)


class _Visit(ModelHook):
    """Has a part come to the device for each call, and go again. Pipelines ask it where to send what goes in."""

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
    """Give back what nothing uses any more."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
