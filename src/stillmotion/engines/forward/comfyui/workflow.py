"""ComfyUI workflows with named slots, filled in for each clip.

The workflow is in API form (a JSON object of nodes). A node whose title holds `@image`, `@end_image`, `@prompt`,
`@seed`, `@size` or `@frames` receives that value; `@prompt.string` names the input to set, if it is not the usual one.
"""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from stillmotion.domain.catalogue import Ability, CatalogueError, Entry

_SLOT: Final = re.compile(r"@(image|end_image|prompt|seed|size|frames)(?:\.(\w+))?")
_USUAL: Final[Mapping[str, tuple[str, ...]]] = {
    "image": ("image",),
    "end_image": ("image",),
    "prompt": ("text", "prompt", "string", "value"),
    "seed": ("seed", "noise_seed", "value"),
    "frames": ("length", "num_frames", "frames", "value"),
}
"""Input names by slot; the first that the node has is set."""

_PICTURES: Final[Mapping[Ability, frozenset[str]]] = {
    Ability.TEXT: frozenset(),
    Ability.FIRST: frozenset({"image"}),
    Ability.LAST: frozenset({"image", "end_image"}),
}
"""Picture slots that each ability needs, neither more nor fewer: an unfilled slot would show the picture that the
workflow's author left in it."""

Graph = dict[str, dict[str, Any]]


def read_workflow(entry: Entry, file: Path) -> Graph:
    """Read the operator's workflow. Raises `CatalogueError` if it lacks slots for the entry's abilities."""
    try:
        graph = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CatalogueError(f"models.{entry.name}: the workflow {file} cannot be read: {error}.") from error
    if not isinstance(graph, dict) or not all(
        isinstance(each, dict) and "class_type" in each for each in graph.values()
    ):
        raise CatalogueError(f"models.{entry.name}: {file} is no workflow in API form: export it with “Save (API)”.")
    there = {slot for _, slot, _ in _slots(graph)}
    for ability in entry.abilities:
        if there & {"image", "end_image"} != _PICTURES[ability]:
            wanted = ", ".join(f"@{slot}" for slot in sorted(_PICTURES[ability])) or "no picture"
            raise CatalogueError(
                f"models.{entry.name}: for the ability {ability} the nodes of {file} must be titled to take {wanted}."
            )
    if entry.takes_prompt and "prompt" not in there:
        raise CatalogueError(
            f"models.{entry.name}: no node of {file} is titled @prompt: name the one that takes it so."
        )
    return graph


def filled(graph: Graph, values: Mapping[str, Any]) -> Graph:
    """A copy of the workflow with its slots filled; `size` is (width, height) in pixels. Missing values leave a slot as
    it is.
    """
    made = copy.deepcopy(graph)
    for node, slot, named in _slots(made):
        if values.get(slot) is None:
            continue
        inputs = node.setdefault("inputs", {})
        if slot == "size":
            inputs["width"], inputs["height"] = values[slot]
        else:
            usual = (each for each in _USUAL[slot] if each in inputs)
            inputs[named or next(usual, _USUAL[slot][0])] = values[slot]
    return made


def _slots(graph: Graph) -> Iterator[tuple[dict[str, Any], str, str | None]]:
    for node in graph.values():
        meta = node.get("_meta")
        title = str(meta.get("title", "")) if isinstance(meta, dict) else ""
        for slot, named in _SLOT.findall(title):
            yield node, slot, named or None
