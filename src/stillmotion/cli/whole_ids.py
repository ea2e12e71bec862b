"""Whole ids of generations, from their beginnings."""

import re
from typing import Final

from stillmotion.client import Client
from stillmotion.domain.errors import StillmotionError

CANDIDATES_SHOWN: Final = 5
_WHOLE: Final = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
_BEGINNING: Final = re.compile(r"[0-9A-Fa-f-]{1,36}")


class NoSuchId(StillmotionError):
    """No generation's id, or more than one, begins so."""


def whole_id(client: Client, given: str) -> str:
    """The id that begins so; a whole id as it is. Raises `NoSuchId` that names the candidates, or `ClientError`."""
    if _WHOLE.fullmatch(given):
        return given
    if not _BEGINNING.fullmatch(given):
        raise NoSuchId(f"{given} is no id: `stillmotion generations list` shows yours.")
    found = client.list(limit=CANDIDATES_SHOWN, id=given)
    ids = [each.id for each in found.generations]
    if not ids:
        raise NoSuchId(f"No id of your generations begins with {given}: `stillmotion generations list` shows them.")
    if len(ids) > 1:
        more = " and more" if found.has_more else ""
        raise NoSuchId(f"{given} is the beginning of several ids: {', '.join(ids)}{more}. Write more of it.")
    return ids[0]
