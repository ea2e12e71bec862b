"""The raw server: `python -m bench.raw FILE` answers every request with the answer that FILE holds, from memory.

It is uvicorn with the product's settings around an application with nothing in it: the floor of what a request
costs. With `--tuned` it is the product's own server, whose connections write an answer in fewer steps than uvicorn's.
"""

import asyncio
import socket
import sys
from pathlib import Path

import uvicorn
import uvloop

from stillmotion.http.asgi import App, Header, Receive, Scope, Send
from stillmotion.http.connection import KEEP_ALIVE
from stillmotion.http.server import MAX_CONNECTIONS, HttpServer, listen, url_of

_WRITTEN_BY_THE_SERVER = frozenset({b"date", b"connection"})


def bare_app(answer: bytes) -> App:
    """An application that reads the body and answers with these bytes: head, blank line, body."""
    head, body = answer.split(b"\r\n\r\n", 1)
    status, *lines = head.split(b"\r\n")
    headers = [header for header in map(_header, lines) if header[0] not in _WRITTEN_BY_THE_SERVER]
    start = {"type": "http.response.start", "status": int(status.split()[1]), "headers": headers}
    end = {"type": "http.response.body", "body": body}

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        while (await receive()).get("more_body"):
            pass
        await send(start)
        await send(end)

    return answering


def _header(line: bytes) -> Header:
    name, value = line.split(b":", 1)
    return name.strip().lower(), value.strip()


async def _serve(answer: bytes, *, tuned: bool) -> None:
    with listen("127.0.0.1", 0) as listener:
        serving = asyncio.create_task((_tuned if tuned else _plain)(bare_app(answer), listener))
        print(f"Listening on {url_of(listener)}", flush=True)
        await serving


async def _tuned(app: App, listener: socket.socket) -> None:
    await HttpServer(app, listener).serve()


async def _plain(app: App, listener: socket.socket) -> None:
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
        timeout_keep_alive=KEEP_ALIVE,
        limit_concurrency=MAX_CONNECTIONS,
    )
    await uvicorn.Server(config).serve([listener])


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1]).read_bytes(), tuned="--tuned" in sys.argv[2:]))
