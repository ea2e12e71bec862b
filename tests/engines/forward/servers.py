"""Servers on loopback in the protocols of SGLang, vLLM-Omni and ComfyUI, with faults to order."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Studio:
    """Common part of both kinds: a port, a clip, and faults.

    `broken` is the number of further calls that are answered with a 500, `halves` of downloads that break off, and
    `early` of downloads that come before the file is complete. A job is done after `looks` polls. Every answer takes
    `slow` seconds.
    """

    clip: bytes
    looks: int = 2
    broken: int = 0
    halves: int = 0
    early: int = 0
    slow: float = 0.0
    key: str = ""
    calls: Counter[str] = field(default_factory=Counter)
    runner: web.AppRunner | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def app(self) -> web.Application:
        raise AssertionError("each kind has its own")

    async def start(self) -> None:
        app = self.app()
        app.middlewares.append(self._as_told)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self.runner.addresses[0][1]

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None

    @property
    def _as_told(self) -> Any:
        @web.middleware
        async def middleware(request: web.Request, handler: Any) -> web.StreamResponse:
            self.calls[f"{request.method} {request.match_info.route.resource.canonical}"] += 1
            if self.key and request.headers.get("Authorization") != f"Bearer {self.key}":
                return web.json_response({"error": {"message": "Incorrect API key provided"}}, status=401)
            await asyncio.sleep(self.slow)
            if self.broken:
                self.broken -= 1
                return web.Response(status=500, text="<html>Internal Server Error</html>")
            return await handler(request)

        return middleware

    async def give(self, request: web.Request) -> web.StreamResponse:
        """The clip, or the part of it that the faults leave."""
        if self.early:
            self.early -= 1
            return web.Response(body=self.clip[: len(self.clip) // 2], content_type="video/mp4")
        if self.halves:
            self.halves -= 1
            answer = web.StreamResponse(headers={"Content-Length": str(len(self.clip))})
            await answer.prepare(request)
            await answer.write(self.clip[: len(self.clip) // 2])
            request.transport.close()
            return answer
        return web.Response(body=self.clip, content_type="video/mp4")


@dataclass
class OpenAIStudio(Studio):
    """Server of `/v1/videos`. `failure` fails every job in vLLM-Omni's form, `elsewhere` keeps clips in a bucket."""

    failure: str = ""
    refusal: str = ""
    elsewhere: bool = False
    links: list[str] = field(default_factory=list)
    """Addresses of the clip in successive polls, the last one repeated. Without any it is the bucket's."""
    withheld: bool = False
    """True if it answers every download of a finished clip with a 500."""
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    named: dict[str, str] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    swallow: int = 0
    """Number of submits that are carried out but not answered."""

    def app(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/v1/videos", self.create)
        app.router.add_get("/v1/videos/{id}", self.look)
        app.router.add_get("/v1/videos/{id}/content", self.content)
        app.router.add_delete("/v1/videos/{id}", self.delete)
        app.router.add_get("/v1/models", self.models)
        app.router.add_get("/bucket/{id}.mp4", self.give)
        return app

    async def create(self, request: web.Request) -> web.StreamResponse:
        assert request.content_type == "multipart/form-data"
        form = await request.post()
        if self.refusal:
            return web.json_response({"error": {"message": self.refusal, "type": "invalid_request_error"}}, status=400)
        key = request.headers["Idempotency-Key"]
        if key not in self.named:
            fields = {name: each.file.read() if hasattr(each, "file") else each for name, each in form.items()}
            self.asked.append(fields)
            self.named[key] = f"video_{len(self.asked)}"
            self.jobs[self.named[key]] = {"id": self.named[key], "object": "video", "status": "queued", "progress": 0}
        if self.swallow:
            self.swallow -= 1
            request.transport.close()
        return web.json_response(self.jobs[self.named[key]])

    async def look(self, request: web.Request) -> web.Response:
        job = self.jobs.get(request.match_info["id"])
        if job is None:
            return web.json_response({"error": {"message": "Video not found"}}, status=404)
        job["looked"] = job.get("looked", 0) + 1
        if self.failure:
            job |= {"status": "failed", "error": {"message": self.failure}}
            return web.json_response(job, status=500)
        if job["looked"] >= self.looks:
            job |= {"status": "completed", "progress": 100}
            if self.elsewhere:
                links = self.links or [f"{self.url}/bucket/{job['id']}.mp4"]
                job["url"] = links.pop(0) if len(links) > 1 else links[0]
        else:
            job |= {"status": "in_progress", "progress": 40}
        return web.json_response(job)

    async def content(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["id"] not in self.jobs:
            return web.json_response({"error": {"message": "Video not found"}}, status=404)
        if self.withheld:
            return web.Response(status=500)
        if self.elsewhere:
            return web.json_response({"error": {"message": "Video is stored remotely, use its url"}}, status=400)
        return await self.give(request)

    async def delete(self, request: web.Request) -> web.Response:
        self.deleted.append(request.match_info["id"])
        self.jobs.pop(request.match_info["id"], None)
        return web.json_response({"deleted": True})

    async def models(self, request: web.Request) -> web.Response:
        return web.json_response({"data": []})


@dataclass
class ComfyStudio(Studio):
    """ComfyUI's queue, history and files. The messages in `told` are sent on the socket of a job's client."""

    failure: str = ""
    told: list[Any] = field(default_factory=list)
    listeners: list[str] = field(default_factory=list)
    graphs: dict[str, Any] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    looked: Counter[str] = field(default_factory=Counter)
    interrupted: list[str] = field(default_factory=list)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post("/upload/image", self.upload)
        app.router.add_post("/prompt", self.prompt)
        app.router.add_get("/history/{id}", self.history)
        app.router.add_get("/queue", self.queue)
        app.router.add_post("/queue", self.change_queue)
        app.router.add_post("/interrupt", self.interrupt)
        app.router.add_get("/view", self.give)
        app.router.add_get("/system_stats", self.stats)
        app.router.add_get("/ws", self.tell)
        return app

    async def upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.uploads[form["image"].filename] = form["image"].file.read()
        return web.json_response({"name": form["image"].filename, "subfolder": "", "type": "input"})

    async def prompt(self, request: web.Request) -> web.Response:
        body = await request.json()
        if not any(each["class_type"] == "SaveVideo" for each in body["prompt"].values()):
            error = {"type": "prompt_no_outputs", "message": "Prompt has no outputs"}
            return web.json_response({"error": error, "node_errors": {}}, status=400)
        self.graphs[body["prompt_id"]] = body["prompt"]
        return web.json_response({"prompt_id": body["prompt_id"], "number": 1, "node_errors": {}})

    def _is_done(self, remote: str) -> bool:
        return remote in self.graphs and self.looked[remote] >= self.looks

    async def history(self, request: web.Request) -> web.Response:
        remote = request.match_info["id"]
        self.looked[remote] += remote in self.graphs
        if not self._is_done(remote):
            return web.json_response({})
        if self.failure:
            messages = [["execution_start", {}], ["execution_error", {"exception_message": self.failure}]]
            return web.json_response({remote: {"status": {"status_str": "error", "messages": messages}, "outputs": {}}})
        files = [{"filename": "clip_00001_.mp4", "subfolder": "video", "type": "output"}]
        outputs = {"9": {"images": files, "animated": [True]}}
        return web.json_response({remote: {"status": {"status_str": "success"}, "outputs": outputs}})

    async def queue(self, request: web.Request) -> web.Response:
        running = [[1, each, {}, {}, []] for each in self.graphs if not self._is_done(each)]
        return web.json_response({"queue_running": running, "queue_pending": []})

    async def change_queue(self, request: web.Request) -> web.Response:
        return web.Response()

    async def interrupt(self, request: web.Request) -> web.Response:
        body = json.loads(await request.text())
        self.interrupted.append(body["prompt_id"])
        return web.Response()

    async def tell(self, request: web.Request) -> web.StreamResponse:
        if not self.told:
            return web.Response(status=404)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.listeners.append(request.query["clientId"])
        await socket.send_bytes(b"\0\0\0\1 a preview")
        for message in self.told:
            await (socket.send_str(message) if isinstance(message, str) else socket.send_json(message))
        await socket.receive()
        return socket

    async def stats(self, request: web.Request) -> web.Response:
        return web.json_response({"system": {}})


@asynccontextmanager
async def open_studio(studio: Studio) -> AsyncIterator[Studio]:
    await studio.start()
    try:
        yield studio
    finally:
        await studio.stop()
        await asyncio.sleep(0)
