"""Clips of the embedded engine for every ability, over every surface that has a field for it."""

import pytest

from stillmotion.media.input.probe import probe
from tests.end_to_end.conftest import Running, small_picture
from tests.matrix.asking import PATHS, SURFACES, WORDS

PICTURE = small_picture()
MAKEABLE = [
    (surface, ability)
    for surface, asked in SURFACES.items()
    for ability, body in asked.items()
    if body is not None and ability != "Words alone"
]
SHORT = {
    "Gateway": {"duration": 1, "resolution": "540p"},
    "Dream Machine": {"duration": "1s", "resolution": "540p", "model": "ray-2"},
    "OpenAI videos": {"seconds": "1", "size": "960x540"},
}


def with_picture(asked, earlier):
    """The fields of a request, with a data URI as picture and the id of the clip to extend."""
    if isinstance(asked, dict):
        return {name: with_picture(each, earlier) for name, each in asked.items()}
    if isinstance(asked, str) and asked.startswith("http"):
        return PICTURE
    return earlier if asked == "EARLIER" else asked


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    running = Running(tmp_path_factory.mktemp("matrix") / "data")
    running.key = running.new_key()["key"]
    running.start()
    yield running
    running.stop()


def finished(running, path, body):
    """The id of the generation, and its clip's bytes."""
    headers = {"Ocp-Apim-Subscription-Key": running.key, "Content-Type": "application/json"}
    accepted = running.call("POST", path, body, Authorization=f"Bearer {running.key}", **headers)
    assert accepted.status in {200, 201}, accepted.body
    assert accepted.headers["x-stillmotion-engine"] == "parallax/1"
    done = running.wait_for(accepted.body["id"], "completed", "failed")
    assert done["state"] == "completed", done["failure_reason"]
    return done["id"], running.call("GET", done["assets"]["video"].removeprefix(running.base)).content


@pytest.mark.slow
@pytest.mark.parametrize(("surface", "ability"), MAKEABLE, ids=" ".join)
def test_a_clip_comes_of_it(service, tmp_path, record_property, surface, ability):
    record_property("made", ("parallax", surface, ability))
    earlier = ""
    if ability == "Extend a clip":
        earlier, _ = finished(service, PATHS["Gateway"], {"prompt": WORDS, "url": PICTURE, **SHORT["Gateway"]})
    asked = with_picture(SURFACES[surface][ability], earlier)
    _, clip = finished(service, PATHS[surface], {"prompt": WORDS, **SHORT[surface], **asked})
    (tmp_path / "clip.mp4").write_bytes(clip)
    assert probe(tmp_path / "clip.mp4", whole=True).frame_count in {23, 24}
