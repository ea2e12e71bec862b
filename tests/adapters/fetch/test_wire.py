"""Every shared SSRF case over a socket: the connected addresses, the result, and the message to the owner."""

import json
import re
import socket
from dataclasses import replace
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from stillmotion.adapters.callbacks import GuardedCallbackSender
from stillmotion.adapters.fetch.client import Connections
from stillmotion.adapters.fetch.download import IMAGE, VIDEO, HttpDownload, refused_image
from stillmotion.adapters.fetch.urls import UrlGuard
from stillmotion.application.ports.outbound import CallbackUndeliverable
from stillmotion.domain.errors import GenerationFailed
from tests.adapters.fetch.hostile_server import PNG, Network, hostile_network

SHARED = json.loads((Path(__file__).parents[2] / "cases" / "ssrf.json").read_text("utf-8"))
PUBLIC = frozenset(SHARED["public_addresses"])
ON_THE_WIRE = [case for case in SHARED["cases"] if case["expect"] != "reject_submit"]
ANSWERED_ANYHOW = {"body", "redirect"}
"""Categories about the body of an answer or its redirect. A callback heeds only the status."""
NEVER_ANSWER = {"/slowhead", "/silent"}
AN_ADDRESS = re.compile(r"\d+\.\d+\.\d+|:\d{2,}|\[|::")


def connections(network: Network) -> Connections:
    return Connections(lookup=network.lookup, socket=network.socket, dns_deadline=timedelta(seconds=0.2))


def needs_ipv6(url: str) -> None:
    if "ok6." in url and not _has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def patience(url: str) -> timedelta:
    """Deadline of a case: short if the case uses it up, generous for a busy machine otherwise."""
    return timedelta(seconds=1 if urlsplit(url).path in NEVER_ANSWER else 20)


async def fetch(network: Network, url: str, destination: Path) -> GenerationFailed | None:
    try:
        await HttpDownload(connections(network), replace(IMAGE, deadline=patience(url))).fetch(url, str(destination))
    except GenerationFailed as failure:
        return failure
    return None


@pytest.mark.parametrize("case", ON_THE_WIRE, ids=lambda case: case["id"])
async def test_a_picture_is_fetched_or_not_as_the_shared_cases_say(case, tmp_path):
    needs_ipv6(case["url"])
    destination = tmp_path / "picture"
    async with hostile_network(SHARED["dns"], PUBLIC) as network:
        failure = await fetch(network, case["url"], destination)
    assert set(network.connected) <= PUBLIC, case["why"]
    assert (failure.code if failure else None) == case["code"], case["why"]
    if failure is None:
        assert destination.read_bytes() == PNG
    else:
        assert not AN_ADDRESS.search(failure.reason)
        assert failure.reason[-1] == "."


@pytest.mark.parametrize(
    "case", [each for each in ON_THE_WIRE if "endless" not in each["url"]], ids=lambda case: case["id"]
)
async def test_a_video_is_not_fetched_from_where_a_picture_would_not_be(case, tmp_path):
    needs_ipv6(case["url"])
    async with hostile_network(SHARED["dns"], PUBLIC) as network:
        videos = HttpDownload(connections(network), replace(VIDEO, deadline=patience(case["url"])))
        with pytest.raises(GenerationFailed) as failed:
            await videos.fetch(case["url"], str(tmp_path / "video"))
    assert set(network.connected) <= PUBLIC, case["why"]
    if case["category"] == "body":
        assert failed.value.code in {"source_unsupported_type", "source_fetch_failed", "source_too_large"}
    else:
        # The server gives a picture there, and a picture is no video.
        given = case["code"] in {None, "image_unsupported_type"}
        assert failed.value.code == ("source_unsupported_type" if given else "source_fetch_failed")
    assert not AN_ADDRESS.search(failed.value.reason)
    assert "image" not in failed.value.reason
    assert failed.value.reason[-1] == "."
    assert not (tmp_path / "video").exists()


@pytest.mark.parametrize(
    "case", [each for each in ON_THE_WIRE if each["category"] not in ANSWERED_ANYHOW], ids=lambda case: case["id"]
)
async def test_a_callback_is_posted_or_not_as_the_shared_cases_say(case):
    needs_ipv6(case["url"])
    async with hostile_network(SHARED["dns"], PUBLIC) as network:
        sender = GuardedCallbackSender(connections(network))
        if case["expect"] == "allow":
            assert (await sender.post(case["url"], {}, b"{}", patience(case["url"]))).status == 200
        else:
            with pytest.raises(CallbackUndeliverable) as caught:
                await sender.post(case["url"], {}, b"{}", patience(case["url"]))
            assert str(caught.value).startswith("callback_")
            assert not AN_ADDRESS.search(str(caught.value).partition(":")[2])
    assert set(network.connected) <= PUBLIC


@pytest.mark.parametrize(
    "case", [each for each in ON_THE_WIRE if each["category"] == "redirect"], ids=lambda c: c["id"]
)
async def test_a_callback_is_never_redirected(case):
    async with hostile_network(SHARED["dns"], PUBLIC) as network:
        answer = await GuardedCallbackSender(connections(network)).post(case["url"], {}, b"{}", patience(case["url"]))
        assert answer.status == 302
    assert len(network.connected) == 1


@pytest.mark.parametrize(
    ("path", "code", "permanent"),
    [
        ("404", "image_fetch_failed", True),
        ("503", "image_fetch_failed", False),
        ("300", "image_fetch_failed", True),
        ("silent", "image_fetch_timeout", False),
        ("reset", "image_fetch_failed", False),
        ("cl-huge", "image_too_large", True),
        ("header-long", "image_fetch_failed", True),
        ("headers-many", "image_fetch_failed", True),
        ("empty", "image_unsupported_type", True),
    ],
)
async def test_only_what_may_pass_is_tried_again(path, code, permanent, tmp_path):
    async with hostile_network(SHARED["dns"], PUBLIC) as network:
        failure = await fetch(network, f"http://ok.ssrf.example.com/{path}", tmp_path / "picture")
    assert (failure.code, failure.permanent) == (code, permanent)


@pytest.mark.parametrize("path", ["header-long", "headers-many"])
async def test_an_endless_head_is_told_in_a_sentence_of_its_own(path, tmp_path):
    async with hostile_network(SHARED["dns"], PUBLIC) as network:
        failure = await fetch(network, f"http://ok.ssrf.example.com/{path}", tmp_path / "picture")
    assert "more headers than an answer may have" in failure.reason


@pytest.mark.parametrize(
    "path",
    [
        "aws-chunked",
        "coded?as=UTF-8",
        "coded?as=none",
        "coded?as=identity",
        "coded?as=identity,+aws-chunked",
        "coded?as=binary&as=8bit",
        "header-of-12k",
        "203",
    ],
)
async def test_what_leaves_the_bytes_as_they_are_is_no_reason_against_a_picture(path, tmp_path):
    async with hostile_network(SHARED["dns"], PUBLIC) as network:
        assert await fetch(network, f"http://ok.ssrf.example.com/{path}", tmp_path / "picture") is None
    assert (tmp_path / "picture").read_bytes() == PNG


@pytest.mark.parametrize("coding", ["GZIP", "x-gzip", "br", "zstd", "deflate", "aws-chunked,gzip", "identity&as=br"])
async def test_a_packed_answer_is_refused(coding, tmp_path):
    async with hostile_network(SHARED["dns"], PUBLIC) as network:
        failure = await fetch(network, f"http://ok.ssrf.example.com/coded?as={coding}", tmp_path / "picture")
    assert "compressed" in failure.reason


@pytest.mark.parametrize(
    ("location", "asked"),
    [
        ("http://ok.ssrf.example.com/my photo.jpg", b"GET /my%20photo.jpg HTTP"),
        ("/my photo.jpg", b"GET /my%20photo.jpg HTTP"),
        ("photo 1.jpg?a b", b"GET /photo%201.jpg?a%20b HTTP"),
        ("%20 /img.png ", b"GET /img.png HTTP"),
        ("/été.png", b"GET /%C3%A9t%C3%A9.png HTTP"),
        ("//ok.ssrf.example.com/img.png", b"GET /img.png HTTP"),
    ],
)
async def test_a_redirect_to_what_must_be_escaped_is_followed(location, asked, tmp_path):
    async with hostile_network(SHARED["dns"], PUBLIC) as network:
        url = "http://ok.ssrf.example.com/redir?to=" + quote(location, safe="%")
        assert await fetch(network, url, tmp_path / "picture") is None
    assert network.requests[-1].startswith(asked)


async def test_a_redirect_in_latin_1_is_asked_for_in_its_own_bytes(tmp_path):
    async with hostile_network(SHARED["dns"], PUBLIC) as network:
        assert await fetch(network, "http://ok.ssrf.example.com/latin-1", tmp_path / "picture") is None
    assert network.requests[-1].startswith(b"GET /caf%E9.png HTTP")


@pytest.mark.parametrize(
    "location", ["///127.0.0.1/c", "http:///127.0.0.1/c", "////127.0.0.1/c", "http:/127.0.0.1/c", "http:127.0.0.1/c"]
)
async def test_a_redirect_that_parsers_disagree_about_is_not_followed(location, tmp_path):
    async with hostile_network(SHARED["dns"], PUBLIC) as network:
        failure = await fetch(network, f"http://ok.ssrf.example.com/redir?to={location}", tmp_path / "picture")
    assert failure.code == "image_fetch_blocked"
    assert len(network.requests) == 1


async def test_who_asks_is_said_with_a_contact(tmp_path):
    async with hostile_network(SHARED["dns"], PUBLIC) as network:
        asking = replace(connections(network), contact="https://example.com/bot")
        await HttpDownload(asking).fetch("http://ok.ssrf.example.com/img.png", str(tmp_path / "picture"))
    assert (
        b"\r\nUser-Agent: Stillmotion/%b (+https://example.com/bot)\r\n" % version("stillmotion").encode()
        in network.requests[0]
    )


async def test_three_redirects_are_followed(tmp_path):
    async with hostile_network(SHARED["dns"], PUBLIC) as network:
        assert await fetch(network, "http://93.184.215.14/chain?n=3", tmp_path / "picture") is None
    assert len(network.requests) == 4


async def test_a_name_that_turns_inward_is_refused_at_its_second_lookup(tmp_path):
    async with hostile_network(SHARED["dns"], PUBLIC) as network:
        url = "http://rebind.ssrf.example.com/redir?to=/img.png"
        failure = await fetch(network, url, tmp_path / "picture")
    assert failure.code == "image_fetch_blocked"
    assert network.connected == ["93.184.215.14"]
    assert len(network.looked_up) == 2


async def test_nothing_of_the_environment_or_of_an_earlier_answer_is_sent(tmp_path, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with hostile_network(SHARED["dns"], PUBLIC) as network:
        assert await fetch(network, "http://ok.ssrf.example.com/cookie#@127.0.0.1", tmp_path / "picture") is None
    last = network.requests[-1].decode().lower()
    assert "cookie" not in last.partition("\r\n")[2]
    assert "accept-encoding: identity" in last
    assert "host: ok.ssrf.example.com\r\n" in last
    assert "#" not in last


async def test_paths_are_sent_as_they_were_given(tmp_path):
    async with hostile_network(SHARED["dns"], PUBLIC) as network:
        url = "http://93.184.215.14/a%2Fb/../été.png?X-Sig=abc%2Fdef%3D&x=[1]"
        assert await fetch(network, url, tmp_path / "picture") is None
    assert network.requests[0].startswith(b"GET /a%2Fb/../%C3%A9t%C3%A9.png?X-Sig=abc%2Fdef%3D&x=[1] HTTP/1.1\r\n")


async def test_a_connection_is_refused_even_where_the_lookup_was_not(tmp_path):
    """The last line of defence: the socket factory sees the address that is about to be connected to."""
    async with hostile_network(SHARED["dns"], PUBLIC) as network:
        session = connections(network).session()
        with session as guarded, pytest.raises(OSError, match="refused"):
            guarded._open_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80)))
    assert network.connected == []


async def test_a_disk_that_is_full_is_not_the_pictures_fault(tmp_path):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    async with hostile_network(SHARED["dns"], PUBLIC) as network:
        with pytest.raises(Exception, match="cannot be written: No space left"):
            await HttpDownload(connections(network)).fetch("http://93.184.215.14/img.png", str(full))


async def test_the_guard_that_judges_submits_judges_redirects(tmp_path):
    async with hostile_network(SHARED["dns"], PUBLIC) as network:
        guarded = Connections(UrlGuard(ports=frozenset({80})), network.lookup, network.socket)
        with pytest.raises(GenerationFailed) as caught:
            await HttpDownload(guarded).fetch(
                "http://93.184.215.14/redir?to=https://93.184.215.14/", str(tmp_path / "p")
            )
    assert caught.value.code == "image_fetch_blocked"


async def test_what_nobody_here_reads_is_refused_as_soon_as_it_is_fetched(tmp_path):
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(2000)
    async with hostile_network(SHARED["dns"], PUBLIC, files={"/a.heic": heic}) as network:
        medium = replace(IMAGE, refused=partial(refused_image, may_read_heic=lambda: False))
        images = HttpDownload(connections(network), medium)
        with pytest.raises(
            GenerationFailed, match="What the URL leads to is a HEIC image, which is not read here"
        ) as caught:
            await images.fetch("http://ok.ssrf.example.com/a.heic", str(tmp_path / "picture"))
        with pytest.raises(GenerationFailed, match="leads to is a web page, not an image"):
            await images.fetch("http://ok.ssrf.example.com/html-as-png", str(tmp_path / "picture"))
    assert caught.value.code == "image_unsupported_type"
    assert caught.value.permanent
