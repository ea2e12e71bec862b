"""Catalogue entries of the tiny models, and the arguments of their bare pipelines, written by hand."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition
from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition
from PIL import Image

from stillmotion.domain.catalogue import Ability, EngineKind, Entry, FrameRule, SizeRule
from stillmotion.domain.rendering import Picture, RenderJob
from stillmotion.domain.request import FrameSize
from stillmotion.engines.diffusers.families import LTX_NEGATIVE, WAN_NEGATIVE

DEVICE = os.environ.get("STILLMOTION_TEST_DEVICE", "cpu")
"""Device of the tiny models, e.g. `cuda:0`. Every test must pass on a GPU as on the CPU."""
STEPS, GUIDANCE, SEED = 3, 2.5, 11
PROMPT = "a boat drifts"
BY_FOUR = FrameRule(step=4, offset=1, least=5, most=81)
BY_16 = SizeRule(step=16, least=1024, most=16384)
SIZE = FrameSize(64, 32)


def image(shade: int = 0, size: FrameSize = SIZE) -> Image.Image:
    """A picture whose regions all look different."""
    slope = Image.linear_gradient("L").rotate(3 * shade).resize((size.width, size.height))
    return Image.merge("RGB", (slope, slope.rotate(180), Image.new("L", slope.size, 40 + 2 * shade)))


def picture(shade: int = 0, size: FrameSize = SIZE) -> Picture:
    return Picture(size.width, size.height, image(shade, size).tobytes())


@dataclass(frozen=True)
class Tiny:
    """One tiny model. `asked` holds the arguments with which its bare pipeline makes the clip of `job`."""

    family: str
    pipeline: str
    abilities: frozenset[Ability]
    asked: Mapping[str, Any]
    sizes: SizeRule = BY_16
    frames: FrameRule = BY_FOUR
    fps: int = 8
    options: Mapping[str, Any] = field(default_factory=dict)
    frame_count: int = 9
    first: bool = True
    last: bool = False

    def entry(self, name: str, folder: Path, **changed: Any) -> Entry:
        options = UNQUICK.get(self.family, {}) | changed.pop("options", self.options)
        made = Entry(
            name=name,
            engine=EngineKind.DIFFUSERS,
            abilities=self.abilities,
            family=self.family,
            weights=str(folder),
            sizes=self.sizes,
            frames=self.frames,
            fps=self.fps,
            steps=STEPS,
            guidance=GUIDANCE,
            dtype="float32",
            options=options,
            takes_prompt=self.family != "svd",
        )
        return replace(made, **changed)

    def job(self, **changed: Any) -> RenderJob:
        made = RenderJob(
            prompt=PROMPT,
            frame0=picture(0) if self.first else None,
            frame1=picture(60) if self.last else None,
            size=SIZE,
            seconds=self.frame_count / self.fps,
            seed=SEED,
        )
        return replace(made, **changed)

    def bare(self, folder: Path) -> torch.Tensor:
        """The result of the pipeline by itself: frames × 3 × height × width, 0 to 1."""
        pipeline = getattr(diffusers, self.pipeline).from_pretrained(folder, dtype=torch.float32)
        pipeline.to(DEVICE).set_progress_bar_config(disable=True)
        if hasattr(pipeline, "guider"):
            pipeline.guider = pipeline.guider.new(guidance_scale=GUIDANCE)
        asked = {"num_inference_steps": STEPS, "output_type": "pt", "num_frames": self.frame_count} | self.asked
        made = pipeline(**asked, generator=torch.Generator("cpu").manual_seed(SEED)).frames
        whole = made[0] if isinstance(made, torch.Tensor | list) else torch.from_numpy(made)[0]
        return torch.as_tensor(whole).cpu()


UNQUICK: Mapping[str, Mapping[str, Any]] = {
    "wan": {"compile": False, "channels_last": False, "vae_dtype": "float32"},
}
"""Options of each family that turn off a GPU's default optimizations."""
SHAPE = {"height": SIZE.height, "width": SIZE.width}
WORDS = {"prompt": PROMPT, "guidance_scale": GUIDANCE}
WAN = SHAPE | WORDS | {"negative_prompt": WAN_NEGATIVE}
LTX = SHAPE | WORDS | {"negative_prompt": LTX_NEGATIVE}
FIRST, LAST, ANY = Ability.FIRST, Ability.LAST, Ability.ANY
EXTEND, TEXT = Ability.EXTEND, Ability.TEXT
BY_EIGHT = FrameRule(step=8, offset=1, least=9, most=81)
BY_32 = SizeRule(step=32, least=1024, most=16384)
I2V = "WanImageToVideoPipeline"

TINY: Mapping[str, Tiny] = {
    "wan21": Tiny("wan", I2V, frozenset({FIRST}), WAN | {"image": image()}),
    "flf2v": Tiny("wan", I2V, frozenset({LAST}), WAN | {"image": image(), "last_image": image(60)}, last=True),
    "a14b": Tiny("wan", I2V, frozenset({FIRST, LAST}), WAN | {"image": image(), "last_image": image(60)}, last=True),
    "ti2v-5b": Tiny("wan", I2V, frozenset({FIRST, TEXT}), WAN | {"image": image()}, sizes=BY_32),
    "t2v": Tiny("wan", "WanPipeline", frozenset({TEXT}), WAN, first=False),
    "ltx": Tiny(
        "ltx",
        "LTXConditionPipeline",
        frozenset({FIRST, LAST, ANY, EXTEND, TEXT}),
        LTX
        | {
            "frame_rate": 8,
            "conditions": [LTXVideoCondition(image=image()), LTXVideoCondition(image=image(60), frame_index=16)],
        },
        sizes=BY_32,
        frames=BY_EIGHT,
        frame_count=17,
        last=True,
    ),
    "ltx2": Tiny(
        "ltx2",
        "LTX2ConditionPipeline",
        frozenset({FIRST, LAST, ANY, EXTEND, TEXT}),
        LTX
        | {
            "frame_rate": 8.0,
            "stg_scale": 0.0,
            "audio_stg_scale": 0.0,
            "conditions": [LTX2VideoCondition(frames=image()), LTX2VideoCondition(frames=image(60), index=-1)],
        },
        sizes=BY_32,
        frames=BY_EIGHT,
        options={"stg_scale": 0.0, "audio_stg_scale": 0.0},
        frame_count=17,
        last=True,
    ),
    "cogvideox": Tiny(
        "cogvideox",
        "CogVideoXImageToVideoPipeline",
        frozenset({FIRST}),
        WORDS | {"height": 64, "width": 64, "negative_prompt": "", "image": image(0, FrameSize(64, 64))},
        sizes=SizeRule(listed=((64, 64),)),
        frames=FrameRule(listed=(17,)),
        frame_count=17,
    ),
    "svd": Tiny(
        "svd",
        "StableVideoDiffusionPipeline",
        frozenset({FIRST}),
        SHAPE | {"image": image(), "fps": 8, "max_guidance_scale": GUIDANCE},
        frames=FrameRule(listed=(4, 6)),
        frame_count=6,
    ),
    "hunyuan15": Tiny(
        "hunyuan15",
        "HunyuanVideo15ImageToVideoPipeline",
        frozenset({FIRST}),
        {"prompt": PROMPT, "negative_prompt": "", "image": image()},
    ),
    "kandinsky5": Tiny(
        "kandinsky5",
        "Kandinsky5I2VPipeline",
        frozenset({FIRST}),
        SHAPE | WORDS | {"image": image(), "max_sequence_length": 1024},
        options={"max_sequence_length": 1024},
        frame_count=17,
    ),
}


def made_by(names: Sequence[str], *abilities: str) -> pytest.MarkDecorator:
    """Parametrization of a test by `name`. The abilities that it tries stand in docs/engines.md."""
    return pytest.mark.parametrize(
        "name",
        [
            pytest.param(
                name, marks=pytest.mark.makes(f"diffusers, family `{TINY[name].family}`", "the engine", *abilities)
            )
            for name in names
        ],
    )
