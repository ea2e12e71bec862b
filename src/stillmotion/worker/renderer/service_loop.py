"""Service loop of a renderer: orders, one after the other, each cancellable by its host."""

import errno
import os
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

from stillmotion.application.failpoints import Fault, Point, no_fault
from stillmotion.domain.errors import GenerationFailed, RenderCancelled
from stillmotion.domain.failures import FailureKind
from stillmotion.domain.rendering import Engine, Show, cancellable_by
from stillmotion.media.sandbox.client import DecoderDied, DecoderProcess
from stillmotion.worker.renderer.jobs import Say, adopt, make, prepare, remake
from stillmotion.worker.renderer.previews import Previews
from stillmotion.worker.renderer.protocol import (
    LENGTH_BYTES,
    PREVIEW_SECONDS,
    Adopt,
    Cancel,
    Cancelled,
    Errand,
    Failed,
    FromRenderer,
    Hindered,
    Outcome,
    Prepare,
    Preview,
    Progress,
    Ready,
    Render,
    RenderStage,
    Resample,
    ToRenderer,
    length,
    pack,
    unpack_for_renderer,
)
from stillmotion.worker.renderer.signals import return_memory

PROGRESS_SECONDS = 0.1
"""Least interval of progress reports; a new stage is reported at once."""

MACHINES_FAULT = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EACCES}
)
"""`errno` values that blame the machine, not the generation."""


MIDWAY = 0.5
_BEGINNINGS: Mapping[RenderStage, Point] = {
    RenderStage.DECODING: Point.DECODE_BEGUN,
    RenderStage.FINISHING: Point.RENDER_WRITTEN,
}


class Renderer:
    """Renderer of one order after the other, with a second thread that listens for cancels."""

    def __init__(
        self,
        engines: Mapping[str, Engine],
        decoder: DecoderProcess,
        incoming: BinaryIO,
        outgoing: BinaryIO,
        fault: Fault = no_fault,
        preview_every: float = PREVIEW_SECONDS,
    ) -> None:
        self._engines, self._decoder = engines, decoder
        self.fault, self._preview_every = fault, preview_every
        self._incoming, self._outgoing = incoming, outgoing
        self._orders: SimpleQueue[Errand] = SimpleQueue()
        self._cancelled_up_to = 0

    def serve(self, started: float, unfit: Mapping[str, str]) -> None:
        """Report that the engines are loaded, then carry out orders to the end of the process.

        `started` is the monotonic time at which loading began; `unfit` is as in `Ready`.
        """
        confined = self._decoder.confinement()
        self._say(Ready(tuple(self._engines), time.monotonic() - started, confined, dict(unfit)))
        threading.Thread(target=self._listen, name="listen", daemon=True).start()
        while True:
            order = self._orders.get()
            self._say(self._carry_out(order))
            del order
            return_memory()

    def _listen(self) -> None:
        """Read messages up to the end of the pipe: a host that closed it or died needs no result."""
        try:
            while (message := _receive(self._incoming)) is not None:
                if isinstance(message, Cancel):
                    self._cancelled_up_to = message.ticket
                else:
                    self._orders.put(message)
        finally:
            os._exit(0)

    def _carry_out(self, order: Errand) -> Outcome:
        reporter = _Reporter(self, order.ticket)
        previews = Previews(
            Path(order.output), lambda path: self._say(Preview(order.ticket, path)), self._preview_every
        )
        try:
            with cancellable_by(reporter.again):
                return self._run_errand(order, reporter.say, previews.show)
        except RenderCancelled:
            return Cancelled(order.ticket)
        except GenerationFailed as failure:
            return _blamed(order.ticket, failure)
        except MemoryError:
            return _failed(order.ticket, FailureKind.MACHINE_OUT_OF_MEMORY.error())
        except Exception as error:
            if isinstance(error, OSError) and error.errno in MACHINES_FAULT:
                return Hindered(order.ticket, os.strerror(error.errno))
            return _failed(order.ticket, FailureKind.ENGINE_FAILED.error(), traceback.format_exc())
        finally:
            previews.remove()

    def _run_errand(self, order: Errand, say: Say, show: Show) -> Outcome:
        match order:
            case Render():
                engine = self._engines.get(order.engine)
                if engine is None:
                    return _failed(order.ticket, FailureKind.ENGINE_MISSING.error(engine=order.engine))
                return make(order, engine, self._decoder, say, show)
            case Resample():
                return remake(order, self._decoder, say, show)
            case Adopt():
                return adopt(order, self._decoder, say)
            case Prepare():
                return prepare(order, self._decoder, say)

    def is_cancelled(self, ticket: int) -> bool:
        """True for a cancelled order."""
        return ticket <= self._cancelled_up_to

    def _say(self, message: FromRenderer) -> None:
        self._outgoing.write(pack(message))
        self._outgoing.flush()

    def report(self, progress: Progress) -> None:
        """Report progress to the host."""
        self._say(progress)


class _Reporter:
    """Progress of one render, throttled; a cancel is noticed here."""

    def __init__(self, renderer: Renderer, ticket: int) -> None:
        self._renderer, self._ticket = renderer, ticket
        self._stage: RenderStage | None = None
        self._fraction = 0.0
        self._said_at = 0.0
        self._is_midway = False

    def say(self, fraction: float, stage: RenderStage) -> None:
        """Report progress to the host, as `jobs.Say`. Raises `RenderCancelled`."""
        if self._renderer.is_cancelled(self._ticket):
            raise RenderCancelled
        self._pass(fraction, stage)
        self._fraction = fraction
        now = time.monotonic()
        if stage is self._stage and now - self._said_at < PROGRESS_SECONDS:
            return
        self._stage, self._said_at = stage, now
        self._renderer.report(Progress(self._ticket, min(1.0, max(0.0, fraction)), stage))

    def again(self) -> None:
        """Repeat the last report, to notice a cancel: the check behind `checkpoint`."""
        if self._stage is not None:
            self.say(self._fraction, self._stage)

    def _pass(self, fraction: float, stage: RenderStage) -> None:
        """Pass the failpoints of a render, each once."""
        if stage is not self._stage and stage in _BEGINNINGS:
            self._renderer.fault(_BEGINNINGS[stage])
        if stage is RenderStage.RENDERING and fraction >= MIDWAY and not self._is_midway:
            self._is_midway = True
            self._renderer.fault(Point.RENDER_MIDWAY)


def _blamed(ticket: int, failure: GenerationFailed) -> Failed | Hindered:
    number = getattr(failure.__cause__, "errno", None)
    if number in MACHINES_FAULT:
        return Hindered(ticket, os.strerror(number))
    # Details are logged for a decoder's death and for failures with another attempt, not for a stranger's bad picture.
    telling = isinstance(failure.__cause__, DecoderDied) or not failure.permanent
    return _failed(ticket, failure, str(failure.__cause__) if failure.__cause__ and telling else "")


def _failed(ticket: int, failure: GenerationFailed, detail: str = "") -> Failed:
    return Failed(ticket, failure.code, failure.reason, failure.permanent, detail)


def _receive(incoming: BinaryIO) -> ToRenderer | None:
    """The next message, or None at the end of the pipe."""
    head = incoming.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    return unpack_for_renderer(incoming.read(length(head)))
