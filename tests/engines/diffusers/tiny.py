"""Tiny models of every family, which run in a moment: real classes, random weights, no hub.

Each `save_*` writes a folder in diffusers' layout, as that of a published model. Every call writes the same.
"""

import string
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers.pipelines.ltx2 import LTX2TextConnectors
from diffusers.pipelines.ltx2.vocoder import LTX2Vocoder

LETTERS = string.ascii_letters + string.digits + string.punctuation


def seeded(build: Callable[[], Any]) -> Any:
    torch.manual_seed(7)
    return build()


def t5_tokenizer() -> Any:
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((letter, -3.0) for letter in LETTERS)]
    return transformers.T5Tokenizer(vocab=pieces, extra_ids=0)


def t5(kind: str = "T5") -> Any:
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=len(LETTERS) + 4, d_model=16, d_kv=4, d_ff=16, num_layers=2, num_heads=2
    )
    return seeded(lambda: getattr(transformers, f"{kind}EncoderModel")(config))


def clip_vision(hidden: int, image: int = 32) -> Any:
    return transformers.CLIPVisionConfig(
        hidden_size=hidden, projection_dim=hidden, num_hidden_layers=2, num_attention_heads=2, image_size=image,
        intermediate_size=16, patch_size=image // 4,
    )  # fmt: skip


def wan_transformer(channels: int, out: int, **more: Any) -> Any:
    network = seeded(
        lambda: diffusers.WanTransformer3DModel(
            patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=channels, out_channels=out,
            text_dim=16, freq_dim=32, ffn_dim=24, num_layers=3, rope_max_seq_len=64, **more,
        )
    )  # fmt: skip
    with torch.no_grad():
        # Untouched random weights almost ignore their conditioning.
        network.patch_embedding.weight.mul_(20)
        network.condition_embedder.text_embedder.linear_1.weight.mul_(20)
        network.proj_out.weight.mul_(5)
    return network


def wan_vae(**more: Any) -> Any:
    shape = {"base_dim": 4, "z_dim": 16, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1}
    shape["temperal_downsample"] = [False, True, True]
    vae = seeded(lambda: diffusers.AutoencoderKLWan(**{**shape, **more}))
    with torch.no_grad():
        vae.quant_conv.weight.mul_(30)
    return vae


def wan_scheduler() -> Any:
    return diffusers.UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000, flow_shift=3.0
    )


def _wan(folder: Path, **parts: Any) -> Path:
    common = {"tokenizer": t5_tokenizer(), "text_encoder": t5("UMT5"), "scheduler": wan_scheduler()}
    absent = {"image_encoder": None, "image_processor": None, "transformer_2": None}
    diffusers.WanImageToVideoPipeline(**{**common, **absent, **parts}).save_pretrained(folder)
    return folder


def _looking(config: Any) -> dict[str, Any]:
    return {
        "image_encoder": seeded(lambda: transformers.CLIPVisionModel(config)),
        "image_processor": transformers.CLIPImageProcessor(crop_size=32, size=32),
    }


def save_wan21(folder: Path) -> Path:
    network = wan_transformer(36, 16, image_dim=8)
    return _wan(folder, transformer=network, vae=wan_vae(), **_looking(clip_vision(8)))


def save_flf2v(folder: Path) -> Path:
    looked_at = 2 * ((32 // 8) ** 2 + 1)
    network = wan_transformer(36, 16, image_dim=8, pos_embed_seq_len=looked_at)
    return _wan(folder, transformer=network, vae=wan_vae(), **_looking(clip_vision(8)))


def save_a14b(folder: Path) -> Path:
    late = wan_transformer(36, 16)
    with torch.no_grad():
        for weight in late.parameters():
            weight.mul_(0.9)
    return _wan(folder, transformer=wan_transformer(36, 16), transformer_2=late, vae=wan_vae(), boundary_ratio=0.9)


def save_ti2v_5b(folder: Path) -> Path:
    vae = wan_vae(
        z_dim=48, in_channels=12, out_channels=12, is_residual=True, patch_size=2, latents_mean=[0.0] * 48,
        latents_std=[1.0] * 48, scale_factor_spatial=16, scale_factor_temporal=4,
    )  # fmt: skip
    return _wan(folder, transformer=wan_transformer(48, 48), vae=vae, expand_timesteps=True)


def save_t2v(folder: Path) -> Path:
    diffusers.WanPipeline(
        tokenizer=t5_tokenizer(), text_encoder=t5("UMT5"), scheduler=wan_scheduler(),
        transformer=wan_transformer(16, 16), vae=wan_vae(),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def ltx_vae(**more: Any) -> Any:
    shape = {
        "latent_channels": 8, "block_out_channels": (8, 8, 8, 8), "decoder_block_out_channels": (8, 8, 8),
        "layers_per_block": (1, 1, 1, 1, 1), "decoder_layers_per_block": (1, 1, 1, 1),
        "spatio_temporal_scaling": (True, True, True, False), "decoder_spatio_temporal_scaling": (True, True, True),
        "decoder_inject_noise": (False, False, False, False), "upsample_residual": (False, False, False),
        "upsample_factor": (1, 1, 1), "timestep_conditioning": False, "encoder_causal": True, "decoder_causal": False,
    }  # fmt: skip
    return seeded(lambda: diffusers.AutoencoderKLLTXVideo(**{**shape, **more}))


def save_ltx(folder: Path) -> Path:
    network = seeded(
        lambda: diffusers.LTXVideoTransformer3DModel(
            in_channels=8, out_channels=8, num_attention_heads=2, attention_head_dim=8, cross_attention_dim=16,
            num_layers=2, caption_channels=16,
        )
    )  # fmt: skip
    diffusers.LTXConditionPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(), vae=ltx_vae(), text_encoder=t5(),
        tokenizer=t5_tokenizer(), transformer=network,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def gemma_tokenizer() -> Any:
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    vocabulary = {piece: index for index, piece in enumerate([*special, "▁", *LETTERS])}
    return transformers.GemmaTokenizer(vocab=vocabulary, merges=[])


def gemma3() -> Any:
    config = transformers.Gemma3Config(
        text_config={
            "vocab_size": len(LETTERS) + 6, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8, "sliding_window": 16,
        },
        vision_config={
            "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1,
            "image_size": 16, "patch_size": 8,
        },
        mm_tokens_per_image=4,
    )  # fmt: skip
    return seeded(lambda: transformers.Gemma3ForConditionalGeneration(config))


def ltx2_vae(**more: Any) -> Any:
    shape = {
        "latent_channels": 4, "block_out_channels": (8, 8, 8), "decoder_block_out_channels": (8, 8, 8),
        "layers_per_block": (1, 1, 1, 1), "decoder_layers_per_block": (1, 1, 1, 1),
        "spatio_temporal_scaling": (True, True, True), "decoder_spatio_temporal_scaling": (True, True, True),
        "decoder_inject_noise": (False, False, False, False), "upsample_residual": (False, False, False),
        "upsample_factor": (1, 1, 1), "timestep_conditioning": False, "encoder_causal": True, "decoder_causal": False,
        "downsample_type": ("spatiotemporal", "spatiotemporal", "spatiotemporal"), "patch_size": 1, "patch_size_t": 1,
    }  # fmt: skip
    return seeded(lambda: diffusers.AutoencoderKLLTX2Video(**{**shape, **more}))


def save_ltx2(folder: Path) -> Path:
    network = seeded(
        lambda: diffusers.LTX2VideoTransformer3DModel(
            in_channels=4, out_channels=4, patch_size=1, patch_size_t=1, num_attention_heads=2, attention_head_dim=8,
            cross_attention_dim=16, audio_in_channels=4, audio_out_channels=4, audio_num_attention_heads=2,
            audio_attention_head_dim=4, audio_cross_attention_dim=8, num_layers=2, caption_channels=16,
            rope_double_precision=False, rope_type="split",
        )
    )  # fmt: skip
    connectors = seeded(
        lambda: LTX2TextConnectors(
            caption_channels=16, text_proj_in_factor=3, video_connector_num_attention_heads=2,
            video_connector_attention_head_dim=8, video_connector_num_layers=1,
            video_connector_num_learnable_registers=None, audio_connector_num_attention_heads=2,
            audio_connector_attention_head_dim=8, audio_connector_num_layers=1,
            audio_connector_num_learnable_registers=None, connector_rope_base_seq_len=32, rope_theta=10000.0,
            rope_double_precision=False, causal_temporal_positioning=False, rope_type="split",
        )
    )  # fmt: skip
    audio = seeded(
        lambda: diffusers.AutoencoderKLLTX2Audio(
            base_channels=4, output_channels=2, ch_mult=(1,), num_res_blocks=1, attn_resolutions=None, in_channels=2,
            resolution=32, latent_channels=2, norm_type="pixel", causality_axis="height", dropout=0.0,
            mid_block_add_attention=False, sample_rate=16000, mel_hop_length=160, is_causal=True, mel_bins=8,
        )
    )  # fmt: skip
    vocoder = seeded(
        lambda: LTX2Vocoder(
            in_channels=16, hidden_channels=16, out_channels=2, upsample_kernel_sizes=[4, 4], upsample_factors=[2, 2],
            resnet_kernel_sizes=[3], resnet_dilations=[[1, 3, 5]], leaky_relu_negative_slope=0.1,
            output_sampling_rate=16000,
        )
    )  # fmt: skip
    diffusers.LTX2ConditionPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(), vae=ltx2_vae(), audio_vae=audio, text_encoder=gemma3(),
        tokenizer=gemma_tokenizer(), connectors=connectors, transformer=network, vocoder=vocoder,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def save_cogvideox(folder: Path) -> Path:
    network = seeded(
        lambda: diffusers.CogVideoXTransformer3DModel(
            num_attention_heads=2, attention_head_dim=16, in_channels=8, out_channels=4, time_embed_dim=8,
            text_embed_dim=16, num_layers=2, sample_width=8, sample_height=8, sample_frames=17, patch_size=2,
            temporal_compression_ratio=4, max_text_seq_length=226, use_rotary_positional_embeddings=True,
            use_learned_positional_embeddings=True,
        )
    )  # fmt: skip
    vae = seeded(
        lambda: diffusers.AutoencoderKLCogVideoX(
            down_block_types=("CogVideoXDownBlock3D",) * 4, up_block_types=("CogVideoXUpBlock3D",) * 4,
            block_out_channels=(8, 8, 8, 8), latent_channels=4, layers_per_block=1, norm_num_groups=2,
            temporal_compression_ratio=4,
        )
    )  # fmt: skip
    diffusers.CogVideoXImageToVideoPipeline(
        tokenizer=t5_tokenizer(), text_encoder=t5(), vae=vae, transformer=network,
        scheduler=diffusers.CogVideoXDDIMScheduler(),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def save_svd(folder: Path) -> Path:
    network = seeded(
        lambda: diffusers.UNetSpatioTemporalConditionModel(
            block_out_channels=(32, 64), layers_per_block=1, sample_size=8, in_channels=8, out_channels=4,
            down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
            up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"), cross_attention_dim=8,
            num_attention_heads=(2, 4), projection_class_embeddings_input_dim=48, addition_time_embed_dim=16,
        )
    )  # fmt: skip
    vae = seeded(
        lambda: diffusers.AutoencoderKLTemporalDecoder(
            block_out_channels=(32, 64), latent_channels=4,
            down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D"),
        )
    )  # fmt: skip
    scheduler = diffusers.EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type="v_prediction",
        sigma_max=700.0, sigma_min=0.002, steps_offset=1, timestep_spacing="leading", timestep_type="continuous",
        use_karras_sigmas=True,
    )  # fmt: skip
    diffusers.StableVideoDiffusionPipeline(
        unet=network, vae=vae, scheduler=scheduler,
        image_encoder=seeded(lambda: transformers.CLIPVisionModelWithProjection(clip_vision(8, 224))),
        feature_extractor=transformers.CLIPImageProcessor(crop_size=32, size=32),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def qwen_tokenizer() -> Any:
    vocabulary = {"<|endoftext|>": 0} | {letter: index for index, letter in enumerate([*LETTERS, "Ġ", "Ċ"], 1)}
    tokenizer = transformers.Qwen2Tokenizer(vocab=vocabulary, merges=[])
    tokenizer.chat_template = "{% for each in messages %}{{ each['role'] }}: {{ each['content'] }}\n{% endfor %}"
    return tokenizer


def hunyuan15_vae() -> Any:
    return seeded(
        lambda: diffusers.AutoencoderKLHunyuanVideo15(
            latent_channels=4, block_out_channels=(16, 16, 16), layers_per_block=1, spatial_compression_ratio=8,
            temporal_compression_ratio=4, downsample_match_channel=False, upsample_match_channel=False,
        )
    )  # fmt: skip


def save_hunyuan15(folder: Path) -> Path:
    network = seeded(
        lambda: diffusers.HunyuanVideo15Transformer3DModel(
            in_channels=9, out_channels=4, num_attention_heads=2, attention_head_dim=8, num_layers=2,
            num_refiner_layers=1, mlp_ratio=2.0, patch_size=1, patch_size_t=1, text_embed_dim=16, text_embed_2_dim=16,
            image_embed_dim=8, rope_axes_dim=(2, 2, 4), target_size=64, task_type="i2v",
        )
    )  # fmt: skip
    qwen = transformers.Qwen2_5_VLTextConfig(
        vocab_size=len(LETTERS) + 3, hidden_size=16, intermediate_size=16, num_hidden_layers=3, num_attention_heads=2,
        num_key_value_heads=2, rope_scaling={"mrope_section": [1, 1, 2], "rope_type": "default", "type": "default"},
    )  # fmt: skip
    siglip = transformers.SiglipVisionConfig(
        hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, image_size=32, patch_size=8
    )
    byt5 = transformers.T5Config(vocab_size=384, d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=2)
    diffusers.HunyuanVideo15ImageToVideoPipeline(
        text_encoder=seeded(lambda: transformers.Qwen2_5_VLTextModel(qwen)), tokenizer=qwen_tokenizer(),
        transformer=network, vae=hunyuan15_vae(), scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0),
        text_encoder_2=seeded(lambda: transformers.T5EncoderModel(byt5)), tokenizer_2=transformers.ByT5Tokenizer(),
        guider=diffusers.ClassifierFreeGuidance(guidance_scale=6.0),
        image_encoder=seeded(lambda: transformers.SiglipVisionModel(siglip)),
        feature_extractor=transformers.SiglipImageProcessor(size={"height": 32, "width": 32}),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def clip_tokenizer() -> Any:
    pieces = ["<|startoftext|>", "<|endoftext|>", *LETTERS, *(f"{letter}</w>" for letter in LETTERS)]
    return transformers.CLIPTokenizer(vocab={piece: index for index, piece in enumerate(pieces)}, merges=[])


def hunyuan_vae() -> Any:
    return seeded(
        lambda: diffusers.AutoencoderKLHunyuanVideo(
            block_out_channels=(16, 16, 16, 16), layers_per_block=1, latent_channels=4, norm_num_groups=4,
            mid_block_add_attention=False, down_block_types=("HunyuanVideoDownBlock3D",) * 4,
            up_block_types=("HunyuanVideoUpBlock3D",) * 4,
        )
    )  # fmt: skip


def save_kandinsky5(folder: Path) -> Path:
    """Its published weights have a processor in place of the tokenizer. Only the processor's tokenizer is used."""
    qwen = transformers.Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(LETTERS) + 3, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 2,
            "rope_scaling": {"mrope_section": [1, 1, 2], "rope_type": "default", "type": "default"},
        },
        vision_config={
            "depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16,
        },
    )  # fmt: skip
    clip = transformers.CLIPTextConfig(
        vocab_size=2 * len(LETTERS) + 2, hidden_size=8, intermediate_size=8, num_hidden_layers=1,
        num_attention_heads=2, projection_dim=8, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    network = seeded(
        lambda: diffusers.Kandinsky5Transformer3DModel(
            in_visual_dim=4, out_visual_dim=4, in_text_dim=16, in_text_dim2=8, time_dim=16, patch_size=(1, 2, 2),
            model_dim=16, ff_dim=32, num_text_blocks=1, num_visual_blocks=2, axes_dims=(2, 2, 4), visual_cond=True,
            attention_type="regular",
        )
    )  # fmt: skip
    diffusers.Kandinsky5I2VPipeline(
        transformer=network, vae=hunyuan_vae(), scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=5.0),
        text_encoder=seeded(lambda: transformers.Qwen2_5_VLForConditionalGeneration(qwen)), tokenizer=qwen_tokenizer(),
        text_encoder_2=seeded(lambda: transformers.CLIPTextModel(clip)), tokenizer_2=clip_tokenizer(),
    ).save_pretrained(folder)  # fmt: skip
    return folder


SAVED: Mapping[str, Callable[[Path], Path]] = {
    "wan21": save_wan21,
    "flf2v": save_flf2v,
    "a14b": save_a14b,
    "ti2v-5b": save_ti2v_5b,
    "t2v": save_t2v,
    "ltx": save_ltx,
    "ltx2": save_ltx2,
    "cogvideox": save_cogvideox,
    "svd": save_svd,
    "hunyuan15": save_hunyuan15,
    "kandinsky5": save_kandinsky5,
}
