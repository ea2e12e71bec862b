"""The reference: it is complete and agrees with the code."""

import pytest

from stillmotion.config import setting_fields
from stillmotion.domain import errors
from stillmotion.domain.errors import StillmotionError
from stillmotion.domain.failures import VIDEO_FETCH_CODE, FailureKind, FetchFailure
from stillmotion.domain.lifecycle import TRANSITIONS
from tests.docs.markdown_pages import ROOT, name
from tools.docs import commands, metrics, wire
from tools.docs.pages import SECTIONS, PageBroken, filled, outdated, pages, regions


def text_of(page: str) -> str:
    return (ROOT / "docs" / page).read_text("utf-8")


def test_no_page_differs_from_the_code():
    """`python3 dev.py docs` mends a difference."""
    assert [name(path) for path in outdated()] == []


def test_everything_that_is_generated_is_shown_somewhere():
    shown = {region for page in pages() for region in regions(page)}
    assert set(SECTIONS) - shown == set()


def test_every_setting_is_listed_with_its_variable():
    page = text_of("reference/settings.md")
    names = [field.name for field in setting_fields()]
    assert [each for each in names if f"| `{each}` | `STILLMOTION_{each.upper()}` |" not in page] == []


def test_every_command_is_shown():
    page = text_of("reference/cli.md")
    assert [each for each in commands.command_names() if f"## `{each}`\n" not in page] == []


def test_every_path_and_status_is_shown():
    page = text_of("reference/http.md")
    document = wire.document()
    for path, methods in document["paths"].items():
        assert f"`{path}`" in page
        for operation in methods.values():
            assert all(f"| {status} |" in page for status in operation.get("responses", {}))


def test_every_error_of_the_tree_is_drawn():
    page = text_of("reference/errors.md")
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, StillmotionError)]
    assert [kind.__name__ for kind in kinds if f" {kind.__name__}" not in page.replace("\n", " ")] == []


def test_every_failure_code_is_listed():
    page = text_of("reference/errors.md")
    codes = {each.code for each in FailureKind} | {each.image_code for each in FetchFailure} | {VIDEO_FETCH_CODE}
    assert [code for code in codes if f"| `{code}` |" not in page] == []


def test_every_metric_is_listed():
    page = text_of("reference/metrics.md")
    assert metrics.metric_names()
    assert [metric for metric in metrics.metric_names() if f"| `{metric}` |" not in page] == []


def test_the_lifecycle_diagram_is_the_table():
    page = text_of("explanation/architecture.md")
    arrows = [line.strip() for line in page.splitlines() if " --> " in line and ": " in line]
    table = [f"{source} --> {target}: {event}" for (source, event), target in TRANSITIONS.items()]
    assert arrows == ["[*] --> queued: submit", *table]


@pytest.mark.parametrize(
    "text",
    ["<!-- generated: lifecycle -->\n", "<!-- generated: lifecycle -->\n<!-- end: layers -->\n"],
    ids=["never closed", "closed by another name"],
)
def test_marks_that_do_not_fit_together_are_refused(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(PageBroken, match=r"page\.md"):
        filled(page)


def test_a_section_that_nothing_generates_is_refused(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- generated: poems -->\n<!-- end: poems -->\n")
    with pytest.raises(PageBroken, match="nothing generates poems"):
        filled(page)
