"""Whole ids of generations, from their beginnings."""

import re
from typing import Final

from stillmotion.client import Client, InvalidRequest, NotFound
from stillmotion.domain.errors import StillmotionError

CANDIDATES_SHOWN: Final = 5
_WHOLE: Final = re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
_BEGINNING: Final = re.compile(r"[0-9A-Fa-f-]{1,35}")


class NoSuchId(StillmotionError):
    """No generation's id, or more than one, begins so."""


def whole_id(client: Client, given: str) -> str:
    """The id that begins so; a whole id as it is. Raises `NoSuchId` that names the candidates, or `ClientError`.

    An older server has no list by beginnings, or passes over that filter: what is given is the id there.
    """
    if _WHOLE.fullmatch(given):
        return given
    if not _BEGINNING.fullmatch(given):
        raise NoSuchId(f"{given} is no id: `stillmotion generations list` shows yours.")
    try:
        found = client.list(limit=CANDIDATES_SHOWN, id=given)
    except (InvalidRequest, NotFound):
        return given
    ids = [each.id for each in found.generations]
    if not all(each.startswith(given.lower()) for each in ids):
        return given
    if not ids:
        raise NoSuchId(f"No id of your generations begins with {given}: `stillmotion generations list` shows them.")
    if len(ids) > 1:
        more = " and more" if found.has_more else ""
        raise NoSuchId(f"{given} is the beginning of several ids: {', '.join(ids)}{more}. Write more of it.")
    return ids[0]
