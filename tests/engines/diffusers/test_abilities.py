"""Abilities of a model, each carried out by real pipelines."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="needs torch and diffusers: python3 dev.py test --all")

from stillmotion.domain.request import FrameSize  # noqa: E402 - after the skip
from stillmotion.engines.diffusers.conditioning import Anchor, Conditioning, conditioning_of, smallest  # noqa: E402
from stillmotion.engines.diffusers.engine import Diffusers  # noqa: E402
from stillmotion.engines.diffusers.model_slot import ModelSlot  # noqa: E402
from stillmotion.engines.diffusers.progress import ClipProgress, StepTimes  # noqa: E402
from tests.engines.diffusers.models import DEVICE, SIZE, STEPS, TINY, image, made_by, picture  # noqa: E402


def at_work(name, folder_of, **changed):
    entry = TINY[name].entry(name, folder_of(name), **changed)
    slot = ModelSlot(DEVICE)
    return Diffusers(entry, slot), slot.hold(entry)


def drawn(engine, job) -> list[bytes]:
    return [bytes(frame.planes) for frame in engine.render(job, lambda _: None).frames]


def decoded(model, shot: Conditioning) -> torch.Tensor:
    course = ClipProgress(StepTimes(), None, shot.steps, shot.frame_count, lambda _: None)
    return torch.cat(list(model.decode(model.denoise(shot, course), shot, course)), dim=1)


@made_by(["a14b", "ltx", "ltx2"], "Start picture", "Start and end")
def test_the_last_picture_matters(name, folder_of):
    engine, _ = at_work(name, folder_of)
    job = TINY[name].job()
    assert drawn(engine, job) != drawn(engine, replace(job, frame1=picture(90)))
    assert drawn(engine, job) != drawn(engine, replace(job, frame1=None))


@made_by(["ltx", "ltx2"], "End picture alone")
def test_a_last_picture_needs_no_first(name, folder_of):
    engine, _ = at_work(name, folder_of)
    job = TINY[name].job(frame0=None)
    rendering = engine.render(job, lambda _: None)
    assert f'"held_to": [{TINY[name].frame_count - 1}]' in rendering.plan
    assert [bytes(frame.planes) for frame in rendering.frames] != drawn(engine, replace(job, frame1=picture(90)))


@made_by(["ltx", "ltx2"], "A picture in the middle")
def test_a_picture_in_the_middle_matters(name, folder_of):
    _, model = at_work(name, folder_of)
    shot = conditioning_of(TINY[name].job(frame1=None), model.entry)
    held = replace(shot, anchors=(*shot.anchors, Anchor(8, (image(90),))))
    assert not torch.equal(decoded(model, shot), decoded(model, held))


@made_by(["ltx", "ltx2"], "Extend a clip")
def test_an_earlier_clip_s_motion_is_carried_on(name, folder_of):
    engine, _ = at_work(name, folder_of)
    assert engine.wants.before == 8
    before = tuple(picture(each) for each in range(8))
    job = TINY[name].job(frame1=None, extends=True, before=before, seconds=9 / 8)
    carried = drawn(engine, job)
    assert len(carried) == 8
    assert carried != drawn(engine, replace(job, before=tuple(reversed(before))))


@made_by(["wan21", "ti2v-5b", "cogvideox"], "Extend a clip")
def test_a_model_without_that_goes_on_from_the_last_frame_and_does_not_repeat_it(name, folder_of):
    engine, _ = at_work(name, folder_of)
    assert engine.wants.before == 0
    size = FrameSize(64, 64) if name == "cogvideox" else SIZE
    job = TINY[name].job(size=size, frame0=picture(0, size))
    assert drawn(engine, replace(job, extends=True)) == drawn(engine, job)[1:]


@made_by(["a14b", "flf2v", "ltx"], "Loop")
def test_a_loop_is_a_clip_between_a_picture_and_itself_without_the_last_frame(name, folder_of):
    engine, _ = at_work(name, folder_of)
    job = TINY[name].job(frame1=None)
    there_and_back = drawn(engine, replace(job, frame1=job.frame0))
    assert drawn(engine, replace(job, loop=True)) == there_and_back[:-1]


@made_by(["ti2v-5b", "ltx", "ltx2"], "Words alone")
def test_words_alone_make_a_clip_of_a_model_for_both(name, folder_of):
    engine, _ = at_work(name, folder_of)
    job = TINY[name].job(frame1=None)
    with_picture, without = drawn(engine, job), drawn(engine, replace(job, frame0=None))
    assert len(without) == len(with_picture)
    assert without != with_picture
    assert drawn(engine, job) == with_picture


@made_by(["wan21"], "Camera concepts")
def test_camera_words_reach_the_prompt(name, folder_of):
    engine, _ = at_work(name, folder_of)
    job = TINY[name].job(concepts=("orbit_left",))
    rendering = engine.render(job, lambda _: None)
    assert "a boat drifts. Arc shot, the camera orbits the subject to the left." in rendering.plan
    assert [bytes(frame.planes) for frame in rendering.frames] != drawn(engine, replace(job, concepts=()))


@made_by(["a14b", "ltx"], "Camera concepts")
def test_a_zoom_is_forced_by_the_end_it_has_to_reach(name, folder_of):
    engine, _ = at_work(name, folder_of)
    job = TINY[name].job(frame1=None, concepts=("zoom_in",))
    rendering = engine.render(job, lambda _: None)
    assert f'"held_to": [0, {TINY[name].frame_count - 1}]' in rendering.plan
    forced = [bytes(frame.planes) for frame in rendering.frames]
    left_to_words, _ = at_work(name, folder_of, options={"force_camera": False})
    assert forced != drawn(left_to_words, job)


@pytest.mark.parametrize("name", TINY)
def test_every_model_can_be_warmed_up(name, folder_of):
    engine, model = at_work(name, folder_of)
    engine.warm()
    shot = smallest(model.entry)
    assert decoded(model, shot).shape[1] == shot.frame_count
    assert shot.steps < STEPS
