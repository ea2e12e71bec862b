"""`AsyncClient`: the core, driven with awaited calls on asyncio or trio."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from datetime import date, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, Unpack

import anyio
import anyio.to_thread
import httpx2

from stillmotion.client.account import NO_OVERLAP, Account, NewKey, NewSecret, UsageTable
from stillmotion.client.administration import AdminCalls
from stillmotion.client.callback_log import CallbackList, CallbackTestOutcome, ForwardedMessage
from stillmotion.client.connection import (
    OnWait,
    arguments,
    checked_address,
    checked_key,
    no_answer,
    opening,
    reply_of,
    settings,
    unheard,
)
from stillmotion.client.core import Core
from stillmotion.client.download import download
from stillmotion.client.generation import Generation, GenerationEvent, Page
from stillmotion.client.history import A_WEEK, NO_CHANGES, ClipLink, FailureSummary, Filters
from stillmotion.client.images import Image
from stillmotion.client.offers import ClipPlan, ModelOffer
from stillmotion.client.steps import BlockingWork, Flow, HttpReply, Next, Open, Pause, Run, Send, Step, Tell, Waiting
from stillmotion.client.wire import Options

Result = TypeVar("Result")
OnProgress = Callable[[Generation], None]


class AsyncClient:
    """A Stillmotion server, for one key, awaited: see `Client`. `aclose` it, or use it in an `async with`."""

    def __init__(
        self, base_url: str, key: str, *, retries: int = 4, first_pause: float = 0.5, on_wait: OnWait = unheard
    ) -> None:
        self._base_url = checked_address(base_url)
        self._key = checked_key(key)
        self._core = Core(retries, first_pause)
        self._on_wait = on_wait
        self._http = httpx2.AsyncClient(**settings(self._base_url))

    @property
    def admin(self) -> AdminCalls[Awaitable[Any]]:
        """As `Client.admin`, each call awaited."""
        return AdminCalls(lambda request: self._run(self._core.administer(request)))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def generate(
        self,
        image: Image,
        prompt: str,
        *,
        end_image: Image | None = None,
        on_progress: OnProgress | None = None,
        timeout: float | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[Options],
    ) -> Generation:
        """As `Client.generate`."""
        flow = self._core.generate(image, prompt, end_image, options, idempotency_key, timeout)
        return await self._run(flow, on_progress)

    async def submit(
        self,
        image: Image,
        prompt: str,
        *,
        end_image: Image | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[Options],
    ) -> Generation:
        """Submit a generation as `generate` does, without waiting for its end."""
        return await self._run(self._core.submit(image, prompt, end_image, options, idempotency_key))

    async def wait(
        self, generation: Generation | str, *, on_progress: OnProgress | None = None, timeout: float | None = None
    ) -> Generation:
        """Wait up to `timeout` seconds for a completed generation. Raises `GenerationFailed`, `StillRunning`."""
        return await self._run(self._core.wait(generation, timeout), on_progress)

    async def watch(self, generation: Generation | str, *, timeout: float | None = None) -> AsyncIterator[Generation]:
        """Yield the generation as it is now, and again after each change until its end. Raises `StillRunning`."""
        async with aclosing(self._drive(self._core.watch(generation, timeout))) as drive:
            while (told := await drive.go_on()) is not None:
                yield told

    async def watch_all(self) -> AsyncIterator[Generation]:
        """As `Client.watch_all`."""
        async with aclosing(self._drive(self._core.watch_all())) as drive:
            while (told := await drive.go_on()) is not None:
                yield told

    async def callbacks(self, *, state: str | None = None, limit: int = 20, after: str | None = None) -> CallbackList:
        """As `Client.callbacks`."""
        return await self._run(self._core.callbacks(state, limit, after))

    async def test_callback(self, url: str) -> CallbackTestOutcome:
        """Have the server send a signed test message to a URL, once."""
        return await self._run(self._core.test_callback(url))

    async def callback_message(self, generation_id: str) -> ForwardedMessage:
        """The message that a callback URL is sent in a generation's present state, signed now."""
        return await self._run(self._core.callback_message(generation_id))

    async def get(self, generation_id: str) -> Generation:
        """The present state of a generation."""
        return await self._run(self._core.get(generation_id))

    async def list(self, *, limit: int = 100, offset: int = 0, **filters: Unpack[Filters]) -> Page:
        """Up to `limit` (100 at most) of your generations, the newest first, after the first `offset`.

        The filters choose. Go on with the page's `next` as `after`: a page costs the same wherever it lies.
        """
        return await self._run(self._core.list(limit, offset, filters))

    async def retry(
        self,
        generation: Generation | str,
        *,
        image: Image | None = None,
        prompt: str | None = None,
        end_image: Image | None = None,
        **options: Unpack[Options],
    ) -> Generation:
        """Submit a generation once more with changes; without any, the same again by the same seed."""
        return await self._run(self._core.retry(generation, image, prompt, end_image, options))

    async def cancel(self, generation: Generation | str) -> Generation:
        """Cancel a generation that has not ended. Its record stays."""
        return await self._run(self._core.cancel(generation))

    async def edit(
        self,
        generation: Generation | str,
        *,
        prompt: str | None = None,
        metadata: Mapping[str, str | None] = NO_CHANGES,
    ) -> Generation:
        """Change the metadata, None removing a name, and the prompt while the generation is queued."""
        return await self._run(self._core.edit(generation, prompt, metadata))

    async def share(self, generation: Generation | str, lifetime: timedelta = A_WEEK) -> ClipLink:
        """Make a link under which anyone may watch a completed clip."""
        return await self._run(self._core.share(generation, lifetime))

    async def links(self, generation: Generation | str) -> Sequence[ClipLink]:
        """The links to a clip that have not expired."""
        return await self._run(self._core.links(generation))

    async def unshare(self, generation: Generation | str, link: ClipLink | str) -> None:
        """Take a link back."""
        await self._run(self._core.unshare(generation, link if isinstance(link, str) else link.id))

    async def failures(self, days: int = 7) -> Sequence[FailureSummary]:
        """Your failures of so many days by cause, the latest cause first."""
        return await self._run(self._core.failures(days))

    async def retry_failures(self, code: str, days: int = 7) -> Sequence[str]:
        """Make all failures of a cause once more that were not yet; the answer is the new ones' ids."""
        return await self._run(self._core.retry_failures(code, days))

    async def delete(self, generation_id: str) -> None:
        """Cancel a generation if it has not ended, and remove its record and its files."""
        await self._run(self._core.delete(generation_id))

    async def download(
        self,
        generation: Generation | str,
        path: str | os.PathLike[str],
        *,
        thumbnail: bool = False,
        overwrite: bool = False,
    ) -> Path:
        """Write a completed generation's clip, or its thumbnail, to a file or into a folder: whole, or not at all.

        A path that ends in a slash, is a folder or has no suffix is a folder's; there the file goes by the generation's
        id. `-` is standard output. A picture that the clip was made of is never overwritten, any other file only with
        `overwrite`. Gives the file's path. Raises `FileRefused` for such a path, `FileUnwritable`.
        """
        named = os.fspath(path)
        flow = download(self._core, generation, named, thumbnail=thumbnail, overwrite=overwrite)
        return await self._run(flow)

    async def concepts(self) -> Sequence[str]:
        """The camera concepts that the server carries out by name."""
        return await self._run(self._core.concepts())

    async def models(self) -> Sequence[str]:
        """The names that may be asked for as `model`, of the key's product."""
        return await self._run(self._core.models())

    async def model_offers(self) -> Sequence[ModelOffer]:
        """The models of the key's product, with what each can do and whether it is ready."""
        return await self._run(self._core.model_offers())

    async def plan_clip(
        self, prompt: str, *, picture: tuple[int, int] | None = None, **options: Unpack[Options]
    ) -> ClipPlan:
        """Plan of a clip before it is asked for: the words as understood, size, price, and all that would be refused.

        `picture` is the first picture's width and height. Nothing is made.
        """
        return await self._run(self._core.plan_clip(prompt, picture, options))

    async def plan(self, generation_id: str) -> Any:
        """Motion plan that the engine made of the prompt, in its own JSON; None until the generation has ended."""
        return await self._run(self._core.plan(generation_id))

    async def timeline(self, generation_id: str) -> Sequence[GenerationEvent]:
        """Events of a generation in the order of time: accepted, each attempt and its end, each callback."""
        return await self._run(self._core.timeline(generation_id))

    async def account(self) -> Account:
        """The key's account: its terms, what is left of them, its keys, and this month's usage."""
        return await self._run(self._core.account())

    async def rotate_key(self, slot: str, overlap: timedelta = NO_OVERLAP) -> NewKey:
        """A new key in a slot, `primary` or `secondary`. The old one works on for the overlap, a week at most.

        The client itself goes on with the key that it was made with.
        """
        return await self._run(self._core.rotate_key(slot, overlap))

    async def renew_callback_secret(self) -> NewSecret:
        """A new secret for callbacks. For a day each is signed by the old one too."""
        return await self._run(self._core.renew_callback_secret())

    async def usage(
        self, by: Sequence[str] = ("day",), first: date | None = None, last: date | None = None
    ) -> UsageTable:
        """Generations, video-seconds and cost between two days, this month's so far if none are named.

        `by` holds some of day, model and key.
        """
        return await self._run(self._core.usage(by, first, last))

    async def _run(self, flow: Flow[Result], on_progress: OnProgress | None = None) -> Result:
        async with aclosing(self._drive(flow)) as drive:
            while (told := await drive.go_on()) is not None:
                if on_progress is not None:
                    on_progress(told)
            return drive.run.result

    def _drive(self, flow: Flow[Result]) -> "_AsyncDrive[Result]":
        return _AsyncDrive(flow, self._http, self._base_url, self._key, self._on_wait)


class _AsyncDrive(Generic[Result]):
    """Driver of a flow: carries out its steps over one httpx2 client, with at most one response open at a time."""

    def __init__(self, flow: Flow[Result], http: httpx2.AsyncClient, base_url: str, key: str, on_wait: OnWait) -> None:
        self.run = Run(flow)
        self._http = http
        self._base_url = base_url
        self._key = key
        self._on_wait = on_wait
        self._response: httpx2.Response | None = None
        self._pieces: AsyncIterator[bytes] | None = None

    async def go_on(self) -> Generation | None:
        """Run the flow up to its next `Tell`, which is returned; None at the end."""
        while (step := self.run.step) is not None:
            if isinstance(step, Tell):
                self.run.did(None)
                return step.generation
            try:
                result = await self._perform(step)
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                self.run.failed(no_answer(error, self._base_url))
            except Exception as error:
                self.run.failed(error)
            else:
                self.run.did(result)
        return None

    async def aclose(self) -> None:
        """Close the flow where it stands, and the open response."""
        self.run.close()
        await self._hang_up()

    async def _perform(self, step: Step) -> Any:
        match step:
            case Send(request):
                response = await self._http.request(**arguments(request, self._key))
                return reply_of(response, response.content)
            case Open():
                return await self._open(step)
            case Next():
                return None if self._pieces is None else await anext(self._pieces, None)
            case Pause(seconds, why):
                if why is not None:
                    self._on_wait(Waiting(seconds, why))
                return await anyio.sleep(seconds)
            case BlockingWork(run):
                return await anyio.to_thread.run_sync(run)
            case Tell():
                raise AssertionError("what is told is given to the caller")

    async def _open(self, step: Open) -> HttpReply:
        await self._hang_up()
        request = self._http.build_request(**opening(step, self._key))
        self._response = await self._http.send(request, stream=True, follow_redirects=not step.request.is_for_server)
        content = await self._response.aread() if self._response.status_code >= 400 else b""
        self._pieces = self._response.aiter_bytes()
        return reply_of(self._response, content)

    async def _hang_up(self) -> None:
        if self._response is not None:
            with suppress(httpx2.HTTPError):
                await self._response.aclose()
            self._response = None
