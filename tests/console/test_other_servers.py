"""Other servers on screen 13: one that does not answer is told with its reason."""

import base64
import re
from contextlib import ExitStack

import pytest
from playwright.sync_api import expect

from stillmotion.cli.sample_picture import draw_sample
from tests.console.conftest import OPERATOR, Console
from tests.console.tabs import Tabs
from tests.docs.conftest import free_port
from tools.console.serving import served

CATALOGUE = """
[aliases]
ray-2 = "far > parallax"

[models.far]
engine = "forward"
abilities = ["first"]
server = {{ speaks = "openai", url = "http://127.0.0.1:{port}" }}
"""


@pytest.fixture(scope="module")
def house(browser, tmp_path_factory):
    """A service that asks another server, which is not there."""
    folder = tmp_path_factory.mktemp("console")
    (folder / "models.toml").write_text(CATALOGUE.format(port=free_port()))
    settings = {"STILLMOTION_CATALOGUE": str(folder / "models.toml"), "STILLMOTION_RENDERERS": "1"}
    with served(folder / "data", settings=settings) as server, ExitStack() as stack:
        tabs = Tabs(browser, server.base)
        stack.callback(tabs.close)
        opened = Console(tabs, server, {}, {}, stack)
        opened.keys["Ada"] = opened.administer("POST", "subscriptions", {"name": "Ada"})["key"]
        yield opened


def test_point_26_a_server_that_does_not_answer_is_told_with_its_reason(console):
    """A clip that is asked of it is made here instead."""
    page = console.visit("models", by=OPERATOR).page
    picture = base64.b64encode(draw_sample()).decode()
    body = {"model": "ray-2", "prompt": "push in", "duration": "1s", "resolution": "540p"}
    body["keyframes"] = {"frame0": {"type": "image", "url": f"data:image/jpeg;base64,{picture}"}}
    headers = {"Authorization": f"Bearer {console.keys['Ada']}"}
    asked = page.request.post(f"{console.base}/dream-machine/v1/generations", data=body, headers=headers)
    assert asked.status == 201
    row = page.get_by_role("row", name=re.compile("^far"))
    expect(row).to_contain_text("Does not answer")
    expect(row.get_by_role("cell").last).not_to_have_text("None")
