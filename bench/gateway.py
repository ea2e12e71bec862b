"""The gateway's requests as bytes, and the few conversations with a server behind the figures."""

import json
from typing import Any

from bench.history import PICTURE, PROMPT
from bench.load import Answer, Connection, check, post

SUBMIT_PATH = "/lumalabs-ai/v1/generateRequestFromImage"
POLL_PATH = "/lumalabs-ai-polling/v1/getStatus"
KEY_HEADER = "Ocp-Apim-Subscription-Key"


def submit_request(key: str, **fields: Any) -> bytes:
    """A submit of the founding document's example, with further fields or others in their place."""
    body = {"url": PICTURE, "prompt": PROMPT} | fields
    return post(SUBMIT_PATH, json.dumps(body).encode(), [(KEY_HEADER, key)])


def poll_request(key: str, generation_id: str) -> bytes:
    """A getStatus."""
    return post(POLL_PATH, b'{"task_id": "%s"}' % generation_id.encode(), [(KEY_HEADER, key)])


async def asked(connection: Connection, request: bytes) -> Any:
    """The JSON body of a 200. Raises `BadAnswer`."""
    return json.loads(check(await connection.ask(request)).body)


def whole(answer: Answer) -> bytes:
    """The answer's bytes as they came."""
    return answer.head + b"\r\n\r\n" + answer.body
