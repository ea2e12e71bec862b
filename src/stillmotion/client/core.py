"""The client's logic as generators of steps, with no I/O: a blocking and an async driver carry the steps out."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from stillmotion.client import account as accounts
from stillmotion.client import callback_log, history, offers, wire
from stillmotion.client.errors import GenerationFailed, NoAnswer, NotFound, ServerRefused, StillRunning
from stillmotion.client.events import EventReader
from stillmotion.client.generation import Generation, GenerationEvent, Page
from stillmotion.client.images import Image, files_among, is_local, read_image
from stillmotion.client.steps import BlockingWork, Flow, HttpReply, HttpRequest, Next, Open, Pause, Send, Tell

LONGEST_PAUSE = 60.0
"""Longest pause before a retry, in seconds; a longer `Retry-After` is raised to the caller."""

_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_FIRST_POLL, _LAST_POLL, _POLL_GROWTH = 0.25, 2.0, 1.25
_SILENCE = 60.0
"""Seconds without a heartbeat after which an event stream counts as lost."""
_BROKEN_STREAMS = 3
"""Consecutive event streams that may break off without an event before polling takes over."""
_AWAY = frozenset({502, 503, 504})
"""Statuses of a server that is away for a while, itself or what it needs."""
_LOOKS_WHEN_AWAY = 20
"""Looks at a generation, each with its retries, before a server counts as gone: some five minutes."""


@dataclass(frozen=True, slots=True)
class Core:
    """The calls of a client. `retries` counts the attempts after the first, `first_pause` is the first wait between."""

    retries: int = 4
    first_pause: float = 0.5
    new_key: Callable[[], str] = field(default=lambda: secrets.token_urlsafe(24))
    random: Callable[[int], int] = secrets.randbelow

    def generate(
        self,
        image: Image,
        prompt: str,
        end_image: Image | None,
        options: wire.Options,
        idempotency_key: str | None,
        timeout: float | None,
    ) -> Flow[Generation]:
        """Submit, then wait for the end."""
        accepted = yield from self.submit(image, prompt, end_image, options, idempotency_key)
        return (yield from self.wait(accepted, timeout))

    def submit(
        self,
        image: Image,
        prompt: str,
        end_image: Image | None,
        options: wire.Options,
        idempotency_key: str | None,
    ) -> Flow[Generation]:
        """Upload local pictures, then submit the generation."""
        keyframes = {"frame0": (yield from self._keyframe(image))}
        if end_image is not None:
            keyframes["frame1"] = yield from self._keyframe(end_image)
        request = wire.submit(prompt, keyframes, options, idempotency_key or self.new_key())
        accepted = wire.generation((yield from self.call(request)))
        return replace(accepted, pictures=files_among(image, end_image))

    def _keyframe(self, image: Image) -> Flow[Mapping[str, str]]:
        if isinstance(image, Generation):
            return wire.generation_keyframe(image.id)
        if not is_local(image):
            return wire.image_keyframe(str(image))
        file = yield BlockingWork(lambda: read_image(image))
        try:
            reply = yield from self.call(wire.upload(file.name, file.content, file.media_type))
        except NotFound:
            # A server without uploads takes the picture in the request itself.
            return wire.image_keyframe((yield BlockingWork(lambda: file.data_uri)))
        return wire.image_keyframe(wire.uploaded_url(reply))

    def get(self, generation_id: str) -> Flow[Generation]:
        """The present state of a generation."""
        return wire.generation((yield from self.call(wire.get(generation_id))))

    def list(self, limit: int, offset: int, filters: history.Filters) -> Flow[Page]:
        """One page of the list of generations."""
        return wire.page((yield from self.call(history.list_request(limit, offset, filters))))

    def retry(
        self,
        generation: Generation | str,
        image: Image | None,
        prompt: str | None,
        end_image: Image | None,
        options: wire.Options,
    ) -> Flow[Generation]:
        """Submit a generation once more, with changes."""
        keyframes = {}
        for name, given in (("frame0", image), ("frame1", end_image)):
            if given is not None:
                keyframes[name] = yield from self._keyframe(given)
        request = history.retry_request(_id_of(generation), prompt, keyframes, options, self.new_key())
        return wire.generation((yield from self.call(request)))

    def cancel(self, generation: Generation | str) -> Flow[Generation]:
        """Cancel a generation."""
        return wire.generation((yield from self.call(history.cancel_request(_id_of(generation)))))

    def edit(
        self, generation: Generation | str, prompt: str | None, metadata: Mapping[str, str | None]
    ) -> Flow[Generation]:
        """Change a generation's words."""
        return wire.generation((yield from self.call(history.edit_request(_id_of(generation), prompt, metadata))))

    def share(self, generation: Generation | str, lifetime: timedelta) -> Flow[history.ClipLink]:
        """Make a link to a clip."""
        return history.link((yield from self.call(history.share_request(_id_of(generation), lifetime))))

    def links(self, generation: Generation | str) -> Flow[Sequence[history.ClipLink]]:
        """The links to a clip."""
        return history.links((yield from self.call(history.links_request(_id_of(generation)))))

    def unshare(self, generation: Generation | str, link_id: str) -> Flow[None]:
        """Take a link back."""
        yield from self.call(history.unshare_request(_id_of(generation), link_id))

    def failures(self, days: int) -> Flow[Sequence[history.FailureSummary]]:
        """The failures of so many days."""
        return history.failures((yield from self.call(history.failures_request(days))))

    def retry_failures(self, code: str, days: int) -> Flow[Sequence[str]]:
        """Make all failures of a cause once more."""
        return history.retried((yield from self.call(history.retry_failures_request(code, days))))

    def concepts(self) -> Flow[Sequence[str]]:
        """The camera concepts that the server carries out."""
        return wire.names((yield from self.call(wire.concepts())))

    def models(self) -> Flow[Sequence[str]]:
        """The models that the key's product has."""
        return wire.model_names((yield from self.call(wire.models())))

    def model_offers(self) -> Flow[Sequence[offers.ModelOffer]]:
        """The models of the key's product, with their abilities."""
        return offers.offers((yield from self.call(offers.offers_request())))

    def plan_clip(self, prompt: str, picture: tuple[int, int] | None, options: wire.Options) -> Flow[offers.ClipPlan]:
        """The plan of a clip that is not asked for yet."""
        return offers.clip_plan((yield from self.call(offers.plan_request(prompt, picture, options, self.new_key()))))

    def plan(self, generation_id: str) -> Flow[Any]:
        """The engine's motion plan of a generation, None until it has ended."""
        return wire.plan_of((yield from self.call(wire.plan(generation_id))))

    def timeline(self, generation_id: str) -> Flow[Sequence[GenerationEvent]]:
        """The events of a generation."""
        return wire.timeline_of((yield from self.call(wire.timeline(generation_id))))

    def account(self) -> Flow[accounts.Account]:
        """The account of the key."""
        return accounts.account((yield from self.call(accounts.account_request())))

    def rotate_key(self, slot: str, overlap: timedelta) -> Flow[accounts.NewKey]:
        """A new key in a slot."""
        return accounts.new_key((yield from self.call(accounts.rotate_request(slot, int(overlap.total_seconds())))))

    def renew_callback_secret(self) -> Flow[accounts.NewSecret]:
        """A new secret for callbacks."""
        return accounts.new_secret((yield from self.call(accounts.secret_request())))

    def usage(self, by: Sequence[str], first: date | None, last: date | None) -> Flow[accounts.UsageTable]:
        """The usage of the key's subscription."""
        return accounts.usage_table((yield from self.call(accounts.usage_request(by, first, last))))

    def delete(self, generation_id: str) -> Flow[None]:
        """Cancel and remove a generation."""
        yield from self.call(wire.delete(generation_id))

    def wait(self, generation: Generation | str, timeout: float | None) -> Flow[Generation]:
        """Report progress until the generation is completed. Raises `GenerationFailed` and `StillRunning`."""
        last = yield from self.watch(generation, timeout)
        if last.state == "failed":
            raise GenerationFailed(last)
        return last

    def watch(self, generation: Generation | str, timeout: float | None) -> Flow[Generation]:
        """Report changes until the generation's end, by its event stream or by polling. Raises `StillRunning`."""
        seen = (yield from self.get(generation)) if isinstance(generation, str) else generation
        yield Tell(seen)
        until = None if timeout is None else time.monotonic() + timeout
        if not seen.has_ended:
            seen = yield from self._listen(seen, until)
        pause = _FIRST_POLL
        while not seen.has_ended:
            _check_time(seen, until)
            yield Pause(pause if until is None else min(pause, max(0.0, until - time.monotonic())))
            pause = min(pause * _POLL_GROWTH, _LAST_POLL)
            seen = yield from self._again(seen, until)
            yield Tell(seen)
        return seen

    def watch_all(self) -> Flow[None]:
        """Report the changes of all generations by one event stream, without an end. Raises `ServerRefused`."""
        reader, broken = EventReader(), 0
        while True:
            try:
                reply: HttpReply = yield Open(wire.all_events(reader.last_id), _SILENCE)
                if reply.status != 200:
                    raise wire.refusal(reply)
                while (piece := (yield Next())) is not None:
                    broken = 0
                    for told in filter(None, map(wire.told_of, reader.read(piece))):
                        yield Tell(told)
                lost = None
            except NoAnswer as error:
                lost = error
            reader.begin_again()
            yield Pause(self.pause(min(broken, self.retries), None), lost)
            broken += 1

    def callbacks(self, state: str | None, limit: int, after: str | None) -> Flow[callback_log.CallbackList]:
        """A page of the key's callbacks."""
        return callback_log.callback_list((yield from self.call(callback_log.list_request(state, limit, after))))

    def test_callback(self, url: str) -> Flow[callback_log.CallbackTestOutcome]:
        """A test message's outcome."""
        return callback_log.tested((yield from self.call(callback_log.test_request(url))))

    def callback_message(self, generation_id: str) -> Flow[callback_log.ForwardedMessage]:
        """The message of a generation's present state."""
        return callback_log.signed_message((yield from self.call(callback_log.message_request(generation_id))))

    def administer(self, request: HttpRequest) -> Flow[Any]:
        """The JSON that the administration answers with; None for an empty answer."""
        reply: HttpReply = yield from self.call(request)
        return wire.json_object(reply) if reply.content else None

    def _listen(self, seen: Generation, until: float | None) -> Flow[Generation]:
        """Follow one event stream. Returns the ended generation as the server gives it, or its last known state."""
        reader, broken = EventReader(), 0
        while broken < _BROKEN_STREAMS:
            try:
                reply: HttpReply = yield Open(wire.events(seen.id, reader.last_id), _patience(until))
                if reply.status != 200 or not reply.headers.get("content-type", "").startswith("text/event-stream"):
                    return seen
                while (piece := (yield Next())) is not None:
                    for event in reader.read(piece):
                        broken = 0
                        seen = wire.told(seen, event)
                        if seen.has_ended:
                            return (yield from self._seen_to_end(seen, until))
                        yield Tell(seen)
                    _check_time(seen, until)
            except NoAnswer:
                _check_time(seen, until)
            reader.begin_again()
            broken += 1
            yield Pause(self.first_pause)
        return seen

    def _seen_to_end(self, seen: Generation, until: float | None) -> Flow[Generation]:
        """The ended generation with the addresses of its files, which events do not carry."""
        whole = yield from self._again(seen, until)
        yield Tell(whole)
        return whole

    def _again(self, seen: Generation, until: float | None) -> Flow[Generation]:
        """The generation after another look. A server that is away keeps what it accepted, so it is waited for."""
        for looks in range(_LOOKS_WHEN_AWAY):
            try:
                return replace((yield from self.get(seen.id)), pictures=seen.pictures)
            except (NoAnswer, ServerRefused) as error:
                gone = isinstance(error, ServerRefused) and error.status not in _AWAY
                if gone or looks == _LOOKS_WHEN_AWAY - 1:
                    raise
                _check_time(seen, until)
                yield Pause(self.pause(self.retries, None), error)
        raise AssertionError("the last look ends in a generation or an error")

    def call(self, request: HttpRequest) -> Flow[HttpReply]:
        """Send a request with retries where they are safe and useful. Raises `ServerRefused` and `NoAnswer`."""
        for tries in range(self.retries + 1):
            is_last = tries == self.retries or not request.may_be_repeated
            try:
                reply: HttpReply = yield Send(request)
            except NoAnswer as error:
                if is_last:
                    raise
                yield Pause(self.pause(tries, None), error)
                continue
            if reply.status < 400:
                return reply
            if request.method == "DELETE" and reply.status == 404 and tries:
                return reply  # The first one did it, and its answer was lost.
            refused = wire.refusal(reply)
            if is_last or not _worth_repeating(reply, refused.retry_after):
                raise refused
            yield Pause(self.pause(tries, refused.retry_after), refused)
        raise AssertionError("the last try ends in an answer or an error")

    def pause(self, tries: int, asked: float | None) -> float:
        """Seconds before the next attempt: `Retry-After`, else exponential back-off; both with jitter."""
        seconds = min(self.first_pause * 2**tries, LONGEST_PAUSE) if asked is None else asked
        return seconds * (1 + self.random(1000) / 4000)


def _worth_repeating(reply: HttpReply, retry_after: float | None) -> bool:
    if reply.headers.get("x-should-retry") == "false" or (retry_after or 0) > LONGEST_PAUSE:
        return False
    return reply.status in _RETRIED


def _patience(until: float | None) -> float:
    return _SILENCE if until is None else min(_SILENCE, max(_FIRST_POLL, until - time.monotonic()))


def _check_time(seen: Generation, until: float | None) -> None:
    if until is not None and time.monotonic() >= until:
        raise StillRunning(seen)


def _id_of(generation: Generation | str) -> str:
    return generation if isinstance(generation, str) else generation.id
