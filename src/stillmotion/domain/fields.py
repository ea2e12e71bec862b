"""The parts of a request, by names of our own. Each surface says in its own words which part is wrong."""

from enum import StrEnum


class Field(StrEnum):
    """A part of a request. Its value names it where no surface is asked: on the command line and in logs."""

    PROMPT = "prompt"
    NEGATIVE_PROMPT = "negative_prompt"
    FRAME0 = "frame0"
    FRAME0_URL = "frame0.url"
    FRAME0_ID = "frame0.id"
    FRAME1 = "frame1"
    FRAME1_URL = "frame1.url"
    FRAME1_ID = "frame1.id"
    ASPECT_RATIO = "aspect_ratio"
    RESOLUTION = "resolution"
    LOOP = "loop"
    SECONDS = "seconds"
    FPS = "fps"
    FRAME_COUNT = "num_frames"
    SEED = "seed"
    CALLBACK_URL = "callback_url"
    MODEL = "model"
    SOURCE = "source"
    SOURCE_URL = "source.url"
    PLACEMENT = "placement"
