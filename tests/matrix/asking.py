"""Requests of every ability to every model over every surface of a live edge, with the outcomes that callers get.

A model is its own wire name here. Nothing is rendered: each request is accepted or refused at submit.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from stillmotion.adapters.models.catalogue import read_catalogue
from stillmotion.domain.catalogue import Ability, Catalogue, Dialect, EngineKind, Entry, Server
from stillmotion.domain.planning import plan
from tests.http.conftest import PICTURE_URL, SUBMIT, Caller, Edge

WORDS = "a walk along the shore"
CONCEPT = "orbit_left"

Body = dict[str, Any]

SURFACES: Mapping[str, Mapping[str, Body | None]] = {
    "Gateway": {
        "Start picture": {"url": PICTURE_URL},
        "Start and end": {"url": PICTURE_URL, "end_url": PICTURE_URL},
        "End picture alone": None,
        "Extend a clip": None,
        "Loop": {"url": PICTURE_URL, "loop": True},
        "Words alone": {},
        "Camera concepts": None,
    },
    "Dream Machine": {
        "Start picture": {"keyframes": {"frame0": {"type": "image", "url": PICTURE_URL}}},
        "Start and end": {"keyframes": {name: {"type": "image", "url": PICTURE_URL} for name in ("frame0", "frame1")}},
        "End picture alone": {"keyframes": {"frame1": {"type": "image", "url": PICTURE_URL}}},
        "Extend a clip": {"keyframes": {"frame0": {"type": "generation", "id": "EARLIER"}}},
        "Loop": {"keyframes": {"frame0": {"type": "image", "url": PICTURE_URL}}, "loop": True},
        "Words alone": {},
        "Camera concepts": {
            "keyframes": {"frame0": {"type": "image", "url": PICTURE_URL}},
            "concepts": [{"key": CONCEPT}],
        },
    },
    "OpenAI videos": {
        "Start picture": {"input_reference": {"image_url": PICTURE_URL}},
        "Start and end": None,
        "End picture alone": None,
        "Extend a clip": None,
        "Loop": None,
        "Words alone": {},
        "Camera concepts": None,
    },
}
"""Fields of each surface for an ability, besides the model and the prompt. None if the surface has no field for it."""

ABILITIES = tuple(SURFACES["Gateway"])

PATHS: Mapping[str, str] = {
    "Gateway": SUBMIT,
    "Dream Machine": "/dream-machine/v1/generations/video",
    "OpenAI videos": "/v1/videos",
}

_SERVERS: Mapping[str, tuple[Dialect, frozenset[Ability]]] = {
    "openai-server": (Dialect.OPENAI, frozenset({Ability.FIRST, Ability.TEXT})),
    "dream-machine-server": (
        Dialect.DREAM_MACHINE,
        frozenset({Ability.FIRST, Ability.LAST, Ability.ANY, Ability.LOOP}),
    ),
    "comfyui-image": (Dialect.COMFYUI, frozenset({Ability.FIRST})),
    "comfyui-two-images": (Dialect.COMFYUI, frozenset({Ability.LAST})),
}
"""A server of each dialect, with all abilities that the dialect has fields for."""

NAMED: Mapping[str, str] = {
    "openai-server": "an OpenAI-shaped server",
    "dream-machine-server": "a Dream-Machine-shaped server",
    "comfyui-image": "ComfyUI with `@image`",
    "comfyui-two-images": "ComfyUI with `@image` and `@end_image`",
}
"""Names of the servers on the page."""


class Outcome(NamedTuple):
    """`word` is native, emulated, ignored, refused or –. `sentence` is the manner, or the message to the caller."""

    word: str
    sentence: str = ""


NO_FIELD = Outcome("–")


def models() -> Catalogue:
    """The package's models and a server of each kind. Each is its own wire name."""
    own = read_catalogue()
    servers = {
        name: replace(
            own.entries["parallax"],
            name=name,
            engine=EngineKind.FORWARD,
            abilities=able,
            server=Server(speaks, "http://127.0.0.1:9"),
        )
        for name, (speaks, able) in _SERVERS.items()
    }
    entries = {**own.entries, **servers}
    return Catalogue(entries, {name: (name,) for name in entries})


def ask(edge: Edge, caller: Caller, entry: Entry, surface: str, ability: str) -> Outcome:
    """The outcome of a request for an ability."""
    wanted = SURFACES[surface][ability]
    if wanted is None:
        return NO_FIELD
    body = {"prompt": WORDS, "model": entry.name, **_with_earlier(wanted, caller)}
    answer = caller.post(PATHS[surface], body, Authorization=f"Bearer {caller.issued.primary}")
    if answer.status >= 400:
        assert answer.status == 400, (answer.status, answer.body)
        return Outcome("refused", f"“{_said(answer.body)}”".replace(entry.name, "…"))
    assert answer.headers["x-stillmotion-engine"] == entry.engine_name
    kept = edge.run(edge.store.find(answer.body["id"])).request
    made = plan(entry, kept)
    assert not made.refused
    if made.emulated:
        return Outcome("emulated", made.emulated[0])
    if kept.concepts and not entry.takes_prompt:
        (ignored,) = (each for each in made.adjusted if each.startswith("prompt"))
        return Outcome("ignored", ignored.replace(entry.name, "…"))
    return Outcome("native")


def _with_earlier(wanted: Body, caller: Caller) -> Body:
    """The body with the id of a finished clip, if it needs one."""
    if "EARLIER" not in str(wanted):
        return wanted
    earlier = caller.submit({"prompt": WORDS, "url": PICTURE_URL, "model": "parallax"}).body["id"]
    caller.complete(earlier)
    return {"keyframes": {"frame0": {"type": "generation", "id": earlier}}}


def _said(body: Body) -> str:
    """The sentence of a refusal, in the form of any surface."""
    if "details" in body:
        return "; ".join(f"{each['field']} {each['message']}" for each in body["details"])
    return body["detail"] if "detail" in body else body["error"]["message"]
