"""Remedies of failures."""

from stillmotion.domain.failures import VIDEO_FETCH_CODE, FailureKind, FetchFailure, remedy_for


def test_every_failure_has_a_remedy():
    codes = {kind.code for kind in FailureKind} | {kind.image_code for kind in FetchFailure} | {VIDEO_FETCH_CODE}
    assert [code for code in codes if not remedy_for(code)] == []


def test_an_unknown_code_has_none():
    assert (remedy_for("of_a_later_version"), remedy_for(None)) == (None, None)
