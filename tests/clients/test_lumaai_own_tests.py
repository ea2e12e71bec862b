"""The SDK's own tests of its resources, from its source distribution, against this server."""

import os
import re
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

import pytest

from stillmotion.application.access import key_digest
from stillmotion.domain.subscriptions import Key, KeySlot
from tests.builders import NOON
from tests.http.conftest import PEPPER

CLIENT, VERSION = "lumaai (Python)", version("lumaai")
EXCEPTIONS = Path(__file__).with_name("lumaai_exceptions.txt")
THEIR_KEY = "My Auth Token"
AT_LEAST = 100
"""Of 275: 140 would take results for images, audio and modified videos that no engine here makes."""


def exceptions():
    """Patterns of tests that contradict the documented rules, each with its reason."""
    lines = EXCEPTIONS.read_text("utf-8").splitlines()
    return [re.compile(line) for line in lines if line and not line.startswith("#")]


def pip(*arguments):
    """The pip of the Python that the environment was made of: it knows the package index."""
    base = getattr(sys, "_base_executable", sys.executable)
    done = subprocess.run([base, "-m", "pip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode and os.environ.get("CI") != "true":
        pytest.skip(f"lumaai's source distribution cannot be had: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def their_tests(tmp_path_factory):
    """The folder of the SDK's tests, and where what they import is."""
    folder = tmp_path_factory.mktemp("lumaai")
    wanted = f"lumaai=={version('lumaai')}"
    pip("download", "--quiet", "--no-deps", "--no-binary", "lumaai", "--dest", str(folder), wanted)
    pip("install", "--quiet", "--target", str(folder / "site"), "pytest-asyncio", "respx", "rich", "time-machine")
    (archive,) = folder.glob("lumaai-*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return archive.with_suffix("").with_suffix(""), folder / "site"


@pytest.mark.slow
def test_the_sdks_own_tests_pass_but_for_the_documented_rules(edge, their_tests, tmp_path, record_property):
    caller = edge.caller()
    key = Key(key_digest(PEPPER, THEIR_KEY), "My Auth", KeySlot.SECONDARY, caller.issued.subscription.id, NOON)
    edge.run(edge.store.replace_key(key))
    folder, site = their_tests
    report = tmp_path / "report.xml"
    subprocess.run(
        [
            sys.executable,
            *["-m", "pytest", "-q", "tests/api_resources", "-o", "addopts=", "-o", "filterwarnings=", "--junitxml"],
            report,
        ],
        cwd=folder,
        env=os.environ
        | {"TEST_API_BASE_URL": f"{edge.server.url}/dream-machine/v1", "PYTHONPATH": str(site), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        check=False,
    )
    cases = {
        f"{case.get('classname').rpartition('.')[2]}.{case.get('name')}": len(case)
        for case in ElementTree.parse(report).getroot().iter("testcase")
    }
    failed = {name for name, trouble in cases.items() if trouble}
    expected = {name for name in cases if any(pattern.fullmatch(name) for pattern in exceptions())}
    assert failed <= expected, sorted(failed - expected)
    assert expected <= failed, f"these pass now, take them out of the list: {sorted(expected - failed)}"
    passed = len(cases) - len(failed)
    record_property(
        "note",
        f"Of the {len(cases)} tests of resources in the SDK's own source distribution {passed} pass. The others "
        "contradict the documented rules or ask for what no engine here can do; each stands with its reason in "
        "`tests/clients/lumaai_exceptions.txt`.",
    )
    assert passed >= AT_LEAST
