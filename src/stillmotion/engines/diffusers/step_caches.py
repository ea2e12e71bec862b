"""Caches: a network's work of one step used again in the next ones. All are diffusers' own, and none is on by itself.

They make another clip, out of less work. How much time that saves and how good the clip is, is to be measured for each
model on a GPU: nobody has, so that there is no default.

A cache begins anew with every clip: what it holds is let go of where a pipeline ends, by a cancel too, so that a seed
gives the same clip whatever was made before. Blocks are counted and a cancel is heard whether they are skipped or not:
that happens where the network goes through its blocks, and whether one is skipped is seen only then.
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
"""Below so many steps a cache finds no two that are alike."""


@dataclass(frozen=True, slots=True)
class Cache:
    """`parameters` are fields of the configuration by the options that set them; `fixed` are those that none sets.

    `families` are those that it was found to work with. `for_one` are those where it does so without guidance only:
    their networks run once with the prompt and once without, and the cache would take one for the other.
    `within_blocks` says that it changes what a block does, and not whether it does it.
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
    "cache_ratios": str,  # of one step's change to the one before, e.g. "1.0, 1.02, 0.99"
    "cache_most": int,  # steps that are skipped one after the other
    "cache_interval": int,  # every how many steps it is computed anew
    "cache_after": int,  # steps at first that are all computed
    "cache_order": int,  # of the series that the steps between are told by
    "cache_unguided": int,  # every how many steps the network also runs without the prompt
}


def check(entry: Entry) -> None:
    """Raise `ValueError`, which names the option, where the entry's cache cannot be had."""
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
    """Lay the entry's cache around the networks' blocks, where there are steps enough. Raises `ValueError`."""
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
        # The whole network between two steps that are computed: what diffusers looks for by itself it finds in few.
        asked["skip_predict_identifiers"] = [r"(transformer_)?blocks\.\d+"]
        asked["cache_identifiers"] = ["(audio_)?proj_out"]
        asked["taylor_factors_dtype"] = getattr(torch, entry.dtype)
    if cache.within_blocks:
        asked["current_timestep_callback"] = _timestep_of(network)
    if name == "faster":
        asked["tensor_format"] = "BFCHW"
    return cache.config(**asked)


def _timestep_of(network: nn.Module) -> Any:
    """Tells the time that the network was called with last: two pipelines may share it, and either be at work."""
    last = [0.0]

    def called(_: nn.Module, __: Any, named: dict[str, Any]) -> None:
        last[0] = float(named["timestep"].max())

    network.register_forward_pre_hook(called, with_kwargs=True)
    return lambda: last[0]
