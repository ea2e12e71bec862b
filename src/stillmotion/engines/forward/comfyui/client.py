"""ComfyUI: the operator's own workflow, filled in and queued.

The id is ours to choose there, so a clip that was asked for is found again by it, whatever happened in between.
"""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp

from stillmotion.domain.catalogue import Server
from stillmotion.engines.forward.comfyui.progress import Listening, samplers
from stillmotion.engines.forward.comfyui.workflow import Graph, filled
from stillmotion.engines.forward.error_text import reason_of, refused
from stillmotion.engines.forward.http import Calls, PeerResponse
from stillmotion.engines.forward.peer import Ask, Look, Lost, RemoteState, Unfinished


class ComfyUIPeer:
    """`Peer` in ComfyUI's words. Progress comes from its socket, under the client's id that the job was queued with."""

    def __init__(self, server: Server, graph: Graph) -> None:
        self._graph = graph
        self._calls = Calls(server.url, {"Authorization": f"Bearer {server.key}"} if server.key else {})
        self._listening = Listening(self._calls, samplers(graph))

    async def submit(self, ask: Ask) -> str:
        """See `Peer.submit`."""
        remote = str(uuid.uuid5(uuid.NAMESPACE_URL, f"stillmotion:{ask.key}"))
        if await self._is_known(remote):
            return remote
        graph = filled(
            self._graph,
            {
                "image": await self._upload(remote, "frame0", ask.frame0),
                "end_image": await self._upload(remote, "frame1", ask.frame1),
                "prompt": ask.prompt,
                "seed": ask.seed,
                "size": (ask.size.width, ask.size.height),
                "frames": ask.frame_count,
            },
        )
        body = {"prompt": graph, "client_id": remote, "prompt_id": remote}
        answer = await self._calls.call("POST", "prompt", json=body)
        self._check(answer)
        if answer.status >= 400:
            raise refused(_refusal(answer))
        return str(answer.job.get("prompt_id") or remote)

    async def look(self, remote: str) -> Look:
        """See `Peer.look`."""
        entry = await self._history(remote)
        if entry is None:
            waits = await self._waits(remote)
            if waits is not None:
                state = RemoteState.QUEUED if waits else RemoteState.RUNNING
                return Look(state, self._listening.fraction(remote))
            # It may have ended between the two questions.
            entry = await self._history(remote)
        self._listening.forget(remote)
        if entry is None:
            raise Lost
        status = entry.get("status")
        status = status if isinstance(status, dict) else {}
        if status.get("status_str") == "error":
            return Look(RemoteState.FAILED, reason=_error(status))
        url = next(_clips(entry), "")
        if url:
            return Look(RemoteState.COMPLETED, 1.0, url=url)
        return Look(RemoteState.FAILED, reason="the workflow ended without an MP4 file")

    async def download(self, remote: str, look: Look, path: Path) -> None:
        """See `Peer.download`."""
        url = look.url or (await self.look(remote)).url
        if not url:
            raise Unfinished("no file yet")
        await self._calls.save(url, path)

    async def cancel(self, remote: str) -> None:
        """See `Peer.cancel`: taken off the queue, or interrupted where it is the one under way."""
        self._listening.forget(remote)
        waits = await self._waits(remote)
        if waits:
            await self._calls.call("POST", "queue", json={"delete": [remote]})
        elif waits is not None:
            await self._calls.call("POST", "interrupt", json={"prompt_id": remote})

    async def check(self) -> None:
        """See `Peer.check`."""
        self._check(await self._calls.call("GET", "system_stats"))

    async def close(self) -> None:
        """See `Peer.close`."""
        await self._listening.close()
        await self._calls.close()

    async def _upload(self, remote: str, name: str, path: Path | None) -> str | None:
        if path is None:
            return None
        form = aiohttp.FormData(default_to_multipart=True)
        picture = await asyncio.to_thread(path.read_bytes)
        form.add_field("image", picture, filename=f"{remote}-{name}.png", content_type="image/png")
        form.add_field("overwrite", "true")
        answer = await self._calls.call("POST", "upload/image", form=form)
        self._check(answer)
        stored = answer.job.get("name")
        if answer.status >= 400 or not isinstance(stored, str):
            raise refused(reason_of(answer.body))
        folder = answer.job.get("subfolder")
        return f"{folder}/{stored}" if folder else stored

    async def _is_known(self, remote: str) -> bool:
        return await self._history(remote) is not None or await self._waits(remote) is not None

    async def _history(self, remote: str) -> dict[str, Any] | None:
        answer = await self._calls.call("GET", f"history/{quote(remote, safe='')}")
        self._check(answer)
        entry = answer.job.get(remote)
        return entry if isinstance(entry, dict) else None

    async def _waits(self, remote: str) -> bool | None:
        """Whether it waits; false where it is under way, None where it is neither."""
        answer = await self._calls.call("GET", "queue")
        self._check(answer)
        for name, waits in (("queue_running", False), ("queue_pending", True)):
            queued = answer.job.get(name)
            if isinstance(queued, list) and any(isinstance(each, list) and remote in each[:3] for each in queued):
                return waits
        return None

    def _check(self, answer: PeerResponse) -> None:
        trouble = self._calls.trouble(answer)
        if trouble is not None:
            raise trouble


def _clips(entry: dict[str, Any]) -> Iterator[str]:
    """Where the MP4 files that a workflow made can be had; kept ones before previews."""
    outputs = entry.get("outputs")
    listed = [each for node in (outputs or {}).values() if isinstance(node, dict) for each in node.values()]
    files = [file for each in listed if isinstance(each, list) for file in each if isinstance(file, dict)]
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
    """The workflow's own complaint, and the first node's."""
    said = reason_of(answer.body)
    nodes = answer.job.get("node_errors")
    for node in nodes.values() if isinstance(nodes, dict) else []:
        errors = node.get("errors") if isinstance(node, dict) else None
        for each in errors if isinstance(errors, list) else []:
            if isinstance(each, dict):
                return f"{said}: {each.get('message', '')} {each.get('details', '')}"
    return said
