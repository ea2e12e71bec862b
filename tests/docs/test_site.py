"""The documentation as a site: complete, searchable, and without requests to other hosts."""

import http.server
import shutil
import subprocess
import sys
import threading
import tomllib
from functools import partial
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.browser import CHROMIUM, tab
from tests.docs.conftest import Quiet
from tests.docs.markdown_pages import ROOT

pytest.importorskip("zensical", reason="the development tools are not installed")
LOADS = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "video": "src"}
"""Elements that make a browser load something by themselves, with the attribute that holds the address."""
RESULTS = """[...document.querySelectorAll('*')].map(each => each.shadowRoot).filter(Boolean)
    .flatMap(root => [...root.querySelectorAll('a')].map(link => link.href))"""


def build(folder):
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def copied(folder):
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "zensical.toml", folder)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    project = copied(tmp_path_factory.mktemp("project"))
    built = build(project)
    assert built.returncode == 0, built.stdout + built.stderr
    return project / "out" / "site"


def test_every_page_has_its_place_in_the_navigation():
    """Decision records are reached from their table."""
    placed = str(tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]["nav"])
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    assert [page for page in pages if f"'{page}'" not in placed and not page.startswith("adr/0")] == []


def test_each_link_that_leads_nowhere_is_named_and_stops_the_build(tmp_path):
    page = copied(tmp_path) / "docs" / "README.md"
    page.write_text(f"{page.read_text('utf-8')}\n[a page](gone.md) [a place](glossary.md#gone)\n", "utf-8")
    built = build(tmp_path)
    assert built.returncode != 0
    assert "README.md" in built.stdout + built.stderr
    assert "2 issues found" in built.stdout + built.stderr


class _Loaded(HTMLParser):
    def __init__(self):
        super().__init__()
        self.addresses = []

    def handle_starttag(self, tag, attrs):
        address = dict(attrs).get(LOADS.get(tag, ""))
        if address and dict(attrs).get("rel") != "canonical":
            self.addresses.append(address)


def test_no_page_loads_anything_from_elsewhere_nor_what_is_not_there(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 60
    for page in pages:
        loaded = _Loaded()
        loaded.feed(page.read_text("utf-8"))
        assert loaded.addresses
        assert [each for each in loaded.addresses if urlsplit(each).netloc] == [], page
        if page.name != "404.html":  # Its addresses are absolute, since it is shown at any path.
            paths = [unquote(urlsplit(each).path) for each in loaded.addresses if urlsplit(each).scheme != "data"]
            assert [path for path in paths if not (page.parent / path).exists()] == [], page


@pytest.fixture(params=["served", "from the disk"])
def base(request, site):
    if request.param == "from the disk":
        yield site.as_uri()
        return
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
async def test_a_browser_without_a_network_finds_a_word(base, tmp_path):
    async with tab(tmp_path / "profile") as reader:
        for page in ("reference/http", "explanation/architecture", "index"):
            await reader.open(f"{base}/{page}.html")
            assert await reader.value("document.querySelector('h1').textContent")
        await reader.value("document.querySelector('.md-search__button').click()")
        await reader.until("document.activeElement.shadowRoot !== null")
        await reader.call("Input.insertText", text="fairness")
        await reader.until(f"{RESULTS}.some(each => each.includes('0017-fair-queueing-between-subscriptions'))")
    asked = [each for each in reader.asked if not each.startswith(("data:", "blob:", "about:"))]
    assert f"{base}/index.html" in asked
    assert [each for each in asked if not each.startswith(base)] == []
