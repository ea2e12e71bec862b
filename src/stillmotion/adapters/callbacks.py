"""Posting callbacks, signed as Standard Webhooks."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
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
TOLERANCE = timedelta(minutes=5)
"""Difference of clocks that receivers put up with, as the libraries of Standard Webhooks do."""

_SIGNED_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")

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


def why_not_genuine(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
    """The reason why a message is not genuine; None if it is. Header names are in lower case."""
    missing = [name for name in _SIGNED_HEADERS if not headers.get(name)]
    if missing:
        return f"The header {missing[0]} is missing: give all three of {', '.join(_SIGNED_HEADERS)}."
    message_id, timestamp, signatures = (headers[name] for name in _SIGNED_HEADERS)
    try:
        sent_at = datetime.fromtimestamp(int(timestamp), UTC)
        text = body.decode("utf-8")
    except (ValueError, OverflowError, OSError):
        return "The webhook-timestamp must be whole seconds since 1970, and the body UTF-8."
    expected = Webhook(secret).sign(message_id, sent_at, text)
    # Compared as bytes, since a stranger's text may hold any character.
    if not any(compare_digest(each.encode(), expected.encode()) for each in signatures.split(" ")):
        return "The signature does not fit the message: it was changed, or signed with another secret."
    if abs(now - sent_at) > TOLERANCE:
        return "The signature is right, but the time of sending is more than five minutes away: receivers refuse it."
    return None
