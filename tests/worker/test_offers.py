"""A worker's offer: the models that one process makes, out of those of the installation."""

import pytest

from stillmotion.application.metrics import Tally
from stillmotion.composition.engines import catalogue, forwarders, made_here, makes_embedded
from stillmotion.config import SettingsError, load
from stillmotion.domain.lifecycle import State
from stillmotion.worker.renderer.handle import RendererProcess
from tests.worker.conftest import FAKE_RENDERER, running

STUDIO = """
[models.studio]
engine = "forward"
abilities = ["first"]
[models.studio.server]
speaks = "openai"
url = "http://127.0.0.1:9"

[aliases]
ray-2 = ["studio", "parallax"]
"""


@pytest.fixture
def settings_of(tmp_path):
    file = tmp_path / "models.toml"
    file.write_text(STUDIO)

    def settings(**given):
        return load({}, None, {"catalogue": str(file), **given})[0]

    return settings


@pytest.mark.parametrize(
    ("given", "here", "is_embedded"),
    [
        ({}, {"studio", "parallax"}, True),
        ({"worker_models": "studio"}, {"studio"}, False),
        ({"worker_models": ("parallax",)}, {"parallax"}, True),
        ({"renderers": 0}, set(), True),
    ],
)
def test_a_process_makes_what_its_settings_name_and_without_renderers_nothing(settings_of, given, here, is_embedded):
    settings = settings_of(**given)
    models = catalogue(settings)
    assert {each.name for each in made_here(settings, models)} == here
    assert makes_embedded(settings) is is_embedded
    asked = forwarders(settings, models, lambda: RendererProcess(FAKE_RENDERER), Tally())
    assert [each.entry.name for each in asked] == (["studio"] if "studio" in here else [])


def test_a_model_that_is_not_offered_is_refused_with_those_that_are(settings_of):
    settings = settings_of(worker_models="wan")
    with pytest.raises(SettingsError, match=r"worker_models names wan, which is none .* There are: .*parallax.*studio"):
        made_here(settings, catalogue(settings))


async def test_a_host_leaves_the_work_of_engines_that_others_make(workshop):
    async with running(workshop, elsewhere=frozenset({"diffusers/tiny"})) as bench:
        waiting = await bench.submit("a boat", engine="diffusers/tiny")
        assert (await bench.ended(await bench.submit("a walk"))).state is State.COMPLETED
        assert (await bench.find(waiting)).state is State.QUEUED
        assert "diffusers/tiny" not in bench.host.engines
