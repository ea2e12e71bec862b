"""Pictures of the sample data: photographs of scikit-image's wheel, cut to the shapes that people send.

The astronaut and the rocket are NASA's, in the public domain; the cat and the coffee are CC0 (Stéfan van der Walt,
Rachel Michetti); the lake is drawn by the demo.
"""

from functools import cache
from io import BytesIO
from pathlib import Path

import skimage.data
from PIL import Image

from stillmotion.cli.sample_picture import draw_sample

LONGEST = 960


@cache
def picture(name: str, shape: tuple[int, int] = (16, 9)) -> bytes:
    """A picture as the bytes of a JPEG file, cut in the middle to a shape."""
    file = BytesIO(draw_sample()) if name == "lake" else Path(skimage.data.__file__).with_name(name)
    with Image.open(file) as opened:
        whole = opened.convert("RGB")
    wide, tall = shape
    width = min(whole.width, whole.height * wide // tall)
    height = width * tall // wide
    left, top = (whole.width - width) // 2, (whole.height - height) // 2
    cut = whole.crop((left, top, left + width, top + height))
    cut.thumbnail((LONGEST, LONGEST))
    content = BytesIO()
    cut.save(content, "JPEG", quality=88)
    return content.getvalue()
