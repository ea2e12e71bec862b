"""Renderer process as the host sees it: start, orders, cancel, stop."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from stillmotion.domain.errors import GenerationFailed, RenderCancelled, StillmotionError, Unavailable
from stillmotion.domain.failures import FailureKind
from stillmotion.worker.failpoints import Faults
from stillmotion.worker.renderer.protocol import (
    LENGTH_BYTES,
    Cancel,
    Cancelled,
    Done,
    Errand,
    Failed,
    FromRenderer,
    Hindered,
    Order,
    Outcome,
    Prepare,
    Prepared,
    Preview,
    Progress,
    Ready,
    RenderStage,
    Unfit,
    UnreadableMessage,
    length,
    pack,
    unpack_from_renderer,
)

RENDERER_COMMAND = (sys.executable, "-m", "stillmotion.worker.renderer.__main__")


def common_options(preview_seconds: float, faults: Faults | None) -> list[str]:
    """Command-line options common to all renderers."""
    options = ["--preview-every", str(preview_seconds)]
    return [*options, "--faults", faults.text] if faults else options


STOP_PATIENCE = timedelta(seconds=2)
REMEMBERED_LINES = 20
"""Last lines of a renderer's output that its death reports."""
LONGEST_LINE = 4000

QUIET: Mapping[str, str] = {"SVT_LOG": "1"}
"""SVT-AV1 tells its settings to whoever starts it, unless it is to speak of errors only."""


@dataclass(frozen=True, slots=True)
class RendererTimeouts:
    """Deadlines of a renderer process.

    `start` is until its engines are loaded. One that has not stopped after `cancel` is killed, which takes up to 0.1 s
    where it holds much memory: a cancel takes effect within a quarter second. A render that says nothing for `silence`
    is taken to hang.
    """

    start: timedelta = timedelta(seconds=60)
    cancel: timedelta = timedelta(seconds=0.12)
    silence: timedelta = timedelta(minutes=5)


PATIENCE = RendererTimeouts()
MODEL_PATIENCE = RendererTimeouts(
    start=timedelta(minutes=30), cancel=timedelta(seconds=20), silence=timedelta(minutes=15)
)
"""With a renderer that holds a model: loading it takes minutes, so that a cancel had better wait for the end of what
the device is at (a block, a piece of decoding) than begin anew."""

OnProgress = Callable[[Progress], None]
OnPreview = Callable[[Path], None]
"""Takes the file of a preview: it is read at once, or at the next call."""


def unseen(_: Path) -> None:
    """Ignore previews."""


log = structlog.get_logger(__name__)


class RendererDied(StillmotionError):
    """The process ended, or had to be killed. `stage` is its last stage, `exit_code` as in `subprocess`."""

    def __init__(self, stage: RenderStage, exit_code: int | None, why: str, last_words: Sequence[str] = ()) -> None:
        super().__init__(f"the renderer died while {stage}: {why}")
        self.stage = stage
        self.exit_code = exit_code
        self.why = why
        self.last_words = tuple(last_words)

    @property
    def was_at_work(self) -> bool:
        """True if it died at work on a generation, False if it died while starting."""
        return self.stage not in {RenderStage.STARTING, RenderStage.IDLE}

    def as_failure(self) -> GenerationFailed:
        """Failure of the generation: not permanent, since foreign files are decoded in other processes."""
        return FailureKind.RENDERER_CRASHED.error()


class RendererUnfit(RendererDied):
    """An engine cannot be loaded as it is set up: the message tells the operator the remedy."""

    def __init__(self, reason: str) -> None:
        super().__init__(RenderStage.STARTING, None, reason)
        self.args = (reason,)


class RendererProcess:
    """One child, one render at a time. Cancelling the task that waits in `render` cancels the render.

    `command` is given this process's id as its last argument. The child gets a clean environment with
    `environment` on top, so that the service's secrets stay out of the process that opens strangers' files.
    """

    def __init__(
        self,
        command: Sequence[str] = RENDERER_COMMAND,
        environment: Mapping[str, str] | None = None,
        patience: RendererTimeouts = PATIENCE,
    ) -> None:
        self._command = (*command, str(os.getpid()))
        self._environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **QUIET, **(environment or {})}
        self._patience = patience
        self._process: Process | None = None
        self._heard: asyncio.Queue[FromRenderer | None] = asyncio.Queue()
        self._listeners: list[asyncio.Task[None]] = []
        self._last_words: deque[str] = deque(maxlen=REMEMBERED_LINES)
        self._stage = RenderStage.STARTING
        self._ticket = 0
        self.ready: Ready | None = None

    @property
    def alive(self) -> bool:
        """True once it is loaded, while it runs."""
        return self.ready is not None and self._process is not None and self._process.returncode is None

    @property
    def ended(self) -> bool:
        """True once it has ended."""
        return self._process is not None and self._process.returncode is not None

    @property
    def pid(self) -> int | None:
        """The child's process id while there is one."""
        return self._process.pid if self._process is not None else None

    @property
    def stage(self) -> RenderStage:
        """The stage that it reported last."""
        return self._stage

    async def spawn(self) -> None:
        """Start the process, which then loads its engines by itself."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=self._environment, start_new_session=True
        )
        self._listeners = [
            asyncio.create_task(self._listen(self._process)),
            asyncio.create_task(self._overhear(self._process)),
        ]

    async def start(self) -> Ready:
        """Spawn the process where that was not done, and wait until its engines are loaded. May be called twice.

        Raises `RendererDied`, `RendererUnfit`.
        """
        if self.alive and self.ready is not None:
            return self.ready
        if self._process is None:
            await self.spawn()
        try:
            first = await self._next(self._patience.start.total_seconds())
        except BaseException:
            await self.kill()
            raise
        if isinstance(first, Unfit):
            await self.kill()
            raise RendererUnfit(first.reason)
        if not isinstance(first, Ready):
            raise await self._bury("it did not introduce itself")
        self.ready, self._stage = first, RenderStage.IDLE
        return first

    def ticket(self) -> int:
        """Number of the next order."""
        self._ticket += 1
        return self._ticket

    async def render(self, message: Order, on_progress: OnProgress, on_preview: OnPreview = unseen) -> Done:
        """Render a clip. `on_preview` is called with each preview.

        Raises `GenerationFailed`; `RendererDied`, and then it must be started anew by making another;
        `Unavailable` where the machine is to blame.
        """
        outcome = await self._carry_out(message, on_progress, on_preview)
        assert isinstance(outcome, Done), "a clip was asked for"
        return outcome

    async def prepare(self, message: Prepare) -> Prepared:
        """Prepare pictures. Raises as `render` does."""
        outcome = await self._carry_out(message, lambda _: None, unseen)
        assert isinstance(outcome, Prepared), "pictures were asked for"
        return outcome

    async def _carry_out(self, message: Errand, on_progress: OnProgress, on_preview: OnPreview) -> Done | Prepared:
        if not self.alive:
            raise await self._bury("it was gone before it was asked")
        try:
            self._send(pack(message))
            self._stage = RenderStage.DECODING
            outcome = await self._outcome(message.ticket, on_progress, on_preview)
        except asyncio.CancelledError:
            await self._cancel(message.ticket)
            raise
        self._stage = RenderStage.IDLE
        match outcome:
            case Done() | Prepared():
                return outcome
            case Failed():
                if outcome.detail:
                    log.error("render_failed", code=outcome.code, engine=message.engine, detail=outcome.detail)
                raise GenerationFailed(outcome.code, outcome.reason, permanent=outcome.permanent)
            case Hindered():
                raise Unavailable(f"the renderer's machine cannot go on: {outcome.reason}")
            case Cancelled():
                raise RenderCancelled

    async def stop(self) -> None:
        """Close its input, so that it ends by itself; kill it if it does not."""
        try:
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()
                await self._let_end(self._process)
        finally:
            await self.kill()

    async def _let_end(self, process: Process) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_PATIENCE.total_seconds()):
                await process.wait()

    async def kill(self) -> None:
        """Kill it, and wait for its end."""
        if self._process is None:
            return
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        await self._close_pipes(self._process)

    async def _close_pipes(self, process: Process) -> None:
        """Read its last output, unless a grandchild holds the pipes open."""
        if self._listeners:
            await asyncio.wait(self._listeners, timeout=STOP_PATIENCE.total_seconds())
        for listener in self._listeners:
            listener.cancel()
        if process.stdin is not None:
            process.stdin.close()
            with suppress(OSError):
                await process.stdin.wait_closed()

    async def _outcome(self, ticket: int, on_progress: OnProgress, on_preview: OnPreview = unseen) -> Outcome:
        while True:
            message = await self._next(self._patience.silence.total_seconds())
            if isinstance(message, Ready | Unfit) or message.ticket != ticket:
                continue
            match message:
                case Progress():
                    self._stage = message.stage
                    on_progress(message)
                case Preview():
                    on_preview(Path(message.path))
                case _:
                    return message

    async def _next(self, patience: float) -> FromRenderer:
        try:
            async with asyncio.timeout(patience):
                message = await self._heard.get()
        except TimeoutError:
            raise await self._bury(f"it said nothing for {patience:g} seconds") from None
        if message is None:
            if self._process is not None:
                # Its end is on the way: a kill now would lose its exit code.
                await self._let_end(self._process)
            raise await self._bury("it ended")
        return message

    async def _cancel(self, ticket: int) -> None:
        """Cancel a render; a renderer too busy to react is killed."""
        try:
            self._send(pack(Cancel(ticket)))
            # Not `asyncio.timeout`: up to Python 3.11.2 its end is taken for the cancel that this task had before.
            await asyncio.wait_for(self._outcome(ticket, lambda _: None), self._patience.cancel.total_seconds())
        except (TimeoutError, RendererDied):
            await self.kill()
        else:
            self._stage = RenderStage.IDLE

    async def _bury(self, why: str) -> RendererDied:
        stage = self._stage
        await self.kill()
        exit_code = self._process.returncode if self._process is not None else None
        return RendererDied(stage, exit_code, why, self._last_words)

    def _send(self, message: bytes) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(message)

    async def _listen(self, process: Process) -> None:
        """Queue the child's messages; None at the end."""
        assert process.stdout is not None
        try:
            while True:
                head = await process.stdout.readexactly(LENGTH_BYTES)
                self._heard.put_nowait(unpack_from_renderer(await process.stdout.readexactly(length(head))))
        except (asyncio.IncompleteReadError, UnreadableMessage, OSError):
            self._heard.put_nowait(None)

    async def _overhear(self, process: Process) -> None:
        """Log the output of libraries in the child: no line can be forged in the log, and none reaches the terminal."""
        assert process.stderr is not None
        while True:
            try:
                line = await process.stderr.readline()
            except ValueError:
                continue  # A line longer than the reader's buffer, which it has dropped.
            if not line:
                return
            text = line.decode("utf-8", "replace").rstrip()[:LONGEST_LINE]
            self._last_words.append(text)
            log.debug("renderer_says", line=text)


async def try_out(renderer: RendererProcess) -> None:
    """Start a renderer and let it go. Raises `RendererUnfit` where a setting of its engines is wrong."""
    try:
        await renderer.start()
    finally:
        await renderer.stop()
