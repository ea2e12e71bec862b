"""OpenAI dialect (`/v1/videos`): SGLang Diffusion, vLLM-Omni, FastVideo, and another Stillmotion.

vLLM-Omni takes multipart forms only, and answers a poll of a failed job with an error status and the job as body.
SGLang may be set to store clips elsewhere: then `/content` is a 400 and the job has a `url`.
"""

from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from stillmotion.domain.catalogue import Entry, Server
from stillmotion.domain.failures import FailureKind
from stillmotion.engines.forward.error_text import in_plain_words, reason_of
from stillmotion.engines.forward.http import OnOutcome, PeerClient, PeerResponse, unheard
from stillmotion.engines.forward.peer import ClipRequest, JobLost, JobStatus, RemoteState, ServerDown, Unfinished

_STATES: Final = {
    "queued": RemoteState.QUEUED,
    "in_progress": RemoteState.RUNNING,
    "completed": RemoteState.COMPLETED,
    "failed": RemoteState.FAILED,
    "cancelled": RemoteState.FAILED,
}


class OpenAIPeer:
    """`Peer` for OpenAI's API. With the entry's option `plain`, only OpenAI's own fields are sent."""

    def __init__(self, entry: Entry, server: Server, on_outcome: OnOutcome = unheard) -> None:
        self._server = server
        self._is_plain = bool(entry.options.get("plain", False))
        base = server.url.rstrip("/").removesuffix("/v1")
        headers = {"Authorization": f"Bearer {server.key}"} if server.key else {}
        self._client = PeerClient(base, headers, on_outcome)

    async def submit(self, request: ClipRequest) -> str:
        """See `Peer.submit`."""
        answer = await self._client.call("POST", "v1/videos", form=self._form(request), key=request.key)
        self._client.check(answer)
        if answer.status >= 400:
            raise FailureKind.REMOTE_REFUSED.error(why=in_plain_words(reason_of(answer.body)))
        remote = answer.job.get("id")
        if not isinstance(remote, str) or not remote:
            raise ServerDown("the server took a clip and gave it no id: is it one with /v1/videos?")
        return remote

    def _form(self, request: ClipRequest) -> aiohttp.FormData:
        fields = {
            "prompt": request.prompt,
            "size": f"{request.size.width}x{request.size.height}",
            "seconds": str(max(1, round(request.seconds))),
        }
        if self._server.model:
            fields["model"] = self._server.model
        if not self._is_plain:
            # `seconds` is a whole number in this API; the frame count gives the exact length.
            fields |= {
                "fps": str(request.fps),
                "num_frames": str(request.frame_count),
                "seed": str(request.seed % 2**31),
            }
            if request.negative_prompt:
                fields["negative_prompt"] = request.negative_prompt
        form = aiohttp.FormData(default_to_multipart=True)
        for name, value in fields.items():
            form.add_field(name, value)
        if request.frame0 is not None:
            picture = request.frame0.read_bytes()
            form.add_field("input_reference", picture, filename="frame0.png", content_type="image/png")
        return form

    async def status(self, remote: str) -> JobStatus:
        """See `Peer.status`."""
        answer = await self._client.call("GET", _path(remote))
        job = answer.job
        state = _STATES.get(str(job.get("status", "")))
        if state is None:
            self._not_a_job(answer)
            raise ServerDown(f"the server says of a clip that it is {job.get('status')!r}")
        return JobStatus(state, _fraction(job.get("progress")), reason_of(job), str(job.get("url") or ""))

    def _not_a_job(self, answer: PeerResponse) -> None:
        if answer.status in (404, 410):
            raise JobLost
        self._client.check(answer)

    async def download(self, remote: str, status: JobStatus, path: Path) -> None:
        """See `Peer.download`."""
        try:
            await self._client.save(f"{_path(remote)}/content", path)
        except Unfinished:
            if not status.url:
                raise
            await self._client.save(status.url, path)

    async def cancel(self, remote: str) -> None:
        """See `Peer.cancel`. SGLang forgets the job but keeps rendering it."""
        await self._client.call("DELETE", _path(remote))

    async def check(self) -> None:
        """See `Peer.check`."""
        self._client.check(await self._client.call("GET", "v1/models"))

    async def close(self) -> None:
        """See `Peer.close`."""
        await self._client.close()


def _path(remote: str) -> str:
    return f"v1/videos/{quote(remote, safe='')}"


def _fraction(percent: Any) -> float | None:
    return min(1.0, max(0.0, percent / 100)) if isinstance(percent, int | float) else None
