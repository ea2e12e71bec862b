"""Posting callbacks, signed as Standard Webhooks."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import floor

import aiohttp
from standardwebhooks.webhooks import Webhook
from yarl import URL

from stillmotion.adapters.fetch.client import READ_BUFFER, Connections, NoResponse, Trouble
from stillmotion.adapters.fetch.urls import UrlRefused
from stillmotion.application.ports.outbound import CallbackUndeliverable
from stillmotion.domain.callbacks import CallbackResponse

ANSWER_BYTES = READ_BUFFER
"""Bytes of an answer's body that are taken and dropped, so that its sender is not cut off."""
ANSWER_PATIENCE = timedelta(seconds=1)

_WORDS: Mapping[Trouble, str] = {
    Trouble.BLOCKED: "callback_blocked: the address leads to a place where this server does not go",
    Trouble.UNKNOWN_NAME: "callback_dns_failed: the host name is not known",
    Trouble.NO_NAME_SERVICE: "callback_dns_failed: the host name could not be looked up",
    Trouble.UNREACHABLE: "callback_unreachable: no connection could be made",
    Trouble.INSECURE: "callback_insecure: no secure connection could be made",
    Trouble.TIMEOUT: "callback_timeout: no answer came in time",
    Trouble.BROKEN: "callback_broken: the answer was broken off or could not be understood",
    Trouble.ENDLESS_HEAD: "callback_broken: the answer has more headers than one may have",
}


@dataclass(frozen=True, slots=True)
class GuardedCallbackSender:
    """`CallbackSender` over the connections that pictures are fetched with."""

    connections: Connections = field(default_factory=Connections)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, deadline: timedelta) -> CallbackResponse:
        """POST once, and follow no redirect. Raises `CallbackUndeliverable` if no status came within the deadline."""
        try:
            return await self._post(url, headers, body, deadline)
        except UrlRefused as refused:
            raise CallbackUndeliverable(_WORDS[Trouble.BLOCKED]) from refused
        except NoResponse as no_answer:
            raise CallbackUndeliverable(_WORDS[no_answer.trouble]) from no_answer

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes, deadline: timedelta) -> CallbackResponse:
        target = URL(self.connections.guard.admit(url).url, encoded=True)
        with self.connections.session() as session:
            async with (
                asyncio.timeout(deadline.total_seconds()) as until,
                session.http() as http,
                http.post(target, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                # The status decides the outcome: the rest of the answer may take longer, or break off.
                until.reschedule(None)
                await _hear_out(answer)
                return CallbackResponse(answer.status, answer.headers.get("Retry-After"))


async def _hear_out(answer: aiohttp.ClientResponse) -> None:
    """Take the beginning of the body."""
    with suppress(aiohttp.ClientError, TimeoutError, OSError):
        async with asyncio.timeout(ANSWER_PATIENCE.total_seconds()):
            left = ANSWER_BYTES
            while left > 0 and (piece := await answer.content.read(left)):
                left -= len(piece)


def sign(secret: str, message_id: str, sent_at: datetime, body: bytes) -> dict[str, str]:
    """Headers of Standard Webhooks for one attempt. `sent_at` must be aware; `body` is UTF-8.

    Raises `ValueError` for a naive time, which the library would silently take for UTC.
    """
    if sent_at.tzinfo is None:
        raise ValueError("the time of sending must say its zone")
    # The library replaces the zone instead of converting the time: it must be UTC already.
    sent_at = sent_at.astimezone(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(floor(sent_at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, sent_at, body.decode("utf-8")),
    }
