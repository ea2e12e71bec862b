"""Parser: a prompt and the request's camera concepts to a `MotionPlan`."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from stillmotion.engines.parallax.language.beyond import CANNOT_REASON, UNKNOWN_REASON, undone_of
from stillmotion.engines.parallax.language.grammar import is_a_persons
from stillmotion.engines.parallax.language.moves import APPROXIMATED, MOVES
from stillmotion.engines.parallax.language.places import ANOTHER_REASON
from stillmotion.engines.parallax.language.plan import Ignored, MotionPlan, Segment, Who, spoken
from stillmotion.engines.parallax.language.verbs import forms
from stillmotion.engines.parallax.language.vocabulary import (
    ANY_MOTION,
    ANY_MOVE,
    ENGLISH,
    UNDIRECTED,
    Language,
    TermKind,
)

MOVES_AT_ONCE = 2
LONGEST_SEQUENCE = 4
REACH_OF_NOT = 6
"""Tokens that a negation covers, if no clause ends sooner."""
WIDEST_GAP = 3
"""Fillers and modifiers that may stand between two words of a phrase."""
MOST_IGNORED = 20
"""Runs of ignored words that are listed."""

EFFECTS: Mapping[str, tuple[float, float]] = {
    "slow": (0.65, 1.0),
    "fast": (1.25, 1.7),
    "subtle": (0.55, 1.0),
    "strong": (1.5, 1.0),
}
"""Factors of strength and speed, by modifier."""

_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[.,;!?:]")


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A phrase with all forms spelled out: a set of words for each place."""

    kind: TermKind
    key: str
    places: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True)
class _Match:
    """A phrase found in the prompt, and the tokens that it took."""

    kind: TermKind
    key: str
    taken: tuple[int, ...]


def read(prompt: str, concepts: Sequence[str] = (), *, loop: bool = False, language: Language = ENGLISH) -> MotionPlan:
    """The plan for a prompt and the request's concepts.

    It names a camera move only if one was asked for (`defaults` adds one otherwise). Moves without a direction stay
    undirected (`vocabulary.UNDIRECTED`). A still camera, asked for anywhere, overrides all moves.
    """
    tokens = _tokens(prompt)
    matches = list(_matches(tokens, language))
    wanted, refused = _split_by_negation(matches, tokens, language)
    asked, ignored = _concepts(concepts)
    sequence = _sequence(wanted, asked)
    still = _is_still({match.key for match in refused}, {key for part in sequence for key in part})
    segments, dropped = _settle(sequence, still=still, unwanted={m.key for m in refused if m.kind is TermKind.CAMERA})
    modifiers = _unique(match.key for match in wanted if match.kind is TermKind.MODIFIER)
    strength, speed = _effect(modifiers)
    who, others = _who(tokens, wanted)
    return MotionPlan(
        segments=segments,
        subject=_unique(match.key for match in wanted if match.kind is TermKind.SUBJECT),
        ambient=_unique(match.key for match in wanted if match.kind is TermKind.AMBIENT),
        modifiers=modifiers,
        strength=strength,
        speed=speed,
        loop=loop or any(match.kind is TermKind.LOOP for match in wanted),
        about=_unique(token for token in tokens if token in language.nouns),
        who=who,
        approximated=_unique(key for segment in segments for key in segment.moves if key in APPROXIMATED),
        ignored=(*ignored, *dropped, *others, *_undone(tokens, wanted), *_unread(tokens, matches, language)),
    )


def _tokens(prompt: str) -> list[str]:
    # NFKC folds full-width and ligature forms; hyphens and underscores separate words.
    plain = unicodedata.normalize("NFKC", prompt).casefold().replace("’", "'").replace("-", " ").replace("_", " ")
    return _TOKEN.findall(plain)


def _matches(tokens: Sequence[str], language: Language) -> Iterator[_Match]:
    """Phrases from left to right, the longest at each place; no token belongs to two."""
    phrases = _phrases(language)
    between = _skippable(language)
    free = [True] * len(tokens)
    for start, token in enumerate(tokens):
        if not free[start]:
            continue
        best: tuple[tuple[int, bool, int], _Match] | None = None
        for phrase in phrases.get(token, ()):
            taken = _follow(phrase, tokens, start, free, between)
            if taken is None or not _may_begin(phrase, tokens, start, language):
                continue
            # The longest phrase wins; among equals a specific move, then the one that ends first.
            rank = (len(taken), phrase.key != ANY_MOVE, -taken[-1])
            if best is None or rank > best[0]:
                best = rank, _Match(phrase.kind, phrase.key, taken)
        if best is not None:
            for index in best[1].taken:
                free[index] = False
            yield best[1]


def _may_begin(phrase: _Phrase, tokens: Sequence[str], start: int, language: Language) -> bool:
    """True if the phrase's first word may have that meaning here, which depends on its subject."""
    token = tokens[start]
    if phrase.key == ANY_MOTION:
        return _is_refused(tokens, start, language)
    if phrase.kind is TermKind.CAMERA:
        return not _is_anothers(tokens, start, language)
    if token not in language.shared or phrase.kind not in {TermKind.AMBIENT, TermKind.CANNOT}:
        return True
    persons = is_a_persons(tokens, start, language)
    return not persons if phrase.kind is TermKind.AMBIENT else persons or len(phrase.places) > 1


def _is_anothers(tokens: Sequence[str], start: int, language: Language) -> bool:
    """True if the picture's subject and not the camera does this ("the man moves in the rain")."""
    if tokens[start] not in language.anyones:
        return False
    before = next((token for token in reversed(tokens[:start]) if token not in language.adverbs), "")
    return before in language.nouns | language.pronouns | language.surroundings


def _is_refused(tokens: Sequence[str], start: int, language: Language) -> bool:
    """True if a negation stands before a word of motion that is not the subject's alone ("don't move")."""
    unsaid = language.fillers - language.pronouns - language.objects
    said = [token for token in tokens[:start] if token not in unsaid]
    if not said or said[-1] not in language.negations:
        return False
    return len(said) == 1 or said[-2] not in language.nouns | language.pronouns | language.surroundings


def _follow(
    phrase: _Phrase, tokens: Sequence[str], start: int, free: Sequence[bool], between: frozenset[str]
) -> tuple[int, ...] | None:
    """The tokens that a phrase takes from `start` on; None if it does not match."""
    taken = [start]
    # Each further word may follow after a few skippable ones.
    for place in phrase.places[1:]:
        index = taken[-1] + 1
        last = index + WIDEST_GAP
        while index < len(tokens) and index <= last and tokens[index] not in place:
            if tokens[index] not in between:
                return None
            index += 1
        if index >= len(tokens) or index > last or not free[index]:
            return None
        taken.append(index)
    return tuple(taken)


@cache
def _phrases(language: Language) -> dict[str, tuple[_Phrase, ...]]:
    """The vocabulary spelled out, indexed by the first word of each phrase."""
    by_first: dict[str, list[_Phrase]] = {}
    for entry in language.entries:
        for written in entry.phrases:
            places = tuple(_words(place, language) for place in written.split())
            phrase = _Phrase(entry.kind, entry.key, places)
            for word in places[0]:
                by_first.setdefault(word, []).append(phrase)
    return {word: tuple(found) for word, found in by_first.items()}


@cache
def _skippable(language: Language) -> frozenset[str]:
    """Words that may stand inside a phrase: fillers and one-word modifiers."""
    modifiers = (entry for entry in language.entries if entry.kind is TermKind.MODIFIER)
    single = (written for entry in modifiers for written in entry.phrases if " " not in written)
    return language.fillers.union(*(_words(written, language) for written in single)) - language.clause_ends


def _words(place: str, language: Language) -> frozenset[str]:
    """Every word that one place of a phrase accepts."""
    choices = language.classes.get(place, place).split("/")
    return frozenset(form for choice in choices for form in (forms(choice[:-1]) if choice[-1] == "~" else (choice,)))


def _split_by_negation(
    matches: Sequence[_Match], tokens: Sequence[str], language: Language
) -> tuple[list[_Match], list[_Match]]:
    """Matches that are wanted, and those that are negated ("no", "without" … up to the end of the clause)."""
    covered: set[int] = set()
    for match in matches:
        if match.kind is TermKind.NOT:
            for index in range(match.taken[-1] + 1, min(len(tokens), match.taken[-1] + 1 + REACH_OF_NOT)):
                if tokens[index] in language.clause_ends:
                    break
                # Scope of a negation: up to the end of its clause.
                covered.add(index)
    wanted = [match for match in matches if match.taken[0] not in covered and match.kind is not TermKind.NOT]
    return wanted, [match for match in matches if match.taken[0] in covered and match.kind is not TermKind.THEN]


def _is_still(refused: set[str], asked: set[str]) -> bool:
    """True if the words ask for a still camera: by name, by "no camera movement", or by "nothing moves" alone."""
    return "static" in asked or ANY_MOVE in refused or (ANY_MOTION in refused and asked <= {ANY_MOVE})


def _concepts(concepts: Sequence[str]) -> tuple[list[str], list[Ignored]]:
    keys = [concept.strip().casefold().replace("-", "_").replace(" ", "_") for concept in concepts]
    unknown = [Ignored(key, "this engine has no such camera concept") for key in keys if key not in MOVES]
    return [key for key in keys if key in MOVES], unknown


def _sequence(wanted: Sequence[_Match], concepts: Sequence[str]) -> list[list[str]]:
    """Camera keys in order, one list for each "then"; concepts join the first."""
    sequence: list[list[str]] = [list(concepts)]
    for match in wanted:
        if match.kind is TermKind.THEN and sequence[-1]:
            sequence.append([])
        elif match.kind is TermKind.CAMERA:
            sequence[-1].append(match.key)
    return [part for part in sequence if part]


def _settle(
    sequence: Sequence[Sequence[str]], *, still: bool, unwanted: set[str]
) -> tuple[tuple[Segment, ...], list[Ignored]]:
    """The segments to film, and the moves that are dropped, with reasons."""
    if still:
        moves = _unique(key for part in sequence for key in part if key not in {"static", ANY_MOVE})
        # The moves are listed so that their owner sees why nothing moves.
        return (Segment(("static",)),), [Ignored(spoken(key), "the camera was asked to stay still") for key in moves]
    segments, dropped = [], []
    for part in sequence:
        specific = _unique(key for key in part if key not in unwanted and key != ANY_MOVE) or _unique(part)
        directed = _unique(key for key in specific if not _has_direction(key, specific))
        dropped += [Ignored(spoken(key), "two camera moves at once are the most") for key in directed[MOVES_AT_ONCE:]]
        segments.append(Segment(directed[:MOVES_AT_ONCE]))
    late = (key for part in segments[LONGEST_SEQUENCE:] for key in part.moves)
    dropped += [Ignored(spoken(key), "the sequence is too long") for key in late]
    return tuple(segments[:LONGEST_SEQUENCE]), dropped


def _has_direction(key: str, among: Iterable[str]) -> bool:
    """True if the same move is asked for with a direction in the same segment."""
    return key in UNDIRECTED and any(other.startswith(key + "_") for other in among)


def _effect(modifiers: Iterable[str]) -> tuple[float, float]:
    strength, speed = 1.0, 1.0
    for modifier in modifiers:
        strength *= EFFECTS[modifier][0]
        speed *= EFFECTS[modifier][1]
    return strength, speed


def _who(tokens: Sequence[str], wanted: Sequence[_Match]) -> tuple[Who | None, list[Ignored]]:
    """The person named first by a place, and the others."""
    found = [
        Who(match.key, " ".join(tokens[match.taken[0] : match.taken[-1] + 1]))
        for match in wanted
        if match.kind is TermKind.WHO
    ]
    others = [Ignored(who.words, ANOTHER_REASON) for who in found[1:] if who.place != found[0].place]
    return found[0] if found else None, others


def _undone(tokens: Sequence[str], wanted: Sequence[_Match]) -> Iterator[Ignored]:
    """Acts that were asked for and cannot be shown, or only in part."""
    for match in wanted:
        reason = CANNOT_REASON if match.kind is TermKind.CANNOT else None
        if match.kind is TermKind.SUBJECT:
            reason = undone_of(match.key, tokens[match.taken[-1]])
        if reason is not None:
            yield Ignored(" ".join(tokens[index] for index in match.taken), reason, elsewhere=True)


def _unread(tokens: Sequence[str], matches: Sequence[_Match], language: Language) -> list[Ignored]:
    """Runs of words that no phrase took, without fillers."""
    taken = {index for match in matches for index in match.taken}
    said = [(index in taken or not token[0].isalnum(), token) for index, token in enumerate(tokens)]
    runs = [[token for _, token in run] for known, run in groupby(said, key=lambda pair: pair[0]) if not known]
    trimmed = (
        " ".join(word for word in run if word not in language.fillers | language.nouns | language.actors)
        for run in runs
    )
    return [Ignored(words, UNKNOWN_REASON) for words in trimmed if words][:MOST_IGNORED]


def _unique(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(keys))
