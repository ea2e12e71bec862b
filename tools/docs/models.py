"""What the documentation says of models: the catalogue, and what its plans answer."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from stillmotion.adapters.catalogue import read_catalogue
from stillmotion.domain.catalogue import Ability, Dialect, EngineKind, Entry, Server
from stillmotion.domain.keyframes import GenerationKeyframe, ImageKeyframe
from stillmotion.domain.planning import plan
from stillmotion.domain.request import AspectRatio, GenerationRequest
from tools.docs.markdown import literal, table

_PICTURE, _CLIP = ImageKeyframe("https://example.com/a.png"), GenerationKeyframe("earlier")
_ASKED: Mapping[str, Mapping[str, Any]] = {
    "Start picture": {"frame0": _PICTURE},
    "Start and end": {"frame0": _PICTURE, "frame1": _PICTURE},
    "End picture alone": {"frame0": None, "frame1": _PICTURE},
    "Extend a clip": {"frame0": _CLIP},
    "Loop": {"frame0": _PICTURE, "loop": True},
    "Words alone": {"frame0": None},
    "Camera concepts": {"frame0": _PICTURE, "concepts": ("orbit_left",)},
}
_SERVERS: Mapping[str, tuple[Dialect, frozenset[Ability]]] = {
    "an OpenAI-shaped server": (Dialect.OPENAI, frozenset({Ability.FIRST, Ability.TEXT})),
    "a Dream-Machine-shaped server": (
        Dialect.DREAM_MACHINE,
        frozenset({Ability.FIRST, Ability.LAST, Ability.ANY, Ability.LOOP}),
    ),
    "ComfyUI with `@image`": (Dialect.COMFYUI, frozenset({Ability.FIRST})),
    "ComfyUI with `@image` and `@end_image`": (Dialect.COMFYUI, frozenset({Ability.LAST})),
}
"""What a server can be asked for at most, by its dialect or its workflow."""


def abilities() -> str:
    """Models against what can be asked: native, emulated or refused, and the sentences beneath."""
    notes: dict[str, int] = {}
    rows = [
        (
            each.name if " " in each.name else literal(each.name),
            *(_cell(each, asked, notes) for asked in _ASKED.values()),
        )
        for each in _entries()
    ]
    listed = "".join(f"{number}. {sentence}\n" for sentence, number in notes.items())
    return table(("Model", *_ASKED), rows) + "\n" + listed


def models() -> str:
    """Every model with weights: what it makes, needs and may be used for."""
    rows = []
    for each in read_catalogue().entries.values():
        if each.engine is not EngineKind.DIFFUSERS:
            continue
        made = plan(each, _request(aspect_ratio=AspectRatio.WIDE))
        where = f"{each.licence}; not for {each.territory}" if each.territory else each.licence
        rows.append(
            (
                literal(each.name),
                f"{made.size.width}×{made.size.height}, {each.longest_seconds:.3g} s at {each.fps}",
                f"{each.steps}, {each.guidance:g}",
                f"{each.memory_gb:g} GB" if each.memory_gb else "–",
                where,
                f"[source]({each.source})",
            )
        )
    head = ("Model", "16:9 at 720p becomes, longest clip, frames a second", "Steps, guidance", "Memory", "Licence", "")
    return table(head, rows)


def _entries() -> list[Entry]:
    """The package's models, and one server of each kind."""
    parallax = read_catalogue().entries["parallax"]
    servers = [
        replace(
            parallax,
            name=name,
            engine=EngineKind.FORWARD,
            abilities=able,
            server=Server(dialect, "http://127.0.0.1:9"),
        )
        for name, (dialect, able) in _SERVERS.items()
    ]
    return [*read_catalogue().entries.values(), *servers]


def _request(**parts: Any) -> GenerationRequest:
    given: dict[str, Any] = {"prompt": "a walk", "frame0": _PICTURE, **parts}
    return GenerationRequest(**given)


def _cell(entry: Entry, asked: Mapping[str, Any], notes: dict[str, int]) -> str:
    made = plan(entry, _request(**asked))
    if made.refused:
        problem = made.refused[0]
        return f"refused {_note(f'“{problem.field} {problem.message}”'.replace(entry.name, '…'), notes)}"
    if made.emulated:
        return f"emulated {_note(made.emulated[0], notes)}"
    ignored = [each for each in made.adjusted if each.startswith("prompt") and asked.get("concepts")]
    return f"ignored {_note(ignored[0].replace(entry.name, '…'), notes)}" if ignored else "native"


def _note(sentence: str, notes: dict[str, int]) -> str:
    return f"({notes.setdefault(sentence, len(notes) + 1)})"
