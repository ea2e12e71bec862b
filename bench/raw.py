"""The raw server: `python -m bench.raw FILE` answers every request with the answer that FILE holds, from memory.

It is the product's own server set-up around an application with nothing in it: the floor of what a request costs.
"""

import asyncio
import sys
from pathlib import Path

from stillmotion.http.asgi import App, Header, Receive, Scope, Send

_WRITTEN_BY_THE_SERVER = frozenset({b"date", b"connection"})


def bare_app(answer: bytes) -> App:
    """An application that reads the body and answers with these bytes: head, blank line, body."""
    head, body = answer.split(b"\r\n\r\n", 1)
    status, *lines = head.split(b"\r\n")
    headers = [_header(line) for line in lines]
    start = {
        "type": "http.response.start",
        "status": int(status.split()[1]),
        "headers": [header for header in headers if header[0] not in _WRITTEN_BY_THE_SERVER],
    }
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


async def _serve(answer: bytes) -> None:
    import uvicorn

    server = uvicorn.Server(
        uvicorn.Config(
            bare_app(answer),
            host="127.0.0.1",
            port=0,
            access_log=False,
            server_header=False,
            log_level="warning",
            lifespan="off",
            loop="none",
        )
    )

    async def tell() -> None:
        while not server.started:
            await asyncio.sleep(0.01)
        host, port = server.servers[0].sockets[0].getsockname()[:2]
        print(f"Listening on http://{host}:{port}", flush=True)

    telling = asyncio.create_task(tell())
    await server.serve()
    await telling


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve(Path(sys.argv[1]).read_bytes()))
