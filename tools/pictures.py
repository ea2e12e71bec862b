"""`python3 dev.py pictures DIR`: every file of a folder through the intake that strangers' pictures go through.

Prints the files that were read, the refused ones by reason, those whose colours differ from Chromium's (where it is
installed), and the cost of the dearest. TIFF, HEIC and moving pictures are not compared.
"""

import argparse
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.file_types.pictures import picture_type
from stillmotion.domain.rendering import Picture
from stillmotion.domain.request import FrameSize
from stillmotion.media.sandbox.client import DecoderProcess
from tools.chromium import CHROMIUM, NOTHING, shown

SIDE, BLOCKS = 128, 8
"""Pixels a side that larger pictures are compared at, and blocks a side that are averaged first."""
ERROR = 3.0
"""The allowed mean difference of blocks, of 255. Resampling alone makes up to two of thin lines."""
COVER = FrameSize(1280, 720)
AT_ONCE = 100

_SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/avif": ".avif",
}
_MOVING = (b"acTL", b"ANMF", b"NETSCAPE2.0", b"ftypavis")
_NEXT_FRAME = b"!\xf9\4"
"""The marker before each frame of a GIF that has several."""
_LOOK_SECONDS = 0.002


@dataclass
class Tried:
    """The outcome of one file. Colours are blocks of RGB, 0 to 255; `peak_mb` is of the process that decoded it."""

    file: str
    kind: str
    outcome: str
    reason: str = ""
    width: int = 0
    height: int = 0
    seconds: float = 0.0
    peak_mb: float = 0.0
    error: float | None = None
    compared: str = ""
    blocks: NDArray[np.float32] | None = field(default=None, repr=False)


def main() -> int:
    """Try the folder and print the outcome."""
    parser = argparse.ArgumentParser(prog="python3 dev.py pictures", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="+")
    parser.add_argument("--json", type=Path, help="also write what became of each file here")
    parser.add_argument("--error", type=float, default=ERROR, help=f"how far colours may be apart, of 255 ({ERROR})")
    parser.add_argument("--no-browser", action="store_true", help="compare no colours")
    given = parser.parse_args()
    files = sorted(path for folder in given.folder for path in _files(folder))
    if not files:
        parser.error("there is no file in that folder")
    with _decoding() as decoder:
        tried = [_try(decoder, path) for path in files]
    if CHROMIUM is not None and not given.no_browser:
        _compare(list(zip(files, tried, strict=True)))
    if given.json is not None:
        rows = [{name: value for name, value in asdict(each).items() if name != "blocks"} for each in tried]
        given.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False), "utf-8")
    return _report(tried, given.error)


def _files(folder: Path) -> list[Path]:
    return [folder] if folder.is_file() else [path for path in folder.rglob("*") if path.is_file()]


@contextmanager
def _decoding() -> Iterator[DecoderProcess]:
    decoder = DecoderProcess()
    decoder.start()
    try:
        decoder.confinement()
        yield decoder
    finally:
        decoder.close()


def _try(decoder: DecoderProcess, path: Path) -> Tried:
    with path.open("rb") as file:
        kind = picture_type(file.read(64)) or "other"
    tried, watch = Tried(str(path), kind, "read"), _Watch(decoder)
    began = time.monotonic()
    try:
        with watch:
            size = decoder.size(path)
            picture = decoder.picture(path, COVER)
    except GenerationFailed as failure:
        tried.outcome, tried.reason = failure.code, failure.reason
        if failure.__cause__ is not None:
            tried.outcome = f"died ({failure.__cause__})"
    else:
        tried.width, tried.height, tried.blocks = size.width, size.height, _averaged(_image(picture))
    tried.seconds, tried.peak_mb = round(time.monotonic() - began, 3), watch.peak_mb
    return tried


def _image(picture: Picture) -> Image.Image:
    return Image.frombuffer("RGB", (picture.width, picture.height), bytes(picture.pixels), "raw", "RGB", 0, 1)


def _averaged(image: Image.Image) -> NDArray[np.float32]:
    return np.asarray(image.resize((BLOCKS, BLOCKS), Image.Resampling.BOX), np.float32)


def _size(width: int, height: int) -> tuple[int, int]:
    """The size at which a picture is compared: a small one's own, so that no two ways of resampling are compared."""
    return (width, height) if max(width, height) <= SIDE else (SIDE, SIDE)


class _Watch:
    """The most memory that a child of the decoder's held (Linux), looked at every two milliseconds."""

    def __init__(self, decoder: DecoderProcess) -> None:
        self._pid, self._over = decoder.pid, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.peak_mb = 0.0

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        children = Path(f"/proc/{self._pid}/task/{self._pid}/children")
        while not self._over.wait(_LOOK_SECONDS):
            with suppress(OSError, IndexError):
                for child in children.read_text().split():
                    status = Path(f"/proc/{child}/status").read_text()
                    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
                    self.peak_mb = max(self.peak_mb, round(peak, 1))


def _compare(pairs: Sequence[tuple[Path, Tried]]) -> None:
    wanted = []
    for path, tried in pairs:
        if tried.blocks is not None and tried.kind in _SUFFIXES:
            content = path.read_bytes()
            if any(sign in content for sign in _MOVING) or content.count(_NEXT_FRAME) > 1:
                tried.compared = "no: it moves"
            else:
                wanted.append((path, tried))
    for start in range(0, len(wanted), AT_ONCE):
        batch = wanted[start : start + AT_ONCE]
        places = [(path, _SUFFIXES[tried.kind], _size(tried.width, tried.height)) for path, tried in batch]
        pictures = shown(places, SIDE)
        for (_, tried), seen in zip(batch, pictures, strict=True):
            if seen.getextrema() == tuple((value, value) for value in NOTHING):
                tried.compared = "no: Chromium does not read it"
                continue
            assert tried.blocks is not None
            tried.error = round(float(np.abs(tried.blocks - _averaged(seen)).mean()), 2)
            tried.compared = "with Chromium"


def _report(tried: Sequence[Tried], bound: float) -> int:
    read = [each for each in tried if each.outcome == "read"]
    print(f"{len(tried)} files: {len(read)} read, {len(tried) - len(read)} refused")
    for (outcome, reason), count in Counter(
        (each.outcome, each.reason) for each in tried if each.outcome != "read"
    ).most_common():
        print(f"  {count:5} {outcome}: {reason}")
    compared = [each for each in read if each.error is not None]
    if CHROMIUM is None:
        print("Colours were compared with nothing: there is no Chromium here.")
    apart = sorted((each for each in compared if (each.error or 0) > bound), key=lambda each: -(each.error or 0))
    print(f"{len(compared)} compared with Chromium: {len(apart)} are more than {bound} of 255 apart on average")
    for each in apart:
        print(f"  {each.error:6.1f}  {each.file}")
    for each in read:
        if each.compared.startswith("no: Chromium"):
            print(f"  read here and not by Chromium: {each.file}")
    costly = max(tried, key=lambda each: each.peak_mb)
    slow = max(tried, key=lambda each: each.seconds)
    print(f"most memory: {costly.peak_mb:.0f} MB for {costly.file}; longest: {slow.seconds:.2f} s for {slow.file}")
    died = [each for each in tried if each.outcome.startswith("died")]
    return 1 if died or apart else 0


if __name__ == "__main__":
    sys.exit(main())
