"""Names that nobody else has: ids that sort by time, tokens that cannot be guessed."""

import base64
import secrets

from uuid_utils import uuid7


def new_uuid7() -> str:
    """A new UUID of version 7 (RFC 9562) in canonical text.

    Each one sorts after those made before it in this process: in any thread, and when the clock steps back.
    """
    return str(uuid7())


def new_token() -> str:
    """256 random bits as 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def new_callback_secret() -> str:
    """256 random bits in the form of a signing secret of Standard Webhooks: `whsec_` and Base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
