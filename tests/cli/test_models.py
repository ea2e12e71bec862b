"""`stillmotion models`, and models that `serve` refuses to offer."""

import asyncio
import json
import os
from types import SimpleNamespace

from tests import forked
from tests.engines.forward.servers import OpenAIStudio, open_studio


def run(*words, **settings):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STILLMOTION_")}
    environment = kept | {f"STILLMOTION_{name.upper()}": value for name, value in settings.items()}
    code, out, err = forked.ended(words, environment)
    return SimpleNamespace(returncode=code, stdout=out, stderr=err)


def a_catalogue(tmp_path, url, alias="studio"):
    file = tmp_path / "models.toml"
    file.write_text(
        f'[aliases]\nray-2 = "{alias}"\n[models.studio]\nengine = "forward"\nabilities = ["first"]\n'
        f'server = {{ speaks = "openai", url = "{url}", key = "hidden-key" }}\n'
    )
    return str(file)


def test_every_model_is_listed_with_its_names_and_terms():
    listed = run("models", "list")
    assert listed.returncode == 0, listed.stderr
    assert "parallax  (ray-1-6, ray-2, ray-flash-2, sora-2, sora-2-pro)" in listed.stdout
    assert "not for the European Union, the United Kingdom and South Korea" in listed.stdout


def test_the_list_for_programs_holds_no_key(tmp_path):
    listed = run("models", "list", "--offered", "--json", "--catalogue", a_catalogue(tmp_path, "http://127.0.0.1:9"))
    (studio,) = json.loads(listed.stdout)
    assert (studio["engine"], studio["models"]) == ("forward/studio", ["ray-2"])
    assert studio["server"] == {"speaks": "openai", "url": "http://127.0.0.1:9", "at_once": 1}
    assert "hidden-key" not in listed.stdout


def test_with_a_gpus_memory_the_first_is_the_one_to_take():
    listed = run("models", "list", "--memory", "24", "--json")
    names = [each["name"] for each in json.loads(listed.stdout)]
    assert names[0] == "wan22-ti2v-5b"
    assert "wan22-i2v-a14b" not in names
    assert json.loads(run("models", "list", "--memory", "24", "--offered", "--json").stdout) == []


def test_a_model_is_tried_with_a_small_clip(tmp_path):
    warm = run("models", "warm", "--json", data_dir=str(tmp_path / "data"))
    assert warm.returncode == 0, warm.stderr
    told = json.loads(warm.stdout)
    assert (told["model"], told["frames"], told["width"], told["height"]) == ("parallax", 24, 960, 540)
    assert min(told["loaded_in"], told["first_clip_in"], told["next_clip_in"]) > 0
    assert not (tmp_path / "data").exists()


async def test_a_server_is_tried_by_asking_it_and_makes_nothing(tmp_path):
    async with open_studio(OpenAIStudio(b"", key="hidden-key")) as studio:
        warm = await asyncio.to_thread(run, "models", "warm", catalogue=a_catalogue(tmp_path, studio.url))
        address = studio.url
    assert (warm.returncode, studio.asked) == (0, [])
    assert "studio: its server answers, in 0." in warm.stdout
    dead = run("models", "warm", "--json", catalogue=a_catalogue(tmp_path, address))
    assert dead.returncode == 1
    assert "does not answer" in json.loads(dead.stdout)["trouble"]


def test_a_model_under_terms_that_were_not_accepted_is_not_tried():
    warm = run("models", "warm", "svd-xt")
    assert (warm.returncode, warm.stdout) == (1, "")
    assert "add Stability-AI-Community to the setting accepted_licences" in warm.stderr


async def test_a_server_is_asked_whether_it_answers(tmp_path):
    async with open_studio(OpenAIStudio(b"", key="hidden-key")) as studio:
        good = await asyncio.to_thread(run, "models", "check", catalogue=a_catalogue(tmp_path, studio.url))
        address = studio.url
    dead = run("models", "check", "--json", catalogue=a_catalogue(tmp_path, address))
    assert (good.returncode, good.stdout) == (0, "studio: can be made\n")
    assert dead.returncode == 1
    assert "does not answer" in json.loads(dead.stdout)[0]["trouble"]


def test_a_licence_that_was_not_accepted_is_named_by_check_and_by_serve(tmp_path):
    settings = {"models": "ray-2=svd-xt", "data_dir": str(tmp_path / "data")}
    checked = run("models", "check", **settings)
    assert (checked.returncode, checked.stdout.strip()) == (
        1,
        "svd-xt: its licence Stability-AI-Community is not accepted: see the setting accepted_licences",
    )
    served = run("serve", "--port", "0", **settings)
    assert served.returncode == 1
    assert "svd-xt is under Stability-AI-Community, which is not a free licence" in served.stderr
    assert "Traceback" not in served.stderr


def test_a_model_whose_weights_are_not_there_is_not_offered(tmp_path):
    settings = {"models": "ray-2=wan22-ti2v-5b", "data_dir": str(tmp_path / "data")}
    served = run("serve", "--port", "0", **settings)
    assert served.returncode == 1
    assert "The model wan22-ti2v-5b cannot be made here: " in served.stderr
    assert "Traceback" not in served.stderr


def test_a_catalogue_that_is_wrong_stops_the_server_with_a_sentence(tmp_path):
    served = run("serve", "--port", "0", catalogue=a_catalogue(tmp_path, "nowhere"), data_dir=str(tmp_path / "data"))
    assert served.returncode == 1
    assert "models.studio.server.url must be a base like http://127.0.0.1:30000" in served.stderr
