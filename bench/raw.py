"""Servers to hold the product against: `python -m bench.raw FILE` answers everything with what FILE holds, from memory.

It is plain uvicorn around an application with nothing in it: the floor of what a request costs in Python. With
`--fastapi bytes` it is an operation of FastAPI's that answers one path with the same bytes, which are ready. With
`--fastapi dict` that operation returns the body as a dictionary, as the first example of FastAPI's documentation does.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from fastapi import FastAPI, Response

from bench.gateway import POLL_PATH
from stillmotion.http.server.request import DEADLINES
from stillmotion.http.server.server import MAX_CONNECTIONS, listen, url_of

App = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]
]

_WRITTEN_BY_THE_SERVER = frozenset({b"date", b"connection", b"server"})


def bare_app(answer: bytes) -> App:
    """An ASGI application that reads the body and answers with these bytes: head, blank line, body."""
    status, headers, body = _parts(answer)
    start = {"type": "http.response.start", "status": status, "headers": headers}
    end = {"type": "http.response.body", "body": body}

    async def answering(
        scope: MutableMapping[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        del scope
        while (await receive()).get("more_body"):
            pass
        await send(start)
        await send(end)

    return answering


def fastapi_bytes_app(answer: bytes) -> App:
    """An operation of FastAPI's that answers polls with these bytes, head and body."""
    status, headers, body = _parts(answer)
    named = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
    app = FastAPI()

    @app.post(POLL_PATH)
    async def hello() -> Response:
        return Response(body, status, named)

    return app


def fastapi_dict_app(answer: bytes) -> App:
    """The documented hello: an operation that returns a dictionary, here the JSON body of these bytes."""
    document = json.loads(_parts(answer)[2])
    app = FastAPI()

    # The documented example names no type of its answer: without one FastAPI encodes the dictionary itself.
    @app.post(POLL_PATH, response_model=None)
    async def hello() -> dict[str, Any]:
        return dict(document)

    return app


def _parts(answer: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    head, body = answer.split(b"\r\n\r\n", 1)
    status, *lines = head.split(b"\r\n")
    headers = [header for header in map(_header, lines) if header[0] not in _WRITTEN_BY_THE_SERVER]
    return int(status.split()[1]), headers, body


def _header(line: bytes) -> tuple[bytes, bytes]:
    name, value = line.split(b":", 1)
    return name.strip().lower(), value.strip()


async def _serve(app: App) -> None:
    with listen("127.0.0.1", 0) as listener:
        config = uvicorn.Config(
            app,
            http="httptools",
            interface="asgi3",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=int(DEADLINES.head),
            limit_concurrency=MAX_CONNECTIONS,
        )
        serving = asyncio.create_task(uvicorn.Server(config).serve([listener]))
        print(f"Listening on {url_of(listener)}", flush=True)
        await serving


MADE: Mapping[str, Callable[[bytes], App]] = {
    "raw": bare_app,
    "bytes": fastapi_bytes_app,
    "dict": fastapi_dict_app,
}

if __name__ == "__main__":
    kind = sys.argv[sys.argv.index("--fastapi") + 1] if "--fastapi" in sys.argv[2:] else "raw"
    uvloop.run(_serve(MADE[kind](Path(sys.argv[1]).read_bytes())))
