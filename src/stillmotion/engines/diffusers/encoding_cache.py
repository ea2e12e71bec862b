"""What was encoded before is not encoded again: the words of a prompt, and the pictures that a clip is held to.

Customers try one picture and one prompt with many seeds. What is kept lies on the device, bounded by its count.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final

import torch

WORDS: Final = 16
"""Prompts that are remembered."""
PICTURES: Final = 8
"""Encoded pictures: those of several clips."""


class Remembered:
    """A function whose last answers are kept; what it is given must be hashable, or else it is called."""

    def __init__(self, function: Callable[..., Any], most: int, key: Callable[..., Hashable | None]) -> None:
        self._function, self._most, self._key = function, most, key
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self.spared = 0

    def __call__(self, *given: Any, **named: Any) -> Any:
        """The function's answer, or the one that it gave before."""
        key = self._key(*given, **named)
        if key is None:
            return self._function(*given, **named)
        if key in self._kept:
            self._kept.move_to_end(key)
            self.spared += 1
            return self._kept[key]
        answer = self._kept[key] = self._function(*given, **named)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return answer

    def forget(self) -> None:
        """Let go of everything that is kept: memory is short."""
        self._kept.clear()


class Memory:
    """A pipeline's encoders, remembered. `subject` says which pictures are encoded now: None remembers none."""

    def __init__(self, pipeline: Any) -> None:
        self.subject: Hashable | None = None
        self._turn = 0
        self._functions: list[Remembered] = []
        if hasattr(pipeline, "encode_prompt"):
            pipeline.encode_prompt = self._remember(pipeline.encode_prompt, WORDS, _words)
        if getattr(pipeline, "image_encoder", None) is not None and hasattr(pipeline, "encode_image"):
            pipeline.encode_image = self._remember(pipeline.encode_image, PICTURES, self._in_turn)
        if not isinstance(pipeline.vae.encode, Remembered):  # It may be shared with a pipeline for words alone.
            pipeline.vae.encode = self._remember(pipeline.vae.encode, PICTURES, self._in_turn)

    @property
    def spared(self) -> int:
        """How often an encoder did not have to run."""
        return sum(each.spared for each in self._functions)

    def about(self, subject: Hashable | None) -> None:
        """A clip of these pictures, of one size and length, begins: it encodes them in the same order as the last."""
        self.subject, self._turn = subject, 0

    def forget(self) -> None:
        """Let go of everything: memory is short."""
        for each in self._functions:
            each.forget()

    def _remember(self, function: Callable[..., Any], most: int, key: Callable[..., Hashable | None]) -> Remembered:
        self._functions.append(Remembered(function, most, key))
        return self._functions[-1]

    def _in_turn(self, *_: Any, **__: Any) -> Hashable | None:
        self._turn += 1
        return None if self.subject is None else (self.subject, self._turn)


def _words(*given: Any, **named: Any) -> Hashable | None:
    """Everything that the embeddings depend on; None where that is no plain value."""
    plain = [_plain(each) for each in (*given, *named.values())]
    if any(each is None for each in plain):
        return None
    return (*plain, *named)


def _plain(value: Any) -> Hashable | None:
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    if value is None or isinstance(value, str | int | float | bool | torch.dtype | torch.device):
        return repr(value)
    return None
