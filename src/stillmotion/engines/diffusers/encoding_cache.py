"""Cache of prompt and picture encodings.

Customers often try one picture and one prompt with many seeds. Entries stay on the device; their number is bounded.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Final

import torch

WORDS: Final = 16
"""Prompts kept."""
PICTURES: Final = 8
"""Encoded pictures kept, enough for several clips."""


class CachedFunction:
    """Least-recently-used cache around a function; `key` None means that the call is not cached."""

    def __init__(self, function: Callable[..., Any], most: int, key: Callable[..., Hashable | None]) -> None:
        self._function, self._most, self._key = function, most, key
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self.hits = 0

    def __call__(self, *given: Any, **named: Any) -> Any:
        """The function's result, or the one from before."""
        key = self._key(*given, **named)
        if key is None:
            return self._function(*given, **named)
        if key in self._kept:
            # Most recently used entries stand last.
            self._kept.move_to_end(key)
            self.hits += 1
            return self._kept[key]
        answer = self._kept[key] = self._function(*given, **named)
        # The oldest entry comes first in the ordered dict.
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return answer

    def forget(self) -> None:
        """Drop all entries, because memory is short."""
        self._kept.clear()


class EncodingCache:
    """Caches around a pipeline's encoders. `subject` identifies the pictures being encoded; None caches none."""

    def __init__(self, pipeline: Any) -> None:
        self.subject: Hashable | None = None
        self._turn = 0
        self._functions: list[CachedFunction] = []
        if hasattr(pipeline, "encode_prompt"):
            pipeline.encode_prompt = self._cached(pipeline.encode_prompt, WORDS, _prompt_key)
        if getattr(pipeline, "image_encoder", None) is not None and hasattr(pipeline, "encode_image"):
            pipeline.encode_image = self._cached(pipeline.encode_image, PICTURES, self._picture_key)
        if not isinstance(
            pipeline.vae.encode, CachedFunction
        ):  # Already wrapped if it is shared with a text-to-video pipeline.
            pipeline.vae.encode = self._cached(pipeline.vae.encode, PICTURES, self._picture_key)

    @property
    def hits(self) -> int:
        """Number of encoder runs saved."""
        return sum(each.hits for each in self._functions)

    def begin_clip(self, subject: Hashable | None) -> None:
        """Begin a clip. The n-th picture encoded is taken for the n-th of the last clip with the same `subject`."""
        self.subject, self._turn = subject, 0

    def forget(self) -> None:
        """Drop all entries, because memory is short."""
        for each in self._functions:
            each.forget()

    def _cached(self, function: Callable[..., Any], most: int, key: Callable[..., Hashable | None]) -> CachedFunction:
        self._functions.append(CachedFunction(function, most, key))
        return self._functions[-1]

    def _picture_key(self, *_: Any, **__: Any) -> Hashable | None:
        self._turn += 1
        return None if self.subject is None else (self.subject, self._turn)


def _prompt_key(*given: Any, **named: Any) -> Hashable | None:
    """Cache key of a prompt: all arguments, or None if one is no plain value."""
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
