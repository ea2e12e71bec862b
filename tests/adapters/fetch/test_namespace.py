"""The shared SSRF cases in a namespace where every address answers: the addresses that fetches and callbacks reach."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SHARED = json.loads((Path(__file__).parents[2] / "cases" / "ssrf.json").read_text("utf-8"))
CASES = {case["id"]: case for case in SHARED["cases"]}
PUBLIC = frozenset(SHARED["public_addresses"])
UNSHARE = ("unshare", "--user", "--map-root-user", "--net")
AN_ADDRESS = re.compile(r"\d+\.\d+\.\d+|:\d{2,}|\[|::")
ANSWERED_ANYHOW = {"body", "redirect"}
"""Categories about the body of an answer or its redirect. A callback heeds only the status."""


def why_not() -> str:
    """The reason why a network namespace is not possible here, empty if it is."""
    for program in ("unshare", "ip", "openssl"):
        if shutil.which(program) is None:
            return f"there is no {program} here"
    if subprocess.run([*UNSHARE, "ip", "link", "set", "lo", "up"], capture_output=True, check=False).returncode:
        return "this user may not make a network namespace"
    return ""


@pytest.fixture(scope="module")
def results():
    hindrance = why_not()
    if hindrance:
        pytest.skip(f"{hindrance}: tests/adapters/fetch/test_wire.py tries the same cases where the sockets are made")
    command = [*UNSHARE, sys.executable, "-m", "tests.adapters.fetch.namespace_program"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_a_connection_that_nothing_guards_is_seen(results):
    assert results[-1] == {"id": "unguarded", "connected": ["169.254.169.254"]}


def test_every_case_is_tried_over_plain_http_and_over_tls(results):
    tried = [(each["id"], each["scheme"]) for each in results[:-1]]
    assert {name for name, _ in tried} == CASES.keys()
    plain = {name for name, case in CASES.items() if (case["url"] or "http://").startswith("http://")}
    assert {name for name, scheme in tried if scheme == "https"} == plain
    assert len(plain) > 100


def test_nothing_but_public_addresses_is_connected_to(results):
    connected = {
        (each["id"], each["scheme"], way, address)
        for each in results[:-1]
        for way in ("fetch", "callback")
        for address in each[way]["connected"]
    }
    assert {found for found in connected if found[3] not in PUBLIC} == set()
    assert {found[3] for found in connected} == {"93.184.215.14", "2606:4700::1111"}


def test_every_fetch_ends_as_the_cases_say(results):
    wrong = []
    for each in results[:-1]:
        case = CASES[each["id"]]
        expected = "image_fetch_blocked" if case["expect"] == "reject_submit" else case["code"]
        if each["fetch"]["code"] != expected:
            wrong.append((case["url"], each["scheme"], each["fetch"]["code"], expected))
    assert wrong == []


def test_every_callback_is_posted_or_not_as_the_cases_say(results):
    wrong = []
    for each in results[:-1]:
        case = CASES[each["id"]]
        posted = each["callback"]["code"].isdigit()
        if case["category"] not in ANSWERED_ANYHOW and posted != (case["expect"] == "allow"):
            wrong.append((case["url"], each["scheme"], each["callback"]["code"]))
    assert wrong == []


def test_what_is_told_holds_no_address(results):
    told = {each[way]["words"] for each in results[:-1] for way in ("fetch", "callback")}
    assert len(told) > 5
    assert [words for words in told if AN_ADDRESS.search(words)] == []
