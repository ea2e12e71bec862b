"""The failures of generations: one table of every code, with its sentence and its permanence.

A place that cannot go on raises an entry of the table, with the values that its sentence has fields for:
`raise FailureKind.WORKER_LOST.error(losses=10)`. No other module writes a failure's sentence.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final, Literal

from stillmotion.domain.errors import GenerationFailed
from stillmotion.domain.file_types.pictures import MAX_PICTURE_BYTES, MAX_PICTURE_PIXELS, MAX_PICTURE_SIDE
from stillmotion.domain.file_types.videos import MAX_VIDEO_BYTES
from stillmotion.domain.request import MAX_SECONDS

MIB = 1024 * 1024

_NO_CLIP = "The earlier generation's video cannot be read: generate it again."
_NOT_DECODED = "The image could not be decoded: save it again with an image editor, or send another."


class FailureKind(Enum):
    """A failure: its code for programs, its sentence for the generation's owner, and its permanence.

    Several kinds may share a code. A kind that is not permanent (`False`) is worth another attempt.
    """

    # The caller's picture.
    IMAGE_EMPTY = "image_decode_failed", "The image file is empty: send the whole file."
    IMAGE_DAMAGED = (
        "image_decode_failed",
        "The {format} image is damaged or incomplete: save it again with an image editor, or send another.",
    )
    IMAGE_NEEDS_TOO_MUCH_MEMORY = (
        "image_decode_failed",
        "The {format} image takes too much memory to decode: save it smaller, or as a plain 8-bit file.",
    )
    IMAGE_TAKES_TOO_LONG = (
        "image_decode_failed",
        "The image takes too long to decode: save it again with an image editor, or send another.",
    )
    IMAGE_CRASHED_DECODER = "image_decode_failed", _NOT_DECODED
    IMAGE_DECODER_KILLED = "image_decode_failed", _NOT_DECODED, False
    IMAGE_GONE = "image_gone", "The uploaded image is no longer stored: upload it again."
    IMAGE_REQUIRED = "image_required", "This engine moves pictures: give it an image to start from."
    IMAGE_TOO_LARGE = (
        "image_too_large",
        f"The image file is larger than {MAX_PICTURE_BYTES // MIB} MiB: use a smaller one.",
    )
    IMAGE_TOO_MANY_PIXELS = (
        "image_too_many_pixels",
        (
            f"The image is too large: make it at most {MAX_PICTURE_PIXELS // 1_000_000} megapixels"
            f" and {MAX_PICTURE_SIDE:,} pixels on a side."
        ),
    )
    IMAGE_UNSUPPORTED = "image_unsupported_type", "The file is {refusal}."
    IMAGE_LINK_UNSUPPORTED = "image_unsupported_type", "What the URL leads to is {refusal}."

    # Its depth.
    DEPTH_IMAGE_COLOURED = (
        "depth_image_unusable",
        "The depth image cannot be used: it is coloured. Save it as grey, bright being near, without a colour map.",
    )
    DEPTH_IMAGE_NOT_NUMBERS = (
        "depth_image_unusable",
        (
            "The depth image cannot be used: some of its values are not numbers."
            " Fill them in, for instance with the farthest distance."
        ),
    )
    DEPTH_IMAGE_OF_ANOTHER_SHAPE = (
        "depth_image_unusable",
        (
            "The depth image cannot be used: it is {width}×{height} and the picture {columns}×{rows}. "
            "Give one of the whole picture, in its shape."
        ),
    )
    DEPTH_MODEL_BROKE = (
        "depth_model_failed",
        "The depth of the picture could not be told: the model stopped with an error.",
        False,
    )
    DEPTH_MODEL_ANSWERED_NO_DEPTH = (
        "depth_model_failed",
        "The depth of the picture could not be told: the model answered with something that is no depth.",
        False,
    )

    # The video that a clip is made from: an earlier generation's, or the caller's own.
    CLIP_UNREADABLE = "clip_unreadable", _NO_CLIP
    CLIP_DECODER_KILLED = "clip_unreadable", _NO_CLIP, False
    SOURCE_GONE = "source_gone", "The earlier generation is no longer there: generate it again."
    SOURCE_VIDEO_GONE = "source_gone", "The earlier generation's video is no longer stored: generate it again."
    SOURCE_DAMAGED = "source_damaged", "The earlier generation's video is damaged in storage: generate it again."
    SOURCE_TOO_LARGE = (
        "source_too_large",
        f"The video file is larger than {MAX_VIDEO_BYTES // MIB} MiB: use a smaller or shorter one.",
    )
    SOURCE_TOO_LONG = "source_too_long", f"The video is longer than {MAX_SECONDS:g} seconds: send a shorter one."
    SOURCE_UNREADABLE = (
        "source_unreadable",
        "The video cannot be read: send an MP4, MOV, WebM or GIF file that plays elsewhere.",
    )
    SOURCE_LINK_UNSUPPORTED = (
        "source_unsupported_type",
        "What the URL leads to is not a video of a supported kind: use an MP4, MOV, WebM or GIF file.",
    )
    REFRAME_OUT_OF_VIEW = ("reframe_out_of_view", "The crop leaves nothing of the picture in view: move it closer.")

    # The machine that renders.
    ENGINE_FAILED = "engine_failed", "The engine failed on this generation.", False
    ENGINE_MISSING = "engine_missing", "This server has no engine called {engine}."
    MODEL_UNFIT = "model_unfit", "The model cannot be loaded on this server just now.", False
    MACHINE_OUT_OF_MEMORY = (
        "out_of_memory",
        "The machine ran out of memory for this render: ask for a smaller resolution.",
        False,
    )
    SIZE_OUT_OF_MEMORY = (
        "out_of_memory",
        (
            "The video does not fit into the memory of the machine that makes it: the largest that fits here is"
            " {width}×{height}. Ask for a lower resolution or a shorter video."
        ),
    )
    EVERY_SIZE_OUT_OF_MEMORY = (
        "out_of_memory",
        (
            "The video does not fit into the memory of the machine that makes it: none of its sizes fits here."
            " Ask for a lower resolution or a shorter video."
        ),
    )
    RENDERER_CRASHED = "renderer_crashed", "The renderer crashed on this generation.", False
    NO_FRAME_DRAWN = "no_frame_drawn", "The engine drew no frame: ask for a longer clip."
    VIDEO_NOT_WRITTEN = "video_encode_failed", "The video could not be written.", False
    VIDEO_NOT_PLAYABLE = (
        "video_encode_failed",
        "The finished video could not be read back.",
        False,
    )

    CODEC_MISSING = (
        "codec_missing",
        "The machine that makes the video cannot compress it as {codec}, as its PyAV lacks {encoder}: ask for h264.",
    )

    # The server that another clip is asked of (`engines.forward`).
    REMOTE_FAILED = "remote_failed", "The server that makes this model failed on it: {why}"
    REMOTE_REFUSED = "remote_refused", "The server that makes this model refused it: {why}"
    REMOTE_LOST = "remote_lost", "The server that makes this model lost it.", False
    REMOTE_STUCK = "remote_stuck", "The server that makes this model came no further with it.", False
    REMOTE_CLIP_BROKEN = ("remote_clip_broken", "The server that made the video sent a file that is not whole.", False)
    REMOTE_CLIP_OUT_OF_REACH = (
        "remote_clip_out_of_reach",
        (
            "The server that makes this model keeps the video where it cannot be fetched. "
            "Ask whoever runs this service: its log says why."
        ),
    )
    REMOTE_CLIP_WITHHELD = (
        "remote_clip_withheld",
        "The server that makes this model does not give the video that it made.",
        False,
    )

    # The service itself.
    STORAGE_DAMAGED_RESULT = (
        "storage_damaged_result",
        "The storage did not give the finished video back as it was made.",
        False,
    )
    WORKER_LOST = "worker_lost", "The render was lost {losses} times with the machine it ran on."
    INTERNAL_ERROR = "internal_error", "The server failed on this generation.", False

    def __init__(self, code: str, sentence: str, permanent: bool = True) -> None:
        self.code = code
        self.sentence = sentence
        self.permanent = permanent

    def error(self, **values: object) -> GenerationFailed:
        """The exception to raise. `values` are the sentence's fields, by their names."""
        return GenerationFailed(self.code, self.sentence.format(**values), permanent=self.permanent)


VIDEO_FETCH_CODE = "source_fetch_failed"


class FetchFailure(Enum):
    """A file that could not be fetched: the end of the sentence, the permanence, and the code for an image.

    All failures to fetch a video share one code.
    """

    BLOCKED = (
        "its address leads to a place where this server does not go. Use a public https:// address.",
        True,
        "image_fetch_blocked",
    )
    UNKNOWN_NAME = "its host name is not known. Check the spelling of the URL.", True, "image_dns_failed"
    NO_NAME_SERVICE = "its host name could not be looked up. Try again later.", False, "image_dns_failed"
    UNREACHABLE = "its server could not be reached. Check that the URL opens in a browser.", False
    INSECURE = "no secure connection to its server could be made. Check that the URL opens in a browser."
    TIMEOUT = (
        "its server took too long. Try again, or put the {medium} on a faster server.",
        False,
        "image_fetch_timeout",
    )
    BROKEN = ("its server's answer was broken off or could not be understood. Try again, or use another server.", False)
    ENDLESS_HEAD = "its server sends more headers than an answer may have. Use another server."
    REFUSED = "its server answered {status}. Check that the URL opens in a browser without signing in."
    UNAVAILABLE = "its server answered {status}. Try again later.", False
    COMPRESSED = "its server sends it compressed though asked not to. Use another server."
    REDIRECTED_NOWHERE = "its server redirects to nowhere. Use another address."
    REDIRECTED_TOO_OFTEN = (
        "it is redirected more than {most} times. Use the address that it leads to in the end.",
        True,
        "image_too_many_redirects",
    )

    def __init__(self, reason: str, permanent: bool = True, image_code: str = "image_fetch_failed") -> None:
        self.sentence = f"The {{medium}} could not be fetched: {reason}"
        self.permanent = permanent
        self.image_code = image_code

    def error(self, medium: Literal["image", "video"], **values: object) -> GenerationFailed:
        """The exception to raise for a file of that medium. `values` are the sentence's other fields."""
        code = self.image_code if medium == "image" else VIDEO_FETCH_CODE
        return GenerationFailed(code, self.sentence.format(medium=medium, **values), permanent=self.permanent)


_UPLOAD: Final = "You can upload the picture instead."

_REMEDIES: Mapping[str, str] = {
    "image_fetch_blocked": _UPLOAD,
    "image_dns_failed": _UPLOAD,
    "image_fetch_timeout": _UPLOAD,
    "image_too_many_redirects": _UPLOAD,
    "image_fetch_failed": _UPLOAD,
    "depth_image_unusable": "You can also leave it out.",
    "depth_model_failed": "Try again.",
    "engine_failed": "Try again; if it fails again, try another model.",
    "engine_missing": "Try another model.",
    "model_unfit": "Try again later, or try another model.",
    "renderer_crashed": "Try again; if it fails again, ask for a lower resolution.",
    "video_encode_failed": "Try again.",
    "remote_failed": "Try again, or try another model.",
    "remote_refused": "Change the picture or the words, or try another model.",
    "remote_lost": "Try again.",
    "remote_stuck": "Try again later, or try another model.",
    "remote_clip_broken": "Try again.",
    "remote_clip_withheld": "Try again, or try another model.",
    "storage_damaged_result": "Try again.",
    "worker_lost": "Try again; if it fails again, ask for a lower resolution or a shorter video.",
    "internal_error": "Try again; if it fails again, ask whoever runs this service.",
}
"""The remedies that the sentences of a code do not say, to the generation's owner."""


_PASSING: Final = frozenset(kind.code for kind in FailureKind if not kind.permanent) | {
    code for kind in FetchFailure for code in (kind.image_code, VIDEO_FETCH_CODE)
}


def may_pass(code: str) -> bool:
    """True if the same request may succeed later: the cause of the failure lies outside the request."""
    return code in _PASSING


def remedy_for(code: str | None) -> str | None:
    """Remedy for a failure; None where its sentence says it, and for a code of another version."""
    return None if code is None else _REMEDIES.get(code)
