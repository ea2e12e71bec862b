"""Hooks into a running pipeline: before each block, in and after each step, and instead of decoding."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from types import TracebackType
from typing import Any, Final, Self

from torch import nn

DENOISERS: Final = ("transformer", "transformer_2", "unet")
"""Component names of the denoising networks in diffusers' pipelines."""


@dataclass(frozen=True, slots=True)
class Step:
    """A scheduler's step: its arguments and its result."""

    scheduler: Any
    given: tuple[Any, ...]
    named: Mapping[str, Any]
    answer: Any


class StepHooks:
    """Callbacks of a pipeline's blocks and steps. An exception raised in one ends the pipeline's run."""

    def __init__(self) -> None:
        self.before_block: Callable[[], None] | None = None
        self.after_step: Callable[[], None] | None = None
        self.in_step: Callable[[Step], None] | None = None

    def watch(self, pipeline: Any) -> None:
        """Install the hooks in a pipeline. Its results stay the same."""
        for name in DENOISERS:
            network = getattr(pipeline, name, None)
            for blocks in network.children() if isinstance(network, nn.Module) else ():
                if isinstance(blocks, nn.ModuleList):
                    # Replacing the class keeps the module's parameters, hooks and identity.
                    blocks.__class__ = _ReportingBlocks
                    blocks.watch = self
        pipeline.progress_bar = self._progress_bar
        if not hasattr(
            pipeline.scheduler, "reports_steps"
        ):  # Installed already if it is shared with a text-to-video pipeline.
            pipeline.scheduler.__class__ = self._reporting_class(pipeline.scheduler)

    @contextmanager
    def reporting(
        self, before_block: Callable[[], None], after_step: Callable[[], None], in_step: Callable[[Step], None]
    ) -> Iterator[None]:
        """Context in which the given callbacks are called."""
        self.before_block, self.after_step, self.in_step = before_block, after_step, in_step
        try:
            yield
        finally:
            self.before_block = self.after_step = self.in_step = None

    def _reporting_class(self, scheduler: Any) -> type:
        """A subclass of the scheduler's class that reports steps.

        Copies, such as the one for a sound track, do not report.
        """
        watch, kind = self, type(scheduler)

        @wraps(kind.step)
        def step(self: Any, *given: Any, **named: Any) -> Any:
            answer = kind.step(self, *given, **named)
            if self is scheduler and watch.in_step is not None:
                watch.in_step(Step(self, given, named, answer))
            return answer

        return type(kind.__name__, (kind,), {"step": step, "reports_steps": True, "__module__": kind.__module__})

    def _progress_bar(self, iterable: Iterable[Any] | None = None, total: int | None = None) -> "_Steps":  # noqa: ARG002 - diffusers' own signature
        return _Steps(self, iterable)


class _ReportingBlocks(nn.ModuleList):
    """A network's block list that reports each block before it runs; otherwise unchanged."""

    watch: StepHooks

    def __iter__(self) -> Iterator[nn.Module]:
        for block in super().__iter__():
            if self.watch.before_block is not None:
                self.watch.before_block()
            yield block


@dataclass
class _Steps:
    """Stand-in for a pipeline's progress bar: every pipeline has one, not every pipeline takes a callback."""

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
        """Report that a step is done."""
        if self.watch.after_step is not None:
            self.watch.after_step()

    def set_postfix(self, **_: Any) -> None:
        """Ignored: text that some pipelines show beside the bar."""


@dataclass(frozen=True)
class Latents:
    """Arguments of a pipeline's call of `vae.decode`."""

    tensor: Any
    more: tuple[Any, ...] = ()
    named: dict[str, Any] = field(default_factory=dict)


class _Denoised(Exception):
    """Raised in place of decoding: it ends the pipeline and carries its latents out."""

    def __init__(self, latents: Latents) -> None:
        super().__init__("denoised")
        self.latents = latents


def denoised(pipeline: Any, **asked: Any) -> Latents:
    """Run the pipeline up to its call of the decoder. Raises what it raises."""

    def decode(tensor: Any, *more: Any, **named: Any) -> None:
        raise _Denoised(Latents(tensor, more, named))

    # An attribute of the instance shadows the method until it is deleted below.
    pipeline.vae.decode = decode
    try:
        pipeline(**asked)
    except _Denoised as end:
        return end.latents
    finally:
        del pipeline.vae.decode
        # Moves offloaded weights back, and resets caches.
        pipeline.maybe_free_model_hooks()
    raise RuntimeError(f"{type(pipeline).__name__} ended without decoding anything")
