"""What the reference says of the errors: the tree, what each becomes on the wire, and why generations fail."""

import ast
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from stillmotion.domain import errors
from stillmotion.domain.reasons import MEANINGS
from stillmotion.http.edge.refusals import RefusalRule, Refusals
from stillmotion.http.surfaces.admin import refusals as admin
from stillmotion.http.surfaces.dreammachine import refusals as dreammachine
from stillmotion.http.surfaces.gateway.refusals import PROBLEMS
from stillmotion.http.surfaces.openai import refusals as openai
from tools.docs import source
from tools.docs.markdown import code, literal, table

SURFACES: Mapping[str, Refusals] = {
    "gateway": PROBLEMS,
    "Dream Machine": dreammachine.PROBLEMS,
    "OpenAI": openai.PROBLEMS,
    "admin": admin.PROBLEMS,
}
FAILURE = "GenerationFailed"
REPORT = "Failed"
"""A renderer's message, which begins with its ticket."""


def error_tree() -> str:
    """The tree as the domain draws it."""
    drawn = (errors.__doc__ or "").partition("::")[2]
    return code(inspect.cleandoc(drawn))


def error_answers() -> str:
    """Each surface's table, from the kind of error to what the caller sees."""
    return "\n".join(f"### The {name} surface\n\n{_answers(each.rows.values())}" for name, each in SURFACES.items())


def reasons() -> str:
    """Every code by which a caller is told why it was turned away."""
    return table(("Code", "Why"), ((literal(each.value), meaning) for each, meaning in MEANINGS.items()))


def failure_codes() -> str:
    """Every code that a failed generation may carry, with its sentences."""
    said: dict[str, list[str]] = {}
    for failure_code, sentence in _failures():
        said.setdefault(failure_code, []).append(sentence)
    rows = ((literal(each), "<br>".join(dict.fromkeys(sentences))) for each, sentences in sorted(said.items()))
    return table(("Code", "What its owner reads in `failure_reason`"), rows)


def failure_code_names() -> set[str]:
    """Every code that the package gives to a failure."""
    return {failure_code for failure_code, _ in _failures()}


def _answers(rows: Iterable[RefusalRule]) -> str:
    cells = (
        (str(row.status), literal(row.kind.__name__), row.when, literal(msgspec.json.encode(row.body).decode()))
        for row in sorted(rows, key=lambda row: row.status)
    )
    return table(("Status", "Error", "Answered when", "Body"), cells)


def _failures() -> Iterator[tuple[str, str]]:
    """Code and sentence of every failure that is written out in the source."""
    for _, tree in source.modules():
        for call in source.calls(tree, {FAILURE, REPORT}):
            given = call.args[1:] if source.called(call) == REPORT else call.args
            yield from _said([source.assigned(tree, each) for each in given], "…")
        for maker in _makers(tree):
            (made,) = source.calls(maker, {FAILURE})
            frame = source.text_of(made.args[1]) or "…"
            for call in source.calls(tree, {maker.name}):
                for arguments in source.spread(tree, call.args):
                    yield from _said(arguments, frame)


def _said(arguments: Sequence[ast.expr], frame: str) -> Iterator[tuple[str, str]]:
    """A failure's code and its sentence, set into `frame` at `…`; nothing where the code is not written there."""
    failure_code, sentence = (source.text_of(each) for each in (*arguments, None, None)[:2])
    if failure_code is not None:
        yield failure_code, frame.replace("…", sentence or "…")


def _makers(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Functions of a module that take a code and make the failure of it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and [each.arg for each in node.args.args[:1]] == ["code"]:
            yield node
