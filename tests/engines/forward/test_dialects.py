"""Dialects of other servers: the meaning of their answers, and fields that are never sent to them."""

import pytest
from aiohttp import web

from stillmotion.engines.forward.error_text import in_plain_words, reason_of
from stillmotion.engines.forward.http import PeerClient, is_whole
from stillmotion.engines.forward.peer import JobLost, ServerDown, Unfinished
from tests.engines.forward.conftest import serving


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"error": {"message": "No such model", "type": "x"}}, "No such model"),
        ({"error": "Invalid request parameters", "details": [{"field": "url", "message": "is needed"}]}, None),
        ({"detail": "Prompt is required"}, "Prompt is required"),
        ({"detail": [{"loc": ["body", "size"], "msg": "Input should be a valid string"}]}, "Input should be a valid"),
        ({"failure_reason": "The image is damaged."}, "The image is damaged."),
        ({"message": "busy"}, "busy"),
        ({"status": "failed"}, ""),
        (None, ""),
        (["nothing"], "nothing"),
    ],
)
def test_an_errors_sentence_is_found_in_every_form(body, sentence):
    found = reason_of(body)
    if sentence is None:
        assert found == "Invalid request parameters: is needed"
    else:
        assert found.startswith(sentence)
        assert bool(found) is bool(sentence)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory", "it ran out of GPU memory"),
        ("Content moderation: frame 3 flagged", "it refuses such content"),
        ("Failed to read user input frames: damaged", "it could not read the picture"),
        ("", "it does not say why"),
        ("x" * 1000, "x" * 300),
    ],
)
def test_a_reason_is_told_in_plain_words(said, told):
    assert told in in_plain_words(said)
    assert len(in_plain_words(said)) < 350


@pytest.mark.parametrize(
    ("status", "raised"), [(404, Unfinished), (425, Unfinished), (410, JobLost), (500, ServerDown)]
)
async def test_what_a_download_is_answered_with_decides_what_comes_next(tmp_path, status, raised):
    async def answer(request):
        return web.Response(status=status)

    async with serving(answer) as base:
        calls = PeerClient(base, {})
        with pytest.raises(raised):
            await calls.save("a.mp4", tmp_path / "a.mp4")
        await calls.close()


async def test_an_answer_without_end_and_one_that_is_no_json_are_survived():
    async def answer(request):
        if request.path == "/endless":
            endless = web.StreamResponse()
            await endless.prepare(request)
            for _ in range(100):
                await endless.write(b"x" * 65536)
            return endless
        return web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"}, text="<html>")

    async with serving(answer) as base:
        calls = PeerClient(base, {})
        with pytest.raises(ServerDown, match="its answer is too long"):
            await calls.call("GET", "endless")
        redirected = await calls.call("GET", "page")
        assert (redirected.status, redirected.body) == (302, None)
        with pytest.raises(ServerDown, match="answers 302"):
            calls.check(redirected)
        await calls.close()


@pytest.mark.parametrize("cut", [1, 100, 5000])
def test_a_file_is_whole_to_the_byte(tmp_path, clip, cut):
    path = tmp_path / "clip.mp4"
    path.write_bytes(clip)
    assert is_whole(path)
    path.write_bytes(clip[:-cut])
    assert not is_whole(path)
    path.write_bytes(clip + b"\0" * cut)
    assert not is_whole(path)
