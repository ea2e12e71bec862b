"""Step caches: reuse of a network's results from one denoising step in the next ones. All are diffusers' own; none is
on by default.

They change the clip and save work. Time saved and quality lost have not been measured on a GPU for any model, hence no
default.

A cache is reset after every clip, a cancelled one too, so that a seed gives the same clip regardless of earlier ones.
Progress and cancels are handled before each block, skipped or not: whether a block is skipped is decided inside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import torch
from diffusers import (
    FasterCacheConfig,
    FirstBlockCacheConfig,
    MagCacheConfig,
    PyramidAttentionBroadcastConfig,
    TaylorSeerCacheConfig,
)
from torch import nn

from stillmotion.domain.catalogue import Entry

FEW: Final = 8
"""Fewest steps for which a cache is used: with fewer, no two are alike."""


@dataclass(frozen=True, slots=True)
class Cache:
    """A cache of diffusers.

    `parameters` maps options to fields of the configuration. `families` are those that it is known to work with;
    `for_one` are those that it works with only without guidance, because their networks run twice per step, with and
    without the prompt, and the cache would mix the two. `within_blocks` says that it changes a block's computation
    instead of skipping the block.
    """

    config: type
    parameters: Mapping[str, str]
    families: frozenset[str]
    for_one: frozenset[str] = frozenset()
    within_blocks: bool = False


_SKIPS_BLOCKS: Final = frozenset({"wan", "ltx", "cogvideox"})

CACHES: Final[Mapping[str, Cache]] = {
    "first-block": Cache(FirstBlockCacheConfig, {"cache_threshold": "threshold"}, _SKIPS_BLOCKS),
    "mag": Cache(
        MagCacheConfig,
        {"cache_threshold": "threshold", "cache_most": "max_skip_steps", "cache_ratios": "mag_ratios"},
        _SKIPS_BLOCKS,
    ),
    "taylor": Cache(
        TaylorSeerCacheConfig,
        {"cache_interval": "cache_interval", "cache_after": "disable_cache_before_step", "cache_order": "max_order"},
        _SKIPS_BLOCKS | {"ltx2", "hunyuan15"},
    ),
    "pyramid": Cache(
        PyramidAttentionBroadcastConfig,
        {"cache_interval": "spatial_attention_block_skip_range"},
        frozenset({"ltx", "cogvideox"}),
        for_one=frozenset({"wan", "hunyuan15"}),
        within_blocks=True,
    ),
    "faster": Cache(
        FasterCacheConfig,
        {
            "cache_interval": "spatial_attention_block_skip_range",
            "cache_unguided": "unconditional_batch_skip_range",
        },
        frozenset({"cogvideox"}),
        within_blocks=True,
    ),
}
OPTIONS: Final[Mapping[str, type]] = {
    "cache": str,
    "cache_threshold": float,
    "cache_ratios": str,  # magnitude ratios from step to step, e.g. "1.0, 1.02, 0.99"
    "cache_most": int,  # most steps skipped in a row
    "cache_interval": int,  # steps between two computations
    "cache_after": int,  # number of first steps always computed
    "cache_order": int,  # order of the Taylor series for skipped steps
    "cache_unguided": int,  # steps between two runs without the prompt
}


def check(entry: Entry) -> None:
    """Raise `ValueError`, naming the option, if the entry's cache is not available."""
    given = {name for name in entry.options if name in OPTIONS} - {"cache"}
    name = str(entry.options.get("cache", ""))
    if not name:
        if given:
            raise ValueError(f"{min(given)} is for a cache: set cache to one of {', '.join(CACHES)}")
        return
    cache = CACHES.get(name)
    if cache is None:
        raise ValueError(f"cache must be one of {', '.join(CACHES)}")
    beyond = given - cache.parameters.keys()
    if beyond:
        raise ValueError(f"{min(beyond)} is not for the cache {name}, which takes {', '.join(cache.parameters)}")
    for option in sorted(given):
        value = entry.options[option]
        if OPTIONS[option] is int and isinstance(value, int) and value < 1:
            raise ValueError(f"{option} must be 1 or more")
    _check_family(name, cache, entry)
    if name == "mag":
        _ratios(entry)


def _check_family(name: str, cache: Cache, entry: Entry) -> None:
    guided = entry.guidance > 1
    if entry.family not in cache.families | cache.for_one:
        fitting = [each for each, other in CACHES.items() if entry.family in other.families]
        raise ValueError(f"cache cannot be {name} for the family {entry.family}, but {', '.join(fitting) or 'none'}")
    if guided and entry.family in cache.for_one:
        raise ValueError(f"cache cannot be {name} for the family {entry.family} where guidance is above 1")
    if name == "faster" and not guided:
        raise ValueError("cache cannot be faster where guidance is 1 or less: no run is without the prompt")
    if cache.within_blocks and entry.options.get("compile"):
        raise ValueError(f"cache cannot be {name} together with compile: it works within the blocks")


def _ratios(entry: Entry) -> list[float]:
    try:
        return [float(each) for each in str(entry.options.get("cache_ratios", "")).split(",")]
    except ValueError:
        told = "MagCacheConfig(calibrate=True) of diffusers prints a model's own"
        raise ValueError(f"cache_ratios must be numbers with commas between for the cache mag: {told}") from None


def enable(networks: list[nn.Module], entry: Entry) -> None:
    """Wrap the networks' blocks in the entry's cache, if there are enough steps. Raises `ValueError`."""
    name = str(entry.options["cache"])
    if entry.steps < FEW:
        return
    if name == "mag" and len(networks) > 1:
        raise ValueError("mag counts the steps of one network, and this model has two")
    for network in networks:
        network.enable_cache(_config(name, entry, network))


def _config(name: str, entry: Entry, network: nn.Module) -> Any:
    cache = CACHES[name]
    asked: dict[str, Any] = {
        field: entry.options[option] for option, field in cache.parameters.items() if option in entry.options
    }
    if name == "mag":
        asked["mag_ratios"] = _ratios(entry)
        asked["num_inference_steps"] = entry.steps
    if name == "taylor":
        # Skip the whole network between computed steps: the blocks that diffusers finds by itself cover only part of
        # some networks.
        asked["skip_predict_identifiers"] = [r"(transformer_)?blocks\.\d+"]
        asked["cache_identifiers"] = ["(audio_)?proj_out"]
        asked["taylor_factors_dtype"] = getattr(torch, entry.dtype)
    if cache.within_blocks:
        asked["current_timestep_callback"] = _timestep_of(network)
    if name == "faster":
        asked["tensor_format"] = "BFCHW"
    return cache.config(**asked)


def _timestep_of(network: nn.Module) -> Any:
    """A function that gives the timestep of the network's latest call; two pipelines may share the network."""
    last = [0.0]

    def called(_: nn.Module, __: Any, named: dict[str, Any]) -> None:
        last[0] = float(named["timestep"].max())

    network.register_forward_pre_hook(called, with_kwargs=True)
    return lambda: last[0]
