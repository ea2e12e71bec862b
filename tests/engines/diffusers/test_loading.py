"""Loading: one model on a device at a time, and a clear message for every failure."""

import json
import shutil
import threading

import pytest

torch = pytest.importorskip("torch", reason="needs torch and diffusers: python3 dev.py test --all")

from stillmotion.domain.errors import EngineUnfit, GenerationFailed, RenderCancelled  # noqa: E402 - after the skip
from stillmotion.domain.rendering import cancellable_by  # noqa: E402
from stillmotion.engines.diffusers.engine import Diffusers  # noqa: E402
from stillmotion.engines.diffusers.model_slot import ModelSlot  # noqa: E402
from tests.engines.diffusers.models import DEVICE, TINY  # noqa: E402


def entry_of(name, folder_of, **changed):
    return TINY[name].entry(name, folder_of(name), **changed)


def test_a_model_is_loaded_once_and_kept(folder_of):
    slot, entry = ModelSlot(DEVICE), entry_of("wan21", folder_of)
    assert slot.hold(entry) is slot.hold(entry)


def test_another_model_takes_its_place(folder_of):
    slot = ModelSlot(DEVICE)
    first = slot.hold(entry_of("wan21", folder_of))
    assert slot.hold(entry_of("svd", folder_of)).entry.name == "svd"
    assert slot.hold(entry_of("wan21", folder_of)) is not first


def test_whoever_stops_waiting_stops_nobody_else(folder_of):
    slot, entry, asked = ModelSlot(DEVICE), entry_of("a14b", folder_of), threading.Event()

    def cancelled() -> None:
        asked.set()
        raise RenderCancelled

    with pytest.raises(RenderCancelled), cancellable_by(cancelled):
        slot.hold(entry)
    assert asked.is_set()
    assert slot.hold(entry).entry == entry


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"family": "unheard-of"}, "models.wan21.family must be one of: wan, ltx"),
        ({"dtype": "float12"}, "models.wan21.dtype must be bfloat16, float16 or float32"),
        ({"options": {"vae_dtype": "x"}}, "models.wan21.options.vae_dtype must be bfloat16"),
        ({"options": {"attention": "unheard-of"}}, "models.wan21.options.attention cannot be had"),
        ({"options": {"attention": "flash_hub"}}, "it would fetch code from a hub"),
        ({"options": {"cache": "unheard-of"}}, "models.wan21.options.cache must be one of first-block, mag, taylor"),
        ({"options": {"lora": "/nowhere/few.safetensors"}}, "models.wan21.options.lora cannot be had"),
        ({"options": {"placement": "moon"}}, "models.wan21.options.placement must be one of: device, encoders-off"),
        ({"options": {"motion_bucket_id": 7}}, "models.wan21.options.motion_bucket_id is not known"),
        ({"options": {"compile": "yes"}}, "models.wan21.options.compile must be a true or false"),
        ({"options": {"latents": 1}}, "models.wan21.options.latents is not known"),
        ({"family": "ltx"}, "cannot be loaded as LTXConditionPipeline: its vae is a AutoencoderKLWan."),
        ({"steps": 0}, "models.wan21.steps must be 1 or more"),
    ],
)
def test_what_is_wrong_with_an_entry_is_said_in_a_sentence(changed, sentence, folder_of):
    with pytest.raises(EngineUnfit) as refused:
        Diffusers(entry_of("wan21", folder_of, **changed), ModelSlot(DEVICE)).warm()
    assert sentence in str(refused.value)


@pytest.mark.parametrize("name", TINY)
def test_a_model_that_is_fit_is_not_called_unfit(name, folder_of):
    assert Diffusers(entry_of(name, folder_of), ModelSlot(DEVICE)).why_unfit() is None


@pytest.mark.parametrize(
    ("index", "sentence"),
    [
        ("{", "model_index.json cannot be read"),
        ('{"transformer": ["diffusers", "WanTransformer3DModel"]}', "it has no vae"),
        ('{"vae": ["diffusers", "AutoencoderKLLTXVideo"]}', "its vae is a AutoencoderKLLTXVideo"),
    ],
)
def test_a_folder_of_something_else_shows_without_being_loaded(index, sentence, tmp_path):
    (tmp_path / "model_index.json").write_text(index)
    why = Diffusers(TINY["wan21"].entry("wan21", tmp_path), ModelSlot(DEVICE)).why_unfit()
    assert why is not None
    assert sentence in why


def test_weights_that_are_not_there_are_said_to_be_missing(tmp_path):
    with pytest.raises(EngineUnfit, match=r"has no weights: .*model_index\.json is not there"):
        Diffusers(TINY["wan21"].entry("wan21", tmp_path), ModelSlot(DEVICE)).warm()


def test_weights_that_are_cut_short_are_said_to_be_so(tmp_path, folder_of):
    folder = tmp_path / "cut"
    shutil.copytree(folder_of("wan21"), folder)
    file = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(EngineUnfit, match=r"The weights of wan21 in .* cannot be loaded"):
        Diffusers(TINY["wan21"].entry("wan21", folder), ModelSlot(DEVICE)).warm()


def test_a_generation_is_told_no_more_than_that_its_model_cannot_be_loaded(tmp_path):
    engine = Diffusers(TINY["wan21"].entry("wan21", tmp_path), ModelSlot(DEVICE))
    with pytest.raises(GenerationFailed) as failed:
        engine.render(TINY["wan21"].job(), lambda _: None)
    assert (failed.value.code, failed.value.permanent) == ("model_unfit", False)
    assert str(tmp_path) not in failed.value.reason


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(EngineUnfit, match="devices names cuda:7, which cannot be used here"):
        ModelSlot("cuda:7")


def test_options_reach_the_pipeline_s_call(folder_of):
    few, many = ({"motion_bucket_id": bucket} for bucket in (1, 255))
    clips = []
    for options in (few, many):
        engine = Diffusers(entry_of("svd", folder_of, options=options), ModelSlot(DEVICE))
        clips.append([bytes(frame.planes) for frame in engine.render(TINY["svd"].job(), lambda _: None).frames])
    assert clips[0] != clips[1]


def test_the_plan_says_what_was_asked_of_the_model(folder_of):
    rendering = Diffusers(entry_of("wan21", folder_of), ModelSlot(DEVICE)).render(TINY["wan21"].job(), lambda _: None)
    told = json.loads(rendering.plan)
    assert (told["engine"], told["seed"], told["steps"], told["size"]) == ("diffusers/wan21", 11, 3, [64, 32])
    assert (told["frames"], told["placement"], told["device"]) == (9, "device", DEVICE)
