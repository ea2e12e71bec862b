"""Cleanliness: no unfinished parts, no name of a machine, and a reason for every lint exception."""

import re
from collections.abc import Iterator

from tests.architecture import source_tree

UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK|raise NotImplemented" + r"Error)\b")

HERE_ONLY = re.compile(
    r"(?<![\w.:/])/(work|root|opt)/"
    r"|\.\./sha" + r"red\b"
    r"|\b(py" + r"pi\.org|python" + r"hosted|registry\.npm" + r"js|deb\.debian|proxy\.gol" + r"ang)\b"
)
"""Folders of one machine and hosts of package registries. Neither belongs in the project."""

EXCUSE = re.compile(r"#\s*(noqa|type:\s*ignore|pragma)\b(?P<rest>.*)")
WITH_REASON = re.compile(r"(: [A-Z]+\d+(, ?[A-Z]+\d+)*\s+[-#–]+ *\w|\[[a-z, -]+\]\s+#\s*\w|: no cover\s+[-#–]+ *\w)")


def lines(*tops: str) -> Iterator[tuple[str, str]]:
    """Every line of text under these folders, with its path and number."""
    for path in source_tree.files(*tops):
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        yield from ((f"{source_tree.name(path)}:{number}", line) for number, line in enumerate(text.splitlines(), 1))


def test_nothing_is_left_for_later():
    ours = lines("src", "tests", "bench", "tools", "examples", "dev.py", ".ci")
    assert [place for place, line in ours if UNFINISHED.search(line)] == []


def test_nothing_names_one_machine():
    assert [f"{place}: {line.strip()[:80]}" for place, line in lines() if HERE_ONLY.search(line)] == []


def test_every_lint_exception_has_a_reason():
    """The form is `# noqa: CODE - reason` or `# type: ignore[code]  # reason`."""
    excuses = ((place, EXCUSE.search(line)) for place, line in lines("src", "bench", "tools", "dev.py"))
    assert [place for place, excuse in excuses if excuse and not WITH_REASON.match(excuse["rest"])] == []
