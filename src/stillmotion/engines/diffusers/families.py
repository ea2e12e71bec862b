"""Families of models: the pipeline classes of diffusers, their call arguments and their latents.

All else is one adapter. Facts are from the pipelines' code in diffusers 0.42.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition
from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition

from stillmotion.domain.catalogue import Ability, CatalogueError, Entry
from stillmotion.domain.request import FrameSize
from stillmotion.engines.diffusers.conditioning import Conditioning
from stillmotion.engines.diffusers.prompts import PLAIN, WAN

CallArguments = Callable[[Any, Conditioning], dict[str, Any]]
"""From the pipeline and the conditioning to the arguments of the pipeline's call."""


Unpack = Callable[[Any, Conditioning, torch.Tensor], torch.Tensor]
"""From the pipeline, the conditioning and the latents of its steps to latents as its decoder takes them: batch ×
channels × frames × height × width."""


def _same(_: Any, size: FrameSize) -> FrameSize:
    return size


def _scaled(pipeline: Any, _: Conditioning, latents: torch.Tensor) -> torch.Tensor:
    return latents / pipeline.vae.config.scaling_factor


@dataclass(frozen=True, slots=True)
class Family:
    """A family of models.

    `picture` and `text` name the pipeline classes; `arguments` builds their calls, `unpack` their decoder's input.
    `vae_dtype` is the decoder's if it differs from the model's. `carries` is the number of frames of an earlier clip
    that an extension starts from. `draws_on_picture` says that noise is added to the picture before it is encoded.
    `size` is the size that the pipeline makes of a picture's.
    """

    picture: str
    text: str
    arguments: CallArguments
    unpack: Unpack = _scaled
    vae_dtype: str = ""
    carries: int = 1
    words: Mapping[str, str] = field(default_factory=lambda: PLAIN)
    draws_on_picture: bool = False
    size: Callable[[Any, FrameSize], FrameSize] = _same

    def pipeline_of(self, entry: Entry) -> str:
        """The pipeline class to load the entry's weights as."""
        return self.picture if {Ability.FIRST, Ability.LAST, Ability.ANY} & entry.abilities else self.text


def _plain(shot: Conditioning) -> dict[str, Any]:
    return {
        "height": shot.size.height,
        "width": shot.size.width,
        "num_frames": shot.frame_count,
        "num_inference_steps": shot.steps,
    }


def _prompted(shot: Conditioning, negative: str) -> dict[str, Any]:
    asked: dict[str, Any] = {"prompt": shot.prompt, "guidance_scale": shot.guidance}
    # Without classifier-free guidance the negative prompt is never encoded.
    if shot.guidance > 1:
        asked["negative_prompt"] = str(shot.options.get("negative_prompt", negative))
    return asked


def _wan(pipeline: Any, shot: Conditioning) -> dict[str, Any]:
    asked = _plain(shot) | _prompted(shot, WAN_NEGATIVE)
    if not shot.anchors:
        return asked
    asked["image"] = shot.at(0)
    # The 5 B model takes no last picture: its plan refuses one.
    if not pipeline.config.expand_timesteps and shot.at(-1) is not None:
        asked["last_image"] = shot.at(-1)
    return asked


def _wan_unpack(pipeline: Any, _: Conditioning, latents: torch.Tensor) -> torch.Tensor:
    mean, std = (
        _by_channel(each, latents) for each in (pipeline.vae.config.latents_mean, pipeline.vae.config.latents_std)
    )
    return latents * std + mean


def _by_channel(values: Any, latents: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(values).view(1, -1, 1, 1, 1).to(latents.device, latents.dtype)


def _ltx(_: Any, shot: Conditioning) -> dict[str, Any]:
    asked = _plain(shot) | _prompted(shot, LTX_NEGATIVE) | {"frame_rate": shot.fps}
    conditions = [
        LTXVideoCondition(image=anchor.pictures[0], frame_index=anchor.index)
        if len(anchor.pictures) == 1
        else LTXVideoCondition(video=list(anchor.pictures), frame_index=anchor.index)
        for anchor in shot.anchors
    ]
    return asked | ({"conditions": conditions} if conditions else {})


def _ltx_unpack(pipeline: Any, shot: Conditioning, latents: torch.Tensor) -> torch.Tensor:
    """Latents of LTX from token rows. Rows of key frames come first in LTX-Video, last in LTX-2."""
    frames = (shot.frame_count - 1) // pipeline.vae_temporal_compression_ratio + 1
    height, width = (side // pipeline.vae_spatial_compression_ratio for side in (shot.size.height, shot.size.width))
    patch = pipeline.transformer_spatial_patch_size, pipeline.transformer_temporal_patch_size
    count = frames * height * width // (patch[0] ** 2 * patch[1])
    rows = latents[:, :count] if pipeline.__class__.__name__.startswith("LTX2") else latents[:, -count:]
    vae = pipeline.vae
    unpacked = pipeline._unpack_latents(rows, frames, height, width, *patch)
    return pipeline._denormalize_latents(unpacked, vae.latents_mean, vae.latents_std, vae.config.scaling_factor)


def _ltx2(_: Any, shot: Conditioning) -> dict[str, Any]:
    asked = _plain(shot) | _prompted(shot, LTX_NEGATIVE) | {"frame_rate": float(shot.fps)}
    conditions = [
        # LTX-2 counts latent frames, each of which but the first stands for eight frames.
        LTX2VideoCondition(frames=_one_or_all(anchor.pictures), index=(anchor.index + 7) // 8)
        for anchor in shot.anchors
    ]
    return asked | ({"conditions": conditions} if conditions else {})


def _one_or_all(pictures: tuple[Any, ...]) -> Any:
    return pictures[0] if len(pictures) == 1 else list(pictures)


def _cogvideox(_: Any, shot: Conditioning) -> dict[str, Any]:
    return _plain(shot) | _prompted(shot, "") | _image(shot)


def _by_frame(pipeline: Any, shot: Conditioning, latents: torch.Tensor) -> torch.Tensor:
    """Latents with frames before channels."""
    return _scaled(pipeline, shot, latents.permute(0, 2, 1, 3, 4))


def _channels_last(pipeline: Any, shot: Conditioning, latents: torch.Tensor) -> torch.Tensor:
    return _scaled(pipeline, shot, latents.permute(0, 4, 1, 2, 3))


def _kandinsky5(_: Any, shot: Conditioning) -> dict[str, Any]:
    asked = _plain(shot) | {"prompt": shot.prompt, "guidance_scale": shot.guidance} | _image(shot)
    if "negative_prompt" in shot.options:
        asked["negative_prompt"] = shot.options["negative_prompt"]
    return asked


def _hunyuan15(pipeline: Any, shot: Conditioning) -> dict[str, Any]:
    asked = {"prompt": shot.prompt, "num_frames": shot.frame_count, "num_inference_steps": shot.steps}
    if shot.anchors:
        asked["image"] = shot.at(0)
    else:
        asked |= {"height": shot.size.height, "width": shot.size.width}
    # Guidance is a component of this pipeline and not an argument of its call.
    if pipeline.guider.guidance_scale != shot.guidance:
        pipeline.guider = pipeline.guider.new(guidance_scale=shot.guidance)
    return asked | {"negative_prompt": str(shot.options.get("negative_prompt", ""))}


def _hunyuan15_size(pipeline: Any, size: FrameSize) -> FrameSize:
    """The pipeline's own size that is nearest to the picture's shape."""
    choose = pipeline.video_processor.calculate_default_height_width
    height, width = choose(height=size.height, width=size.width, target_size=pipeline.target_size)
    return FrameSize(int(width), int(height))


def _svd(_: Any, shot: Conditioning) -> dict[str, Any]:
    # All frames in one piece, as the pipeline's default: decoding in pieces is ours to decide.
    shown = {"image": shot.at(0), "fps": shot.fps, "decode_chunk_size": shot.frame_count}
    return _plain(shot) | shown | {"max_guidance_scale": shot.guidance}


def _image(shot: Conditioning) -> dict[str, Any]:
    return {"image": shot.at(0)} if shot.anchors else {}


WAN_NEGATIVE: Final = (
    "Bright tones, overexposed, static, blurred details, subtitles, style, works, paintings, images, overall gray, "
    "worst quality, low quality, JPEG compression residue, ugly, incomplete, extra fingers, poorly drawn hands, poorly "
    "drawn faces, deformed, disfigured, misshapen limbs, fused fingers, still picture, messy background, three legs, "
    "many people in the background, walking backwards"
)
"""Negative prompt of Wan's own examples, in diffusers' English: https://github.com/Wan-Video/Wan2.2."""
LTX_NEGATIVE: Final = "worst quality, inconsistent motion, blurry, jittery, distorted"
"""Negative prompt of LTX-Video's own examples: https://github.com/Lightricks/LTX-Video."""

FAMILIES: Final[Mapping[str, Family]] = {
    "wan": Family("WanImageToVideoPipeline", "WanPipeline", _wan, _wan_unpack, vae_dtype="float32", words=WAN),
    "ltx": Family("LTXConditionPipeline", "LTXConditionPipeline", _ltx, _ltx_unpack, carries=9),
    "ltx2": Family("LTX2ConditionPipeline", "LTX2ConditionPipeline", _ltx2, _ltx_unpack, carries=9),
    "cogvideox": Family("CogVideoXImageToVideoPipeline", "CogVideoXPipeline", _cogvideox, _by_frame),
    "svd": Family("StableVideoDiffusionPipeline", "", _svd, _by_frame, draws_on_picture=True),
    "hunyuan15": Family(
        "HunyuanVideo15ImageToVideoPipeline", "HunyuanVideo15Pipeline", _hunyuan15, size=_hunyuan15_size
    ),
    "kandinsky5": Family("Kandinsky5I2VPipeline", "Kandinsky5T2VPipeline", _kandinsky5, _channels_last),
}


def family_of(entry: Entry) -> Family:
    """The entry's family. Raises `CatalogueError`."""
    family = FAMILIES.get(entry.family)
    if family is None:
        raise CatalogueError(f"models.{entry.name}.family must be one of: {', '.join(FAMILIES)}.")
    return family
