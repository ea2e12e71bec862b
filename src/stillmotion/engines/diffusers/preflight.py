"""Preflight check of a model from its entry and folder; weights are not read."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import diffusers
import torch

from stillmotion.domain.catalogue import CatalogueError, Entry
from stillmotion.domain.errors import EngineUnfit
from stillmotion.engines.diffusers import optimizations, step_caches
from stillmotion.engines.diffusers.families import Family, family_of
from stillmotion.engines.diffusers.hooks import DENOISERS
from stillmotion.engines.diffusers.memory import DevicePlacement

INDEX: Final = "model_index.json"
"""The file that lists the components of a model in diffusers' layout."""


@dataclass(frozen=True, slots=True)
class Loading:
    """Loading parameters of a model. `placement` is None if the device's free memory decides."""

    family: Family
    folder: Path
    pipeline: Any
    dtypes: Mapping[str, torch.dtype]
    placement: DevicePlacement | None


def loading_of(entry: Entry) -> Loading:
    """The loading parameters of an entry. Raises `EngineUnfit` if the model visibly cannot be loaded."""
    try:
        family = family_of(entry)
    except CatalogueError as error:
        raise EngineUnfit(str(error)) from error
    folder = Path(entry.weights)
    if not (folder / INDEX).is_file():
        raise EngineUnfit(f"The model {entry.name} has no weights: {folder / INDEX} is not there.")
    if entry.steps < 1:
        raise EngineUnfit(f"models.{entry.name}.steps must be 1 or more.")
    name = family.pipeline_of(entry)
    pipeline = getattr(diffusers, name, None)
    if pipeline is None:
        raise EngineUnfit(f"models.{entry.name} needs {name}, which the installed diffusers does not have: upgrade it.")
    try:
        wrong = next(_wrong_parts(folder, pipeline), None)
    except (OSError, ValueError, AttributeError) as error:
        wrong = f"{INDEX} cannot be read: {error}"
    if wrong is not None:
        raise EngineUnfit(f"The weights of {entry.name} in {folder} cannot be loaded as {name}: {wrong}.")
    _check_options(entry, pipeline)
    return Loading(family, folder, pipeline, _dtypes(entry, family), _placement(entry))


def why_unfit(entry: Entry) -> str | None:
    """The message of `loading_of`'s `EngineUnfit`; None if it raises nothing."""
    try:
        loading_of(entry)
    except EngineUnfit as error:
        return str(error)
    return None


def _wrong_parts(folder: Path, pipeline: Any) -> Iterator[str]:
    """Descriptions of components that are missing or of another class than the pipeline's."""
    index = json.loads((folder / INDEX).read_text("utf-8"))
    for part, kinds in pipeline._get_signature_types().items():
        if part not in (*DENOISERS, "vae"):
            continue
        _, name = index.get(part) or (None, None)
        if name is None:
            if part not in pipeline._optional_components:
                yield f"it has no {part}"
            continue
        found = getattr(diffusers, name, None)
        if isinstance(found, type) and not any(issubclass(found, kind) for kind in kinds if isinstance(kind, type)):
            yield f"its {part} is a {name}"


def _check_options(entry: Entry, pipeline: Any) -> None:
    optimizations.pipeline_options(entry, pipeline, {})
    try:
        step_caches.check(entry)
    except ValueError as error:
        raise EngineUnfit(f"models.{entry.name}.options.{error}.") from error
    for option in ("lora", "lora_2"):
        file = Path(str(entry.options.get(option, "")))
        if entry.options.get(option) and not file.is_file():
            raise EngineUnfit(f"models.{entry.name}.options.{option} cannot be had: {file} is not there.")


def _dtypes(entry: Entry, family: Family) -> dict[str, torch.dtype]:
    dtypes = {"default": _dtype(entry, "dtype", entry.dtype)}
    decoder = str(entry.options.get("vae_dtype", family.vae_dtype))
    if decoder:
        dtypes["vae"] = _dtype(entry, "options.vae_dtype", decoder)
    return dtypes


def _dtype(entry: Entry, field: str, name: str) -> torch.dtype:
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise EngineUnfit(f"models.{entry.name}.{field} must be bfloat16, float16 or float32.")
    return found


def _placement(entry: Entry) -> DevicePlacement | None:
    name = entry.options.get("placement")
    if not name:
        return None
    try:
        return DevicePlacement(str(name))
    except ValueError:
        raise EngineUnfit(
            f"models.{entry.name}.options.placement must be one of: {', '.join(DevicePlacement)}."
        ) from None
