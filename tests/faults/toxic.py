"""A proxy before a dependency of the service, with the faults of a network."""

import contextlib
import socket
import threading
from dataclasses import dataclass, field

BUSY = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
REFUSAL = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
)


@dataclass
class Toxic:
    """Proxy to `target`, whose `mode` is a fault.

    The modes are "pass", "refuse" (hangs up at once), "hole" (takes everything and answers nothing), "busy" (answers
    503) and "deaf" (passes the next request on, drops its answer, hangs up, and passes again after that).
    """

    target: tuple[str, int]
    mode: str = "pass"
    connections: int = 0
    lost: int = 0
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def start(self) -> "Toxic":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        with caller, contextlib.suppress(OSError), socket.create_connection(self.target, timeout=30) as server:
            answering = threading.Thread(target=self._pass_back, args=(server, caller), daemon=True)
            answering.start()
            while data := caller.recv(65536):
                match self.mode:
                    case "refuse":
                        return
                    case "busy":
                        caller.sendall(REFUSAL % (len(BUSY), BUSY))
                        return
                    case "hole":
                        continue
                    case _:
                        server.sendall(data)
            server.shutdown(socket.SHUT_WR)
            answering.join(30)

    def _pass_back(self, server: socket.socket, caller: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if self.mode == "deaf" and not data.startswith(b"HTTP/1.1 100"):
                    self.mode, self.lost = "pass", self.lost + 1
                    break
                if self.mode != "hole":
                    caller.sendall(data)
            caller.shutdown(socket.SHUT_RDWR)
