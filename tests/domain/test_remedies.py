"""Remedies of failures."""

import re

import pytest

from stillmotion.domain.failures import VIDEO_FETCH_CODE, FailureKind, FetchFailure, remedy_for

SENTENCES = [(kind.code, kind.sentence) for kind in FailureKind]
SENTENCES += [(kind.image_code, kind.sentence) for kind in FetchFailure]
SENTENCES += [(VIDEO_FETCH_CODE, kind.sentence) for kind in FetchFailure]


def words(text):
    return set(re.findall(r"\w+", text.lower())) - {"it", "a", "the", "or", "you", "can"}


@pytest.mark.parametrize(("code", "sentence"), SENTENCES)
def test_every_failure_has_a_remedy_once(code, sentence):
    """A sentence says the remedy behind a colon or in a sentence of its own; else the table says it."""
    remedy = remedy_for(code)
    if remedy is None:
        assert re.search(r"[:.] [A-Za-z{]|\{refusal\}", sentence)
    else:
        assert len(words(remedy) & words(sentence)) <= len(words(remedy)) / 2


def test_no_failure_that_is_for_good_promises_another_try():
    assert [sentence for _, sentence in SENTENCES if re.search("will be .*again", sentence)] == []


def test_an_unknown_code_has_none():
    assert (remedy_for("of_a_later_version"), remedy_for(None)) == (None, None)
