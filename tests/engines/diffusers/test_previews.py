"""Previews of latents during denoising."""

from dataclasses import replace
from itertools import pairwise

import pytest

torch = pytest.importorskip("torch", reason="needs torch and diffusers: python3 dev.py test --all")

import numpy as np  # noqa: E402 - after the skip
from torch.nn.functional import avg_pool2d  # noqa: E402

from stillmotion.engines.diffusers import loaded_model as resident_module  # noqa: E402
from stillmotion.engines.diffusers.engine import Diffusers  # noqa: E402
from stillmotion.engines.diffusers.families import FAMILIES  # noqa: E402
from stillmotion.engines.diffusers.hooks import denoised  # noqa: E402
from stillmotion.engines.diffusers.model_slot import ModelSlot  # noqa: E402
from stillmotion.engines.diffusers.previews import Colours, expected, fitted  # noqa: E402
from tests.engines.diffusers.models import DEVICE, STEPS, TINY  # noqa: E402
from tests.engines.diffusers.test_families import drawn, every_family, job_of  # noqa: E402

CHANNELS, PATCH = 12, 8


def linear_latents(clip):
    """Latents of a linear encoder: patches whose colours are mixed into channels."""
    mix = torch.randn(CHANNELS, 3, generator=torch.Generator().manual_seed(3))
    patches = avg_pool2d(clip[0].movedim(0, 1), PATCH)[::4]
    return (torch.einsum("cd,tdhw->cthw", mix, patches) + torch.arange(CHANNELS).view(-1, 1, 1, 1))[None]


def test_the_map_finds_the_colours_that_an_encoder_mixed():
    colours = fitted(linear_latents, 64, 5)
    picture = torch.rand(3, 64, 96, generator=torch.Generator().manual_seed(5)) * 2 - 1
    clip = picture[None, :, None].repeat(1, 1, 9, 1, 1)
    clip[:, :, :4] = clip[:, :, 5:] = 0  # A preview shows the frame in the middle.
    made = colours.picture(linear_latents(clip))
    assert (made.width, made.height) == (96 // PATCH, 64 // PATCH)
    wanted = avg_pool2d(picture, PATCH).movedim(0, -1) * 127.5 + 127.5
    assert np.abs(made.pixels.astype(float) - wanted.numpy()).max() < 2


def test_what_is_no_number_is_shown_as_a_colour():
    made = Colours(torch.ones(5, 3)).picture(torch.full((1, 4, 1, 2, 2), float("nan")))
    assert made.pixels.tolist() == [[[128] * 3] * 2] * 2


@every_family
def test_a_picture_is_offered_with_each_step_and_changes_no_frame(name, folder_of):
    tiny = TINY[name]
    shown = []
    job = replace(job_of(tiny), show=lambda picture: shown.append(picture()))
    engine = Diffusers(tiny.entry(name, folder_of(name)), ModelSlot(DEVICE))
    assert drawn(engine, job) == drawn(engine, job_of(tiny))
    assert len(shown) == STEPS
    for each in shown:
        assert each.width / each.height == pytest.approx(job.size.width / job.size.height)
        assert each.pixels.shape == (each.height, each.width, 3)
        assert each.pixels.dtype == np.uint8
    assert all((one.pixels != other.pixels).any() for one, other in pairwise(shown))


@every_family
def test_what_the_last_step_expects_is_what_will_be_decoded(name, folder_of, monkeypatch):
    """Equality shows that the latents of every family are read in the right layout and scale."""
    seen, decoded = [], []

    def denoise(pipeline, **asked):
        decoded.append(denoised(pipeline, **asked).tensor)
        return resident_module.Latents(decoded[-1])

    monkeypatch.setattr(resident_module, "expected", lambda step: seen.append(expected(step)) or seen[-1])
    monkeypatch.setattr(resident_module, "denoised", denoise)
    unpacked = []
    tiny, family = TINY[name], FAMILIES[TINY[name].family]

    def unpack(pipeline, shot, latents):
        unpacked.append(family.unpack(pipeline, shot, latents))
        return unpacked[-1]

    monkeypatch.setitem(FAMILIES, tiny.family, replace(family, unpack=unpack))
    engine = Diffusers(tiny.entry(name, folder_of(name)), ModelSlot(DEVICE))
    engine.render(replace(job_of(tiny), show=lambda picture: picture()), lambda _: None)
    wanted = decoded[0].movedim(1, 0)[None] if tiny.family == "svd" else decoded[0]
    if tiny.family == "kandinsky5":
        wanted = wanted[:, :, 1:]  # The first frame is the given picture, and no step changes it.
    assert unpacked[-1].shape == wanted.shape
    middle = wanted.shape[2] // 2  # The first and last frame may be held to given pictures.
    one, other = (each[:, :, middle].float() for each in (unpacked[-1], wanted))
    if tiny.family == "kandinsky5":  # It smooths its first frames after the last step.
        assert torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1] > 0.95
    else:
        assert torch.allclose(one, other, atol=0.01 * float(other.std()))


def test_without_the_option_nothing_is_encoded_and_nothing_offered(folder_of):
    tiny, shown = TINY["wan21"], []
    slot = ModelSlot(DEVICE)
    entry = tiny.entry("wan21", folder_of("wan21"), options={"preview": False})
    drawn(Diffusers(entry, slot), replace(tiny.job(), show=shown.append))
    assert shown == []


def test_an_encoder_that_refuses_small_pictures_costs_the_previews_alone(folder_of, monkeypatch, caplog):
    import diffusers  # noqa: PLC0415 - of an extra

    def refuse(self, *given, **named):
        raise ValueError("too small")

    tiny, shown = TINY["t2v"], []
    monkeypatch.setattr(diffusers.AutoencoderKLWan, "encode", refuse)
    engine = Diffusers(tiny.entry("t2v", folder_of("t2v")), ModelSlot(DEVICE))
    assert len(drawn(engine, replace(tiny.job(), show=shown.append))) == tiny.frame_count
    assert shown == []
    assert "there are no previews of WanPipeline" in caplog.text
