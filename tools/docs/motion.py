"""What the reference says of the words that move a picture."""

import re

from stillmotion.engines.parallax.camera import APPROXIMATED
from stillmotion.engines.parallax.vocabulary import ENGLISH, UNDIRECTED, Entry, Kind
from tools.docs.markdown import literal, table


def camera_words() -> str:
    """Every camera move with its phrases."""
    return table(("Move", "Words", ""), [(literal(each.key), _words(each), _remark(each)) for each in _of(Kind.CAMERA)])


def other_words() -> str:
    """Every word that is no camera move."""
    kinds = {Kind.SUBJECT: "subject", Kind.AMBIENT: "surroundings", Kind.MODIFIER: "how"}
    kinds |= {Kind.THEN: "one after the other", Kind.LOOP: "the whole clip", Kind.NOT: "not what follows"}
    rows = [(kinds[each.kind], literal(each.key), _words(each)) for kind in kinds for each in _of(kind)]
    return table(("About", "Meaning", "Words"), rows)


def _of(kind: Kind) -> list[Entry]:
    return [each for each in ENGLISH.entries if each.kind is kind]


def _words(entry: Entry) -> str:
    """The phrases as a person reads them: `push~ in` is "push in", in every form of the verb."""
    return ", ".join(re.sub(r"[<>~]", "", phrase).replace("/", " / ") for phrase in entry.phrases)


def _remark(entry: Entry) -> str:
    if entry.key in APPROXIMATED:
        return "suggested: one still has no more to show"
    return "the picture decides the direction" if entry.key in UNDIRECTED else ""
