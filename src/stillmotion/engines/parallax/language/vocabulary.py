"""Vocabulary: the phrases that the engine understands, one table per language.

A phrase is a sequence of words. `word~` stands for every form of a verb, `a/b` for either word, `<left>` for the class
of that name. A few fillers or modifiers may stand between two words of a phrase ("pan slowly to the left").
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from stillmotion.engines.parallax.language import beyond, people, places
from stillmotion.engines.parallax.language.surroundings import AMBIENT, STIR
from stillmotion.engines.parallax.language.verbs import forms


class TermKind(StrEnum):
    """Kinds of meaning."""

    CAMERA = "camera"
    """A key of `moves.MOVES`, or one of `UNDIRECTED`."""
    SUBJECT = "subject"
    AMBIENT = "ambient"
    MODIFIER = "modifier"
    THEN = "then"
    LOOP = "loop"
    NOT = "not"
    CANNOT = "cannot"
    """Acts and changes that one picture cannot show."""
    WHO = "who"
    """Places of people (`places.PLACES`)."""
    NOTHING = "nothing"
    """Phrases that move nothing, although a word of them alone would."""


@dataclass(frozen=True, slots=True)
class Term:
    """A meaning and its phrases."""

    kind: TermKind
    key: str
    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """A language: entries, classes, fillers, and the words that end a negation's scope.

    `nouns` are things a picture may show; `anyones` are verbs that belong to such a noun before them and not to the
    camera. `actors` are the people among the nouns; `pronouns` and `objects` stand for them. `shared` words are a
    person's act or a part of the surroundings; the other sets tell these apart (`grammar`). Each language is one
    object, compared and hashed by identity.
    """

    entries: tuple[Term, ...]
    classes: Mapping[str, str]
    fillers: frozenset[str]
    nouns: frozenset[str]
    anyones: frozenset[str]
    clause_ends: frozenset[str]
    pronouns: frozenset[str] = frozenset()
    objects: frozenset[str] = frozenset()
    causing: frozenset[str] = frozenset()
    actors: frozenset[str] = frozenset()
    shared: frozenset[str] = frozenset()
    deeds: frozenset[str] = frozenset()
    helping: frozenset[str] = frozenset()
    adverbs: frozenset[str] = frozenset()
    followed_by: frozenset[str] = frozenset()
    negations: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()
    placed: frozenset[str] = frozenset()
    surroundings: frozenset[str] = frozenset()


ANY_MOVE = "camera"
"""Any camera move."""
ANY_MOTION = "motion"
"""Motion of anything, as words say it to refuse it: "don't move"."""
UNDIRECTED = frozenset({"pan", "tilt", "truck", "orbit", "roll", "crane", "pedestal", ANY_MOVE})
"""Moves without a direction, which the picture decides."""


def _camera(key: str, *phrases: str) -> Term:
    return Term(TermKind.CAMERA, key, phrases)


def _subject(key: str, *phrases: str) -> Term:
    return Term(TermKind.SUBJECT, key, phrases)


def _modifier(key: str, *phrases: str) -> Term:
    return Term(TermKind.MODIFIER, key, phrases)


_CLOTH = "cloth/cloths/clothes/dress/fabric/scarf/flag/flags/curtain/curtains/cape/sail"
_TRAVEL = "move~/track~/slide~/glide~/travel~/drift~/fly~/float~/dolly~/strafe~"
_LIFT = "move~/rise~/lift~/float~/fly~/go~/ascend~"
_SINK = "move~/lower~/sink~/float~/fly~/go~/descend~/drop~"

_ENGLISH_CAMERA = (
    _camera(
        "push_in",
        "push~ in/forward/forwards/toward/towards/into/closer",
        "dolly~ in/forward/forwards/toward/towards/into/closer",
        "move~/track~/glide~/travel~/fly~/go~/float~/drift~ in/forward/forwards/closer/toward/towards",
        "camera approach~",
        "close~ in",
        "creep~ in/forward/closer",
        "come~ closer/nearer",
        "get~ closer/nearer",
    ),
    _camera(
        "pull_out",
        "pull~ out/back/backward/backwards/away",
        "dolly~ out/back/backward/backwards/away",
        "move~/track~/glide~/travel~/fly~/go~/float~/drift~ out/back/backward/backwards/away",
        "back~ away/off/out",
        "camera retreat~",
    ),
    _camera("zoom_in", "zoom~", "zoom~ in/into/closer/toward/towards/on", "punch~ in", "magnify~"),
    _camera("zoom_out", "zoom~ out/back/away/backwards"),
    _camera(
        "pan_left",
        "pan~ <left>",
        "pan~ right to <left>",
        "camera turn~/look~/swing~ <left>",
    ),
    _camera(
        "pan_right",
        "pan~ <right>",
        "pan~ left to <right>",
        "camera turn~/look~/swing~ <right>",
    ),
    _camera("pan", "pan~", "pan~ across/over/along"),
    _camera("tilt_up", "tilt~ <up>", "tilt~ camera <up>", "pan~ <up>", "camera look~/turn~ <up>"),
    _camera("tilt_down", "tilt~ <down>", "tilt~ camera <down>", "pan~ <down>", "camera look~/turn~ <down>"),
    _camera("tilt", "tilt~", "tilt~ camera/shot"),
    _camera(
        "truck_left", "truck~ <left>", f"{_TRAVEL} <left>", f"camera {_TRAVEL} <left>", f"{_TRAVEL} right to <left>"
    ),
    _camera(
        "truck_right", "truck~ <right>", f"{_TRAVEL} <right>", f"camera {_TRAVEL} <right>", f"{_TRAVEL} left to <right>"
    ),
    _camera("truck", "truck~", "tracking shot", "track~ shot", "camera slide~", "slider shot", "sideways", "parallax"),
    _camera("pedestal_up", "pedestal~/ped <up>", f"{_LIFT} <up>", "camera rise~/ascend~/lift~"),
    _camera("pedestal_down", "pedestal~/ped <down>", f"{_SINK} <down>", "camera sink~/descend~/lower~/drop~"),
    _camera("pedestal", "pedestal~", "pedestal shot"),
    _camera("crane_up", "crane~/jib~/boom~ <up>"),
    _camera("crane_down", "crane~/jib~/boom~ <down>"),
    _camera("crane", "crane/craning", "crane~/jib~/boom~ shot", "jib/jibbing"),
    _camera(
        "orbit_left",
        "orbit~/arc~/circle~/revolve~/rotate~ <left>",
        "orbit~/circle~/revolve~/rotate~ around <left>",
        "orbit~/arc~/circle~/revolve~ clockwise",
        "orbit~/circle~/revolve~/rotate~ <thing> clockwise",
        "orbit~/circle~/revolve~/rotate~ <thing> to <left>",
        "clockwise orbit/arc",
        "<left> orbit/arc",
    ),
    _camera(
        "orbit_right",
        "orbit~/arc~/circle~/revolve~/rotate~ <right>",
        "orbit~/circle~/revolve~/rotate~ around <right>",
        "orbit~/arc~/circle~/revolve~ counterclockwise/anticlockwise",
        "orbit~/circle~/revolve~/rotate~ <thing> counterclockwise/anticlockwise",
        "orbit~/circle~/revolve~/rotate~ <thing> to <right>",
        "counterclockwise/anticlockwise orbit/arc",
        "<right> orbit/arc",
    ),
    _camera("orbit", "orbit~", "circle~/rotate~/revolve~/arc~/spin~/go~/move~/fly~ around", "arc shot", "turntable"),
    _camera(
        "roll_left",
        "roll~ <left>",
        "camera roll~ <left>",
        "roll~/rotate~/spin~ counterclockwise/anticlockwise",
        "dutch~ <left>",
    ),
    _camera("roll_right", "roll~ <right>", "camera roll~ <right>", "roll~/rotate~/spin~ clockwise", "dutch~ <right>"),
    _camera("roll", "camera roll~", "roll~ camera", "barrel roll~", "dutch angle/tilt", "rotate~ camera"),
    _camera("dolly_zoom", "dolly zoom~", "vertigo", "vertigo effect/shot", "zolly", "contra zoom~", "trombone shot"),
    _camera(
        "handheld",
        "handheld",
        "hand held",
        "shaky",
        "camera shake~",
        "shake~ camera",
        "shaky cam",
        "found footage",
        "documentary style",
    ),
    _camera(
        "static",
        "static",
        "stationary",
        "motionless",
        "tripod",
        "locked/lock off",
        "locked down",
        "fixed camera/shot/frame/angle",
        "still camera/shot/frame",
        "camera still/static/fixed/locked/frozen",
        "camera stay~/hold~/remain~ still/fixed/steady/put",
        "stay~/hold~/keep~/remain~ still/motionless",
    ),
    _camera("aerial", "aerial", "aerial shot/view", "birds eye", "bird's eye"),
    _camera(
        "aerial_drone", "drone", "drone shot/view/footage", "aerial drone", "fpv", "fpv drone", "flyover", "fly~ over"
    ),
    _camera("bolt_cam", "bolt cam", "bolt camera", "robot arm"),
    _camera("pov", "pov", "point of view", "first person"),
    _camera("selfie", "selfie"),
    _camera("elevator_doors", "elevator doors/door"),
    _camera("tiny_planet", "tiny planet", "little planet"),
    _camera("low_angle", "low angle"),
    _camera("high_angle", "high angle"),
    _camera("eye_level", "eye level"),
    _camera("ground_level", "ground level"),
    _camera("overhead", "overhead", "overhead shot", "top down"),
    _camera("over_the_shoulder", "over the shoulder", "over shoulder"),
    _camera(
        "camera",
        "camera movement/movements/motion/motions",
        "move~/moving camera",
        "cinematic",
        "ken burns",
        "camera",
    ),
)

_ENGLISH_SUBJECT = (
    _subject("lean_left", "lean~/bend~/tip~ <left>"),
    _subject("lean_right", "lean~/bend~/tip~ <right>"),
    _subject("lean", "lean~", "bend~ over/down/forward", "tip~ over", "slouch~", "recline~"),
    _subject("sway", "sway~", "swing~", "rock~", "dance~", "wobble~", "swaying/dancing"),
    _subject("breathe", "breathe~", "breath/breaths", "inhale~", "exhale~", "sigh~", "alive", "come~ alive", "idle~"),
    _subject("nod", "nod~", "tilt~ head", "bow~", "agree~"),
    _subject(
        "turn", "turn~", "turn~ head/around/round", "look~ around", "look~ <left>", "look~ <right>", "shake~ head"
    ),
    _subject(
        "walk",
        "walk~/stroll~/run~/march~/stride~",
        f"walk~/stroll~/run~/march~/stride~ {beyond.AWAY}",
        f"walk~/stroll~/run~/march~/stride~ {beyond.AWAY} camera",
        "step~ forward",
    ),
    _subject("hair", "hair", "fur", "mane", "feathers", f"hair/fur/mane/feathers {STIR}", f"{STIR} hair/fur/mane"),
    _subject("cloth", f"{_CLOTH}", f"{_CLOTH} {STIR}", f"{STIR} {_CLOTH}"),
)

_ENGLISH_OTHER = (
    _modifier("slow", "slow/slowly/slower", "gradual/gradually", "leisurely", "slow~"),
    _modifier(
        "fast", "fast/faster", "quick/quickly", "rapid/rapidly", "swift/swiftly", "whip", "swish", "crash", "speedy"
    ),
    _modifier(
        "subtle", "subtle/subtly", "slight/slightly", "gentle/gently", "faint/faintly", "soft/softly", "a little"
    ),
    _modifier(
        "strong",
        "strong/strongly",
        "dramatic/dramatically",
        "intense/intensely",
        "extreme/extremely",
        "big",
        "bold/boldly",
        "heavy/heavily",
        "powerful",
    ),
    Term(
        TermKind.THEN,
        "then",
        ("then", "and then", "after that", "afterwards/afterward", "followed by", "finally", "next"),
    ),
    Term(
        TermKind.LOOP,
        "loop",
        ("loop~", "seamless loop", "seamlessly looping", "endless/endlessly", "repeat~", "boomerang"),
    ),
    Term(
        TermKind.NOT,
        "not",
        (
            "no",
            "not",
            "without",
            "never",
            "none",
            "don't",
            "dont",
            "doesn't",
            "isn't",
            "aren't",
            "avoid~",
            "stop~",
            "nor",
            "nothing",
            "won't",
            "can't",
            "cannot",
        ),
    ),
)

_FILLERS = """
a also an and animate animated animation any are around as at be being bit but by camera can do does for from he head
her his image in into is it its just does let make more of on or photo picture please scene she shot should side so some
that the their there they this to too fall falls falling keep toward towards very video view want while will with
"""

_NOUNS = """
girl girls boy boys woman women man men lady gentleman child children kid kids baby person people couple face portrait
astronaut dancer soldier king queen hero warrior model actor singer bride cat cats kitten dog dogs puppy horse horses
bird birds lion tiger bear fox wolf rabbit fish owl elephant deer animal butterfly car cars truck bus train bike bicycle
motorcycle boat ship plane rocket robot dragon statue house houses building buildings tower castle church bridge city
street village mountain mountains hill hills beach forest garden room table chair cup coffee mug bottle book flower
doll toy moon sun star stars eye eyes hand hands head body subject
"""
"""Common subjects of pictures: understood, although nothing follows from them."""

_ADVERBS = """
slow slowly slower gradually leisurely fast faster quick quickly rapidly swiftly subtly slightly gently faintly softly
strongly dramatically intensely extremely boldly heavily a little
"""

_ANYONES = """
move moves moving moved fly flies flying go goes going float floats floating drift drifts drifting travel travels
stay stays staying hold holds holding keep keeps keeping remain remains remaining
come comes coming get gets getting rise rises rising sink sinks glide glides slide slides
"""

_PEOPLE = (
    *(Term(TermKind.CANNOT, key, phrases) for key, phrases in beyond.CANNOT.items()),
    *(Term(TermKind.WHO, key, phrases) for key, phrases in places.PLACES.items()),
    Term(TermKind.NOTHING, "nothing", people.NOTHING + places.SCENERY),
    Term(TermKind.NOTHING, ANY_MOTION, ("move~", "movement/movements/motion")),
)
_ACTORS = frozenset(_NOUNS.split()).union(people.ACTORS.split()) - frozenset(people.THINGS.split())
_MOVERS = "/".join(sorted({*places.persons(_ACTORS).split("/"), *people.MOVERS.split()}))

ENGLISH = Language(
    entries=_ENGLISH_CAMERA
    + _ENGLISH_SUBJECT
    + tuple(Term(TermKind.AMBIENT, key, phrases) for key, phrases in AMBIENT.items())
    + _ENGLISH_OTHER
    + _PEOPLE,
    classes={
        "<left>": "left/leftward/leftwards",
        "<right>": "right/rightward/rightwards",
        "<up>": "up/upward/upwards",
        "<down>": "down/downward/downwards",
        "<person>": places.persons(_ACTORS),
        "<thing>": "/".join(sorted({*_NOUNS.split(), *_ACTORS, *people.OBJECTS.split()})),
        "<standing>": places.STANDING,
        "<mover>": _MOVERS,
    },
    fillers=frozenset(_FILLERS.split()),
    nouns=frozenset(_NOUNS.split()),
    anyones=frozenset(_ANYONES.split()),
    clause_ends=frozenset({".", ",", ";", "!", "?", ":", "but", "only", "except", "while"}),
    pronouns=frozenset(people.PRONOUNS.split()),
    objects=frozenset(people.OBJECTS.split()),
    causing=frozenset(people.CAUSING.split()),
    actors=_ACTORS,
    shared=frozenset(form for verb in people.SHARED.split() for form in forms(verb)) | {"leaves"},
    deeds=frozenset(people.DEEDS.split()),
    helping=frozenset(people.HELPING.split()),
    adverbs=frozenset(_ADVERBS.split()),
    negations=frozenset({"no", "not", "without", "never", "don't", "dont", "doesn't", "nothing", "won't", "cannot"}),
    followed_by=frozenset(people.FOLLOWED_BY.split()),
    places=frozenset(people.PLACES.split()),
    placed=frozenset(people.PLACED.split()),
    surroundings=frozenset(people.SURROUNDINGS.split()),
)
