"""Depth-Anything-V2-Small, a network that tells depth: its files on the hub by commit and digest, and on this machine.

The commit and the digests are those of https://huggingface.co/onnx-community/depth-anything-v2-small, as several
projects that pin the same files have them on record (docs/adr/0052). Small is under Apache-2.0. The larger two of its
family are under CC-BY-NC-4.0, and so are none of ours.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from stillmotion.adapters.models.hub import RECORD, Listed, is_same, pull_file

NAME: Final = "depth"
"""Name in `stillmotion models`."""
TITLE: Final = "Depth-Anything-V2-Small"
LICENCE: Final = "Apache-2.0"
REPOSITORY: Final = "onnx-community/depth-anything-v2-small"
REVISION: Final = "4472b7362082ad9968fee890ca0f1e5aca36b93d"
FOLDER: Final = "depth-anything-v2-small"
"""Name of its folder among those of weights."""
DEFAULT: Final = "int8"


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """The network's file in one precision."""

    precision: str
    listed: Listed

    @property
    def name(self) -> str:
        """Name of the file on this machine; without its suffix it stands in the plans of clips."""
        return f"{FOLDER}-{self.precision}.onnx"

    @property
    def megabytes(self) -> float:
        """Its size."""
        return self.listed.size / 1e6

    @property
    def sentence(self) -> str:
        """The file in words: the network, its precision, size and licence."""
        return f"{TITLE}, {self.precision}, {self.megabytes:.1f} MB, {LICENCE}"


def _file(precision: str, name: str, size: int, sha256: str) -> NetworkFile:
    return NetworkFile(precision, Listed(f"onnx/{name}", size, sha256, None))


FILES: Final[Mapping[str, NetworkFile]] = MappingProxyType(
    {
        each.precision: each
        for each in (
            # Of the two files in 8 bits the one with unsigned weights: ONNX Runtime's ConvInteger takes signed ones
            # late or slowly (https://github.com/microsoft/onnxruntime/issues/15888).
            _file(
                "int8",
                "model_quantized.onnx",
                27_258_801,
                "fcf51f1b230362b28690bb9d1809bf0431f29cad20534e3f589bd7285547f20d",
            ),
            _file(
                "fp32",
                "model.onnx",
                99_060_839,
                "afb6a5c28f3b6bf1618c6e43f02073ef9dfdc70e937502d51603e57b0a1df10c",
            ),
            _file(
                "fp16",
                "model_fp16.onnx",
                49_642_442,
                "2df6223f206b5164e21f664ace61dabeb9bb6a49b8b5a3e00510b4807d0f5b04",
            ),
            _file(
                "q4f16",
                "model_q4f16.onnx",
                19_126_267,
                "eca72971aea64216d767c70c534160de53b5435b588d362bac6dbd5a73f9bf1e",
            ),
        )
    }
)
"""The files by precision, the quickest first."""


@dataclass(frozen=True, slots=True)
class DepthNetwork:
    """The network on this machine."""

    path: Path
    of: NetworkFile

    def trouble(self) -> str | None:
        """The reason why the file is not the one that was published; None where it is, byte for byte."""
        try:
            if self.path.stat().st_size != self.of.listed.size:
                return f"{self.path} has {self.path.stat().st_size} bytes rather than {self.of.listed.size}"
            whole = is_same(self.path, self.of.listed)
        except OSError as error:
            return f"{self.path} cannot be read: {error.strerror}"
        return None if whole else f"{self.path} has other bytes than those that were published"


def find_network(folders: Sequence[Path], files: Mapping[str, NetworkFile] = FILES) -> DepthNetwork | None:
    """The network in the first of the folders that has one: the precision that was pulled last, else any."""
    for folder in folders:
        for of in _in_order(folder, files):
            try:
                if (folder / of.name).is_file():
                    return DepthNetwork(folder / of.name, of)
            except OSError:  # A folder that this user may not enter.
                continue
    return None


def _in_order(folder: Path, files: Mapping[str, NetworkFile]) -> Sequence[NetworkFile]:
    try:
        last = json.loads((folder / RECORD).read_text("utf-8"))["precision"]
    except (OSError, ValueError, KeyError, TypeError):
        return tuple(files.values())
    return sorted(files.values(), key=lambda each: each.precision != last)


def pull_network(of: NetworkFile, folder: Path) -> tuple[DepthNetwork, Path | None]:
    """Have the network's file in `folder`, and record it as the one to use. Raises `WeightsUnusable`.

    The second value is the new path of another file that lay in its place, if one did.
    """
    place = folder / of.name
    aside = pull_file(REPOSITORY, REVISION, of.listed, place, _recorded(of))
    return DepthNetwork(place, of), aside


def _recorded(of: NetworkFile) -> str:
    return json.dumps(
        {
            "hub": REPOSITORY,
            "revision": REVISION,
            "licence": LICENCE,
            "precision": of.precision,
            "file": of.listed.name,
            "size": of.listed.size,
            "sha256": of.listed.sha256,
        },
        indent=2,
    )
