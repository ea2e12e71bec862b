"""Out of memory: decoding in tiles, offloading of weights, and a refusal that names the largest size that fits."""

import math
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="needs torch and diffusers: python3 dev.py test --all")

from diffusers.utils.torch_utils import get_module_execution_device  # noqa: E402 - after the skip

from stillmotion.domain.errors import GenerationFailed  # noqa: E402 - after the skip
from stillmotion.domain.request import FrameSize  # noqa: E402
from stillmotion.engines.diffusers import loaded_model, memory  # noqa: E402
from stillmotion.engines.diffusers.engine import Diffusers  # noqa: E402
from stillmotion.engines.diffusers.memory import DevicePlacement  # noqa: E402
from stillmotion.engines.diffusers.model_slot import ModelSlot  # noqa: E402
from tests.engines.diffusers.models import BY_FOUR, DEVICE, TINY, picture  # noqa: E402


def at_work(name, folder_of, **changed):
    entry = TINY[name].entry(name, folder_of(name), **changed)
    slot = ModelSlot(DEVICE)
    return Diffusers(entry, slot), slot.hold(entry)


def drawn(engine, job) -> list[bytes]:
    return [bytes(frame.planes) for frame in engine.render(job, lambda _: None).frames]


def fails_above(module, area, error=None):
    """Have a network run out of memory for latents with more than `area` pixels."""

    def look(_, given, named):
        hidden = named.get("hidden_states", given[0] if given else None)
        if hidden.shape[-1] * hidden.shape[-2] > area:
            raise error or torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    return module.register_forward_pre_hook(look, with_kwargs=True)


def set_tiles(vae) -> int:
    """Make tiles smaller than the picture. Returns the side of a tile in latent pixels."""
    ratio = getattr(vae, "spatial_compression_ratio", 8)
    overlaps = any("overlap" in name for name in vars(vae))
    side = 32 if overlaps else 48
    for name, value in vars(vae).items():
        if name.startswith("tile_") and "overlap" in name:
            setattr(vae, name, 0.25)
        elif name.startswith("tile_") and "frames" not in name and isinstance(value, int):
            setattr(vae, name, side // ratio if "latent" in name else 32 if "stride" in name else side)
    return side // ratio


@pytest.mark.parametrize("name", ["wan21", "ti2v-5b", "ltx", "ltx2", "cogvideox", "hunyuan15", "kandinsky5"])
def test_decoding_goes_on_in_tiles_where_it_ran_out_of_memory(name, folder_of):
    engine, model = at_work(name, folder_of)
    tiny, vae, size = TINY[name], model.main.vae, FrameSize(64, 64)
    job = replace(tiny.job(), size=size, frame0=picture(0, size), frame1=picture(60, size) if tiny.last else None)
    whole, side = drawn(engine, job), set_tiles(vae)
    before = dict(vars(vae))
    held = fails_above(vae.decoder.conv_in, side * side)
    try:
        tiled = drawn(engine, job)
        assert drawn(engine, job) == tiled
    finally:
        held.remove()
    assert [len(frame) for frame in tiled] == [len(frame) for frame in whole]
    assert tiled != whole
    assert {key: value for key, value in vars(vae).items() if "til" in key} == {
        key: value for key, value in before.items() if "til" in key
    }


def test_svd_decodes_fewer_frames_at_once_where_it_ran_out_of_memory(folder_of):
    engine, model = at_work("svd", folder_of)
    job = TINY["svd"].job()
    whole = drawn(engine, job)

    def look(_, given, named):
        if named["num_frames"] > 2:
            raise torch.OutOfMemoryError("out of memory")

    held = model.main.vae.decoder.register_forward_pre_hook(look, with_kwargs=True)
    try:
        assert len(drawn(engine, job)) == len(whole)
    finally:
        held.remove()


def test_frames_that_are_out_already_are_not_made_again(folder_of):
    engine, model = at_work("wan21", folder_of)
    job = TINY["wan21"].job()
    whole, calls = drawn(engine, job), []

    def second_fails(_, given):
        calls.append(given)
        if len(calls) == 2:
            raise torch.OutOfMemoryError("out of memory")

    held = model.main.vae.decoder.register_forward_pre_hook(second_fails)
    try:
        assert drawn(engine, job) == whole
    finally:
        held.remove()


def test_what_was_out_before_memory_ran_out_stays_and_the_rest_is_close(folder_of):
    """A tile is as large as the picture here, so tiles and the whole decode alike."""
    engine, model = at_work("hunyuan15", folder_of, frames=BY_FOUR)
    job = TINY["hunyuan15"].job(seconds=81 / 8)
    whole, calls = drawn(engine, job), []

    def second_fails(_, given):
        calls.append(given)
        if len(calls) == 2:
            raise torch.OutOfMemoryError("out of memory")

    held = model.main.vae.decoder.conv_out.register_forward_pre_hook(second_fails)
    try:
        again = drawn(engine, job)
    finally:
        held.remove()
    assert len(calls) == 2 + 4
    assert max(abs(one - other) for one, other in zip(b"".join(again), b"".join(whole), strict=True)) <= 1


def test_a_clip_that_fits_nowhere_is_refused_with_the_largest_that_fits(folder_of):
    engine, model = at_work("wan21", folder_of)
    size = FrameSize(128, 64)
    job = replace(TINY["wan21"].job(), size=size, frame0=picture(0, size))
    held = fails_above(model.main.transformer, 8 * 4 * 2)
    try:
        with pytest.raises(GenerationFailed) as refused:
            drawn(engine, job)
    finally:
        held.remove()
    assert refused.value.code == "out_of_memory"
    assert refused.value.permanent
    assert "the largest that fits here is 64×32" in refused.value.reason
    assert len(drawn(engine, TINY["wan21"].job())) == 9


def test_what_is_no_lack_of_memory_is_raised_as_it_is(folder_of):
    engine, model = at_work("wan21", folder_of)
    held = fails_above(model.main.transformer, 0, RuntimeError("a bug"))
    try:
        with pytest.raises(RuntimeError, match="a bug"):
            drawn(engine, TINY["wan21"].job())
    finally:
        held.remove()


def test_weights_are_placed_by_the_room_that_there_is(folder_of):
    _, model = at_work("wan21", folder_of)
    parts = {name: part for name, part in model.main.components.items() if isinstance(part, torch.nn.Module)}
    sizes = {name: memory._byte_count(part) for name, part in parts.items()}
    without = sum(size for name, size in sizes.items() if "encoder" not in name)
    rooms = {
        math.inf: DevicePlacement.DEVICE,
        sum(sizes.values()): DevicePlacement.DEVICE,
        sum(sizes.values()) - 1: DevicePlacement.ENCODERS_OFF,
        without: DevicePlacement.ENCODERS_OFF,
        without - 1: DevicePlacement.PARTS,
        max(sizes.values()): DevicePlacement.PARTS,
        max(sizes.values()) - 1: DevicePlacement.BLOCKS,
    }
    assert {room: memory.first_placement(model.main, room) for room in rooms} == rooms
    assert memory.room_on(torch.device("cpu")) == math.inf


@pytest.mark.parametrize("name", ["wan21", "a14b", "ltx"])
@pytest.mark.parametrize("placement", list(DevicePlacement))
def test_where_the_weights_lie_changes_no_frame(name, placement, folder_of):
    whole = drawn(at_work(name, folder_of)[0], TINY[name].job())
    engine, model = at_work(name, folder_of, options={"placement": str(placement)})
    assert drawn(engine, TINY[name].job()) == whole
    assert model.placement is placement


def test_parts_that_visit_the_device_are_sent_what_they_work_on_there(folder_of):
    """Offloaded parts have that execution device too. "meta" stands for a device that is not the CPU."""
    _, model = at_work("wan21", folder_of)
    pipeline, elsewhere = model.main, torch.device("meta")
    memory.place(pipeline, DevicePlacement.ENCODERS_OFF, elsewhere)
    at_home = (pipeline.text_encoder, pipeline.image_encoder)
    assert [part.device.type for part in at_home] == ["cpu", "cpu"]
    assert [get_module_execution_device(part) for part in at_home] == [elsewhere, elsewhere]
    assert [part.device.type for part in (pipeline.transformer, pipeline.vae)] == ["meta", "meta"]


def test_weights_are_moved_off_until_a_clip_fits(folder_of, monkeypatch):
    """The order of placements is a GPU's. All of them are on the CPU here, so only the order is tested."""
    monkeypatch.setattr(
        loaded_model, "next_placement", lambda placement, _: memory.next_placement(placement, torch.device("cuda"))
    )
    engine, model = at_work("wan21", folder_of)
    whole, tries = drawn(engine, TINY["wan21"].job()), []

    def twice(*_):
        tries.append(model.placement)
        if len(tries) < 3:
            raise torch.OutOfMemoryError("out of memory")

    held = model.main.transformer.register_forward_pre_hook(twice)
    try:
        assert drawn(engine, TINY["wan21"].job()) == whole
    finally:
        held.remove()
    assert tries[:3] == [DevicePlacement.DEVICE, DevicePlacement.ENCODERS_OFF, DevicePlacement.PARTS]
