"""Log injection: no logged value can forge a line of the log."""

import json
import re
import subprocess
import sys

import pytest
import structlog

from stillmotion.cli.logs import QUIET_SECONDS, Repeats

FORGED = '{"event": "forged", "level": "critical"}'
RUDE = f"a walk\n{FORGED}\r\n\x1b[31mred\x1b]0;title\x07\u2028\u0085\x9b31m\ud800 forged"
PROGRAM = """
import logging, sys, structlog
from stillmotion.cli.logs import configure
rude = sys.argv[2].encode("ascii").decode("unicode_escape")
configure("debug", sys.argv[1])
log = structlog.get_logger("test")
log.info("told", value=rude, many=[rude], named={rude: rude})
log.info("told", **{rude: "a name"})
logging.getLogger("library").warning("said %s", rude)
logging.getLogger("psycopg").warning("error ignored terminating a pipeline")
try:
    raise ValueError(rude)
except ValueError:
    log.exception("broke", said=rude)
"""
STARTS = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z \[(info|warning|error) *\] |    ")
"""Beginning of a line on a terminal: an event's, or the indentation of a traceback."""


def written(form: str) -> str:
    ascii_only = RUDE.encode("unicode_escape").decode("ascii")
    ran = subprocess.run([sys.executable, "-c", PROGRAM, form, ascii_only], capture_output=True, check=True)
    return ran.stderr.decode("utf-8")


def test_for_machines_every_line_is_one_event():
    events = [json.loads(line) for line in written("json").splitlines()]
    assert [event["event"].partition(" ")[0] for event in events] == ["told", "told", "said", "broke"]
    assert events[0]["value"] == RUDE
    assert RUDE in events[3]["exception"]


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_line_is_forged_and_no_terminal_is_told_what_to_do(form):
    log = written(form)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]", log)
    for line in log.split("\n")[:-1]:
        assert not line.startswith(FORGED)
        assert form == "json" or STARTS.match(line), line


def test_a_complaint_that_repeats_is_written_once_a_minute_and_counted():
    now = [100.0]
    passed = Repeats(lambda: now[0])

    def is_written(**event):
        try:
            return passed(None, "warning", event)
        except structlog.DropEvent:
            return None

    away = {"event": "lease_not_renewed", "why": "the database cannot be reached", "generation": "1"}
    assert is_written(**away) == away
    assert [is_written(**away) for _ in range(3)] == [None] * 3
    assert is_written(**away | {"generation": "2"})
    assert is_written(event="rendered") == is_written(event="rendered") == {"event": "rendered"}
    now[0] += QUIET_SECONDS
    assert is_written(**away) == {**away, "repeated": 3}
    assert is_written(**away) is None
