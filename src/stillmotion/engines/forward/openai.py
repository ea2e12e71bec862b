"""Servers with OpenAI's `/v1/videos`: SGLang Diffusion, vLLM-Omni, FastVideo, and our own.

vLLM-Omni takes multipart forms alone and answers a look at a failed job with an error's status and the job as body.
SGLang keeps clips elsewhere where it is told to: then `/content` is a 400 and the job has a `url`.
"""

from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from stillmotion.domain.catalogue import Entry, Server
from stillmotion.engines.forward.error_text import reason_of, refused
from stillmotion.engines.forward.http import Calls, PeerResponse
from stillmotion.engines.forward.peer import Ask, Look, Lost, RemoteState, ServerDown, Unfinished

_STATES: Final = {
    "queued": RemoteState.QUEUED,
    "in_progress": RemoteState.RUNNING,
    "completed": RemoteState.COMPLETED,
    "failed": RemoteState.FAILED,
    "cancelled": RemoteState.FAILED,
}


class OpenAIPeer:
    """`Peer` in OpenAI's words. With the entry's option `plain`, only the fields that OpenAI itself knew are sent."""

    def __init__(self, entry: Entry, server: Server) -> None:
        self._server = server
        self._is_plain = bool(entry.options.get("plain", False))
        base = server.url.rstrip("/").removesuffix("/v1")
        self._calls = Calls(base, {"Authorization": f"Bearer {server.key}"} if server.key else {})

    async def submit(self, ask: Ask) -> str:
        """See `Peer.submit`."""
        answer = await self._calls.call("POST", "v1/videos", form=self._form(ask), key=ask.key)
        _raise(self._calls.trouble(answer))
        if answer.status >= 400:
            raise refused(reason_of(answer.body))
        remote = answer.job.get("id")
        if not isinstance(remote, str) or not remote:
            raise ServerDown("the server took a clip and gave it no id: is it one with /v1/videos?")
        return remote

    def _form(self, ask: Ask) -> aiohttp.FormData:
        fields = {
            "prompt": ask.prompt,
            "size": f"{ask.size.width}x{ask.size.height}",
            "seconds": str(max(1, round(ask.seconds))),
        }
        if self._server.model:
            fields["model"] = self._server.model
        if not self._is_plain:
            # Seconds are whole numbers there: the frames say exactly how long it is to be.
            fields |= {"fps": str(ask.fps), "num_frames": str(ask.frame_count), "seed": str(ask.seed % 2**31)}
            if ask.negative_prompt:
                fields["negative_prompt"] = ask.negative_prompt
        form = aiohttp.FormData(default_to_multipart=True)
        for name, value in fields.items():
            form.add_field(name, value)
        if ask.frame0 is not None:
            picture = ask.frame0.read_bytes()
            form.add_field("input_reference", picture, filename="frame0.png", content_type="image/png")
        return form

    async def look(self, remote: str) -> Look:
        """See `Peer.look`."""
        answer = await self._calls.call("GET", _path(remote))
        job = answer.job
        state = _STATES.get(str(job.get("status", "")))
        if state is None:
            self._not_a_job(answer)
            raise ServerDown(f"the server says of a clip that it is {job.get('status')!r}")
        return Look(state, _fraction(job.get("progress")), reason_of(job), str(job.get("url") or ""))

    def _not_a_job(self, answer: PeerResponse) -> None:
        if answer.status in (404, 410):
            raise Lost
        _raise(self._calls.trouble(answer))

    async def download(self, remote: str, look: Look, path: Path) -> None:
        """See `Peer.download`."""
        try:
            await self._calls.save(f"{_path(remote)}/content", path)
        except Unfinished:
            if not look.url:
                raise
            await self._calls.save(look.url, path)

    async def cancel(self, remote: str) -> None:
        """See `Peer.cancel`. SGLang forgets the job and goes on with it."""
        await self._calls.call("DELETE", _path(remote))

    async def check(self) -> None:
        """See `Peer.check`."""
        _raise(self._calls.trouble(await self._calls.call("GET", "v1/models")))

    async def close(self) -> None:
        """See `Peer.close`."""
        await self._calls.close()


def _path(remote: str) -> str:
    return f"v1/videos/{quote(remote, safe='')}"


def _fraction(percent: Any) -> float | None:
    return min(1.0, max(0.0, percent / 100)) if isinstance(percent, int | float) else None


def _raise(trouble: ServerDown | None) -> None:
    if trouble is not None:
        raise trouble
