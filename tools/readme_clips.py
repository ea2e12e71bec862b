"""The animated pictures of the README: `python -m tools.readme_clips`.

Photographs of scikit-image's wheel that are in the public domain: the astronaut (NASA) and the coffee (Rachel
Michetti, CC0). The embedded engine renders each as `stillmotion generate` does, the astronaut with nothing else and the
coffee with a depth image.
"""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import skimage.data
from PIL import Image

from tools.coffee_depth import coffee_nearness

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"
WIDTH = 300
EVERY = 2
"""One frame in so many is kept."""
QUALITY = 55


@dataclass(frozen=True)
class ReadmeClip:
    """A clip of the README: its file's name, the picture, the prompt, and whether the picture's depth is given."""

    name: str
    picture: str
    prompt: str
    has_depth: bool = False


CLIPS = (
    ReadmeClip("astronaut", "astronaut.png", "leaning girl"),
    ReadmeClip("coffee", "coffee.png", "orbit left, steam rising", has_depth=True),
)


def rendered(clip: ReadmeClip, folder: Path) -> list[Image.Image]:
    """The frames of a clip of three seconds whose end leads into its beginning."""
    picture, target = Path(skimage.data.__file__).with_name(clip.picture), folder / f"{clip.name}.mp4"
    command = [sys.executable, "-m", "stillmotion", "generate", str(picture), clip.prompt, "--out", str(target)]
    if clip.has_depth:
        depth = folder / "depth.png"
        Image.fromarray(np.rint(coffee_nearness() * 65535).astype(np.uint16)).save(depth)
        command += ["--depth", str(depth)]
    # A network that was pulled on this machine is left out: the README says that nothing was given.
    plain = {**os.environ, "STILLMOTION_DEPTH_MODEL": "none"}
    subprocess.run([*command, "--seconds", "3", "--resolution", "540p", "--loop"], check=True, env=plain)
    with av.open(target) as opened:
        return [Image.fromarray(frame.to_ndarray(format="rgb24")) for frame in opened.decode(video=0)]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for clip in CLIPS:
            frames = rendered(clip, Path(folder))
            size = WIDTH, round(WIDTH * frames[0].height / frames[0].width)
            small = [frame.resize(size, Image.Resampling.LANCZOS) for frame in frames[::EVERY]]
            path = FOLDER / f"{clip.name}.webp"
            each = round(3000 / len(small))
            small[0].save(
                path, save_all=True, append_images=small[1:], duration=each, loop=0, quality=QUALITY, method=6
            )
            print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()
