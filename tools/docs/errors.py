"""The reference of errors: their tree, each surface's answers, and the failures of generations."""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from stillmotion.domain import errors
from stillmotion.domain.failures import VIDEO_FETCH_CODE, FailureKind, FetchFailure
from stillmotion.http.edge.refusals import RefusalRule, Refusals
from stillmotion.http.surfaces.admin import refusals as admin
from stillmotion.http.surfaces.dreammachine import refusals as dreammachine
from stillmotion.http.surfaces.gateway.refusals import PROBLEMS
from stillmotion.http.surfaces.openai import refusals as openai
from tools.docs.markdown import code, literal, table

SURFACES: Mapping[str, Refusals] = {
    "gateway": PROBLEMS,
    "Dream Machine": dreammachine.PROBLEMS,
    "OpenAI": openai.PROBLEMS,
    "admin": admin.PROBLEMS,
}
_FIELD = re.compile(r"\{\w+\}")
"""A field of a sentence: it is shown as `…`."""


def error_tree() -> str:
    """The tree as the domain draws it."""
    drawn = (errors.__doc__ or "").partition("::")[2]
    return code(inspect.cleandoc(drawn))


def error_answers() -> str:
    """Each surface's table, from the kind of error to what the caller sees."""
    return "\n".join(f"### The {name} surface\n\n{_answers(each.rows.values())}" for name, each in SURFACES.items())


def reasons() -> str:
    """Every code by which a caller is told why it was turned away."""
    return table(("Code", "Why"), ((literal(each.value), each.meaning) for each in errors.Reason))


def failure_codes() -> str:
    """Every code that a failed generation may carry, with its sentences."""
    said: dict[str, list[str]] = {}
    for failure_code, sentence in _failures():
        said.setdefault(failure_code, []).append(_FIELD.sub("…", sentence))
    rows = ((literal(each), "<br>".join(dict.fromkeys(sentences))) for each, sentences in sorted(said.items()))
    return table(("Code", "What its owner reads in `failure_reason`"), rows)


def _answers(rows: Iterable[RefusalRule]) -> str:
    cells = (
        (str(row.status), literal(row.kind.__name__), row.when, literal(msgspec.json.encode(row.body).decode()))
        for row in sorted(rows, key=lambda row: row.status)
    )
    return table(("Status", "Error", "Answered when", "Body"), cells)


def _failures() -> Iterator[tuple[str, str]]:
    """Code and sentence of every failure. A video's end as an image's do, under one code: its beginning is enough."""
    yield from ((each.code, each.sentence) for each in FailureKind)
    for each in FetchFailure:
        yield each.image_code, each.sentence.replace("{medium}", "image")
        yield VIDEO_FETCH_CODE, each.sentence.replace("{medium}", "video").partition(": ")[0] + ": …"
