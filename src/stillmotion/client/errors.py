"""Errors of the client, split by the caller's remedy.

::

    ClientError
    ├── ServerRefused             the server's own sentence, its status and request id
    │   ├── InvalidRequest        change the request (400, 422)
    │   ├── NotAuthenticated      change the key (401)
    │   ├── AccessDenied          not with this subscription, or its quota is spent (403)
    │   ├── NotFound              no such generation of this subscription's, or no such path (404, 405)
    │   ├── RateLimited           wait `retry_after` seconds; it was tried again already (429)
    │   └── ServerTrouble         the server failed; it was tried again already (500 and up)
    ├── NoAnswer                  nobody answered, or the answer broke off
    ├── BadAnswer                 what answered does not speak the API
    ├── ImageUnreadable           the picture cannot be read here
    ├── FileRefused               nothing may be written there: a picture, a file that is there, a wrong suffix
    ├── FileUnwritable            it could not be written: a full disk, say
    ├── GenerationFailed          accepted, but no clip could be made: `reason` says why
    ├── StillRunning              the time allowed is over; the generation goes on
    └── CallbackNotVerified       not from the server, too old, or changed on the way
"""

import math

from stillmotion.client.generation import Generation
from stillmotion.domain.errors import StillmotionError


class ClientError(StillmotionError):
    """The root of the client's errors."""


class ServerRefused(ClientError):
    """The server said no. `request_id` finds the request in the server's log; `retry_after` is in seconds.

    `reason` is the server's own code for why, such as quota_spent; empty where it gives none. `told` is the error as
    text without the time after which to try again.
    """

    def __init__(
        self, sentence: str, status: int, request_id: str, retry_after: float | None, reason: str = ""
    ) -> None:
        facts = [f"status {status}", reason, f"request {request_id}" if request_id else ""]
        again = "" if retry_after is None else f". Try again in {_in_words(retry_after)}"
        self.told = f"{sentence} ({', '.join(each for each in facts if each)})"
        super().__init__(f"{self.told}{again}")
        self.sentence = sentence
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after
        self.reason = reason


class InvalidRequest(ServerRefused):
    """The request cannot be carried out as written."""


class NotAuthenticated(ServerRefused):
    """The key is missing, unknown or not active."""


class AccessDenied(ServerRefused):
    """The subscription does not include this, or its quota is spent."""


class NotFound(ServerRefused):
    """There is nothing of that name for this subscription."""


class RateLimited(ServerRefused):
    """Too much at once."""


class ServerTrouble(ServerRefused):
    """The server could not do it just now."""


class NoAnswer(ClientError):
    """No connection, or one that was lost."""


class BadAnswer(ClientError):
    """The answer is not what this API answers with."""


class ImageUnreadable(ClientError):
    """The picture cannot be read here."""


class FileRefused(ClientError):
    """Nothing may be written to that path, and nothing was."""


class FileUnwritable(ClientError):
    """The file could not be written. What was there before is as it was."""


class GenerationFailed(ClientError):
    """No clip was made; `generation.failure_reason` is the server's sentence."""

    def __init__(self, generation: Generation) -> None:
        super().__init__(generation.failure_reason or "The generation failed.")
        self.generation = generation


class StillRunning(ClientError):
    """The generation has not ended in the time allowed: `wait` for `generation.id` again."""

    def __init__(self, generation: Generation) -> None:
        super().__init__(f"The generation {generation.id} is still {generation.state}: wait for it again.")
        self.generation = generation


class CallbackNotVerified(ClientError):
    """The callback was not signed with this secret, or not lately, or was changed on the way."""


def refused(sentence: str, status: int, request_id: str, retry_after: float | None, reason: str = "") -> ServerRefused:
    """The error of the kind that a status stands for."""
    kinds = {400: InvalidRequest, 422: InvalidRequest, 401: NotAuthenticated, 403: AccessDenied}
    kinds |= {404: NotFound, 405: NotFound, 429: RateLimited}
    kind = ServerTrouble if status >= 500 else kinds.get(status, ServerRefused)
    return kind(sentence, status, request_id, retry_after, reason)


def _in_words(seconds: float) -> str:
    """So long, in the unit that leaves a small number."""
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{math.ceil(seconds / size)} {unit}"
    return f"{math.ceil(seconds)} s"
