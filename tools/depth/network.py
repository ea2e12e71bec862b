"""The depth network: an EfficientNet-Lite0 encoder without its last blocks, and a small decoder at half resolution.

Source of the encoder: Tan and Le 2019 (EfficientNet), the Lite variant without squeeze-and-excitation and with ReLU6.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

BLOCKS = (
    (1, 32, 16, 3, 1),
    (6, 16, 24, 3, 2),
    (6, 24, 24, 3, 1),
    (6, 24, 40, 5, 2),
    (6, 40, 40, 5, 1),
    (6, 40, 80, 3, 2),
    (6, 80, 80, 3, 1),
    (6, 80, 80, 3, 1),
    (6, 80, 112, 5, 1),
    (6, 112, 112, 5, 1),
    (6, 112, 112, 5, 1),
    (6, 112, 192, 5, 2),
    (6, 192, 192, 5, 1),
    (6, 192, 192, 5, 1),
)
"""Blocks of the encoder: expansion, channels in and out, kernel, stride (the first 14 of Lite0's 16)."""
TAPS = (0, 2, 4, 10, 13)
"""Blocks whose output the decoder reads: strides 2, 4, 8, 16 and 32."""
WIDTHS = (24, 40, 56, 80, 112)
"""Channels of the decoder at those strides."""
MEAN, SPREAD = 127.0, 128.0
"""Input normalisation of the Lite networks, on 0 to 255."""
EPSILON = 1e-3
"""Batch normalisation's epsilon in the Lite networks."""


class Bottleneck(nn.Module):
    """An inverted residual block (Sandler et al. 2018), named as in the published weights."""

    def __init__(self, expansion: int, inside: int, outside: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = inside * expansion
        self.expands = expansion > 1
        if self.expands:
            self._expand_conv = nn.Conv2d(inside, wide, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(wide, EPSILON)
        self._depthwise_conv = nn.Conv2d(wide, wide, kernel, stride, kernel // 2, groups=wide, bias=False)
        self._bn1 = nn.BatchNorm2d(wide, EPSILON)
        self._project_conv = nn.Conv2d(wide, outside, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(outside, EPSILON)
        self.carries = stride == 1 and inside == outside

    def forward(self, values: Tensor) -> Tensor:
        """The block's output."""
        wide = functional.relu6(self._bn0(self._expand_conv(values))) if self.expands else values
        wide = functional.relu6(self._bn1(self._depthwise_conv(wide)))
        narrow: Tensor = self._bn2(self._project_conv(wide))
        return narrow + values if self.carries else narrow


class Step(nn.Module):
    """A decoder's step: the coarser features magnified, the encoder's added, and a separable convolution."""

    def __init__(self, coarse: int, skip: int, out: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(coarse, out, 1)
        self.skip = nn.Conv2d(skip, out, 1)
        self.depthwise = nn.Conv2d(out, out, 5, padding=2, groups=out)
        self.pointwise = nn.Conv2d(out, out, 1)

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        """Features at the skip's resolution."""
        near = functional.interpolate(self.narrow(coarse), scale_factor=2.0, mode="bilinear", align_corners=False)
        joined = functional.relu(near + self.skip(skip))
        return functional.relu(joined + self.pointwise(functional.relu(self.depthwise(joined))))


class DepthNetwork(nn.Module):
    """Relative nearness at half the input's resolution, on no scale. Sides of the input are multiples of 32."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = nn.Conv2d(3, 32, 3, 2, 1, bias=False)
        self._bn0 = nn.BatchNorm2d(32, EPSILON)
        self._blocks = nn.ModuleList(Bottleneck(*block) for block in BLOCKS)
        outs = [BLOCKS[tap][2] for tap in TAPS]
        self.top = nn.Conv2d(outs[-1], WIDTHS[-1], 1)
        self.wide = nn.Conv2d(WIDTHS[-1], WIDTHS[-1], 5, padding=2, groups=WIDTHS[-1])
        self.mix = nn.Conv2d(WIDTHS[-1], WIDTHS[-1], 1)
        coarse = (*WIDTHS[1:],)
        self.steps = nn.ModuleList(Step(coarse[at], outs[at], WIDTHS[at]) for at in reversed(range(len(TAPS) - 1)))
        self.last = nn.Conv2d(WIDTHS[0], 1, 3, padding=1)

    def forward(self, rgb: Tensor) -> Tensor:
        """Nearness, n × 1 × h/2 × w/2, of pictures n × 3 × h × w in 0 to 255."""
        values = (rgb - MEAN) / SPREAD
        values = functional.relu6(self._bn0(self._conv_stem(values)))
        taps = []
        for index, block in enumerate(self._blocks):
            values = block(values)
            if index in TAPS:
                taps.append(values)
        near = functional.relu(self.top(taps[-1]))
        near = functional.relu(near + self.mix(functional.relu(self.wide(near))))
        for step, skip in zip(self.steps, reversed(taps[:-1]), strict=True):
            near = step(near, skip)
        out: Tensor = self.last(near)
        return out

    def load_encoder(self, weights: Path) -> None:
        """Load the published weights of EfficientNet-Lite0 into the encoder."""
        state = torch.load(weights, map_location="cpu", weights_only=True)
        own = self.state_dict()
        self.load_state_dict({key: value for key, value in state.items() if key in own}, strict=False)

    def encoder(self) -> list[nn.Module]:
        """The encoder's parts, the first at the input."""
        return [self._conv_stem, self._bn0, *self._blocks]
