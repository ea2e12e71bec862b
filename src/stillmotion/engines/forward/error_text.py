"""What went wrong elsewhere, in words for whoever asked for the clip."""

from collections.abc import Mapping
from typing import Any

from stillmotion.domain.errors import GenerationFailed

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
"""What is recognised in a server's words, by any of the first, and what it means."""


def failed(reason: str) -> GenerationFailed:
    """The server took the job and could not do it."""
    return GenerationFailed("remote_failed", f"The server that makes this model failed on it: {_plainly(reason)}")


def refused(reason: str) -> GenerationFailed:
    """The server would not take the job."""
    return GenerationFailed("remote_refused", f"The server that makes this model refused it: {_plainly(reason)}")


def lost() -> GenerationFailed:
    """The server does not know the job any more."""
    return GenerationFailed("remote_lost", "The server that makes this model lost it.", permanent=False)


def stuck() -> GenerationFailed:
    """Nothing has changed for too long."""
    return GenerationFailed(
        "remote_stuck", "The server that makes this model came no further with it.", permanent=False
    )


def incomplete() -> GenerationFailed:
    """The clip never came whole."""
    return GenerationFailed(
        "remote_clip_broken", "The server that made the video sent a file that is not whole.", permanent=False
    )


def out_of_reach() -> GenerationFailed:
    """The clip is made, and lies where it is not to be had: to make it again would not help."""
    return GenerationFailed(
        "remote_clip_out_of_reach",
        "The server that makes this model keeps the video where it cannot be fetched. "
        "Ask whoever runs this service: its log says why.",
    )


def withheld() -> GenerationFailed:
    """The server answers, and does not give the clip that it says is there."""
    return GenerationFailed(
        "remote_clip_withheld",
        "The server that makes this model does not give the video that it made.",
        permanent=False,
    )


def reason_of(body: Any) -> str:
    """The sentence in an error's JSON body, in any of the forms that are in use; empty where there is none."""
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


def _plainly(reason: str) -> str:
    lowered = reason.lower()
    for signs, meaning in _MEANINGS.items():
        if any(sign in lowered for sign in signs):
            return meaning
    printable = "".join(each if each.isprintable() else " " for each in reason)
    text = " ".join(printable.split())[:LONGEST].rstrip(".")
    return f"“{text}”." if text else "it does not say why."
