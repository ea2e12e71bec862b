"""Base URL of links, in answers and in callbacks outside of any request."""

import json

import pytest

from stillmotion.application.download_urls import AssetUrls, UrlState
from stillmotion.domain.assets import PREVIEW_SUFFIX
from stillmotion.domain.lifecycle import State
from stillmotion.http.app import dialects
from tests.builders import ManualClock, a_generation, some_assets


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("video.example", "http://video.example"),
        ("Video.Example:8443", "http://Video.Example:8443"),
        ("[2001:db8::1]:80", "http://[2001:db8::1]:80"),
        ("a_b.local", "http://a_b.local"),
        ("evil/path", None),
        ("user@evil", None),
        ("evil:port", None),
        ("", None),
        ("x\xe9", None),
    ],
)
def test_links_begin_where_the_caller_came(caller, host, base):
    task_id = caller.submit().body["id"]
    caller.complete(task_id)
    own = "http://{}:{}".format(*caller.edge.address)
    assert caller.poll(task_id, Host=host).body["assets"]["video"].startswith(f"{base or own}/assets/")


def test_links_begin_where_the_operator_says(start):
    caller = start(public_url="https://video.example/").caller()
    task_id = caller.submit().body["id"]
    caller.complete(task_id)
    assert caller.poll(task_id).body["assets"]["video"].startswith("https://video.example/assets/")


class LocalAlone:
    """Storage without presigned URLs."""

    def direct_url(self, key, lifetime):
        return None


def test_a_callback_is_written_in_the_dialect_of_its_surface():
    written = dialects(AssetUrls(LocalAlone(), ManualClock(), b"key"), "https://video.example/")
    body = json.loads(written["gateway"](a_generation(state=State.COMPLETED, assets=some_assets())))
    assert body["state"] == "completed"
    assert body["assets"]["video"].startswith("https://video.example/assets/generations/made/v.mp4?expires=")


def test_polls_of_a_few_minutes_give_one_link_that_is_good_for_a_day():
    """A browser that has the clip knows it again."""
    clock = ManualClock()
    urls = AssetUrls(LocalAlone(), clock, b"key")
    key = "generations/made/v.mp4"
    seen = {urls.links("")(key): clock.advance(seconds=10) for _ in range(90)}
    assert len(seen) in (3, 4)
    for link, last_given in seen.items():
        expires, signature = (each.partition("=")[2] for each in link.partition("?")[2].split("&"))
        assert float(expires) - last_given.timestamp() + 10 >= 24 * 3600
        assert urls.check(key, expires, signature) is UrlState.GOOD


def test_a_preview_has_another_link_each_second():
    """It is replaced under its key, and a browser caches a picture by its address."""
    clock = ManualClock()
    urls = AssetUrls(LocalAlone(), clock, b"key")
    key = f"generations/made/abc{PREVIEW_SUFFIX}"
    first = urls.links("")(key)
    clock.advance(seconds=1)
    assert urls.links("")(key) != first
