"""Dream Machine dialect: another Stillmotion, or a hosted service that takes pictures as data URIs."""

import base64
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from stillmotion.domain.catalogue import Entry, Server
from stillmotion.domain.failures import FailureKind
from stillmotion.engines.forward.error_text import in_plain_words, reason_of
from stillmotion.engines.forward.http import OnOutcome, PeerClient, unheard
from stillmotion.engines.forward.peer import ClipRequest, JobLost, JobStatus, RemoteState, ServerDown, Unfinished

BASE: Final = "dream-machine/v1"
DEFAULT_MODEL: Final = "ray-2"
_STATES: Final = {
    "queued": RemoteState.QUEUED,
    "dreaming": RemoteState.RUNNING,
    "completed": RemoteState.COMPLETED,
    "failed": RemoteState.FAILED,
}


class DreamMachinePeer:
    """`Peer` for the Dream Machine's API. The entry's option `seed` is set for servers that take one, as Stillmotion
    does.
    """

    def __init__(self, entry: Entry, server: Server, on_outcome: OnOutcome = unheard) -> None:
        self._server = server
        self._takes_seed = bool(entry.options.get("seed", False))
        base = server.url.rstrip("/").removesuffix(f"/{BASE}")
        self._client = PeerClient(base, {"Authorization": f"Bearer {server.key}"}, on_outcome)

    async def submit(self, request: ClipRequest) -> str:
        """See `Peer.submit`."""
        answer = await self._client.call("POST", f"{BASE}/generations/video", json=self._body(request), key=request.key)
        self._client.check(answer)
        if answer.status >= 400:
            raise FailureKind.REMOTE_REFUSED.error(why=in_plain_words(reason_of(answer.body)))
        remote = answer.job.get("id")
        if not isinstance(remote, str) or not remote:
            raise ServerDown("the server took a clip and gave it no id: is it one with /dream-machine/v1?")
        return remote

    def _body(self, request: ClipRequest) -> dict[str, Any]:
        pictures = {"frame0": request.frame0, "frame1": request.frame1}
        keyframes = {name: _inline(path) for name, path in pictures.items() if path is not None}
        body: dict[str, Any] = {
            "model": self._server.model or DEFAULT_MODEL,
            "prompt": request.prompt or None,
            "keyframes": keyframes or None,
            "duration": f"{request.seconds:g}s",
            "resolution": request.resolution.value,
            "aspect_ratio": request.aspect_ratio,
            "loop": request.loop or None,
            "concepts": [{"key": each} for each in request.concepts] or None,
            "seed": request.seed if self._takes_seed else None,
        }
        return {name: value for name, value in body.items() if value is not None}

    async def status(self, remote: str) -> JobStatus:
        """See `Peer.status`."""
        answer = await self._client.call("GET", _path(remote))
        if answer.status in (404, 410):
            raise JobLost
        self._client.check(answer)
        job = answer.job
        state = _STATES.get(str(job.get("state", "")))
        if state is None:
            raise ServerDown(f"the server says of a clip that it is {job.get('state')!r}")
        assets = job.get("assets")
        url = assets.get("video") if isinstance(assets, dict) else None
        progress = job.get("progress")
        fraction = min(1.0, max(0.0, float(progress))) if isinstance(progress, int | float) else None
        return JobStatus(state, fraction, reason_of(job), str(url or ""))

    async def download(self, remote: str, status: JobStatus, path: Path) -> None:
        """See `Peer.download`. Signed addresses expire: a poll just before gives a fresh one."""
        url = status.url or (await self.status(remote)).url
        if not url:
            raise Unfinished("no address of the clip is given")
        await self._client.save(url, path)

    async def cancel(self, remote: str) -> None:
        """See `Peer.cancel`."""
        await self._client.call("DELETE", _path(remote))

    async def check(self) -> None:
        """See `Peer.check`."""
        self._client.check(await self._client.call("GET", f"{BASE}/ping"))

    async def close(self) -> None:
        """See `Peer.close`."""
        await self._client.close()


def _path(remote: str) -> str:
    return f"{BASE}/generations/{quote(remote, safe='')}"


def _inline(path: Path) -> dict[str, str]:
    return {"type": "image", "url": "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()}
