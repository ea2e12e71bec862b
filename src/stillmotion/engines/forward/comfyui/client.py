"""ComfyUI dialect: the operator's own workflow, filled in and queued.

The job's id is chosen by the client (`prompt_id`). It is derived from the request's key, so that a job submitted before
a crash is found again.
"""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp

from stillmotion.domain.catalogue import Server
from stillmotion.domain.failures import FailureKind
from stillmotion.engines.forward.comfyui.progress import ProgressSockets, sampler_count
from stillmotion.engines.forward.comfyui.workflow import Graph, filled
from stillmotion.engines.forward.error_text import in_plain_words, reason_of
from stillmotion.engines.forward.http import OnOutcome, PeerClient, PeerResponse, unheard
from stillmotion.engines.forward.peer import ClipRequest, JobLost, JobStatus, RemoteState, Unfinished


class ComfyUIPeer:
    """`Peer` for ComfyUI's API. Progress comes over its WebSocket, under the client id that the job was queued with."""

    def __init__(self, server: Server, graph: Graph, on_outcome: OnOutcome = unheard) -> None:
        self._graph = graph
        headers = {"Authorization": f"Bearer {server.key}"} if server.key else {}
        self._client = PeerClient(server.url, headers, on_outcome)
        self._sockets = ProgressSockets(self._client, sampler_count(graph))

    async def submit(self, request: ClipRequest) -> str:
        """See `Peer.submit`."""
        # A name-based UUID: the same key gives the same id in any process.
        remote = str(uuid.uuid5(uuid.NAMESPACE_URL, f"stillmotion:{request.key}"))
        if await self._is_known(remote):
            return remote
        graph = filled(
            self._graph,
            {
                "image": await self._upload(remote, "frame0", request.frame0),
                "end_image": await self._upload(remote, "frame1", request.frame1),
                "prompt": request.prompt,
                "seed": request.seed,
                "size": (request.size.width, request.size.height),
                "frames": request.frame_count,
            },
        )
        body = {"prompt": graph, "client_id": remote, "prompt_id": remote}
        answer = await self._client.call("POST", "prompt", json=body)
        self._client.check(answer)
        if answer.status >= 400:
            raise FailureKind.REMOTE_REFUSED.error(why=in_plain_words(_refusal(answer)))
        return str(answer.job.get("prompt_id") or remote)

    async def status(self, remote: str) -> JobStatus:
        """See `Peer.status`."""
        entry = await self._history(remote)
        if entry is None:
            waits = await self._is_queued(remote)
            if waits is not None:
                state = RemoteState.QUEUED if waits else RemoteState.RUNNING
                return JobStatus(state, self._sockets.fraction(remote))
            # The job may have ended between the two requests.
            entry = await self._history(remote)
        self._sockets.forget(remote)
        if entry is None:
            raise JobLost
        status = entry.get("status")
        status = status if isinstance(status, dict) else {}
        if status.get("status_str") == "error":
            return JobStatus(RemoteState.FAILED, reason=_error(status))
        url = next(_clips(entry), "")
        if url:
            return JobStatus(RemoteState.COMPLETED, 1.0, url=url)
        return JobStatus(RemoteState.FAILED, reason="the workflow ended without an MP4 file")

    async def download(self, remote: str, status: JobStatus, path: Path) -> None:
        """See `Peer.download`."""
        url = status.url or (await self.status(remote)).url
        if not url:
            raise Unfinished("no file yet")
        await self._client.save(url, path)

    async def cancel(self, remote: str) -> None:
        """See `Peer.cancel`: removed from the queue, or interrupted if it is running."""
        self._sockets.forget(remote)
        waits = await self._is_queued(remote)
        if waits:
            await self._client.call("POST", "queue", json={"delete": [remote]})
        elif waits is not None:
            await self._client.call("POST", "interrupt", json={"prompt_id": remote})

    async def check(self) -> None:
        """See `Peer.check`."""
        self._client.check(await self._client.call("GET", "system_stats"))

    async def close(self) -> None:
        """See `Peer.close`."""
        await self._sockets.close()
        await self._client.close()

    async def _upload(self, remote: str, name: str, path: Path | None) -> str | None:
        if path is None:
            return None
        form = aiohttp.FormData(default_to_multipart=True)
        picture = await asyncio.to_thread(path.read_bytes)
        form.add_field("image", picture, filename=f"{remote}-{name}.png", content_type="image/png")
        form.add_field("overwrite", "true")
        answer = await self._client.call("POST", "upload/image", form=form)
        self._client.check(answer)
        stored = answer.job.get("name")
        if answer.status >= 400 or not isinstance(stored, str):
            raise FailureKind.REMOTE_REFUSED.error(why=in_plain_words(reason_of(answer.body)))
        folder = answer.job.get("subfolder")
        return f"{folder}/{stored}" if folder else stored

    async def _is_known(self, remote: str) -> bool:
        return await self._history(remote) is not None or await self._is_queued(remote) is not None

    async def _history(self, remote: str) -> dict[str, Any] | None:
        answer = await self._client.call("GET", f"history/{quote(remote, safe='')}")
        self._client.check(answer)
        entry = answer.job.get(remote)
        return entry if isinstance(entry, dict) else None

    async def _is_queued(self, remote: str) -> bool | None:
        """True if the job waits in the queue, False if it runs, None if it does neither."""
        answer = await self._client.call("GET", "queue")
        self._client.check(answer)
        for name, waits in (("queue_running", False), ("queue_pending", True)):
            queued = answer.job.get(name)
            # An entry is [number, prompt_id, prompt, …].
            if isinstance(queued, list) and any(isinstance(each, list) and remote in each[:3] for each in queued):
                return waits
        return None


def _clips(entry: dict[str, Any]) -> Iterator[str]:
    """Paths of the MP4 files that a workflow wrote; saved outputs before previews."""
    outputs = entry.get("outputs")
    listed = [each for node in (outputs or {}).values() if isinstance(node, dict) for each in node.values()]
    files = [file for each in listed if isinstance(each, list) for file in each if isinstance(file, dict)]
    # The list's name depends on the node, so all lists are searched.
    for file in sorted(files, key=lambda each: each.get("type") != "output"):
        if str(file.get("filename", "")).lower().endswith(".mp4"):
            asked = {name: str(file.get(name, "")) for name in ("filename", "subfolder", "type")}
            yield f"view?{urlencode(asked)}"


def _error(status: dict[str, Any]) -> str:
    messages = status.get("messages")
    for each in messages if isinstance(messages, list) else []:
        if isinstance(each, list) and len(each) == 2 and each[0] == "execution_error" and isinstance(each[1], dict):
            return str(each[1].get("exception_message", ""))
    return ""


def _refusal(answer: PeerResponse) -> str:
    """The error of the whole workflow, followed by that of the first node that has one."""
    said = reason_of(answer.body)
    nodes = answer.job.get("node_errors")
    for node in nodes.values() if isinstance(nodes, dict) else []:
        errors = node.get("errors") if isinstance(node, dict) else None
        for each in errors if isinstance(errors, list) else []:
            if isinstance(each, dict):
                return f"{said}: {each.get('message', '')} {each.get('details', '')}"
    return said
