"""Server-Sent Events, read from the bytes of an answer in whatever pieces they come."""

import re
from collections.abc import Iterator

_LINE_END = re.compile(rb"\r\n|\n|\r")


class EventReader:
    """Gives the data of each event; comments (heartbeats) and event names are passed over."""

    def __init__(self) -> None:
        self.last_id = ""
        self._id = ""
        self._rest = b""
        self._data: list[str] = []

    def begin_again(self) -> None:
        """Forget what has been read of an event that broke off, but not the last one's id."""
        self._id = self.last_id
        self._rest = b""
        self._data = []

    def read(self, piece: bytes) -> Iterator[str]:
        """The data of every event that these bytes complete."""
        self._rest += piece
        # A carriage return at the end may be half of a line's end.
        *lines, self._rest = _LINE_END.split(self._rest) if not self._rest.endswith(b"\r") else [self._rest]
        for line in lines:
            yield from self._line(line.decode("utf-8", "replace"))

    def _line(self, line: str) -> Iterator[str]:
        if not line:
            self.last_id = self._id
            if self._data:
                yield "\n".join(self._data)
            self._data = []
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
