"""Grammar: the subject of a verb, which is a person or something of the surroundings."""

from collections.abc import Sequence

from stillmotion.engines.parallax.language.vocabulary import Language

_FAR = 14
"""Tokens searched backward for a subject."""


def is_a_persons(tokens: Sequence[str], at: int, language: Language) -> bool:
    """True if a word is done by a person or an animal: "she smiles and waves", "a waving man"."""
    following = next((token for token in tokens[at + 1 :] if token not in language.adverbs), "")
    if following in language.followed_by:
        return False
    if tokens[at].endswith("ing") and following in language.actors:
        return True
    back = at
    while (back := _before_place(tokens, back - 1, language)) >= max(0, at - _FAR):
        word = tokens[back]
        if _is_person(tokens, back, language):
            return True
        if word in {"and", ",", "then"}:
            return _acted_before(tokens[:back], language)
        # Any other word ends the search, but for an infinitive: "she begins to wave".
        if word not in language.helping and word not in language.adverbs:
            return word == "to" and back > 0 and tokens[back - 1] in language.helping
    return False


def _before_place(tokens: Sequence[str], at: int, language: Language) -> int:
    """Index of the word before a place that ends at `at`: "the man on the left"."""
    if at < 1 or tokens[at] not in language.places or tokens[at - 1] not in language.placed:
        return at
    while at > 0 and tokens[at - 1] in language.placed:
        at -= 1
    return at - 1


def _acted_before(earlier: Sequence[str], language: Language) -> bool:
    """True if a person has acted earlier in the sentence: the next verb is then another act of that person."""
    if earlier and earlier[-1] in language.surroundings:
        return False
    acted = False
    for at in range(len(earlier) - 1, -1, -1):
        word = earlier[at]
        if word in language.clause_ends - {","}:
            return False
        acted = acted or word in language.deeds
        if acted and _is_person(earlier, at, language):
            return True
    return False


def _is_person(tokens: Sequence[str], at: int, language: Language) -> bool:
    word = tokens[at]
    caused = word in language.objects and at > 0 and tokens[at - 1] in language.causing
    return caused or word in language.pronouns or word in language.actors
