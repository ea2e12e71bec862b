"""Port of tracing: spans of one trace over processes. No span holds a prompt, an address with its query, or a key."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from enum import Enum
from types import MappingProxyType
from typing import Final, Protocol

from stillmotion.domain.generation import Generation

Attributes = Mapping[str, str | int | float]
"""Names and values by OpenTelemetry's semantic conventions."""

NO_ATTRIBUTES: Final[Attributes] = MappingProxyType({})


class SpanKind(Enum):
    """Role of a span."""

    SERVER = "server"
    CLIENT = "client"
    PRODUCER = "producer"
    CONSUMER = "consumer"
    INTERNAL = "internal"


class TraceSpan(Protocol):
    """A span under way."""

    @property
    def traceparent(self) -> str:
        """Its identity for other processes (W3C Trace Context); empty without tracing."""
        ...

    def tell(self, attributes: Attributes) -> None:
        """Add attributes."""
        ...

    def fail(self, error_type: str) -> None:
        """Mark it as failed, with the kind of the error and no message."""
        ...


class Tracing(Protocol):
    """Maker of spans. A span begins and ends with its `with` block, and holds the spans that begin inside."""

    @property
    def is_on(self) -> bool:
        """False if all spans are ignored."""
        ...

    def span(
        self, name: str, kind: SpanKind = SpanKind.INTERNAL, attributes: Attributes = NO_ATTRIBUTES, caused_by: str = ""
    ) -> AbstractContextManager[TraceSpan]:
        """A new span. `caused_by` is the traceparent of its cause in another process, whose trace it goes on.

        A consumer is linked to its cause too. An exception that leaves the block fails the span by its kind alone.
        """
        ...

    def past(self, name: str, began: float, ended: float, attributes: Attributes = NO_ATTRIBUTES) -> None:
        """A span that is over, within the present one. Both times are of the machine's monotonic clock."""
        ...


class UntracedSpan:
    """A span that nobody sees."""

    traceparent = ""

    def tell(self, attributes: Attributes) -> None:
        """Do nothing."""

    def fail(self, error_type: str) -> None:
        """Do nothing."""


_UNTRACED: Final = nullcontext(UntracedSpan())


class NoTracing:
    """`Tracing` without any."""

    is_on = False

    def span(
        self,
        name: str,  # noqa: ARG002 - the port's
        kind: SpanKind = SpanKind.INTERNAL,  # noqa: ARG002 - as above
        attributes: Attributes = NO_ATTRIBUTES,  # noqa: ARG002 - as above
        caused_by: str = "",  # noqa: ARG002 - as above
    ) -> AbstractContextManager[TraceSpan]:
        """See `Tracing.span`."""
        return _UNTRACED

    def past(self, name: str, began: float, ended: float, attributes: Attributes = NO_ATTRIBUTES) -> None:
        """Do nothing."""


NO_TRACING: Final = NoTracing()


def about(generation: Generation, operation: str) -> Attributes:
    """Attributes of a generation's spans, by the conventions of messaging and of generative AI."""
    return {
        "messaging.system": "stillmotion",
        "messaging.destination.name": "generations",
        "messaging.operation.type": operation,
        "messaging.operation.name": operation,
        "messaging.message.id": generation.id,
        "gen_ai.provider.name": "stillmotion",
        "gen_ai.operation.name": "generate_content",
        "gen_ai.request.model": generation.request.model,
        "gen_ai.output.type": "video",
    }
