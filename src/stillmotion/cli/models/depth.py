"""The depth network in `stillmotion models`: its pull, its line in the list, and its check."""

import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from stillmotion.adapters.models.depth_network import (
    DEFAULT,
    FILES,
    LICENCE,
    NAME,
    REPOSITORY,
    TITLE,
    DepthNetwork,
    NetworkFile,
    pull_network,
)
from stillmotion.adapters.models.weights import WeightsUnusable
from stillmotion.composition.depth import (
    INSTALL,
    NO_MODEL,
    depth_set_up,
    folder_to_pull_into,
    has_runtime,
    pull_command,
)
from stillmotion.config import Settings

SOURCE = "https://github.com/DepthAnything/Depth-Anything-V2"
SUMMARY = "Tells the depth of a picture, so that the camera of the embedded engine moves in space."


def pull_depth(
    settings: Settings, precision: str, tell: Callable[[str], None], files: Mapping[str, NetworkFile] = FILES
) -> dict[str, Any]:
    """Have the depth network on this machine, and describe it; `tell` takes a sentence before the download.

    Raises `WeightsUnusable`, also where what would run the network is not installed: before a byte is fetched.
    """
    of, folder = files[precision], folder_to_pull_into(settings)
    lacking = None if has_runtime() else "Running the depth network needs ONNX Runtime"
    if lacking is None and find_spec("huggingface_hub") is None:
        lacking = "Pulling the depth network needs huggingface_hub"
    if lacking is not None:
        raise WeightsUnusable(f"{lacking}: {INSTALL}, then pull again.")
    is_there = DepthNetwork(folder / of.name, of).trouble() is None
    if not is_there:
        tell(f"{NAME}: {of.sentence}, from {REPOSITORY} on the hub")
    began = time.monotonic()
    network, aside = pull_network(of, folder)
    facts = {"precision": precision, "file": str(network.path), "bytes": of.listed.size, "licence": LICENCE}
    facts |= {} if is_there else {"seconds": round(time.monotonic() - began, 1)}
    return facts | ({"set_aside": str(aside)} if aside else {})


def pulled_sentence(facts: Mapping[str, Any], settings: Settings) -> str:
    """The outcome of `pull_depth` in words: the file, its size, the time that it took, and its use."""
    took = f", in {facts['seconds']:.1f} s" if "seconds" in facts else ", which was there"
    said = f"whole, in {facts['file']} ({facts['bytes'] / 1e6:.1f} MB{took})"
    aside = f"\nAnother file that lay there is now {facts['set_aside']}." if "set_aside" in facts else ""
    return f"{said}{aside}\n{_after_pull(settings)}"


def _after_pull(settings: Settings) -> str:
    """A sentence on the use of the network that was just pulled."""
    if settings.depth_model in NO_MODEL:
        return f"It is not used: depth_model is {settings.depth_model}."
    if settings.depth_model:
        return f"It is not used: depth_model names {settings.depth_model}."
    return "generate, demo, serve and worker use it from their next start on; drawings stay one plane."


def described_depth(settings: Settings) -> Mapping[str, Any]:
    """The depth network as an entry of the list for programs; null where it has nothing that models have."""
    found = depth_set_up(settings)
    network = found.network if found is not None else None
    return {
        "name": NAME,
        "engine": "parallax/1",
        "models": [],
        "summary": SUMMARY,
        "abilities": ["depth"],
        "licence": LICENCE,
        "territory": None,
        "weights": None if network is None else str(network.path),
        "hub": REPOSITORY,
        **dict.fromkeys(("fps", "longest_seconds", "steps", "memory_gb", "server")),
        "source": SOURCE,
        "precision": None if network is None else network.of.precision,
        "bytes": FILES[DEFAULT].listed.size if network is None else network.of.listed.size,
    }


def depth_lines(settings: Settings) -> list[str]:
    """Lines of the list: the network, its licence and size, and whether it is there and used."""
    found = depth_set_up(settings)
    if found is None and settings.depth_model in NO_MODEL:
        state = f"not used: depth_model is {settings.depth_model}"
    elif found is None:
        state = f"not there: {pull_command(DEFAULT)} ({FILES[DEFAULT].megabytes:.0f} MB)"
    elif found.network is None:
        state = f"not used: depth_model names {found.file}"
    else:
        state = f"there, {found.network.of.precision}, in {found.file}"
    return [f"    {TITLE}; {LICENCE}; {state}", f"    {SUMMARY}"]
