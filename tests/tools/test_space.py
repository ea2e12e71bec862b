"""The page on how a photograph becomes a space tells figures of the code as it is."""

from stillmotion.engines.parallax.analysis.scene import GATE
from tests.docs.markdown_pages import ROOT
from tools.space import gate, staged_coffee

PAGE = ROOT / "docs" / "explanation" / "space.md"


def test_the_page_tells_the_gates_of_the_pictures_in_it():
    own, mirrored = gate(staged_coffee())[1]
    assert mirrored < GATE / 2 < GATE < own
    text = " ".join(PAGE.read_text("utf-8").split())
    assert f"has a gate of {own:.2f}. The same depth mirrored, which is as good a depth of another picture, has" in text
    assert f"another picture, has {mirrored:.2f}. From {GATE:g} on the picture is drawn in layers" in text
    assert f'"layers": 2, "gate": {own:.2f}`' in text
