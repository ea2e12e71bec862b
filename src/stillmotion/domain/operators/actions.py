"""Actions of operators, as the log has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class OperatorAction:
    """One act of an operator: a write, or a look at something hidden.

    `name` is the operation's id, `target` the thing it is about, `details` are its parameters. `refused` is the
    sentence of its refusal, None for an act that was carried out.
    """

    id: str
    at: datetime
    actor: str
    name: str
    target: str
    details: Mapping[str, Any]
    request_id: str
    refused: str | None = None
