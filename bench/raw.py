"""The raw server: `python -m bench.raw FILE` answers every request with the answer that FILE holds, from memory.

It is the product's own server around an application with nothing in it: the floor of what a request costs.
"""

import sys
from pathlib import Path

import uvloop

from stillmotion.http.asgi import App, Header, Receive, Scope, Send
from stillmotion.http.server import HttpServer, listen

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


async def _serve(answer: bytes) -> None:
    with listen("127.0.0.1", 0) as listener:
        server = HttpServer(bare_app(answer), listener)
        print(f"Listening on {server.url}", flush=True)
        await server.serve()


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1]).read_bytes()))
