"""`/metrics`: requests of this process, and the whole installation."""

import re

import pytest

from stillmotion.application.metrics import ATTEMPTS, GENERATIONS, RENDER, Tally
from stillmotion.domain.errors import StoreUnavailable
from stillmotion.http.edge.measures import DiskSpace, Measures
from tests.http.conftest import models


def samples(edge):
    text = edge.ask("GET", "/metrics").content.decode()
    return {
        name: float(value) for name, value in re.findall(r"^([a-z_]+(?:\{[^}]*\})?) ([0-9.e+-]+)$", text, re.MULTILINE)
    }


def stored(edge, *counts):
    tally = Tally()
    for series, *labels in counts:
        tally.count(series, *labels)
    edge.run(edge.store.add_samples(tally.take()))


@pytest.fixture
def quiet(start):
    return start("sqlite")


def test_counts_of_all_processes_are_shown(quiet):
    stored(quiet, (ATTEMPTS, "completed"), (GENERATIONS, "gateway", "ray-2", "failed"))
    stored(quiet, (ATTEMPTS, "completed"))
    found = samples(quiet)
    assert found['stillmotion_attempts_total{outcome="completed"}'] == 2
    assert found['stillmotion_generations_total{model="ray-2",outcome="failed",surface="gateway"}'] == 1


def test_what_has_not_happened_yet_is_shown_as_0(quiet):
    """Prometheus sees no increase in a series that begins with 1."""
    found = samples(quiet)
    for outcome in ("completed", "failed", "cancelled"):
        for model in models().models:
            labels = f'{{model="{model}",outcome="{outcome}",surface="openai"}}'
            assert found[f"stillmotion_generations_total{labels}"] == 0
    assert found['stillmotion_callbacks_total{outcome="gave_up"}'] == 0
    assert found['stillmotion_queue_depth{engine="forward/elsewhere"}'] == 0


def test_a_histogram_is_cumulative(quiet):
    tally = Tally()
    for seconds in (0.3, 3.0, 30.0):
        tally.observe(RENDER, seconds, "parallax/1", "ray-2")
    quiet.run(quiet.store.add_samples(tally.take()))
    found = samples(quiet)
    labels = 'engine="parallax/1",le="{}",model="ray-2"'
    buckets = [found[f"stillmotion_render_seconds_bucket{{{labels.format(le)}}}"] for le in ("0.1", "0.5", "5.0")]
    assert buckets == [0, 1, 2]
    assert found['stillmotion_render_seconds_count{engine="parallax/1",model="ray-2"}'] == 3
    assert found['stillmotion_render_seconds_sum{engine="parallax/1",model="ray-2"}'] == pytest.approx(33.3)


def test_the_queue_is_measured(quiet):
    caller = quiet.caller()
    caller.submit()
    quiet.clock.advance(seconds=30)
    caller.submit()
    found = samples(quiet)
    assert found['stillmotion_queue_depth{engine="parallax/1"}'] == 2
    assert found["stillmotion_queue_oldest_seconds"] == 30
    assert found["stillmotion_callback_oldest_seconds"] == 0


def test_refusals_are_counted_by_reason(quiet):
    caller = quiet.caller(concurrent_generations=1)
    caller.submit()
    caller.submit()
    quiet.ask("POST", "/lumalabs-ai/v1/generateRequestFromImage", b"{}")
    found = samples(quiet)
    assert found['stillmotion_refused_total{reason="unfinished_generations"}'] == 1
    assert found['stillmotion_refused_total{reason="no_key"}'] == 1


def test_no_label_tells_a_key_or_an_id(quiet):
    caller = quiet.caller()
    caller.poll(caller.submit().body["id"])
    text = quiet.ask("GET", "/metrics").content.decode()
    assert caller.issued.primary[:12] not in text
    assert caller.issued.subscription.id not in text
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", text)


def test_metrics_are_there_without_the_store(start, edge):
    class GoneStore:
        async def samples(self):
            raise StoreUnavailable("gone")

    async def workers():
        return {"ready": 0}

    gone = Measures(GoneStore(), edge.services.measures.commits, workers, lambda: DiskSpace(1, 2))
    found = samples(start(measures=gone))
    assert found['stillmotion_workers{state="ready"}'] == 0
    assert found['stillmotion_build_info{version="1.2.3"}'] == 1
    assert "stillmotion_queue_oldest_seconds" not in found
