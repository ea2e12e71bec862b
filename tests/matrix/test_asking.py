"""The matrix: the outcome of each model, ability and surface agrees with the page."""

import pytest

from tests.matrix.asking import ABILITIES, PATHS, SURFACES, ask, models
from tests.matrix.page import PAGE, asked_tables

CATALOGUE = models()


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("name", CATALOGUE.entries)
def test_what_is_asked_is_accepted_or_refused_with_the_fields_name_and_a_remedy(everything, name, surface):
    edge, caller = everything
    entry = CATALOGUE.entries[name]
    for ability in ABILITIES:
        outcome = ask(edge, caller, entry, surface, ability)
        if outcome.word == "refused":
            assert len(outcome.sentence) > len("“No keyframes”")
            assert outcome.sentence.endswith("”")
        assert bool(outcome.sentence) is (outcome.word in {"refused", "emulated", "ignored"})


def test_a_refusal_speaks_of_the_surfaces_own_fields(everything):
    edge, caller = everything
    flf, words = CATALOGUE.entries["wan21-flf2v-14b"], CATALOGUE.entries["wan21-t2v-1b3"]
    said = {
        surface: (ask(edge, caller, flf, surface, "Start picture"), ask(edge, caller, words, surface, "Start picture"))
        for surface in PATHS
    }
    assert "end_url is needed: … goes from a first picture to a last one" in said["Gateway"][0].sentence
    assert "url cannot be used: … makes videos of words alone" in said["Gateway"][1].sentence
    assert "keyframes.frame1: is needed" in said["Dream Machine"][0].sentence
    assert "model: cannot be used with this API: … goes from a first picture" in said["OpenAI videos"][0].sentence
    assert "input_reference: cannot be used" in said["OpenAI videos"][1].sentence


def test_words_alone_are_enough_for_a_model_of_words_where_the_surface_lets_them(everything):
    edge, caller = everything
    words = CATALOGUE.entries["wan21-t2v-1b3"]
    assert ask(edge, caller, words, "OpenAI videos", "Words alone").word == "native"
    assert ask(edge, caller, words, "Dream Machine", "Words alone").sentence == "“No keyframes provided”"


def test_the_page_says_what_was_asked(everything, record_property, request):
    """`python3 dev.py matrix` mends a difference."""
    edge, caller = everything
    outcomes = {
        (name, surface, ability): ask(edge, caller, entry, surface, ability)
        for name, entry in CATALOGUE.entries.items()
        for surface in SURFACES
        for ability in ABILITIES
    }
    if request.config.getoption("matrix", None) is not None:
        record_property("asked", outcomes)
    else:
        assert asked_tables(outcomes) in PAGE.read_text("utf-8")
