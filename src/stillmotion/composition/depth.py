"""Source of depth of an installation's renderers: the operator's model, the pulled network, or the estimate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from stillmotion.adapters.directory.data_directory import data_directory
from stillmotion.adapters.models.depth_network import DEFAULT, FILES, FOLDER, DepthNetwork, NetworkFile, find_network
from stillmotion.config import Settings, default_place
from stillmotion.domain.errors import StillmotionError

NO_MODEL: Final = frozenset({"none", "off"})
"""Values of `depth_model` that leave a pulled network unused."""
INSTALL: Final = "pip install 'stillmotion[onnx]'"
WITHOUT: Final = "set depth_model to none (STILLMOTION_DEPTH_MODEL=none) to do without"
_WEIGHTS: Final = "weights"


class DepthUnusable(StillmotionError):
    """A pulled network that cannot be used as it is: the message says the remedy."""


@dataclass(frozen=True, slots=True)
class DepthSetUp:
    """The depth model of the renderers. `gives` is the meaning of its numbers; `network` is None for another model."""

    file: Path
    gives: str
    network: DepthNetwork | None = None

    @property
    def sentence(self) -> str:
        """The model in words."""
        return f"{self.file}" if self.network is None else f"{self.network.of.sentence}, in {self.file}"

    @property
    def renderer_options(self) -> list[str]:
        """Options of a renderer's command line."""
        pulled = [] if self.network is None else ["--depth-model-pulled"]
        return ["--depth-model", str(self.file), "--depth-model-gives", self.gives, *pulled]


def depth_set_up(settings: Settings, files: Mapping[str, NetworkFile] = FILES) -> DepthSetUp | None:
    """The depth model of these settings; None for the estimate. A pulled one is found, not verified.

    The setting `depth_model` goes first, then the network that `stillmotion models pull depth` fetched.
    """
    if settings.depth_model in NO_MODEL:
        return None
    if settings.depth_model:
        return DepthSetUp(Path(settings.depth_model).resolve(), settings.depth_model_gives)
    network = find_network(depth_folders(settings), files)
    return None if network is None else DepthSetUp(network.path.resolve(), "nearness", network)


def verified_depth(settings: Settings, files: Mapping[str, NetworkFile] = FILES) -> DepthSetUp | None:
    """`depth_set_up`, a pulled network held against its digest. Raises `DepthUnusable` where it is another file."""
    found = depth_set_up(settings, files)
    if found is not None and found.network is not None:
        trouble = trouble_with_network(found.network)
        if trouble is not None:
            raise DepthUnusable(trouble)
    return found


def trouble_with_network(network: DepthNetwork) -> str | None:
    """The reason why a pulled network cannot be used, with its remedy; None where it can."""
    trouble = network.trouble()
    if trouble is not None:
        return (
            f"the depth network is damaged: {trouble}. Pull it again with `{pull_command(network.of.precision)}`, or "
            f"{WITHOUT}."
        )
    if not has_runtime():
        return f"the depth network {network.path} needs ONNX Runtime, which is not installed: {INSTALL}, or {WITHOUT}."
    return None


def depth_trouble(settings: Settings) -> tuple[str, str | None] | None:
    """The depth model in words, and the reason why it cannot be used; None where depth is estimated."""
    found = depth_set_up(settings)
    if found is None:
        return None
    if found.network is not None:
        return found.sentence, trouble_with_network(found.network)
    return found.sentence, None if found.file.is_file() else f"depth_model names {found.file}, which is not a file"


def depth_folders(settings: Settings) -> Sequence[Path]:
    """Folders in which a pulled network is looked for: that of these settings, then this user's own.

    The second serves a server with a data directory elsewhere, such as the demo's.
    """
    places = [Path(settings.weights_dir) if settings.weights_dir else settings.data_dir / _WEIGHTS]
    places.append(default_place() / _WEIGHTS)
    known = [each.absolute() / FOLDER for each in places if each.parts[:1] != ("~",)]
    return tuple(dict.fromkeys(known))


def folder_to_pull_into(settings: Settings) -> Path:
    """The folder that the network is pulled into. Raises `DataDirectoryUnusable` for a user without a home."""
    if settings.weights_dir:
        return Path(settings.weights_dir).absolute() / FOLDER
    return data_directory(settings.data_dir).root / _WEIGHTS / FOLDER


def pull_command(precision: str) -> str:
    """The command that pulls the network."""
    return "stillmotion models pull depth" + ("" if precision == DEFAULT else f" --precision {precision}")


def has_runtime() -> bool:
    """True if ONNX Runtime is installed. It is not loaded."""
    return find_spec("onnxruntime") is not None
