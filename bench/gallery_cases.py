"""The gallery's contents: photographs, drawings and formulas, each with moves that suit it and moves that do not."""

from dataclasses import dataclass

from stillmotion.domain.request import AspectRatio


@dataclass(frozen=True)
class Case:
    """One clip: pictures by their names in `engine_photos.photo`, and the request made of them."""

    photo: str
    prompt: str
    end: str | None = None
    aspect: AspectRatio | None = None
    loop: bool = False


def _each(photo: str, *prompts: str) -> tuple[Case, ...]:
    return tuple(Case(photo, prompt) for prompt in prompts)


_WIDE, _TALL, _SQUARE, _CINEMA = AspectRatio.WIDE, AspectRatio.TALL, AspectRatio.SQUARE, AspectRatio.CINEMA

CHAPTERS: tuple[tuple[str, tuple[Case, ...]], ...] = (
    (
        "Portraits",
        (
            *_each("astronaut", "leaning girl", "push in", "orbit left", "dolly zoom", "truck right", "she nods"),
            *_each("astronaut", "she turns her head", "her hair blows in the wind", "she sways", "snow, push in"),
            *_each("chelsea", "push in", "orbit right", "the cat breathes", "handheld"),
            *_each("camera", "truck left", "the man walks"),
        ),
    ),
    (
        "Landscapes",
        (
            *_each("Dune", "wind in the grass", "push in", "crane up", "truck right"),
            *_each("Storm", "the clouds drift by", "rain, pan right", "push in"),
            *_each("GreenMeadow", "the grass moves in the wind", "pull out"),
            *_each("lake", "waves", "the clouds drift by", "mist", "light rays", "orbit left", "crane down"),
        ),
    ),
    (
        "Objects",
        (
            *_each("coffee", "orbit left", "steam rises from the cup", "push in", "pedestal up"),
            *_each("motorcycle_left", "truck right", "orbit right", "push in", "dolly zoom"),
            *_each("YellowFlower", "orbit left", "wind"),
            *_each("LadyBird", "push in", "truck left"),
            *_each("clock_motion", "roll left"),
        ),
    ),
    (
        "Architecture",
        (
            *_each("facade", "push in", "orbit left", "tilt up", "crane up"),
            *_each("rocket", "crane up", "truck left", "smoke", "orbit right"),
            *_each("chimney", "smoke rises"),
        ),
    ),
    (
        "Night",
        (
            *_each("hubble_deep_field", "push in", "roll right", "orbit left"),
            *_each("campfire", "the fire burns", "push in"),
            *_each("candle", "the candle flickers", "dust in the air"),
        ),
    ),
    (
        "Drawings and screenshots",
        (
            *_each("page", "push in", "orbit left"),
            *_each("text", "pan right"),
            *_each("logo", "push in", "orbit left"),
            *_each("screenshot", "push in", "truck left"),
        ),
    ),
    (
        "Other shapes",
        (
            *(Case("astronaut", "push in", aspect=shape) for shape in (_TALL, _CINEMA, _WIDE)),
            *(Case("coffee", "orbit left", aspect=shape) for shape in (_TALL, _SQUARE)),
            Case("Dune", "push in", aspect=AspectRatio.CINEMA_TALL),
            Case("rocket", "crane up", aspect=_CINEMA),
        ),
    ),
    (
        "Two keyframes",
        (
            Case("astronaut", "push in", end="coffee"),
            Case("lake", "pan right", end="meadow"),
            Case("motorcycle_left", "truck right", end="motorcycle_right"),
        ),
    ),
    (
        "Loops and sequences",
        (
            *(Case("astronaut", prompt, loop=True) for prompt in ("orbit left", "she sways")),
            *(Case("lake", prompt, loop=True) for prompt in ("waves and drifting clouds", "push in, snow")),
            *_each("coffee", "push in, then pan right", "something nobody ever asked for"),
        ),
    ),
)
"""Every chapter's heading and clips."""
