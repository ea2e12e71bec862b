"""Servers with the Dream Machine's API: another Stillmotion, or a hosted one that takes pictures as data URIs."""

import base64
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from stillmotion.domain.catalogue import Entry, Server
from stillmotion.engines.forward.error_text import reason_of, refused
from stillmotion.engines.forward.http import Calls
from stillmotion.engines.forward.peer import Ask, Look, Lost, RemoteState, ServerDown, Unfinished

BASE: Final = "dream-machine/v1"
DEFAULT_MODEL: Final = "ray-2"
_STATES: Final = {
    "queued": RemoteState.QUEUED,
    "dreaming": RemoteState.RUNNING,
    "completed": RemoteState.COMPLETED,
    "failed": RemoteState.FAILED,
}


class DreamMachinePeer:
    """`Peer` in the Dream Machine's words. Another Stillmotion takes a seed: the entry's option `seed` says so."""

    def __init__(self, entry: Entry, server: Server) -> None:
        self._server = server
        self._takes_seed = bool(entry.options.get("seed", False))
        base = server.url.rstrip("/").removesuffix(f"/{BASE}")
        self._calls = Calls(base, {"Authorization": f"Bearer {server.key}"})

    async def submit(self, ask: Ask) -> str:
        """See `Peer.submit`."""
        answer = await self._calls.call("POST", f"{BASE}/generations/video", json=self._body(ask), key=ask.key)
        self._check(answer)
        if answer.status >= 400:
            raise refused(reason_of(answer.body))
        remote = answer.job.get("id")
        if not isinstance(remote, str) or not remote:
            raise ServerDown("the server took a clip and gave it no id: is it one with /dream-machine/v1?")
        return remote

    def _body(self, ask: Ask) -> dict[str, Any]:
        pictures = {"frame0": ask.frame0, "frame1": ask.frame1}
        keyframes = {name: _inline(path) for name, path in pictures.items() if path is not None}
        body: dict[str, Any] = {
            "model": self._server.model or DEFAULT_MODEL,
            "prompt": ask.prompt or None,
            "keyframes": keyframes or None,
            "duration": f"{ask.seconds:g}s",
            "resolution": ask.resolution.value,
            "aspect_ratio": ask.aspect_ratio,
            "loop": ask.loop or None,
            "concepts": [{"key": each} for each in ask.concepts] or None,
            "seed": ask.seed if self._takes_seed else None,
        }
        return {name: value for name, value in body.items() if value is not None}

    async def look(self, remote: str) -> Look:
        """See `Peer.look`."""
        answer = await self._calls.call("GET", _path(remote))
        if answer.status in (404, 410):
            raise Lost
        self._check(answer)
        job = answer.job
        state = _STATES.get(str(job.get("state", "")))
        if state is None:
            raise ServerDown(f"the server says of a clip that it is {job.get('state')!r}")
        assets = job.get("assets")
        url = assets.get("video") if isinstance(assets, dict) else None
        progress = job.get("progress")
        fraction = min(1.0, max(0.0, float(progress))) if isinstance(progress, int | float) else None
        return Look(state, fraction, reason_of(job), str(url or ""))

    async def download(self, remote: str, look: Look, path: Path) -> None:
        """See `Peer.download`. Addresses expire: a look just before gives a fresh one."""
        url = look.url or (await self.look(remote)).url
        if not url:
            raise Unfinished("no address of the clip is given")
        await self._calls.save(url, path)

    async def cancel(self, remote: str) -> None:
        """See `Peer.cancel`."""
        await self._calls.call("DELETE", _path(remote))

    async def check(self) -> None:
        """See `Peer.check`."""
        self._check(await self._calls.call("GET", f"{BASE}/ping"))

    async def close(self) -> None:
        """See `Peer.close`."""
        await self._calls.close()

    def _check(self, answer: Any) -> None:
        trouble = self._calls.trouble(answer)
        if trouble is not None:
            raise trouble


def _path(remote: str) -> str:
    return f"{BASE}/generations/{quote(remote, safe='')}"


def _inline(path: Path) -> dict[str, str]:
    return {"type": "image", "url": "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()}
