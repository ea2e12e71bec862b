"""Files of the console as they are served: validators, the policy, and nothing but these files."""

import gzip
import re

import pytest

from stillmotion.adapters.objects import LocalObjects
from stillmotion.http.console.files import paths, policy

EVERY = sorted(path for path, _ in paths())


@pytest.mark.parametrize("path", ["/", "/console/app.js", "/console/css/tokens.css"])
def test_a_browser_keeps_a_file_until_it_changes(edge, path):
    first = edge.ask("GET", path)
    assert (first.status, first.headers["cache-control"]) == (200, "no-cache")
    again = edge.ask("GET", path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status, again.content) == (304, b"")
    assert edge.ask("GET", path, headers={"If-None-Match": '"another"'}).content == first.content


def test_texts_are_compressed_for_a_browser_that_can_unpack_them(edge):
    plain = edge.ask("GET", "/console/app.js")
    packed = edge.ask("GET", "/console/app.js", headers={"Accept-Encoding": "gzip, br"})
    assert gzip.decompress(packed.content) == plain.content
    assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert packed.headers["etag"] != plain.headers["etag"]
    again = edge.ask(
        "GET", "/console/app.js", headers={"Accept-Encoding": "gzip", "If-None-Match": packed.headers["etag"]}
    )
    assert again.status == 304
    picture = edge.ask("GET", "/console/samples/lake.webp", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in picture.headers


def test_every_file_is_served_under_one_strict_policy(edge):
    assert len(EVERY) > 10
    for path in EVERY:
        answered = edge.ask("GET", path)
        assert (path, answered.status) == (path, 200)
        assert answered.headers["content-security-policy"] == policy()


def test_the_policy_lets_nothing_in_from_elsewhere():
    parts = dict(part.strip().split(" ", 1) for part in policy().split(";"))
    assert parts["default-src"] == parts["base-uri"] == parts["frame-ancestors"] == "'none'"
    assert parts["script-src"] == parts["style-src"] == "'self'"
    assert parts["require-trusted-types-for"] == "'script'"


def test_downloads_from_a_bucket_are_let_in_by_name():
    parts = dict(part.strip().split(" ", 1) for part in policy("https://clips.example").split(";"))
    for kind in ("img-src", "media-src", "connect-src"):
        assert "https://clips.example" in parts[kind].split()
    assert parts["script-src"] == "'self'"


class OfABucket(LocalObjects):
    """Storage with presigned URLs."""

    def direct_url(self, key, lifetime):
        return f"https://clips.example/{key}?X-Amz-Signature=1"


def test_the_start_page_names_the_bucket(edge, start, tmp_path):
    """A browser connects at once, and the console knows whose pictures it may show."""
    named = b'<link rel="preconnect" href="https://clips.example">'
    over_a_bucket = start(objects=OfABucket(tmp_path))
    page = over_a_bucket.ask("GET", "/", headers={"Accept-Encoding": "gzip"})
    assert named in gzip.decompress(page.content)
    assert named not in over_a_bucket.ask("GET", "/console/app.js").content
    assert b"preconnect" not in edge.ask("GET", "/").content


@pytest.mark.parametrize("path", [path for path in EVERY if path.endswith((".js", ".css", "/"))])
def test_no_file_names_an_address_of_its_own_host_or_of_another(edge, path):
    """A console under a path prefix has relative addresses alone."""
    text = edge.ask("GET", path).content.decode()
    addresses = re.findall(r"""(?:\b(?:href|src)=|\bfrom |\bimport[ (]|\burl\()["']?([^"')]+)""", text)
    assert [each for each in addresses if each.startswith(("/", "http:", "https:"))] == []
    assert "innerHTML" not in text


@pytest.mark.parametrize(
    "path", ["/console", "/console/", "/console/index.html", "/console/../files.py", "/console/%2e%2e/files.py"]
)
def test_nothing_else_is_served(edge, path):
    assert edge.ask("GET", path).status == 404
