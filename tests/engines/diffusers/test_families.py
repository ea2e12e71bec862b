"""Every family, through the engine and by its bare pipeline: the frames are equal, whatever ran before."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="needs torch and diffusers: python3 dev.py test --all")

from stillmotion.domain.errors import RenderCancelled  # noqa: E402 - after the skip
from stillmotion.domain.request import FrameSize  # noqa: E402
from stillmotion.engines.diffusers.decoding import i420  # noqa: E402
from stillmotion.engines.diffusers.engine import Diffusers  # noqa: E402
from stillmotion.engines.diffusers.model_slot import ModelSlot  # noqa: E402
from tests.engines.diffusers.models import DEVICE, GUIDANCE, TINY, picture  # noqa: E402

every_family = pytest.mark.parametrize("name", TINY)


def bare_frames(tiny, folder) -> list[bytes]:
    made = torch.as_tensor(tiny.bare(folder))
    return [bytes(row.numpy()) for row in i420(made.permute(1, 0, 2, 3).float())]


def job_of(tiny, **changed):
    job = tiny.job(**changed)
    if tiny.family != "cogvideox":
        return job
    square = FrameSize(64, 64)
    return replace(job, size=square, frame0=picture(0, square))


def drawn(engine, job, report=lambda _: None) -> list[bytes]:
    return [bytes(frame.planes) for frame in engine.render(job, report).frames]


@every_family
def test_the_frames_are_those_of_the_bare_pipeline_with_the_same_seed(name, folder_of, record_property):
    tiny = TINY[name]
    ability = ("Start and end" if tiny.last else "Start picture") if tiny.first else "Words alone"
    record_property("made", (f"diffusers, family `{tiny.family}`", "the engine", ability))
    engine = Diffusers(tiny.entry(name, folder_of(name)), ModelSlot(DEVICE))
    assert drawn(engine, job_of(tiny)) == bare_frames(tiny, folder_of(name))


@pytest.mark.parametrize(("name", "most"), [("hunyuan15", 1), ("kandinsky5", 0)])
def test_so_are_those_of_a_long_clip_that_is_decoded_in_pieces(name, most, folder_of):
    """The last bits of a sum may differ by a level of 255, for the reason given in `windows`."""
    tiny = replace(TINY[name], frame_count=81)
    made = drawn(Diffusers(tiny.entry(name, folder_of(name)), ModelSlot(DEVICE)), job_of(tiny))
    plain = bare_frames(tiny, folder_of(name))
    assert len(made) == len(plain) == 81
    assert max(abs(one - other) for one, other in zip(b"".join(made), b"".join(plain), strict=True)) <= most


@every_family
def test_a_cancel_takes_effect_before_the_next_block_and_leaves_no_trace(name, folder_of):
    tiny, slot = TINY[name], ModelSlot(DEVICE)
    engine = Diffusers(tiny.entry(name, folder_of(name)), slot)
    whole = drawn(engine, job_of(tiny))
    told = []

    def until_cancelled(fraction):
        told.append(fraction)
        if len(told) == 8:
            raise RenderCancelled

    with pytest.raises(RenderCancelled):
        drawn(engine, job_of(tiny, seed=12), until_cancelled)
    assert len(told) == 8
    assert drawn(engine, job_of(tiny)) == whole


@every_family
def test_another_seed_gives_another_clip_and_what_was_encoded_is_remembered(name, folder_of):
    tiny, slot = TINY[name], ModelSlot(DEVICE)
    engine = Diffusers(tiny.entry(name, folder_of(name)), slot)
    first = drawn(engine, job_of(tiny))
    resident = slot.hold(tiny.entry(name, folder_of(name)))
    hits = resident.hits
    assert drawn(engine, job_of(tiny, seed=12)) != first
    assert resident.hits > hits or tiny.family == "svd"


@every_family
def test_progress_goes_from_nothing_to_all_and_never_back(name, folder_of):
    tiny = TINY[name]
    engine = Diffusers(tiny.entry(name, folder_of(name)), ModelSlot(DEVICE))
    told = []
    drawn(engine, job_of(tiny), told.append)
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)
    assert len(set(told)) > 6


def test_guidance_off_is_one_run_of_the_network_a_step(folder_of):
    tiny = TINY["wan21"]
    counts = {}
    for guidance in (GUIDANCE, 1.0):
        told, slot = [], ModelSlot(DEVICE)
        entry = tiny.entry("wan21", folder_of("wan21"), guidance=guidance)
        slot.hold(entry)  # The number of reports during loading depends on its time.
        drawn(Diffusers(entry, slot), job_of(tiny), told.append)
        counts[guidance] = len(told)
    assert counts[GUIDANCE] > counts[1.0] + 6
