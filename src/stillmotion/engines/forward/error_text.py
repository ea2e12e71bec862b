"""Another server's error, put into words for the owner of the generation."""

from collections.abc import Mapping
from typing import Any

LONGEST = 300
"""Characters of another server's own words that are passed on."""

_MEANINGS: Mapping[tuple[str, ...], str] = {
    ("out of memory", "outofmemory", "oom"): (
        "it ran out of GPU memory. Ask for a smaller resolution or a shorter clip."
    ),
    ("moderation", "nsfw", "safety", "content policy", "inappropriate"): (
        "it refuses such content. Change the words or the picture."
    ),
    ("read user input", "decode", "cannot identify image", "invalid image"): (
        "it could not read the picture. Send another."
    ),
}
"""Signs of a known cause in a server's text, and the cause in our words: what `{why}` is in the table of failures."""


def reason_of(body: Any) -> str:
    """The sentence in an error's JSON body, in any common form; empty if there is none."""
    match body:
        case str():
            return body
        case {"error": {"message": str(said)}}:
            return said
        case {"error": str(said), **more}:
            details = reason_of(more.get("details"))
            return f"{said}: {details}" if details else said
        case {"failure_reason": str(said)} | {"detail": str(said)} | {"message": str(said)} | {"msg": str(said)}:
            return said
        case {"detail": [first, *_]} | [first, *_]:
            return reason_of(first)
        case _:
            return ""


def in_plain_words(reason: str) -> str:
    """The cause that the server's text names, else that text in quotation marks, cut to `LONGEST`."""
    lowered = reason.lower()
    for signs, meaning in _MEANINGS.items():
        if any(sign in lowered for sign in signs):
            return meaning
    printable = "".join(each if each.isprintable() else " " for each in reason)
    text = " ".join(printable.split())[:LONGEST].rstrip(".")
    return f"“{text}”." if text else "it does not say why."
