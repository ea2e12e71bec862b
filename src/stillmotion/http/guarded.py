"""What is no operation of a surface (assets, health, pages): named, counted, and never a traceback in the body."""

from dataclasses import dataclass

import structlog

from stillmotion.application.ports import Clock
from stillmotion.domain.errors import Refused, Unavailable
from stillmotion.http.asgi import App, ClientGone, Message, Receive, Reply, Scope, Send, send_reply
from stillmotion.http.endpoint import EdgeParts
from stillmotion.http.metrics import RequestMetrics
from stillmotion.http.problems import Problems

_LOG = structlog.get_logger("stillmotion.http")


class Guarded:
    """An application whose answers get a request id and whose errors are answered from a surface's table."""

    def __init__(self, name: str, app: App, parts: EdgeParts, problems: Problems) -> None:
        self._name = name
        self._app = app
        self._parts = parts
        self._problems = problems
        self._metrics: RequestMetrics = parts.metrics.of(name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        clock: Clock = self._parts.services.clock
        started = clock.monotonic()
        answering = _Answering(send, next(self._parts.request_ids))
        try:
            await self._app(scope, receive, answering.send)
        except ClientGone:
            return
        except Exception as error:
            if answering.status:
                raise
            await send_reply(answering.send, self._refusal(error, answering.request_id), method=scope["method"])
        self._metrics.observe(answering.status, clock.monotonic() - started)

    def _refusal(self, error: Exception, request_id: bytes) -> Reply:
        if isinstance(error, Unavailable):
            _LOG.warning("unavailable", operation=self._name, request_id=request_id.decode("ascii"), why=str(error))
        elif not isinstance(error, Refused):
            _LOG.error("request_failed", operation=self._name, request_id=request_id.decode("ascii"), exc_info=error)
        return self._problems.reply(error)


@dataclass(slots=True)
class _Answering:
    """Passes an answer on and adds its name; `status` is 0 until it starts."""

    _send: Send
    request_id: bytes
    status: int = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message["headers"], (b"x-request-id", self.request_id)]
            message = {**message, "headers": headers}
        await self._send(message)
