"""Pictures as Chromium shows them: the reference for a file's colours."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NOTHING = (255, 0, 255)
"""The colour in the place of a picture that the browser does not read."""

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--force-device-scale-factor=1",
    "--hide-scrollbars",
)
_ACROSS = 10
_FRAME = 200
"""The part of a window's height outside its page."""
_PATIENCE_SECONDS = 180


def shown(files: Sequence[tuple[Path, str, tuple[int, int]]], side: int) -> list[Image.Image]:
    """Each file as an `<img>` on white, in sRGB, at its size up to `side`; its suffix names its kind.

    Raises `OSError` where the browser ends without a picture of its page.
    """
    with tempfile.TemporaryDirectory() as folder:
        page = ["<!doctype html><body style='margin:0;background:#f0f'>"]
        for number, (path, suffix, (width, height)) in enumerate(files):
            copy = Path(folder, f"{number}{suffix}")
            shutil.copyfile(path, copy)
            left, top = number % _ACROSS * side, number // _ACROSS * side
            style = f"position:absolute;background:#fff;left:{left}px;top:{top}px;width:{width}px;height:{height}px"
            page.append(f"<img src={copy.name} style='{style}' onerror='this.remove()'>")
        Path(folder, "page.html").write_text("".join(page), "utf-8")
        height = -(-len(files) // _ACROSS) * side + _FRAME
        command = [
            str(CHROMIUM),
            *_FLAGS,
            f"--user-data-dir={folder}/profile",
            f"--window-size={_ACROSS * side},{height}",
        ]
        command += [f"--screenshot={folder}/shot.png", f"file://{folder}/page.html"]
        subprocess.run(command, capture_output=True, timeout=_PATIENCE_SECONDS, check=False)
        with Image.open(Path(folder, "shot.png")) as shot:
            seen = shot.convert("RGB")
    cut = []
    for number, (_, _, (width, height)) in enumerate(files):
        left, top = number % _ACROSS * side, number // _ACROSS * side
        cut.append(seen.crop((left, top, left + width, top + height)))
    return cut
