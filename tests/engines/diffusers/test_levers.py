"""Optimizations as far as the CPU can tell: that they run, and what they change."""

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="needs torch and diffusers: python3 dev.py test --all")

from diffusers import WanImageToVideoPipeline  # noqa: E402 - after the skip
from peft import LoraConfig, get_peft_model_state_dict  # noqa: E402

from stillmotion.domain.errors import RenderCancelled  # noqa: E402
from stillmotion.engines.diffusers import optimizations  # noqa: E402
from stillmotion.engines.diffusers.engine import Diffusers  # noqa: E402
from stillmotion.engines.diffusers.loaded_model import load  # noqa: E402
from stillmotion.engines.diffusers.model_slot import ModelSlot  # noqa: E402
from stillmotion.engines.diffusers.optimizations import with_gpu_defaults  # noqa: E402
from tests.engines.diffusers.models import DEVICE, TINY  # noqa: E402


def at_work(name, folder_of, **changed):
    entry = TINY[name].entry(name, folder_of(name), **changed)
    slot = ModelSlot(DEVICE)
    return Diffusers(entry, slot), slot.hold(entry)


def drawn(engine, job, report=lambda _: None) -> list[bytes]:
    return [bytes(frame.planes) for frame in engine.render(job, report).frames]


def farthest(one, other) -> int:
    return max(abs(left - right) for left, right in zip(b"".join(one), b"".join(other), strict=True))


@pytest.fixture
def plain(folder_of):
    return drawn(at_work("wan21", folder_of)[0], TINY["wan21"].job())


@pytest.mark.parametrize("options", [{"attention": "_native_math"}, {"channels_last": True}, {"attention": "native"}])
def test_another_way_to_the_same_frames_gives_the_same_frames(options, plain, folder_of):
    engine, _ = at_work("wan21", folder_of, options=options)
    assert farthest(drawn(engine, TINY["wan21"].job()), plain) <= 2


@pytest.mark.parametrize("options", [{"fp8": True}, {"vae_dtype": "bfloat16"}, {"flow_shift": 7.0}])
def test_what_costs_precision_or_changes_the_course_changes_frames(options, plain, folder_of):
    engine, _ = at_work("wan21", folder_of, options=options)
    assert drawn(engine, TINY["wan21"].job()) != plain


def test_weights_in_eight_bits_are_kept_in_eight_bits(folder_of):
    _, model = at_work("wan21", folder_of, options={"fp8": True})
    kept = {weight.dtype for weight in model.main.transformer.blocks[0].ffn.parameters()}
    assert kept == {torch.float8_e4m3fn}


@pytest.mark.slow
def test_compiled_blocks_give_the_same_frames_and_can_be_cancelled(plain, folder_of):
    engine, _ = at_work("wan21", folder_of, options={"compile": True})
    assert farthest(drawn(engine, TINY["wan21"].job()), plain) <= 2
    told = []

    def until(fraction):
        told.append(fraction)
        if len(told) == 8:
            raise RenderCancelled

    with pytest.raises(RenderCancelled):
        drawn(engine, TINY["wan21"].job(), until)
    assert farthest(drawn(engine, TINY["wan21"].job()), plain) <= 2
    assert torch._dynamo.utils.counters["graph_break"] == {}


def test_a_norm_and_its_activation_made_one_give_the_same_frames(plain, folder_of, monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    engine, model = at_work("wan21", folder_of)
    optimizations.fuse(model.main.vae)
    kinds = [type(module).__name__ for module in model.main.vae.modules()]
    blocks = kinds.count("WanResidualBlock")
    assert (kinds.count("_Activated"), kinds.count("Identity") >= blocks) == (2 * blocks, True)
    assert blocks > 4
    assert farthest(drawn(engine, TINY["wan21"].job()), plain) <= 2


def lora(folder, network, seed) -> str:
    """A LoRA for the network's attention, in the form in which few-step distillations are published."""
    torch.manual_seed(seed)
    network.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_v"], init_lora_weights=False), "made")
    WanImageToVideoPipeline.save_lora_weights(
        folder, transformer_lora_layers=get_peft_model_state_dict(network, adapter_name="made")
    )
    return str(folder / "pytorch_lora_weights.safetensors")


def test_weights_are_merged_in(tmp_path, plain, folder_of):
    _, model = at_work("wan21", folder_of)
    file = lora(tmp_path, model.main.transformer, 3)
    with_it = [
        drawn(at_work("wan21", folder_of, options={"lora": file, "lora_scale": scale})[0], TINY["wan21"].job())
        for scale in (1.0, 1.0, 40.0)
    ]
    assert with_it[0] == with_it[1]
    assert with_it[2] not in (with_it[0], plain)


def test_each_of_two_networks_has_its_own(tmp_path, folder_of):
    _, model = at_work("a14b", folder_of)
    files = {}
    for name, network in (("lora", model.main.transformer), ("lora_2", model.main.transformer_2)):
        (folder := tmp_path / name).mkdir()
        files[name] = lora(folder, network, len(files))
    options = files | {"lora_scale": 40.0}
    both = drawn(at_work("a14b", folder_of, options=options)[0], TINY["a14b"].job())
    one = drawn(at_work("a14b", folder_of, options={"lora": files["lora"], "lora_scale": 40.0})[0], TINY["a14b"].job())
    none = drawn(at_work("a14b", folder_of)[0], TINY["a14b"].job())
    assert both != one
    assert one != none


@pytest.fixture
def hopper(monkeypatch):
    """Patch torch to report a Hopper GPU. Nothing is computed there."""
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 0))
    monkeypatch.setattr(optimizations, "find_spec", lambda _: object())
    monkeypatch.setattr(optimizations.shutil, "which", lambda name: name)
    return torch.device("cuda:0")


def bare_entry(name, folder_of, **options):
    return replace(TINY[name].entry(name, folder_of(name)), options=options)


def test_what_is_quicker_is_the_default_where_it_was_measured(hopper, folder_of):
    entry = bare_entry("wan21", folder_of, flow_shift=5.0)
    assert optimizations.with_gpu_defaults(entry, hopper).options == {
        **optimizations.GPU_DEFAULTS["wan"],
        "flow_shift": 5.0,
    }
    assert optimizations.with_gpu_defaults(entry, torch.device("cpu")) == entry
    ltx = bare_entry("ltx", folder_of)
    assert optimizations.with_gpu_defaults(ltx, hopper) == ltx


def test_an_entry_that_says_no_has_its_way(hopper, folder_of):
    options = {"compile": False, "channels_last": False, "vae_dtype": "float32"}
    assert optimizations.with_gpu_defaults(bare_entry("wan21", folder_of, **options), hopper).options == options


def test_an_older_card_and_a_machine_without_a_compiler_go_without(hopper, folder_of, monkeypatch):
    entry = bare_entry("wan21", folder_of)
    monkeypatch.setattr(optimizations.shutil, "which", lambda _: None)
    assert "compile" not in optimizations.with_gpu_defaults(entry, hopper).options
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (8, 6))
    assert optimizations.with_gpu_defaults(entry, hopper) == entry


@pytest.mark.parametrize(("placement", "compiled"), [("device", True), ("encoders-off", True), ("blocks", False)])
def test_blocks_that_come_and_go_are_not_compiled_unless_asked_for(placement, compiled, hopper, folder_of, monkeypatch):
    pulled = []
    monkeypatch.setattr(optimizations, "apply", lambda _, entry: pulled.append(entry.options))
    monkeypatch.setattr(optimizations, "with_gpu_defaults", lambda entry, _: with_gpu_defaults(entry, hopper))
    load(bare_entry("wan21", folder_of, placement=placement), torch.device("cpu"))
    load(bare_entry("wan21", folder_of, placement=placement, compile=True), torch.device("cpu"))
    assert [each.get("compile", False) for each in pulled] == [compiled, True]
