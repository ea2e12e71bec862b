"""From a decoder's tensors to the frames that the encoder takes."""

from collections.abc import Iterator

import torch

from stillmotion.domain.rendering import Frame

_KR, _KB = 0.2126, 0.0722
"""BT.709's shares of red and blue in luma (ITU-R BT.709, 3.2)."""
AT_ONCE = 8
"""Frames that are converted at once: more would take memory that decoding has just used up."""


def frames_of(decoded: torch.Tensor) -> Iterator[Frame]:
    """The frames of a tensor of 3 × frames × height × width, −1 to 1, RGB: both sides are even."""
    _, _, height, width = decoded.shape
    for some in decoded.split(AT_ONCE, dim=1):
        for planes in i420(as_unit(some)).cpu():
            yield Frame(width, height, planes.numpy().tobytes())


def as_unit(decoded: torch.Tensor) -> torch.Tensor:
    """0 to 1, just as diffusers' own `VaeImageProcessor` rounds and clamps it in the decoder's precision."""
    return (decoded * 0.5 + 0.5).clamp(0, 1).float()


def i420(rgb: torch.Tensor) -> torch.Tensor:
    """Planar YUV 4:2:0, BT.709, limited range, from 3 × frames × height × width in 0 to 1: bytes, a row a frame."""
    red, green, blue = rgb
    luma = _KR * red + (1 - _KR - _KB) * green + _KB * blue
    chroma = torch.stack([(blue - luma) / (2 * (1 - _KB)), (red - luma) / (2 * (1 - _KR))])
    halved = torch.nn.functional.avg_pool2d(chroma, 2)
    planes = [16 + 219 * luma, *(128 + 224 * halved)]
    return torch.cat([plane.round().clamp(0, 255).to(torch.uint8).flatten(1) for plane in planes], dim=1)
