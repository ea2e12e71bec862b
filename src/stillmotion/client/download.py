"""Download of a clip: atomic, and resumed by a range request after a broken connection."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from stillmotion.client import wire
from stillmotion.client.core import Core
from stillmotion.client.errors import BadAnswer, FileRefused, FileUnwritable, NoAnswer
from stillmotion.client.generation import Generation
from stillmotion.client.steps import BlockingWork, Flow, HttpReply, HttpRequest, Next, Open, Pause
from stillmotion.outputs import (
    CLIP,
    THUMBNAIL,
    Draft,
    IfThere,
    InputPaths,
    OutputRefused,
    OutputUnwritable,
    Words,
    place,
)

_PATIENCE = 60.0
_GONE = frozenset({403, 404, 410})
"""Statuses of an expired address."""
_WORDS: Final = Words("another path", "overwrite=True")
_PLAIN: Final = re.compile(r"[0-9A-Za-z_-]{1,100}")
"""An id that may become a file name: a server must not choose the path that is written."""


def download(core: Core, generation: Generation | str, named: str, *, thumbnail: bool, overwrite: bool) -> Flow[Path]:
    """Write the clip or its thumbnail to the named place, whole or not at all. Returns the file's path.

    Raises `FileRefused` before anything is fetched, `FileUnwritable`, `BadAnswer` where there is no such file (yet),
    and what the core's calls raise.
    """
    known = (yield from core.get(generation)) if isinstance(generation, str) else generation
    kind = THUMBNAIL if thumbnail else CLIP
    if_there = IfThere.REPLACE if overwrite else IfThere.REFUSE
    stem = known.id if _PLAIN.fullmatch(known.id) else kind.noun
    with _as_ours():
        inputs = InputPaths(known.pictures)
        output = yield BlockingWork(lambda: place(named, kind, stem, if_there=if_there, inputs=inputs, words=_WORDS))
        draft: Draft = yield BlockingWork(lambda: Draft(output))
        try:
            with draft.trouble():
                yield from _fetch(core, known, draft.file, thumbnail=thumbnail)
            written = yield BlockingWork(draft.publish)
        finally:
            draft.abandon()
    return written or Path(named)


@contextmanager
def _as_ours() -> Iterator[None]:
    """Translate errors of `outputs` into the client's own."""
    try:
        yield
    except OutputRefused as error:
        raise FileRefused(str(error)) from error
    except OutputUnwritable as error:
        raise FileUnwritable(str(error)) from error


def _fetch(core: Core, generation: Generation, file: BinaryIO, *, thumbnail: bool) -> Flow[None]:
    """Fill the draft, starting where the last attempt broke off."""
    known, validator, tries, is_fresh = generation, "", 0, False
    while True:
        url = _url_of(known, thumbnail=thumbnail)
        try:
            reply: HttpReply = yield Open(HttpRequest("GET", url, _range(file, validator)), _PATIENCE)
            if reply.status in _GONE and not is_fresh:
                known, is_fresh = (yield from core.get(known.id)), True
                continue
            if reply.status not in (200, 206):
                raise wire.refusal(reply)
            if reply.status == 200:
                file.seek(0)
                file.truncate()
            validator = reply.headers.get("etag", "")
            yield from _copy(file, reply)
        except NoAnswer as error:
            if tries == core.retries:
                raise
            yield Pause(core.pause(tries, None), error)
            tries += 1
        else:
            return


def _copy(file: BinaryIO, reply: HttpReply) -> Flow[None]:
    while (piece := (yield Next())) is not None:
        yield BlockingWork(partial(file.write, piece))
    expected = _whole_size(reply.headers)
    if expected is not None and file.tell() != expected:
        raise NoAnswer(f"The download ended after {file.tell()} of {expected} bytes.")


def _range(file: BinaryIO, validator: str) -> Mapping[str, str]:
    """Range headers for the missing bytes, where a validator proves that the file is the same; else none."""
    as_it_is = {"Accept-Encoding": "identity"}
    if not (file.tell() and validator):
        return as_it_is
    return {**as_it_is, "Range": f"bytes={file.tell()}-", "If-Range": validator}


def _whole_size(headers: Mapping[str, str]) -> int | None:
    told = headers.get("content-range", "").rpartition("/")[2] or headers.get("content-length", "")
    return int(told) if told.isdigit() else None


def _url_of(generation: Generation, *, thumbnail: bool) -> str:
    url = generation.image_url if thumbnail else generation.video_url
    if url is None:
        raise BadAnswer(f"The generation {generation.id} is {generation.state} and has nothing to download.")
    return url
