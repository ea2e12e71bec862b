"""Links to a finished clip: on its server, in a bucket, behind redirects, or out of reach."""

import asyncio

import pytest
from aiohttp import web

from stillmotion.domain.catalogue import Dialect
from stillmotion.domain.lifecycle import State
from stillmotion.engines.forward.http import PeerClient
from stillmotion.engines.forward.peer import JobStatus, OutOfReach, RemoteState
from stillmotion.engines.forward.peers import peer_of
from tests.engines.forward.conftest import an_entry, forwarders_of, serving
from tests.engines.forward.servers import OpenAIStudio, open_studio
from tests.worker.conftest import running

STUDIO = "forward/studio"


class Bucket:
    """A bucket on another port: a clip at `/x.mp4`, redirects, and a status for every other path."""

    def __init__(self, clip: bytes) -> None:
        self.clip = clip
        self.asked: list[tuple[str, str | None]] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.path_qs, request.headers.get("Authorization")))
        match request.path:
            case "/x.mp4" | "/a clip/ü.mp4":
                return web.Response(body=self.clip, content_type="video/mp4")
            case "/moved":
                return web.Response(status=302, headers={"Location": "moved%20again?x=1"})
            case "/moved again":
                return web.Response(status=307, headers={"Location": "/x.mp4"})
            case "/round":
                return web.Response(status=301, headers={"Location": "/round"})
            case "/nowhere":
                return web.Response(status=302)
            case "/metadata":
                return web.Response(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"})
            case path:
                return web.Response(status=int(path.rpartition("/")[2]))


async def made_with(studio, workshop):
    """The finished generation whose clip the studio's links lead to, and its forwarder."""
    forwarders = forwarders_of(an_entry(studio.url, key=studio.key))
    async with running(workshop, forwarders=forwarders) as bench:
        return await bench.ended(await bench.submit("a walk", engine=STUDIO)), forwarders[0]


@pytest.mark.parametrize("path", ["/x.mp4", "/moved", "/a clip/ü.mp4", "/x.mp4?X-Amz-Signature=a%2Fb%3D&p=1"])
async def test_a_clip_in_a_bucket_without_https_is_taken_where_the_server_has_none_either(workshop, clip, path):
    """SGLang gives such links with `SGLANG_S3_ENDPOINT_URL=http://…`. The server's key is never sent to a bucket."""
    bucket = Bucket(clip)
    async with serving(bucket.answer) as base, open_studio(OpenAIStudio(clip, elsewhere=True, key="hidden")) as studio:
        studio.links = [base + path]
        done, asking = await made_with(studio, workshop)
    assert (done.state, done.attempt, asking.trouble) == (State.COMPLETED, 1, None)
    assert {key for _, key in bucket.asked} == {None}
    if "?" in path:
        assert bucket.asked == [(path, None)]


@pytest.mark.parametrize("link", ["/bucket/x.mp4", "bucket/x.mp4", " {url}/bucket/x.mp4\n"])
async def test_an_address_may_be_relative_to_the_servers_own(workshop, clip, link):
    async with open_studio(OpenAIStudio(clip, elsewhere=True, key="hidden")) as studio:
        studio.links = [link.format(url=studio.url)]
        done, _ = await made_with(studio, workshop)
    assert (done.state, done.attempt) == (State.COMPLETED, 1)


@pytest.mark.parametrize("link", ["/403", "/404", "/round", "/nowhere", "/metadata", "ftp://x/y", "file:///etc/passwd"])
async def test_a_clip_that_is_not_to_be_had_fails_once_and_its_server_is_well(workshop, clip, link):
    """The clip is not fetched again and again, and the server is not taken for dead: its other clips go on."""
    bucket = Bucket(clip)
    async with serving(bucket.answer) as base, open_studio(OpenAIStudio(clip, elsewhere=True)) as studio:
        studio.links = [base + link if link.startswith("/") else link]
        done, asking = await made_with(studio, workshop)
        assert (done.state, done.attempt, done.failure_code) == (State.FAILED, 1, "remote_clip_out_of_reach")
        assert (asking.trouble, len(studio.asked)) == (None, 1)
        assert len(bucket.asked) <= 6
        studio.links = [f"{base}/x.mp4"]
        assert (await made_with(studio, workshop))[0].state is State.COMPLETED


async def test_an_address_that_has_run_out_is_asked_for_anew(workshop, clip):
    bucket = Bucket(clip)
    async with serving(bucket.answer) as base, open_studio(OpenAIStudio(clip, elsewhere=True)) as studio:
        studio.links = [f"{base}/403", f"{base}/x.mp4"]
        done, _ = await made_with(studio, workshop)
    assert (done.state, done.attempt, len(studio.asked)) == (State.COMPLETED, 1, 1)


async def test_a_bucket_that_is_down_for_a_moment_is_waited_for_and_one_that_stays_down_is_not(workshop, clip):
    answers = [503, 503, 200]

    async def recovering(request):
        status = answers.pop(0)
        return web.Response(status=status, body=clip if status == 200 else b"")

    async with serving(recovering) as base, open_studio(OpenAIStudio(clip, elsewhere=True)) as studio:
        studio.links = [f"{base}/x.mp4"]
        assert (await made_with(studio, workshop))[0].state is State.COMPLETED
    async with open_studio(OpenAIStudio(clip, elsewhere=True)) as studio:
        studio.links = [f"{base}/x.mp4"]
        done, asking = await made_with(studio, workshop)
    assert (done.state, done.attempt, done.failure_code) == (State.FAILED, 1, "remote_clip_out_of_reach")
    assert asking.trouble is None


async def test_a_server_that_withholds_its_clip_and_is_well_is_not_asked_for_ever(workshop, clip):
    async with open_studio(OpenAIStudio(clip, withheld=True)) as studio:
        done, asking = await made_with(studio, workshop)
    assert (done.state, done.failures, done.failure_code) == (State.FAILED, 3, "remote_clip_withheld")
    assert (asking.trouble, len(studio.asked)) == (None, 3)


async def test_a_server_with_https_gives_no_clip_without_it(tmp_path):
    heard = []

    async def listen(request):
        heard.append(request)
        return web.Response(body=b"no clip")

    peer = peer_of(an_entry("https://127.0.0.1:9", speaks=Dialect.DREAM_MACHINE, key="hidden-key"))
    async with serving(listen) as base:
        with pytest.raises(OutOfReach, match="on another host without https"):
            await peer.download("x", JobStatus(RemoteState.COMPLETED, url=f"{base}/a.mp4"), tmp_path / "a.mp4")
        await peer.close()
    assert heard == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
async def test_a_public_server_does_not_lead_us_into_our_own_network(tmp_path, host):
    heard = []

    async def listen(request):
        heard.append(request)
        return web.Response(body=b"no clip")

    calls = PeerClient("http://93.184.216.34", {})
    async with serving(listen) as base:
        with pytest.raises(OutOfReach, match="is not a public address"):
            await calls.save(base.replace("127.0.0.1", host) + "/a.mp4", tmp_path / "a.mp4")
        await calls.close()
    assert heard == []
    await asyncio.sleep(0)
