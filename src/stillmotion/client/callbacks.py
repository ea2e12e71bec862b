"""Callbacks on the receiver's side: verification of a signed delivery."""

from collections.abc import Mapping

from standardwebhooks import Webhook, WebhookVerificationError

from stillmotion.client import wire
from stillmotion.client.errors import CallbackNotVerified
from stillmotion.client.generation import Generation


def verify_callback(headers: Mapping[str, str], body: bytes | str, secret: str) -> Generation:
    """Verify a callback and return its generation. Raises `CallbackNotVerified` for any other sender's message.

    `body` is the request's body as it came, before anything parsed it; `secret` is the subscription's (`whsec_...`).
    The same message may come twice: its name is the header `webhook-id`.
    """
    try:
        told = Webhook(secret).verify(body, dict(headers))
    except (WebhookVerificationError, ValueError) as error:
        raise CallbackNotVerified(f"The callback is not one of the server's: {error}.") from error
    return wire.from_body(told)
