"""Catalogue files: precedence between them, and the messages for wrong entries."""

import pytest

from stillmotion.adapters.models.catalogue import read_catalogue
from stillmotion.domain.catalogue import Ability, CatalogueError, EngineKind

SERVER = """
[models.studio]
engine = "forward"
abilities = ["first", "text"]
server = { speaks = "openai", url = "http://127.0.0.1:30000", key = "hidden-key", in_flight = 2 }
"""


def written(tmp_path, text):
    file = tmp_path / "models.toml"
    file.write_text(text)
    return file


def refusal(tmp_path, text, models=None):
    with pytest.raises(CatalogueError) as refused:
        read_catalogue(written(tmp_path, text), models)
    return str(refused.value)


def test_by_default_every_wire_name_is_the_embedded_engine():
    catalogue = read_catalogue()
    assert {model: [each.engine_name for each in catalogue.route(model)] for model in catalogue.models} == {
        "ray-1-6": ["parallax/1"],
        "ray-2": ["parallax/1"],
        "ray-flash-2": ["parallax/1"],
        "sora-2": ["parallax/1"],
        "sora-2-pro": ["parallax/1"],
    }


def test_the_families_are_there_with_their_facts():
    catalogue = read_catalogue()
    families = {each.family for each in catalogue.entries.values() if each.engine == EngineKind.DIFFUSERS}
    assert families == {"wan", "ltx", "ltx2", "cogvideox", "hunyuan15", "svd", "kandinsky5"}
    for entry in catalogue.entries.values():
        assert entry.summary
        assert entry.source
        assert entry.licence
        if entry.engine == EngineKind.DIFFUSERS:
            assert entry.steps > 0
            assert entry.guidance > 0


def test_each_amount_of_gpu_memory_has_a_model_to_take():
    catalogue = read_catalogue()
    taken = {memory: catalogue.default_for(memory) for memory in (4, 8, 12, 16, 24, 48, 80, 141)}
    assert {memory: each and each.name for memory, each in taken.items()} == {
        4: None,
        8: "ltx-video-2b-distilled",
        12: "ltx-video-2b-distilled",
        16: "wan22-ti2v-5b",
        24: "wan22-ti2v-5b",
        48: "wan22-ti2v-5b",
        80: "wan22-i2v-a14b-4step",
        141: "wan22-i2v-a14b-4step",
    }
    assert [each.name for each in catalogue.fitting(10)] == ["ltx-video-2b-distilled", "wan21-t2v-1b3"]
    assert list(catalogue.fitting(4)) == []


def test_the_operators_defaults_replace_the_packages(tmp_path):
    own = written(tmp_path, '[[defaults]]\nmemory_gb = 40\nmodel = "svd-xt"\n')
    catalogue = read_catalogue(own)
    assert catalogue.default_for(24) is None
    assert catalogue.default_for(48).name == "svd-xt"


def test_an_entry_of_the_package_takes_what_the_operators_file_says(tmp_path):
    file = written(tmp_path, '[models.wan22-ti2v-5b]\nweights = "/models/wan"\nsteps = 4\n')
    entry = read_catalogue(file).entries["wan22-ti2v-5b"]
    assert (entry.weights, entry.steps, entry.fps) == ("/models/wan", 4, 24)


def test_a_server_is_an_entry_and_its_key_is_not_shown(tmp_path):
    entry = read_catalogue(written(tmp_path, SERVER)).entries["studio"]
    assert entry.engine_name == "forward/studio"
    assert (entry.server.in_flight, entry.server.key) == (2, "hidden-key")
    assert "hidden-key" not in repr(entry)


def test_the_files_aliases_replace_the_packages_and_the_settings_replace_those(tmp_path):
    file = written(tmp_path, SERVER + '[aliases]\nray-2 = "studio > parallax"\n')
    assert read_catalogue(file).aliases == {"ray-2": ("studio", "parallax")}
    assert read_catalogue(file, {"mine": "parallax/1"}).aliases == {"mine": ("parallax",)}


def test_a_licence_that_is_not_free_must_be_accepted_by_name(tmp_path):
    file = written(tmp_path, '[aliases]\nray-2 = "hunyuanvideo-15-i2v-480p"\n')
    catalogue = read_catalogue(file)
    with pytest.raises(CatalogueError, match=r"Tencent-Hunyuan-Community.*accepted_licences.*United Kingdom"):
        catalogue.check_licences(frozenset())
    catalogue.check_licences(frozenset({"Tencent-Hunyuan-Community"}))
    read_catalogue().check_licences(frozenset())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[models", "not valid TOML"),
        ("[extras]", "extras is no part of a catalogue"),
        ("models = 3", "models must be a table"),
        ("[models]\nx = 3", "models.x must be a table"),
        ("[models.X]\nengine = 'parallax'\nabilities = ['first']", "models.X: an entry's name is made of"),
        ("[models.parallax]\nspeed = 3", "models.parallax.speed is not known. There are: abilities,"),
        ("[models.parallax]\nsizes = { round = 3 }", "models.parallax.sizes.round is not known"),
        ("[models.parallax]\nengine = 'Magic!'", "engine: an engine's name is made of a-z"),
        ("[models.mine]\nengine = 'parallax'", "abilities"),
        ("[models.parallax]\nabilities = []", "abilities must name one ability at least"),
        ("[models.parallax]\nabilities = ['fly']", "fly"),
        ("[models.parallax]\nfps = 0", "fps must be a whole number from 1 to 120"),
        ("[models.parallax]\nsizes = { step = 3 }", "sides and step must be even"),
        ("[models.parallax]\nsizes = { least = 9, most = 4 }", "least and most must be areas"),
        ("[models.parallax]\nframes = { step = 50, offset = 1, least = 60, most = 70 }", "no count lies between"),
        ("[models.parallax]\nserver = { speaks = 'openai', url = 'http://a' }", "server is for the engine forward"),
        (SERVER.replace("http://127.0.0.1:30000", "studio"), "server.url must be a base like"),
        (SERVER.replace("in_flight = 2", "in_flight = 0"), "in_flight must be a whole number from 1"),
        (SERVER.replace('"text"', '"last"'), "last cannot be asked for in the dialect openai"),
        (SERVER.replace('"openai"', '"comfyui"'), "server.graph is a workflow's file"),
        ("[[defaults]]\nmemory_gb = 8\nmodel = 'nobody'", "The default from 8 GB on is nobody, which is no entry"),
        ("[[defaults]]\nmemory_gb = 0\nmodel = 'parallax'", "memory_gb must be above 0"),
        ("[[defaults]]\nmodel = 'parallax'", "defaults: Object missing required field memory_gb"),
        ("[aliases]\nray-2 = 'nobody'", "The model ray-2 stands for nobody, which is no entry"),
        ("[aliases]\nray-2 = 3", "the model ray-2 must stand for an entry's name"),
        ("[aliases]\nray-2 = 'parallax > '", "the model ray-2 must stand for an entry's name"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, sentence):
    assert sentence in refusal(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CatalogueError, match=r"none\.toml cannot be read: No such file.*setting catalogue"):
        read_catalogue(tmp_path / "none.toml")


def test_what_a_dialect_can_ask_for_bounds_what_a_server_can_do(tmp_path):
    able = written(tmp_path, SERVER.replace('"openai"', '"dream-machine"').replace('"text"', '"loop", "any"'))
    assert Ability.LOOP in read_catalogue(able).entries["studio"].abilities
