"""`python -m tools.sheet CLIP SHEET.jpg`: a clip's first, middle and last frame side by side, for the README."""

import sys

import av
from PIL import Image

FRAME_WIDTH, GAP = 480, 8


def sheet(clip: str) -> Image.Image:
    """The three frames in a row."""
    with av.open(clip) as container:
        frames = [Image.fromarray(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    shown = [frames[0], frames[len(frames) // 2], frames[-1]]
    height = round(FRAME_WIDTH * shown[0].height / shown[0].width)
    row = Image.new("RGB", (3 * FRAME_WIDTH + 2 * GAP, height), "white")
    for place, frame in enumerate(shown):
        row.paste(frame.resize((FRAME_WIDTH, height), Image.Resampling.LANCZOS), (place * (FRAME_WIDTH + GAP), 0))
    return row


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sheet(sys.argv[1]).save(sys.argv[2], quality=82, optimize=True, progressive=True)
