"""Clips from servers of the OpenAI protocol, with the faults that such servers have."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from PIL import Image

from stillmotion.adapters.notifications import InProcessSignal
from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.lifecycle import State
from stillmotion.domain.operators.processes import ProcessReport, ProcessRole
from stillmotion.domain.operators.queue_controls import WorkerName
from stillmotion.domain.request import AspectRatio, Keyframe, VideoCodec
from stillmotion.engines.forward.peers import peer_of
from stillmotion.engines.forward.polling import follow
from stillmotion.media.input.probe import probe
from tests.engines.forward.conftest import QUICK, an_entry, forwarders_of
from tests.engines.forward.servers import OpenAIStudio, open_studio
from tests.waiting import eventually_async, stays_async
from tests.worker.conftest import running
from tests.worker.test_host import cancel

STUDIO = "forward/studio"


async def made_by(studio, workshop, prompt="a walk", entry=None, **parts):
    """A generation, submitted and ended, on a bench that is closed again."""
    forwarders = forwarders_of(entry or an_entry(studio.url))
    async with running(workshop, forwarders=forwarders) as bench:
        return await bench.ended(await bench.submit(prompt, engine=STUDIO, **parts))


@pytest.mark.makes("an OpenAI-shaped server", "any", "Start picture", "Camera concepts")
async def test_a_clip_is_asked_for_fetched_and_published(workshop, clip, tmp_path):
    async with open_studio(OpenAIStudio(clip)) as studio:
        done = await made_by(studio, workshop, aspect_ratio=AspectRatio.SQUARE, seed=7, concepts=("orbit_left",))
    assert (done.state, done.attempt, done.remote) == (State.COMPLETED, 1, "video_1")
    (asked,) = studio.asked
    picture = Image.open(io.BytesIO(asked.pop("input_reference")))
    assert (picture.format, picture.size) == ("PNG", (512, 512))
    assert asked == {
        "prompt": "a walk, camera orbit left",
        "size": "512x512",
        "seconds": "1",
        "fps": "24",
        "num_frames": "24",
        "seed": "7",
    }
    await workshop.objects.fetch_file(done.assets.video.key, str(tmp_path / "made.mp4"))
    assert (tmp_path / "made.mp4").read_bytes() != b""
    assert probe(tmp_path / "made.mp4", whole=True).frame_count == 24
    assert await workshop.objects.find(done.assets.thumbnail.key) is not None
    assert '"emulated": ["concepts: said in the prompt as words"]' in done.plan


async def test_a_picture_that_takes_long_to_decode_holds_up_no_other_that_is_sent_elsewhere(workshop, clip):
    async with open_studio(OpenAIStudio(clip)) as studio:
        forwarders = forwarders_of(an_entry(studio.url))
        async with running(workshop, forwarders=forwarders) as bench:
            endless = Keyframe(url="https://example.com/?do=sleep")
            slow = await bench.submit("a walk", endless, engine=STUDIO)
            await bench.until(slow, lambda each: each.state is State.DREAMING)
            done = await bench.ended(await bench.submit("a walk", engine=STUDIO))
            assert (await bench.find(slow)).state is State.DREAMING
            await cancel(bench, slow)
    assert done.state is State.COMPLETED


@pytest.mark.makes("an OpenAI-shaped server", "any", "Words alone")
async def test_words_alone_are_sent_without_a_picture(workshop, clip):
    async with open_studio(OpenAIStudio(clip)) as studio:
        done = await made_by(studio, workshop, has_picture=False)
    assert done.state is State.COMPLETED
    assert studio.asked[0].keys() == {"prompt", "size", "seconds", "fps", "num_frames", "seed"}


async def test_what_to_keep_away_from_is_sent(workshop, clip):
    async with open_studio(OpenAIStudio(clip)) as studio:
        await made_by(studio, workshop, negative_prompt="blur, text")
    assert studio.asked[0]["negative_prompt"] == "blur, text"


async def test_a_clip_is_compressed_anew_where_another_codec_was_asked_for(workshop, clip, tmp_path):
    async with open_studio(OpenAIStudio(clip)) as studio:
        done = await made_by(studio, workshop, codec=VideoCodec.AV1)
    assert "codec" not in studio.asked[0]
    await workshop.objects.fetch_file(done.assets.video.key, str(tmp_path / "made.mp4"))
    assert probe(tmp_path / "made.mp4", whole=True).codec == "av1"
    assert "codec: a clip that comes in another is compressed anew as av1, without its sound" in done.plan


async def test_the_key_and_the_model_are_sent_and_plain_servers_get_plain_fields(workshop, clip):
    async with open_studio(OpenAIStudio(clip, key="hidden-key")) as studio:
        entry = an_entry(studio.url, key="hidden-key", model="wan", options={"plain": True})
        done = await made_by(studio, workshop, entry=entry)
    assert done.state is State.COMPLETED
    assert studio.asked[0].keys() == {"prompt", "size", "seconds", "model", "input_reference"}


async def test_a_server_that_answers_500_now_and_then_still_makes_one_clip(workshop, clip):
    async with open_studio(OpenAIStudio(clip, broken=2, looks=4)) as studio:
        forwarders = forwarders_of(an_entry(studio.url))
        async with running(workshop, forwarders=forwarders) as bench:
            generation_id = await bench.submit("a walk", engine=STUDIO)
            await bench.until(generation_id, lambda each: each.remote != "")
            studio.broken = 3
            done = await bench.ended(generation_id)
    assert (done.state, done.attempt, done.failures, len(studio.asked)) == (State.COMPLETED, 1, 0, 1)


async def test_a_server_that_is_slow_to_answer_is_waited_for(workshop, clip):
    async with open_studio(OpenAIStudio(clip, slow=0.2)) as studio:
        done = await made_by(studio, workshop)
    assert (done.state, done.attempt, len(studio.asked)) == (State.COMPLETED, 1, 1)


async def test_a_job_that_stands_still_for_too_long_is_cancelled_there_and_given_up(clip):
    async with open_studio(OpenAIStudio(clip, looks=10_000)) as studio:
        peer = peer_of(an_entry(studio.url))
        studio.jobs["video_1"] = {"id": "video_1", "status": "queued"}
        try:
            with pytest.raises(GenerationFailed, match="came no further with it"):
                await follow(peer, "video_1", lambda _: None, replace(QUICK, standstill=0.2))
        finally:
            await peer.close()
    assert studio.deleted == ["video_1"]


async def test_an_answer_that_got_lost_makes_no_second_clip(workshop, clip):
    async with open_studio(OpenAIStudio(clip, swallow=1)) as studio:
        done = await made_by(studio, workshop)
    assert (done.state, len(studio.asked)) == (State.COMPLETED, 1)
    assert studio.calls["POST /v1/videos"] == 2


async def test_a_job_that_is_lost_there_is_asked_for_again(workshop, clip):
    async with open_studio(OpenAIStudio(clip, looks=10_000)) as studio:
        forwarders = forwarders_of(an_entry(studio.url))
        async with running(workshop, forwarders=forwarders) as bench:
            generation_id = await bench.submit("a walk", engine=STUDIO)
            await bench.until(generation_id, lambda each: each.remote == "video_1")
            studio.jobs.clear()
            studio.looks = 1
            done = await bench.ended(generation_id)
    assert (done.state, done.failures, done.remote, len(studio.asked)) == (State.COMPLETED, 1, "video_2", 2)


async def test_half_a_download_and_a_file_that_is_not_whole_yet_are_fetched_again(workshop, clip, tmp_path):
    async with open_studio(OpenAIStudio(clip, halves=1, early=1)) as studio:
        done = await made_by(studio, workshop)
    assert (done.state, done.attempt, len(studio.asked)) == (State.COMPLETED, 1, 1)
    await workshop.objects.fetch_file(done.assets.video.key, str(tmp_path / "made.mp4"))
    assert probe(tmp_path / "made.mp4", whole=True).frame_count == 24


async def test_a_file_that_never_comes_whole_is_no_clip(workshop, clip):
    async with open_studio(OpenAIStudio(clip, early=1000)) as studio:
        done = await made_by(studio, workshop)
    assert (done.state, done.failure_code) == (State.FAILED, "remote_clip_broken")


async def test_a_file_whose_pictures_do_not_decode_is_no_clip(workshop, clip):
    pictures = clip.index(b"mdat") + 4
    damaged = clip[: pictures + 1500] + bytes(len(clip) - pictures - 1500)
    async with open_studio(OpenAIStudio(damaged)) as studio:
        done = await made_by(studio, workshop)
    assert (done.state, done.failure_code) == (State.FAILED, "remote_clip_broken")


async def test_a_clip_that_is_kept_elsewhere_is_fetched_from_there(workshop, clip):
    async with open_studio(OpenAIStudio(clip, elsewhere=True)) as studio:
        done = await made_by(studio, workshop)
    assert done.state is State.COMPLETED
    assert studio.calls["GET /bucket/{id}.mp4"] == 1


async def test_a_failed_job_says_why_in_plain_words_whatever_its_status(workshop, clip):
    async with open_studio(OpenAIStudio(clip, failure="CUDA out of memory. Tried to allocate 2 GiB")) as studio:
        done = await made_by(studio, workshop)
    assert (done.state, done.attempt, done.failure_code) == (State.FAILED, 1, "remote_failed")
    assert done.failure_reason == (
        "The server that makes this model failed on it: it ran out of GPU memory. "
        "Ask for a smaller resolution or a shorter clip."
    )


async def test_a_refusal_is_passed_on_in_its_words_and_not_tried_again(workshop, clip):
    async with open_studio(OpenAIStudio(clip, refusal="Size 512x288\x1b is not\nsupported.")) as studio:
        done = await made_by(studio, workshop)
    assert (done.attempt, done.failure_code) == (1, "remote_refused")
    assert done.failure_reason == "The server that makes this model refused it: “Size 512x288 is not supported”."


async def test_what_the_owner_cancels_is_cancelled_there(workshop, clip):
    async with open_studio(OpenAIStudio(clip, looks=10_000)) as studio:
        forwarders = forwarders_of(an_entry(studio.url))
        async with running(workshop, forwarders=forwarders) as bench:
            generation_id = await bench.submit("a walk", engine=STUDIO)
            await bench.until(generation_id, lambda each: each.remote != "" and each.progress > 0, timeout=20)
            await cancel(bench, generation_id)
            await eventually_async(lambda: studio.deleted)
    assert studio.deleted == ["video_1"]


async def test_a_worker_that_is_drained_leaves_the_job_there_and_the_next_one_goes_on_with_it(workshop, clip):
    async with open_studio(OpenAIStudio(clip, looks=10_000)) as studio:
        async with running(workshop, forwarders=forwarders_of(an_entry(studio.url))) as bench:
            generation_id = await bench.submit("a walk", engine=STUDIO)
            await bench.until(generation_id, lambda each: each.remote != "")
            await bench.host.drain(timedelta(0))
            assert (await bench.find(generation_id)).state is State.QUEUED
        studio.looks = 1
        async with running(workshop, forwarders=forwarders_of(an_entry(studio.url))) as bench:
            done = await bench.ended(generation_id)
    assert (done.state, done.attempt, done.failures) == (State.COMPLETED, 2, 0)
    assert (len(studio.asked), studio.deleted) == (1, [])


async def test_a_dead_servers_work_goes_to_the_next_and_comes_back_when_it_lives(workshop, clip):
    async with open_studio(OpenAIStudio(clip)) as other, open_studio(OpenAIStudio(clip)) as studio:
        await studio.stop()
        forwarders = forwarders_of(an_entry(studio.url), an_entry(other.url, name="other"))
        async with running(workshop, forwarders=forwarders) as bench:
            first = await bench.ended(await bench.submit("a walk", engine=STUDIO))
            second = await bench.ended(await bench.submit("a walk", engine=STUDIO))
            assert "does not answer" in forwarders[0].trouble
            await studio.start()
            await eventually_async(lambda: forwarders[0].trouble is None)
            third = await bench.ended(await bench.submit("a walk", engine=STUDIO))
    assert [(each.state, each.engine, each.failures) for each in (first, second, third)] == [
        (State.COMPLETED, "forward/other", 0),
        (State.COMPLETED, "forward/other", 0),
        (State.COMPLETED, STUDIO, 0),
    ]
    assert (len(other.asked), len(studio.asked)) == (2, 1)


async def test_a_server_that_dies_with_a_job_loses_it_to_the_next(workshop, clip):
    async with open_studio(OpenAIStudio(clip)) as other, open_studio(OpenAIStudio(clip, looks=10_000)) as studio:
        forwarders = forwarders_of(an_entry(studio.url), an_entry(other.url, name="other"))
        async with running(workshop, forwarders=forwarders) as bench:
            generation_id = await bench.submit("a walk", engine=STUDIO)
            await bench.until(generation_id, lambda each: each.remote != "")
            await studio.stop()
            done = await bench.ended(generation_id)
    assert (done.state, done.engine, done.failures) == (State.COMPLETED, "forward/other", 0)


async def test_with_nobody_else_to_go_to_the_work_waits_for_the_server(workshop, clip):
    async with open_studio(OpenAIStudio(clip)) as studio:
        await studio.stop()
        forwarders = forwarders_of(an_entry(studio.url))
        async with running(workshop, forwarders=forwarders) as bench:
            generation_id = await bench.submit("a walk", engine=STUDIO)
            waiting = await bench.until(generation_id, lambda each: each.attempt == 1 and each.state is State.QUEUED)
            assert waiting.failures == 0
            await studio.start()
            done = await bench.ended(generation_id)
    assert (done.state, done.failures) == (State.COMPLETED, 0)


async def test_a_wrong_key_is_the_operators_trouble_and_nobodys_failure(workshop, clip):
    async with open_studio(OpenAIStudio(clip, key="right")) as studio:
        forwarders = forwarders_of(an_entry(studio.url, key="wrong"))
        async with running(workshop, forwarders=forwarders) as bench:
            generation_id = await bench.submit("a walk", engine=STUDIO)
            handed_back = await bench.until(
                generation_id, lambda each: each.attempt == 1 and each.state is State.QUEUED
            )
            assert "does not accept our key (401: Incorrect API key provided)" in forwarders[0].trouble
    assert handed_back.failures == 0
    assert "wrong" not in forwarders[0].trouble


@pytest.mark.makes("an OpenAI-shaped server", "any", "Extend a clip")
async def test_an_earlier_clip_is_gone_on_from_by_its_last_frame_which_is_not_shown_twice(workshop, clip):
    async with open_studio(OpenAIStudio(clip)) as studio:
        forwarders = forwarders_of(an_entry(studio.url))
        async with running(workshop, forwarders=forwarders) as bench:
            first = await bench.ended(await bench.submit("a walk", engine=STUDIO))
            after = await bench.ended(await bench.submit("on", Keyframe(id=first.id), engine=STUDIO))
    await workshop.objects.fetch_file(after.assets.video.key, str(workshop.scratch.parent / "after.mp4"))
    assert probe(workshop.scratch.parent / "after.mp4", whole=True).frame_count == 23
    assert "extend: starts from the earlier clip's last frame" in after.plan


async def test_a_picture_that_cannot_be_read_never_reaches_the_server(workshop, clip):
    async with open_studio(OpenAIStudio(clip)) as studio:
        forwarders = forwarders_of(an_entry(studio.url))
        async with running(workshop, forwarders=forwarders) as bench:
            broken = await bench.submit("a walk", Keyframe(url="https://example.com/broken.png"), engine=STUDIO)
            done = await bench.ended(broken)
    assert (done.failure_code, studio.asked) == ("image_decode_failed", [])


async def test_a_server_is_given_as_many_at_once_as_its_entry_says_while_renderers_go_on(workshop, clip):
    async with open_studio(OpenAIStudio(clip, looks=10_000)) as studio:
        forwarders = forwarders_of(an_entry(studio.url, in_flight=2))
        async with running(workshop, forwarders=forwarders) as bench:
            ids = [await bench.submit("a walk", engine=STUDIO) for _ in range(3)]
            for each in ids[:2]:
                await bench.until(each, lambda each: each.remote != "")
            here = await bench.ended(await bench.submit("a walk"))
            assert here.engine == "fake/1"
            assert (await bench.find(ids[2])).state is State.QUEUED
            studio.looks = 1
            assert {(await bench.ended(each)).state for each in ids} == {State.COMPLETED}


async def test_two_hosts_together_give_a_server_no_more_than_its_entry_says(workshop, clip):
    async with open_studio(OpenAIStudio(clip, looks=10_000)) as studio:
        shops = [replace(workshop, scratch=workshop.scratch / name, signal=InProcessSignal()) for name in "ab"]
        first, second = (forwarders_of(an_entry(studio.url, in_flight=2)) for _ in shops)
        async with running(shops[0], forwarders=first) as bench, running(shops[1], forwarders=second):
            ids = [await bench.submit("a walk", engine=STUDIO) for _ in range(5)]
            shops[1].signal.notify()
            await eventually_async(lambda: len(studio.jobs) == 2)
            for shop in shops:
                shop.signal.notify()
            await stays_async(lambda: len(studio.jobs) == 2, 0.3)
            studio.looks = 1
            assert {(await bench.ended(each)).state for each in ids} == {State.COMPLETED}


async def test_what_one_host_cannot_reach_another_makes(workshop, clip):
    """The clip goes back to the queue of its own engine, and not to the stand-in."""
    async with open_studio(OpenAIStudio(clip)) as studio:
        here, there = (
            replace(workshop, scratch=workshop.scratch / name, work=replace(workshop.work, worker=WorkerName(name, "")))
            for name in ("cut off", "well")
        )
        now = workshop.clock.now()
        able = ProcessReport(there.work.worker, ProcessRole.WORKER, 2, "1", now, now, is_able=True, engines=(STUDIO,))
        await workshop.work.store.beat(able)
        stand_in = replace(an_entry("http://127.0.0.1:9"), name="stand-in")
        cut_off = forwarders_of(an_entry("http://127.0.0.1:9"), stand_in)
        async with running(here, forwarders=cut_off[:1]) as bench:
            generation_id = await bench.submit("a walk", engine=STUDIO)
            await eventually_async(lambda: cut_off[0].trouble is not None)
            back = await bench.until(generation_id, lambda each: each.state is State.QUEUED)
            assert (back.engine, back.failures, back.losses) == (STUDIO, 0, 0)
            async with running(there, forwarders=forwarders_of(an_entry(studio.url))):
                ended = await bench.ended(generation_id)
    assert (ended.state, ended.engine) == (State.COMPLETED, STUDIO)
