"""`stillmotion mcp`, driven by the official client of the protocol over standard input and output."""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

pytest.importorskip("mcp", reason="needs the MCP SDK: pip install stillmotion[mcp]")

import mcp

from stillmotion.media.input.probe import probe
from tests.end_to_end.conftest import clean_environment

CLIENT, VERSION = "mcp (Python)", version("mcp")
SMALL = {"resolution": "540p", "seconds": 1, "prompt": "Orbit left, slowly!"}


def connect(terminal, **settings):
    command = ["-m", "stillmotion", "mcp", "--folder", "clips"]
    environment = clean_environment(**settings)
    return mcp.Client(
        mcp.StdioServerParameters(command=sys.executable, args=command, env=environment, cwd=terminal.folder)
    )


def result_of(called):
    assert not called.is_error, called.content
    found = called.structured_content
    return found["result"] if set(found) == {"result"} else found


def settings_of(running):
    return {"STILLMOTION_SERVER": running.base, "STILLMOTION_KEY": running.key}


@pytest.mark.methods("list_tools")
async def test_the_tools_say_what_they_take(terminal):
    async with connect(terminal) as assistant:
        tools = {each.name: each for each in (await assistant.list_tools()).tools}
    assert set(tools) == {"generate_video", "get_generation", "list_generations"}
    asked = tools["generate_video"].input_schema
    assert asked["required"] == ["image", "prompt"]
    assert "orbit_left" in json.dumps(asked["properties"]["camera"])


@pytest.mark.methods("call_tool: generate_video", "call_tool: get_generation", "call_tool: list_generations")
@pytest.mark.parametrize("on_a_server", [False, True], ids=["here", "on a server"])
async def test_an_assistant_makes_a_video_and_finds_it_again(terminal, request, on_a_server):
    settings = settings_of(request.getfixturevalue("running")) if on_a_server else {}
    told = []

    async def progress(fraction, total, message):
        told.append((fraction, total, message))

    async with connect(terminal, **settings) as assistant:
        asked = {"image": str(terminal.folder / "one.jpg"), "camera": ["push_in"], **SMALL}
        made = result_of(await assistant.call_tool("generate_video", asked, progress_callback=progress))
        found = result_of(await assistant.call_tool("get_generation", {"id": made["id"]}))
        listed = result_of(await assistant.call_tool("list_generations", {"limit": 5}))
        second = result_of(await assistant.call_tool("generate_video", asked))
    assert Path(made["file"]) == terminal.folder / "clips/orbit-left-slowly.mp4"
    assert Path(second["file"]).name == "orbit-left-slowly-2.mp4"
    assert probe(Path(made["file"]), whole=True).frame_count == 24
    assert (made["state"], made["engine"], made["frames"]) == ("completed", "parallax/1", 24)
    assert any("orbit left" in line for line in made["understood"])
    assert (found["state"], found["file"]) == ("completed", made["file"])
    assert [each["id"] for each in listed] == [made["id"]]
    assert told
    assert all(0 <= fraction <= total == 1 for fraction, total, _ in told)


async def test_what_cannot_be_done_is_told_the_assistant_in_a_sentence(terminal):
    async with connect(terminal) as assistant:
        missing = await assistant.call_tool("generate_video", {"image": "missing.jpg", **SMALL})
        unknown = await assistant.call_tool("get_generation", {"id": "nothing"})
    assert missing.is_error
    assert "missing.jpg is not a file: give a picture's path or its URL" in missing.content[0].text
    assert unknown.is_error
    assert "list_generations names them" in unknown.content[0].text
