"""Looking in on a pipeline at work: before each block, in and after each step, and where decoding begins."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from types import TracebackType
from typing import Any, Final, Self

from torch import nn

DENOISERS: Final = ("transformer", "transformer_2", "unet")
"""What diffusers' pipelines call the networks that take the noise away."""


@dataclass(frozen=True, slots=True)
class Step:
    """A scheduler's step as it is made: what it was given, and its answer."""

    scheduler: Any
    given: tuple[Any, ...]
    named: Mapping[str, Any]
    answer: Any


class StepHooks:
    """Whoever listens is told of every block and every step; to raise from there ends the pipeline's run."""

    def __init__(self) -> None:
        self.before_block: Callable[[], None] | None = None
        self.after_step: Callable[[], None] | None = None
        self.in_step: Callable[[Step], None] | None = None

    def watch(self, pipeline: Any) -> None:
        """Look in on this pipeline from now on. Its results stay what they are."""
        for name in DENOISERS:
            network = getattr(pipeline, name, None)
            for blocks in network.children() if isinstance(network, nn.Module) else ():
                if isinstance(blocks, nn.ModuleList):
                    blocks.__class__ = _WatchedBlocks
                    blocks.watch = self
        pipeline.progress_bar = self._progress_bar
        if not hasattr(pipeline.scheduler, "is_watched"):  # It may be shared with a pipeline for words alone.
            pipeline.scheduler.__class__ = self._watching(pipeline.scheduler)

    @contextmanager
    def told(
        self, before_block: Callable[[], None], after_step: Callable[[], None], in_step: Callable[[Step], None]
    ) -> Iterator[None]:
        """Have these called for the length of the block."""
        self.before_block, self.after_step, self.in_step = before_block, after_step, in_step
        try:
            yield
        finally:
            self.before_block = self.after_step = self.in_step = None

    def _watching(self, scheduler: Any) -> type:
        """The scheduler's class, telling of its steps; a copy of it, which steps through a sound track, does not."""
        watch, kind = self, type(scheduler)

        @wraps(kind.step)
        def step(self: Any, *given: Any, **named: Any) -> Any:
            answer = kind.step(self, *given, **named)
            if self is scheduler and watch.in_step is not None:
                watch.in_step(Step(self, given, named, answer))
            return answer

        return type(kind.__name__, (kind,), {"step": step, "is_watched": True, "__module__": kind.__module__})

    def _progress_bar(self, iterable: Iterable[Any] | None = None, total: int | None = None) -> "_Steps":  # noqa: ARG002 - diffusers' own signature
        return _Steps(self, iterable)


class _WatchedBlocks(nn.ModuleList):
    """A network's blocks, which it runs through one by one; otherwise the list that it was."""

    watch: StepHooks

    def __iter__(self) -> Iterator[nn.Module]:
        for block in super().__iter__():
            if self.watch.before_block is not None:
                self.watch.before_block()
            yield block


@dataclass
class _Steps:
    """Stands for the bar that a pipeline draws its progress with: every pipeline has one, not every one a callback."""

    watch: StepHooks
    iterable: Iterable[Any] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        for each in self.iterable or ():
            yield each
            self.update()

    def update(self, _: int = 1) -> None:
        """A step is done."""
        if self.watch.after_step is not None:
            self.watch.after_step()

    def set_postfix(self, **_: Any) -> None:
        """Some pipelines write beside their bar."""


@dataclass(frozen=True)
class Latents:
    """What a pipeline was about to decode: the arguments of its decoder's `decode`."""

    tensor: Any
    more: tuple[Any, ...] = ()
    named: dict[str, Any] = field(default_factory=dict)


class _Denoised(Exception):
    """Raised in place of decoding, so that the pipeline ends there and its latents are ours."""

    def __init__(self, latents: Latents) -> None:
        super().__init__("denoised")
        self.latents = latents


def denoised(pipeline: Any, **asked: Any) -> Latents:
    """Run the pipeline up to where it would decode. Raises what it raises."""

    def decode(tensor: Any, *more: Any, **named: Any) -> None:
        raise _Denoised(Latents(tensor, more, named))

    pipeline.vae.decode = decode
    try:
        pipeline(**asked)
    except _Denoised as end:
        return end.latents
    finally:
        del pipeline.vae.decode
        pipeline.maybe_free_model_hooks()
    raise RuntimeError(f"{type(pipeline).__name__} ended without decoding anything")
