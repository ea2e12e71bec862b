"""Clips made by an operator's own ComfyUI workflow."""

import io
import json

import pytest
from PIL import Image

from stillmotion.domain.catalogue import Ability, CatalogueError, Dialect
from stillmotion.domain.lifecycle import State
from stillmotion.engines.forward.comfyui.progress import JobProgress
from stillmotion.worker.makers.remote import MADE_THERE
from tests.engines.forward.conftest import an_entry, forwarders_of
from tests.engines.forward.servers import ComfyStudio, open_studio
from tests.waiting import eventually_async
from tests.worker.conftest import running
from tests.worker.test_host import cancel

STUDIO = "forward/studio"
WORKFLOW = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}, "_meta": {"title": "start @image"}},
    "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["5", 0]}, "_meta": {"title": "@prompt"}},
    "3": {"class_type": "RandomNoise", "inputs": {"noise_seed": 1}, "_meta": {"title": "@seed"}},
    "4": {
        "class_type": "WanImageToVideo",
        "inputs": {"width": 1, "height": 1, "length": 1},
        "_meta": {"title": "clip @size @frames"},
    },
    "9": {"class_type": "SaveVideo", "inputs": {"video": ["4", 0]}, "_meta": {"title": "Save"}},
}
END = {"class_type": "LoadImage", "inputs": {"image": "example.png"}, "_meta": {"title": "@end_image"}}


def an_entry_with(tmp_path, studio_url, workflow=None, **parts):
    file = tmp_path / "workflow.json"
    file.write_text(json.dumps(workflow if workflow is not None else WORKFLOW))
    given = {"speaks": Dialect.COMFYUI, "graph": str(file), "abilities": frozenset({Ability.FIRST})}
    return an_entry(studio_url, **given | parts)


@pytest.mark.makes("ComfyUI with `@image`", "any", "Start picture")
async def test_the_workflow_is_filled_in_and_its_clip_taken_over(workshop, clip, tmp_path):
    async with open_studio(ComfyStudio(clip)) as studio:
        forwarders = forwarders_of(an_entry_with(tmp_path, studio.url))
        async with running(workshop, forwarders=forwarders) as bench:
            done = await bench.ended(await bench.submit("a walk", engine=STUDIO, seed=5))
    assert done.state is State.COMPLETED
    ((remote, graph),) = studio.graphs.items()
    assert done.remote == remote
    picture = Image.open(io.BytesIO(studio.uploads[graph["1"]["inputs"]["image"]]))
    assert graph["2"]["inputs"] == {"text": "a walk", "clip": ["5", 0]}
    assert graph["3"]["inputs"] == {"noise_seed": 5}
    assert graph["4"]["inputs"] == {"width": picture.width, "height": picture.height, "length": 24}


@pytest.mark.makes("ComfyUI with `@image` and `@end_image`", "any", "Start and end", "Loop")
async def test_a_loop_ends_with_its_first_picture_and_loses_the_double(workshop, clip, tmp_path):
    async with open_studio(ComfyStudio(clip)) as studio:
        entry = an_entry_with(tmp_path, studio.url, WORKFLOW | {"7": END}, abilities=frozenset({Ability.LAST}))
        forwarders = forwarders_of(entry)
        async with running(workshop, forwarders=forwarders) as bench:
            done = await bench.ended(await bench.submit("a walk", engine=STUDIO, loop=True))
    assert done.state is State.COMPLETED
    (graph,) = studio.graphs.values()
    first, last = (studio.uploads[graph[node]["inputs"]["image"]] for node in ("1", "7"))
    assert first == last
    assert "loop: ends with the picture it starts from" in done.plan


async def test_a_prompt_is_not_queued_twice_under_one_name(workshop, clip, tmp_path):
    """The answer is lost after the job was queued. The job is found by the id that was chosen for it."""
    async with open_studio(ComfyStudio(clip)) as studio:
        (forwarder,) = forwarders_of(an_entry_with(tmp_path, studio.url))
        async with running(workshop, forwarders=[forwarder]) as bench:
            done = await bench.ended(await bench.submit("a walk", engine=STUDIO))
            graphs, posts = len(studio.graphs), studio.calls["POST /prompt"]
            assert await forwarder.peer._is_known(done.remote)
    assert (graphs, posts) == (1, 1)


async def test_its_steps_are_passed_on_as_progress(workshop, clip, tmp_path):
    nodes = {"3": {"value": 10, "max": 20, "state": "running"}, "8": {"value": 1, "max": 1, "state": "finished"}}
    told = ["no JSON", {"type": "status", "data": {}}, {"type": "progress_state", "data": {"nodes": nodes}}]
    async with open_studio(ComfyStudio(clip, looks=10_000, told=told)) as studio:
        sampling = {"class_type": "KSampler", "inputs": {"steps": 20}}
        workflow = WORKFLOW | {"6": sampling, "7": sampling}
        forwarders = forwarders_of(an_entry_with(tmp_path, studio.url, workflow))
        async with running(workshop, forwarders=forwarders) as bench:
            generation_id = await bench.submit("a walk", engine=STUDIO)
            half_of_two = 0.25 * MADE_THERE
            await bench.until(generation_id, lambda each: each.progress == pytest.approx(half_of_two), timeout=20)
            studio.looks = 1
            done = await bench.ended(generation_id)
    assert (done.state, studio.listeners) == (State.COMPLETED, [done.remote])


@pytest.mark.parametrize(
    ("messages", "fraction"),
    [
        ([], None),
        ([[], "x", {"type": "progress"}, {"type": "progress", "data": {"value": "5", "max": 20}}], None),
        ([{"type": "progress", "data": {"node": "3", "value": 1, "max": 1}}], None),
        ([{"type": "progress", "data": {"node": "3", "value": 5, "max": 20}}], 0.125),
        ([{"type": "progress", "data": {"node": each, "value": 20, "max": 20}} for each in "34"], 0.99),
        ([{"type": "progress", "data": {"node": each, "value": 10, "max": 20}} for each in "3456"], 0.5),
        ([{"type": "progress_state", "data": {"nodes": {"3": {"value": 30, "max": 20}, "4": 7}}}], 0.5),
    ],
)
def test_each_sampler_of_a_workflow_counts_alike(messages, fraction):
    steps = JobProgress(expected=2)
    for message in messages:
        steps.hear(message)
    assert steps.fraction == fraction


async def test_a_job_that_is_lost_there_is_queued_again(workshop, clip, tmp_path):
    async with open_studio(ComfyStudio(clip, looks=10_000)) as studio:
        forwarders = forwarders_of(an_entry_with(tmp_path, studio.url))
        async with running(workshop, forwarders=forwarders) as bench:
            generation_id = await bench.submit("a walk", engine=STUDIO)
            lost = (await bench.until(generation_id, lambda each: each.remote != "")).remote
            studio.graphs.clear()
            studio.looks = 1
            done = await bench.ended(generation_id)
    assert (done.state, done.failures, studio.calls["POST /prompt"]) == (State.COMPLETED, 1, 2)
    assert done.remote != lost


async def test_a_server_that_is_slow_breaks_and_gives_halves_still_makes_one_clip(workshop, clip, tmp_path):
    async with open_studio(ComfyStudio(clip, slow=0.05, broken=2, halves=1, early=1)) as studio:
        forwarders = forwarders_of(an_entry_with(tmp_path, studio.url))
        async with running(workshop, forwarders=forwarders) as bench:
            done = await bench.ended(await bench.submit("a walk", engine=STUDIO))
    assert (done.state, done.attempt, done.failures, len(studio.graphs)) == (State.COMPLETED, 1, 0, 1)


async def test_a_failed_workflow_says_why(workshop, clip, tmp_path):
    async with open_studio(ComfyStudio(clip, failure="mat1 and mat2 shapes cannot be multiplied")) as studio:
        forwarders = forwarders_of(an_entry_with(tmp_path, studio.url))
        async with running(workshop, forwarders=forwarders) as bench:
            done = await bench.ended(await bench.submit("a walk", engine=STUDIO))
    assert done.failure_reason == (
        "The server that makes this model failed on it: “mat1 and mat2 shapes cannot be multiplied”."
    )


async def test_a_workflow_that_makes_nothing_is_refused_in_its_words(workshop, clip, tmp_path):
    async with open_studio(ComfyStudio(clip)) as studio:
        without = {node: each for node, each in WORKFLOW.items() if node != "9"}
        forwarders = forwarders_of(an_entry_with(tmp_path, studio.url, without))
        async with running(workshop, forwarders=forwarders) as bench:
            done = await bench.ended(await bench.submit("a walk", engine=STUDIO))
    assert done.failure_reason == "The server that makes this model refused it: “Prompt has no outputs”."


async def test_what_the_owner_cancels_is_interrupted(workshop, clip, tmp_path):
    async with open_studio(ComfyStudio(clip, looks=10_000)) as studio:
        forwarders = forwarders_of(an_entry_with(tmp_path, studio.url))
        async with running(workshop, forwarders=forwarders) as bench:
            generation_id = await bench.submit("a walk", engine=STUDIO)
            remote = (await bench.until(generation_id, lambda each: each.remote != "")).remote
            await cancel(bench, generation_id)
            await eventually_async(lambda: studio.interrupted)
    assert studio.interrupted == [remote]


@pytest.mark.parametrize(
    ("workflow", "parts", "sentence"),
    [
        ({"nodes": []}, {}, "is no workflow in API form"),
        (WORKFLOW | {"7": END}, {}, "for the ability first the nodes of .* must be titled to take @image"),
        (WORKFLOW, {"abilities": frozenset({Ability.TEXT})}, "must be titled to take no picture"),
        ({node: each for node, each in WORKFLOW.items() if node != "2"}, {}, "no node of .* is titled @prompt"),
    ],
    ids=["not in API form", "a picture too many", "an example picture for words", "no words"],
)
def test_a_workflow_that_does_not_fit_its_entry_is_refused_at_start(tmp_path, workflow, parts, sentence):
    with pytest.raises(CatalogueError, match=sentence):
        forwarders_of(an_entry_with(tmp_path, "http://127.0.0.1:9", workflow, **parts))


def test_a_workflow_that_is_not_there_is_named(tmp_path):
    entry = an_entry("http://127.0.0.1:9", speaks=Dialect.COMFYUI, graph=str(tmp_path / "none.json"))
    with pytest.raises(CatalogueError, match=r"the workflow .*none\.json cannot be read"):
        forwarders_of(entry)
