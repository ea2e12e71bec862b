"""Snippets of the documentation: every shown command and setting exists, and every shown program works."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

pytest.importorskip("mcp", reason="needs the MCP SDK: pip install stillmotion[mcp]")

import mcp

import dev
from stillmotion.adapters.callbacks import sign
from stillmotion.adapters.identifiers import new_callback_secret
from stillmotion.adapters.models.catalogue import read_catalogue
from stillmotion.cli.main import Overview, cli
from stillmotion.config import load
from tests.docs.markdown_pages import PAGES, ROOT, blocks, name
from tools.docs.commands import command_names

CHORE = re.compile(r"python3 dev\.py(?: (?P<chore>[a-z]\w*))?")


def command_lines() -> list[tuple[str, list[str]]]:
    """Every line of every shell block, as words. A backslash continues a line."""
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
        return []  # A line of a quoted body that spans several lines.


def of_stillmotion() -> list[list[str]]:
    """The words behind `stillmotion` on each of these lines."""
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
    # With its settings: click keeps the help option of the first context that it sees, for all that come after.
    context = click.Context(command, info_name="stillmotion", **command.context_settings)
    _, left, _ = command.make_parser(context).parse_args(list(words))
    while isinstance(command, click.Group) and (left or not command.invoke_without_command):
        named, found, left = command.resolve_command(context, left)
        assert found is not None, f"there is no command {named}"
        command, context = found, click.Context(found, parent=context, info_name=named)
        left = command.completed(context, left) if isinstance(command, Overview) else left
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
    """The server's address, the key and the picture's URL are replaced."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(live.picture_file.read_bytes())
    ours = {"http://127.0.0.1:8080": live.base, "sm_...": live.key, "https://example.com/photo.jpg": live.picture_url}
    for shown, meant in ours.items():
        block = block.replace(shown, meant)
    exec(block, {"__name__": "shown"})
    assert {each.name for each in tmp_path.glob("*.mp4")} == set(re.findall(r"[\w-]+\.mp4", block))


CLIENTS = (ROOT / "README.md").read_text("utf-8").partition("## Every client")[2].partition("\n## ")[0]
"""The part of the README that shows every client."""


@pytest.mark.slow
def test_the_command_line_shown_makes_clips_as_it_is_written(live, tmp_path):
    """The server's address and the key are replaced."""
    (block,) = (each for each in blocks(ROOT / "README.md", "sh") if "stillmotion generate" in each)
    assert block in CLIENTS
    for picture in ("photo.jpg", "second.jpg"):
        (tmp_path / picture).write_bytes(live.picture_file.read_bytes())
    environment = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    for line in block.replace("http://127.0.0.1:8080", live.base).replace("sm_...", live.key).splitlines():
        done = subprocess.run(
            line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, (line, done.stderr)
    made = {str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*.mp4")}
    assert made == {"there.mp4", "here.mp4", "clips/photo.mp4", "clips/second.mp4"}


async def test_the_server_for_assistants_shown_answers_one(tmp_path):
    lines = [each for block in blocks(ROOT / "README.md", "sh") for each in block.splitlines()]
    (line,) = (each for each in lines if each.startswith("stillmotion mcp"))
    program, *words = shlex.split(line)
    assert program == "stillmotion"
    assert line in CLIENTS
    server = mcp.StdioServerParameters(command=sys.executable, args=["-m", "stillmotion", *words], cwd=tmp_path)
    async with mcp.Client(server) as assistant:
        tools = {each.name for each in (await assistant.list_tools()).tools}
    assert tools == {"generate_video", "get_generation", "list_generations"}


def test_every_client_is_shown_in_a_few_lines():
    for client in ("from stillmotion import Client", "from lumaai", "from openai", "stillmotion generate", "mcp"):
        assert client in CLIENTS
    shown = re.findall(r"```\w+\n(.*?)```", CLIENTS, re.DOTALL)
    assert max(len(block.split("\n\n")[-1].splitlines()) for block in shown) <= 3


def test_the_receiver_of_the_how_to_verifies_what_we_sign():
    (shown,) = blocks(ROOT / "docs" / "howto" / "callbacks.md", "python")
    scope: dict = {}
    exec(shown, scope)
    secret, body = new_callback_secret(), b'{"id": "1"}'
    headers = sign(secret, "msg_1_completed", datetime.now(UTC), body)
    assert scope["verified"](secret, headers, body) == {"id": "1"}
    with pytest.raises(Exception, match="No matching signature"):
        scope["verified"](secret, headers, b'{"id": "2"}')
