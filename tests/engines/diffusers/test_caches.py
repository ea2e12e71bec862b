"""Caches as far as the CPU can tell: they skip computation, and keep nothing from one clip to the next."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="needs torch and diffusers: python3 dev.py test --all")

from stillmotion.domain.errors import EngineUnfit, RenderCancelled  # noqa: E402 - after the skip
from stillmotion.domain.request import FrameSize  # noqa: E402
from stillmotion.engines.diffusers.engine import Diffusers  # noqa: E402
from stillmotion.engines.diffusers.model_slot import ModelSlot  # noqa: E402
from stillmotion.engines.diffusers.step_caches import CACHES  # noqa: E402
from tests.engines.diffusers.models import DEVICE, TINY, picture  # noqa: E402

STEPS = 10
NEVER = {
    "first-block": {"cache_threshold": 0.0},
    "mag": {"cache_threshold": 0.0, "cache_ratios": "2.0, 2.0"},
    "taylor": {"cache_interval": 1},
    "pyramid": {"cache_interval": 1},
    "faster": {"cache_interval": 1, "cache_unguided": 1},
}
"""Options that make each cache compute every step."""
OFTEN = {
    "first-block": {"cache_threshold": 1000},
    "mag": {"cache_threshold": 1.0, "cache_ratios": "1.0, 1.0"},
    "taylor": {"cache_interval": 3},
    "pyramid": {"cache_interval": 2},
    "faster": {"cache_interval": 2, "cache_unguided": 3},
}
NAMES = {"wan": "wan21", "ltx": "ltx", "ltx2": "ltx2", "cogvideox": "cogvideox", "hunyuan15": "hunyuan15"}
PAIRS = [
    (cache, NAMES[family], 1.0 if family in made.for_one else 2.5)
    for cache, made in CACHES.items()
    for family in sorted(made.families | made.for_one)
]
every_pair = pytest.mark.parametrize(("cache", "name", "guidance"), PAIRS, ids=str)


def at_work(name, folder_of, options, **changed):
    changed = {"steps": STEPS, **changed}
    entry = TINY[name].entry(name, folder_of(name), options={**TINY[name].options, **options}, **changed)
    slot = ModelSlot(DEVICE)
    return Diffusers(entry, slot), slot.hold(entry)


def job_of(name, **changed):
    job = TINY[name].job(**changed)
    square = FrameSize(64, 64)
    return replace(job, size=square, frame0=picture(0, square)) if name == "cogvideox" else job


def drawn(engine, job, report=lambda _: None) -> list[bytes]:
    return [bytes(frame.planes) for frame in engine.render(job, report).frames]


def attended(model) -> list[int]:
    """A list that grows by one with each attention that the network computes."""
    seen: list[int] = []
    for name, module in model.main.transformer.named_modules():
        if name.endswith("to_q"):
            module.register_forward_hook(lambda _, given, __: seen.append(given[0].shape[0]))
    return seen


@every_pair
def test_a_cache_that_never_skips_changes_no_frame(cache, name, guidance, folder_of):
    plain = drawn(at_work(name, folder_of, {}, guidance=guidance)[0], job_of(name))
    engine, _ = at_work(name, folder_of, {"cache": cache, **NEVER[cache]}, guidance=guidance)
    assert drawn(engine, job_of(name)) == plain


@every_pair
def test_a_cache_that_skips_computes_less_and_begins_anew_with_every_clip(cache, name, guidance, folder_of):
    engine, model = at_work(name, folder_of, {}, guidance=guidance)
    seen = attended(model)
    plain, computed = drawn(engine, job_of(name)), sum(seen)
    engine, model = at_work(name, folder_of, {"cache": cache, **OFTEN[cache]}, guidance=guidance)
    seen, told = attended(model), []
    first = drawn(engine, job_of(name), told.append)
    assert sum(seen) < computed
    assert first != plain
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)
    drawn(engine, job_of(name, seed=99))

    def until(fraction):
        told.append(fraction)
        if len(told) == 15:
            raise RenderCancelled

    told.clear()
    with pytest.raises(RenderCancelled):
        drawn(engine, job_of(name, seed=98), until)
    assert len(told) == 15
    assert drawn(engine, job_of(name)) == first


def test_a_cancel_is_heard_while_blocks_are_skipped(folder_of):
    engine, model = at_work("wan21", folder_of, {"cache": "first-block", "cache_threshold": 1000}, steps=500)
    seen, calls = attended(model), []

    def until(_):
        calls.append(len(seen))
        if len(calls) == 61:
            raise RenderCancelled

    with pytest.raises(RenderCancelled):
        drawn(engine, job_of("wan21"), until)
    assert calls[-1] < 2 * len(calls)
    # Of the skipped blocks each still asks whether to go on, with no further block seen.
    late = calls[30:]
    assert len(set(late)) < len(late) / 2


def test_a_clip_of_words_alone_shares_the_network_and_not_what_was_cached(folder_of):
    """The number of the step belongs to the network, whichever pipeline runs it."""
    options = {"cache": "pyramid", "cache_interval": 2}
    engine, _ = at_work("ti2v-5b", folder_of, options, guidance=1.0)
    job = job_of("ti2v-5b")
    first, words = drawn(engine, job), drawn(engine, replace(job, frame0=None))
    assert drawn(engine, job) == first
    assert drawn(engine, replace(job, frame0=None)) == words


def test_few_steps_are_all_computed(folder_of):
    plain, cached = (
        drawn(at_work("wan21", folder_of, options, steps=7)[0], job_of("wan21"))
        for options in ({}, {"cache": "first-block", "cache_threshold": 1000})
    )
    assert cached == plain


@pytest.mark.parametrize("placement", ["encoders-off", "parts", "blocks"])
def test_a_cache_works_wherever_the_weights_lie(placement, folder_of):
    """Frames may differ by rounding: some processors sum in another order after weights were moved in memory."""
    options = {"cache": "first-block", "cache_threshold": 1000}
    whole = b"".join(drawn(at_work("wan21", folder_of, options)[0], job_of("wan21")))
    engine, _ = at_work("wan21", folder_of, {**options, "placement": placement})
    moved = b"".join(drawn(engine, job_of("wan21")))
    assert max(abs(one - other) for one, other in zip(whole, moved, strict=True)) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("cache", ["first-block", "mag", "taylor"])
def test_blocks_may_be_compiled_before_they_are_skipped(cache, folder_of):
    options = {"cache": cache, **OFTEN[cache]}
    whole = b"".join(drawn(at_work("wan21", folder_of, options)[0], job_of("wan21")))
    compiled = b"".join(drawn(at_work("wan21", folder_of, {**options, "compile": True})[0], job_of("wan21")))
    assert max(abs(one - other) for one, other in zip(whole, compiled, strict=True)) <= 2


@pytest.mark.parametrize(
    ("name", "options", "changed", "sentence"),
    [
        ("ltx2", {"cache": "mag"}, {}, "options.cache cannot be mag for the family ltx2, but taylor"),
        ("svd", {"cache": "taylor"}, {}, "options.cache cannot be taylor for the family svd, but none"),
        ("kandinsky5", {"cache": "first-block"}, {}, "options.cache cannot be first-block for the family kandinsky5"),
        ("wan21", {"cache": "pyramid"}, {}, "options.cache cannot be pyramid for the family wan where guidance is"),
        ("cogvideox", {"cache": "faster"}, {"guidance": 1.0}, "options.cache cannot be faster where guidance is 1 or"),
        ("wan21", {"cache_interval": 2}, {}, "options.cache_interval is for a cache: set cache to one of first-block"),
        ("wan21", {"cache": "first-block", "cache_interval": 2}, {}, "cache_interval is not for the cache first-block"),
        ("wan21", {"cache": "taylor", "cache_interval": 0}, {}, "options.cache_interval must be 1 or more"),
        ("wan21", {"cache": "taylor", "cache_interval": "3"}, {}, "options.cache_interval must be a whole number"),
        ("wan21", {"cache": "mag"}, {}, "options.cache_ratios must be numbers with commas between"),
        ("a14b", {"cache": "mag", "cache_ratios": "1, 1"}, {}, "mag counts the steps of one network, and this model"),
        (
            "cogvideox",
            {"cache": "pyramid", "compile": True},
            {},
            "options.cache cannot be pyramid together with compile",
        ),
    ],
)
def test_a_cache_that_cannot_be_had_is_refused_at_the_start(name, options, changed, sentence, folder_of):
    with pytest.raises(EngineUnfit) as refused:
        at_work(name, folder_of, options, **changed)
    assert f"models.{name}.options." in str(refused.value)
    assert sentence in str(refused.value)
