"""A server on loopback with canned answers, sent piece by piece, and a record of its requests."""

import http.server
import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.waiting import LOOK_SECONDS


@dataclass
class Answer:
    """A canned answer. `length`, if given, is sent as Content-Length in place of the true one."""

    status: int = 200
    body: object = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Asked:
    """A recorded request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class ContractServer:
    """A server that gives the answers of a path in turn, and repeats the last one. A path without answers is a 404."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._answers: defaultdict[str, list[Answer]] = defaultdict(list)
        self.base = ""

    def on(self, method: str, path: str, *answers: Answer) -> None:
        self._answers[f"{method} {path}"] = list(answers)

    def paths(self) -> list[str]:
        return [f"{each.method} {each.path}" for each in self.asked]

    def take(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        answers = self._answers[f"{asked.method} {asked.path}"]
        if not answers:
            return Answer(404, {"error": "Endpoint not found"})
        return answers.pop(0) if len(answers) > 1 else answers[0]


@contextmanager
def contract_server() -> Iterator[ContractServer]:
    server = ContractServer()

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *arguments) -> None:
            """Suppress the log."""

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = server.take(Asked(self.command, self.path, headers, body))
            if answer.status == 0:
                self.close_connection = True
                return
            self.send_response(answer.status)
            length = len(answer.content) if answer.length is None else answer.length
            for name, value in {"Content-Length": str(length), "Connection": "close", **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - the library's names

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, args=(LOOK_SECONDS,), daemon=True)
    thread.start()
    server.base = f"http://127.0.0.1:{listening.server_address[1]}"
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join(20)
