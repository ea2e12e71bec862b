"""Decoding in pieces: its conditions, and its result compared with the decoder's own."""

import math

import pytest

torch = pytest.importorskip("torch", reason="needs torch and diffusers: python3 dev.py test --all")
torch.set_num_threads(1)

from stillmotion.engines.diffusers import windowed_decoder  # noqa: E402 - after the skip
from stillmotion.engines.diffusers.decoding import finest, pieces  # noqa: E402
from stillmotion.engines.diffusers.hooks import Latents  # noqa: E402
from tests.engines.diffusers.tiny import hunyuan15_vae, hunyuan_vae, ltx2_vae, ltx_vae  # noqa: E402

PLAIN = {"upsample_residual": (True, True, True), "upsample_factor": (2, 2, 2)}
WIDER = {"decoder_block_out_channels": (8, 16, 16), "decoder_layers_per_block": (2, 1, 2, 1)}
CASES = {
    "ltx": ltx_vae,
    "ltx, wider": lambda: ltx_vae(**WIDER),
    "ltx, of a time": lambda: ltx_vae(timestep_conditioning=True),
    "ltx, residual": lambda: ltx_vae(**{**PLAIN, "decoder_block_out_channels": (8, 16, 32)}),
    "ltx, backward": lambda: ltx_vae(decoder_causal=True),
    "ltx2": ltx2_vae,
    "ltx2, backward": lambda: ltx2_vae(decoder_causal=True),
    "ltx2, of a time": lambda: ltx2_vae(timestep_conditioning=True),
    "ltx2, in time alone": lambda: ltx2_vae(upsample_type=("temporal", "spatial", "spatiotemporal")),
    "hunyuan15": hunyuan15_vae,
    "hunyuan": hunyuan_vae,
}
LONG = {"ltx": 12, "ltx2": 12, "hunyuan15": 23, "hunyuan": 23}
"""Latent frames of a clip that is too long for any layer to take whole."""
every_decoder = pytest.mark.parametrize("name", CASES)


def latents_of(vae, frames, height=2, width=2) -> Latents:
    channels = vae.config.latent_channels
    drawn = torch.randn(1, channels, frames, height, width, generator=torch.Generator().manual_seed(3)).to(vae.dtype)
    takes_time = getattr(vae.config, "timestep_conditioning", None)
    return Latents(drawn, () if takes_time is None else (torch.tensor([0.05]) if takes_time else None,))


def smooth(vae, frames, height, width) -> Latents:
    """Latents with similar neighbours, as those of a picture are."""
    coarse = latents_of(vae, frames, 2, 2)
    size = (frames, height, width)
    fine = torch.nn.functional.interpolate(coarse.tensor, size, mode="trilinear", align_corners=True)
    return Latents(fine, coarse.more)


def farthest(one, other) -> float:
    return float((one - other).abs().max())


def psnr(one, other) -> float:
    """Peak signal-to-noise ratio in dB, of pictures from −1 to 1."""
    return 10 * math.log10(4 / float((one.clamp(-1, 1) - other.clamp(-1, 1)).square().mean()))


def set_tiles(vae, side: int) -> None:
    """Set the size of tiles in pixels. Each tile overlaps the one before by half."""
    for name, value in list(vars(vae).items()):
        if name.startswith("tile_") and "frames" not in name and isinstance(value, int):
            size = side // vae.spatial_compression_ratio if "latent" in name else side
            setattr(vae, name, size // 2 if "stride" in name else size)
        elif name == "tile_overlap_factor":
            setattr(vae, name, 0.5)


def whole(vae, latents) -> torch.Tensor:
    return vae.decode(latents.tensor, *latents.more, return_dict=False)[0][0]


@every_decoder
@torch.no_grad()
def test_the_pieces_are_the_whole(name):
    """Doubles are used, since the last bits depend on the number of frames in a convolution."""
    vae = CASES[name]().double()
    latents = latents_of(vae, LONG[name.split(",")[0]])
    made = list(pieces(vae, latents, 0))
    assert len(made) > 1
    assert max(piece.shape[1] for piece in made) <= windowed_decoder.AT_ONCE
    assert farthest(torch.cat(made, dim=1), whole(vae, latents)) < 1e-6


@every_decoder
@torch.no_grad()
def test_a_short_clip_and_one_in_stretches_are_the_whole_to_the_last_bit(name):
    vae = CASES[name]()
    latents = latents_of(vae, 21 if name == "hunyuan" else 3)
    assert torch.equal(torch.cat(list(pieces(vae, latents, 0)), dim=1), whole(vae, latents))


@every_decoder
@torch.no_grad()
def test_the_first_piece_is_out_before_the_last_is_decoded(name):
    vae, ended = CASES[name](), []
    vae.decoder.conv_out.register_forward_hook(lambda _, __, made: ended.append(made.shape[2]))
    begun = pieces(vae, latents_of(vae, LONG[name.split(",")[0]]), 0)
    count = next(begun).shape[1]
    at_first = sum(ended)
    assert count + sum(piece.shape[1] for piece in begun) > at_first
    assert sum(ended) > at_first


@pytest.mark.parametrize("name", ["ltx", "ltx2", "hunyuan15", "hunyuan"])
@torch.no_grad()
def test_tiles_are_the_decoder_s_own_and_close_to_the_whole(name):
    vae = CASES[name]()
    latents = smooth(vae, 10, 4, 6)
    plain = whole(vae, latents)
    set_tiles(vae, 4 * vae.spatial_compression_ratio)
    made = list(pieces(vae, latents, 1))
    assert len(made) > 1
    assert not vae.use_tiling
    vae.enable_tiling()
    assert farthest(torch.cat(made, dim=1), whole(vae, latents)) < 1e-5
    assert psnr(torch.cat(made, dim=1), plain) > 15


@torch.no_grad()
def test_tiles_become_smaller_as_often_as_they_can_be_halved():
    vae, sides = ltx_vae(), []
    latents = smooth(vae, 2, 4, 8)
    set_tiles(vae, 8 * vae.spatial_compression_ratio)
    vae.decoder.conv_in.register_forward_hook(lambda _, __, made: sides.append(made.shape[-1]))
    largest = [max(sides) for fineness in (1, 2, 3) if not sides.clear() and list(pieces(vae, latents, fineness))]
    assert (largest, finest(vae)) == ([8, 4, 2], 3)
    assert finest(hunyuan15_vae()) == 1


@torch.no_grad()
def test_a_decoder_that_draws_noise_for_all_frames_alike_is_run_whole():
    vae = ltx_vae(decoder_inject_noise=(True, True, True, True))
    latents = latents_of(vae, 12)
    (made,) = pieces(vae, latents, 0)
    assert made.shape == whole(vae, latents).shape
