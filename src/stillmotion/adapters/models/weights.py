"""Weights of a model on this machine: their folder, and the check that they are whole.

The layout is diffusers': `model_index.json` names the parts, and each has a folder.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from stillmotion.domain.catalogue import Entry
from stillmotion.domain.errors import StillmotionError

INDEX: Final = "model_index.json"
_LENGTH_BYTES: Final = 8
_LONGEST_HEADER: Final = 100_000_000
"""Limit of a safetensors header, by that format's own rule: https://github.com/huggingface/safetensors."""


class WeightsUnusable(StillmotionError):
    """Weights that are missing, incomplete or out of reach: the message says the remedy."""


def folder_of(entry: Entry, pulled: Path) -> Path:
    """Folder of an entry's weights: the operator's own, or else a folder under `pulled`."""
    return Path(entry.weights) if entry.weights else pulled / entry.name


def parts_of(index: Mapping[str, Any]) -> frozenset[str]:
    """Folders that a `model_index.json` names. A part that is left out is a pair of nulls."""
    return frozenset(
        name
        for name, each in index.items()
        if isinstance(each, list) and len(each) == 2 and all(isinstance(word, str) for word in each)
    )


def trouble_with(folder: Path) -> str | None:
    """The first missing or truncated file of a folder of weights, in words; None for a whole folder.

    Sizes are compared with each file's own header. The weights themselves are not read.
    """
    try:
        index = _read(folder / INDEX)
        return next(_troubles(folder, index), None)
    except FileNotFoundError as error:
        return f"{error.filename} is not there"
    except OSError as error:
        return f"{error.filename} cannot be read: {error.strerror}"
    except ValueError as error:
        return str(error)


def _troubles(folder: Path, index: Mapping[str, Any]) -> Iterator[str]:
    parts = parts_of(index)
    if not parts:
        yield f"{folder / INDEX} names no parts"
    for name in sorted(parts):
        part = folder / name
        if not part.is_dir():
            yield f"{part} is not there"
            continue
        yield from _part_troubles(part)


def _part_troubles(part: Path) -> Iterator[str]:
    shards = {shard for index in part.glob("*.safetensors.index.json") for shard in _shards(index)}
    for shard in sorted(shards):
        if not (part / shard).is_file():
            yield f"{part / shard} is not there"
    tensors = sorted(part.glob("*.safetensors"))
    for file in tensors:
        if not is_whole(file):
            yield f"{file} is cut short"
    # A model has a config.json; schedulers, tokenizers and the like have files of other names.
    has_others = any(part.glob("*.bin")) or any(part.glob("tokenizer*"))
    if (part / "config.json").is_file() and not tensors and not has_others:
        yield f"{part} holds no weights"


def _shards(index: Path) -> list[str]:
    named = _read(index).get("weight_map")
    if not isinstance(named, dict) or not all(isinstance(each, str) and "/" not in each for each in named.values()):
        raise ValueError(f"{index} names no files")
    return sorted(set(named.values()))


def is_whole(file: Path) -> bool:
    """True if a safetensors file is as long as its own header says."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        # The format: the header's length in 8 bytes, the header in JSON, then the tensors at the offsets it names.
        length = int.from_bytes(opened.read(_LENGTH_BYTES), "little")
        if not 2 <= length <= min(size, _LONGEST_HEADER):
            return False
        try:
            header = json.loads(opened.read(length))
            ends = [each["data_offsets"][1] for name, each in header.items() if name != "__metadata__"]
        except (ValueError, AttributeError, TypeError, KeyError, IndexError):
            return False
    return size == _LENGTH_BYTES + length + max(ends, default=0)


def _read(file: Path) -> dict[str, Any]:
    try:
        read = json.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is not JSON") from error
    if not isinstance(read, dict):
        raise ValueError(f"{file} is not what it should be")  # noqa: TRY004 - what a file holds, not what a caller gave
    return read
