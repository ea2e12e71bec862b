"""Messages passed on to a receiver that the server cannot reach: they come by the stream of all events."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import httpx2

from stillmotion.client import Client, Generation, NotFound

ANNOUNCED: Final = frozenset({"dreaming", "completed", "failed"})
"""States that a callback tells of."""
REMEMBERED: Final = 10_000
"""Messages that are known to be passed on already."""
ANSWER_SECONDS: Final = 15.0
"""Deadline for a receiver, as the server has it."""


class Forwarder:
    """Forwarder of the messages of one key to `url`, each once. `say` is told of every one in a line."""

    def __init__(self, client: Client, url: str, say: Callable[[str], None]) -> None:
        self._client, self._url, self._say = client, url, say
        self._http = httpx2.Client(timeout=ANSWER_SECONDS, trust_env=False)
        self._done: OrderedDict[str, None] = OrderedDict()

    def run(self) -> None:
        """Forward until interrupted. Raises `ClientError`."""
        with self._http:
            for told in self._client.watch_all():
                if told.state in ANNOUNCED and f"{told.id} {told.state}" not in self._done:
                    self._forward(told)

    def _forward(self, told: Generation) -> None:
        try:
            message = self._client.callback_message(told.id)
        except NotFound:
            return  # It was deleted meanwhile.
        _, _, state = message.headers["webhook-id"].rpartition("_")
        for each in {told.state, state}:
            self._done[f"{told.id} {each}"] = None
        while len(self._done) > REMEMBERED:
            self._done.popitem(last=False)
        try:
            answer = self._http.post(self._url, content=message.body.encode(), headers=dict(message.headers))
            outcome = str(answer.status_code)
        except httpx2.HTTPError as error:
            outcome = f"no answer: {str(error) or type(error).__name__}"
        self._say(f"{told.id}  {state:9}  {outcome}")
