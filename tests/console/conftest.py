"""A person at the console: a real Chromium, a real server over sample data, and a record of all that went wrong."""

import fcntl
import json
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from tests.console.tabs import Tabs, new_tab
from tools.console.browser import CHROMIUM, DESK, Device, Scheme, chromium, sign_in
from tools.console.serving import ADMIN_KEY, Served, served

ADA = "Ada's studio"
"""The customer of the sample data who has most of the clips."""

# Generous, because a busy machine is slow. A quick one is not held up.
expect.set_options(timeout=20_000)

OPERATOR = "operator"
"""The name of the person who has the administrator's key as well as the first customer's."""

AXE = Axe()


@dataclass
class Visit:
    """One tab of a person, with complaints about it: console errors, CSP violations, requests to other origins."""

    page: Page
    base: str
    name: str = ""
    complaints: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", self._fail)
        self.page.on("request", self._see)

    def end(self) -> None:
        """Watch the tab no more: another test may use it."""
        self.page.remove_listener("console", self._hear)
        self.page.remove_listener("pageerror", self._fail)
        self.page.remove_listener("request", self._see)

    def _fail(self, error: object) -> None:
        self.complaints.append(f"error: {error}")

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _see(self, request: Request) -> None:
        asked, own = urlsplit(request.url), urlsplit(self.base)
        if asked.scheme in ("http", "https", "ws", "wss") and asked.netloc != own.netloc:
            self.complaints.append(f"foreign request: {request.url}")

    def expects(self, *patterns: str) -> None:
        """Errors that this test causes on purpose."""
        self.expected += patterns

    @property
    def unexpected(self) -> list[str]:
        return [each for each in self.complaints if not any(re.search(pattern, each) for pattern in self.expected)]

    def go(self, place: str) -> Page:
        """Open a screen by its address, like `queue`."""
        self.page.goto(f"{self.base}/#/{place}")
        return self.page

    def settled(self) -> None:
        """Wait until the screen of the address is there: its heading, and no bones in its place."""
        self.page.get_by_role("heading", level=1).wait_for()
        expect(self.page.locator("[aria-busy=true]")).to_have_count(0)

    def inaccessible(self) -> list[str]:
        """Findings of axe-core on the page as it is now that are serious or critical, each with its place."""
        found = AXE.run(self.page).response["violations"]
        return [
            f"{each['id']} ({each['impact']}): {node['target']} {node.get('failureSummary', '')}"
            for each in found
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]


@dataclass
class Console:
    """A served console with sample data, and its visitors."""

    tabs: Tabs
    server: Served
    keys: dict[str, str]
    ids: dict[str, list[str]]
    stack: ExitStack
    visits: list[Visit] = field(default_factory=list)

    @property
    def base(self) -> str:
        return self.server.base

    def administer(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer of the administration to the operator's own program."""
        headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{self.base}/admin/v1/{path}", content, headers, method=method)
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return json.load(answer)

    def visit(
        self,
        place: str = "",
        *,
        by: str | None = "Ada's studio",
        device: Device = DESK,
        scheme: Scheme = "light",
        moving: bool = True,
    ) -> Visit:
        """A tab of a person who is signed in as that customer, or as `OPERATOR`, or as nobody with None."""
        keys = self._keys(by)
        lent = self.tabs.lent(keys, lambda context: sign_in(context, self.base, *keys), device, scheme, moving=moving)
        return self._visited(self.stack.enter_context(lent), place)

    def _keys(self, by: str | None) -> tuple[str, ...]:
        if by == OPERATOR:
            return next(iter(self.keys.values())), ADMIN_KEY
        return () if by is None else (self.keys[by],)

    def another_tab(self, context: BrowserContext, place: str = "") -> Visit:
        """A further tab of the same person."""
        page = new_tab(context)
        self.stack.callback(page.close)
        return self._visited(page, place)

    def _visited(self, page: Page, place: str) -> Visit:
        visit = Visit(page, self.base)
        self.stack.callback(visit.end)
        self.visits.append(visit)
        visit.go(place)
        return visit


@pytest.fixture(scope="session")
def sample(tmp_path_factory) -> Path:
    """A folder with the sample data and `sample.json`, made once for all test processes. It is not to be changed."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if own.name.startswith("popen-") else own
    folder = shared / "console-sample"
    with (shared / "console-sample.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "sample.json").exists():
            command = [sys.executable, "-m", "tools.console.serving", str(folder / "data"), "--scenes", "2"]
            made = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            (folder / "sample.json").write_text(made.stdout)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    """Settings of the module's server in place of the usual ones."""
    return {}


@contextmanager
def served_console(browser, sample, folder, settings, port=0) -> Iterator[Console]:
    """A server over a copy of the sample data. It renders nothing, so that what waits goes on waiting."""
    shutil.copytree(sample / "data", folder / "data")
    told = json.loads((sample / "sample.json").read_text())
    given = {"STILLMOTION_RENDERERS": "0", **settings}
    with served(folder / "data", port, given) as server, ExitStack() as stack:
        tabs = Tabs(browser, server.base)
        stack.callback(tabs.close)
        yield Console(tabs, server, told["keys"], told["generations"], stack)


@pytest.fixture(scope="module")
def house(browser, sample, settings, tmp_path_factory) -> Iterator[Console]:
    """The module's console, which its tests share."""
    with served_console(browser, sample, tmp_path_factory.mktemp("console"), settings) as opened:
        yield opened


@pytest.fixture
def console(house) -> Iterator[Console]:
    """The module's console. A complaint that a test did not expect fails it, and its tabs are closed."""
    with ExitStack() as stack:
        house.stack, house.visits = stack, []
        yield house
        complaints = [each for visit in house.visits for each in visit.unexpected]
    assert complaints == []
