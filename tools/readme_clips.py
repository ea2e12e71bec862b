"""The animated pictures of the README: `python -m tools.readme_clips`.

Photographs of scikit-image's wheel that are in the public domain: the coffee (Rachel Michetti, CC0), the rocket
(SpaceX, CC0) and the cat (Stefan van der Walt, CC0). The embedded engine renders each as `stillmotion generate` does.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import av
import skimage.data
from PIL import Image

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"
CLIPS = (
    ("coffee.png", "push in, steam rising"),
    ("rocket.jpg", "crane up, the smoke drifts"),
    ("chelsea.png", "orbit right, the cat licks its nose"),
)
WIDTH = 300
EVERY = 2
"""One frame in so many is kept."""
QUALITY = 55


def rendered(picture: Path, prompt: str, clip: Path) -> list[Image.Image]:
    """The frames of a clip of three seconds whose end leads into its beginning."""
    command = [sys.executable, "-m", "stillmotion", "generate", str(picture), prompt, "--out", str(clip)]
    subprocess.run([*command, "--seconds", "3", "--resolution", "540p", "--loop"], check=True)
    with av.open(clip) as opened:
        return [Image.fromarray(frame.to_ndarray(format="rgb24")) for frame in opened.decode(video=0)]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, prompt in CLIPS:
            picture = Path(skimage.data.__file__).with_name(name)
            frames = rendered(picture, prompt, Path(folder, f"{picture.stem}.mp4"))
            size = WIDTH, round(WIDTH * frames[0].height / frames[0].width)
            small = [frame.resize(size, Image.Resampling.LANCZOS) for frame in frames[::EVERY]]
            path = FOLDER / f"{picture.stem}.webp"
            each = round(3000 / len(small))
            small[0].save(
                path, save_all=True, append_images=small[1:], duration=each, loop=0, quality=QUALITY, method=6
            )
            print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()
