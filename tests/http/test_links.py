"""Where links begin, and callbacks outside of any request."""

import json

import pytest

from stillmotion.application.assets import AssetUrls
from stillmotion.domain.lifecycle import State
from stillmotion.http.app import dialects
from stillmotion.http.asgi import HEADERS, Headers, repeated_in
from stillmotion.http.links import base_url
from tests.builders import ManualClock, a_generation, some_assets


def scope(*hosts: bytes, scheme: str = "http", server: tuple[str, int] = ("127.0.0.1", 8080)):
    pairs = [(b"host", host) for host in hosts]
    headers = Headers(pairs)
    headers.repeated = repeated_in(pairs)
    return {"scheme": scheme, "server": server, HEADERS: headers}


@pytest.mark.parametrize(
    ("asked", "base"),
    [
        (scope(b"video.example"), "http://video.example"),
        (scope(b"Video.Example:8443", scheme="https"), "https://Video.Example:8443"),
        (scope(b"[2001:db8::1]:80"), "http://[2001:db8::1]:80"),
        (scope(b"a_b.local"), "http://a_b.local"),
        (scope(), "http://127.0.0.1:8080"),
        (scope(b"a", b"b"), "http://127.0.0.1:8080"),
        (scope(b"evil/path"), "http://127.0.0.1:8080"),
        (scope(b"user@evil"), "http://127.0.0.1:8080"),
        (scope(b"evil:port"), "http://127.0.0.1:8080"),
        (scope(b""), "http://127.0.0.1:8080"),
        (scope(b"x\xe9"), "http://127.0.0.1:8080"),
        (scope(server=("::1", 8080)), "http://[::1]:8080"),
    ],
)
def test_links_begin_where_the_caller_came(asked, base):
    assert base_url(asked, "") == base


def test_links_begin_where_the_operator_says():
    assert base_url(scope(b"evil"), "https://video.example/") == "https://video.example"


class LocalAlone:
    """Storage that serves nobody itself."""

    def direct_url(self, key, lifetime):
        return None


def test_a_callback_is_written_in_the_dialect_of_its_surface():
    written = dialects(AssetUrls(LocalAlone(), ManualClock(), b"key"), "https://video.example/")
    body = json.loads(written["gateway"](a_generation(state=State.COMPLETED, assets=some_assets())))
    assert body["state"] == "completed"
    assert body["assets"]["video"].startswith("https://video.example/assets/generations/made/v.mp4?expires=")
