"""What readers are told to type exists, and what they are told to write works."""

import re
import shlex
import tomllib
from datetime import UTC, datetime

import click
import pytest

import dev
from stillmotion.adapters.callbacks import sign
from stillmotion.adapters.catalogue import read_catalogue
from stillmotion.adapters.identifiers import new_callback_secret
from stillmotion.cli.main import cli
from stillmotion.config import load
from tests.docs.markdown_pages import PAGES, ROOT, blocks, name
from tools.docs.commands import command_names

CHORE = re.compile(r"python3 dev\.py(?: (?P<chore>[a-z]\w*))?")


def command_lines() -> list[tuple[str, list[str]]]:
    """Every line of every shell block, as words; a backslash continues a line."""
    lines = [
        (name(page), line)
        for page in PAGES
        for block in blocks(page, "sh")
        for line in block.replace("\\\n", " ").splitlines()
    ]
    return [(page, words) for page, line in lines if (words := _words(line))]


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return []  # A line of a body in quotes that go over several lines.


def of_stillmotion() -> list[list[str]]:
    """What follows `stillmotion` on each of these lines."""
    found = []
    for _, words in command_lines():
        called = [number for number, word in enumerate(words) if word.endswith("/bin/stillmotion")]
        called += [0] if words[0] == "stillmotion" else []
        found += [words[at + 1 :] for at in called]
    return found


def test_every_chore_that_is_named_exists():
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    named = {found["chore"] for found in CHORE.finditer(text) if found["chore"]}
    assert named <= set(dev.CHORES)
    assert {"demo", "test"} <= named


@pytest.mark.parametrize("words", of_stillmotion(), ids=" ".join)
def test_every_command_line_is_one_that_the_command_takes(words):
    command: click.Command = cli
    context = click.Context(command, info_name="stillmotion")
    _, left, _ = command.make_parser(context).parse_args(list(words))
    while isinstance(command, click.Group):
        named, found, left = command.resolve_command(context, left)
        assert found is not None, f"there is no command {named}"
        command, context = found, click.Context(found, parent=context, info_name=named)
        _, left, _ = command.make_parser(context).parse_args(left)


def test_command_names_are_known():
    assert "stillmotion keys create" in command_names()


@pytest.mark.parametrize(
    "block", [block for page in PAGES for block in blocks(page, "toml")], ids=lambda block: block.splitlines()[0]
)
def test_every_file_of_settings_or_models_shown_is_accepted(tmp_path, block):
    """A file whose models are tables is a catalogue."""
    file = tmp_path / "stillmotion.toml"
    file.write_text(block, "utf-8")
    shown = tomllib.loads(block)
    if any(isinstance(each, dict) for each in shown.get("models", {}).values()):
        assert shown["models"].keys() <= read_catalogue(file).entries.keys()
        return
    settings, _ = load({}, file)
    assert all(hasattr(settings, each) for each in shown)


@pytest.mark.parametrize(
    "block",
    [block for page in ("README.md", "docs/howto/python-client.md") for block in blocks(ROOT / page, "python")],
    ids=lambda block: block.splitlines()[-1],
)
def test_every_client_shown_works_as_it_is_written(live, tmp_path, monkeypatch, block):
    """But for the server's address, the key and the picture's URL."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(live.picture_file.read_bytes())
    ours = {"http://127.0.0.1:8080": live.base, "sm_...": live.key, "https://example.com/photo.jpg": live.picture_url}
    for shown, meant in ours.items():
        block = block.replace(shown, meant)
    exec(block, {"__name__": "shown"})
    assert (tmp_path / "clip.mp4").exists() is ("clip.mp4" in block)


def test_the_receiver_of_the_how_to_verifies_what_we_sign():
    (shown,) = blocks(ROOT / "docs" / "howto" / "callbacks.md", "python")
    scope: dict = {}
    exec(shown, scope)
    secret, body = new_callback_secret(), b'{"id": "1"}'
    headers = sign(secret, "msg_1_completed", datetime.now(UTC), body)
    assert scope["verified"](secret, headers, body) == {"id": "1"}
    with pytest.raises(Exception, match="No matching signature"):
        scope["verified"](secret, headers, b'{"id": "2"}')
