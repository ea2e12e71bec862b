"""The console in a real browser, against its bars: from the first link to a clip, weight, long lists, haste.

`python3 dev.py bench console` needs Chromium. Every page is that of a server over loopback.
"""

import argparse
import asyncio
import gzip
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, BrowserContext, Page

from bench.history import History, write_history
from bench.table import Figure, Sense, as_text, exit_code, spread, write_json
from stillmotion.client import Client
from stillmotion.http.console import files
from tools.console.browser import CHROMIUM, chromium, person, sign_in
from tools.console.serving import ADMIN_KEY, served

KB = 1000
PAGES = 50
FIRST_LINK = re.compile(r"http://\S+#first=\S+")
CODE = {".html", ".js", ".css"}

PAINTED = """async () => {
    const painted = () => performance.getEntriesByName('first-contentful-paint')[0];
    while (!painted()) await new Promise(requestAnimationFrame);
    const until = painted().startTime;
    const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')];
    const bytes = all.filter(each => each.responseEnd <= until).reduce((sum, each) => sum + each.transferSize, 0);
    return [until / 1000, bytes];
}"""
"""Seconds until the first paint with content, and the bytes that were transferred by then."""

PLAYING = """async () => {
    const plays = each => !each.paused && each.currentTime > 0.1;
    while (![...document.querySelectorAll('video')].some(plays)) await new Promise(requestAnimationFrame);
}"""
"""Waits until a clip plays. The page's policy forbids Playwright's own waiting, which evaluates a text."""

SHOWN = """async ([place, what]) => {
    const began = performance.now();
    location.hash = place;
    while (!document.querySelector(what)) await new Promise(requestAnimationFrame);
    return (performance.now() - began) / 1000;
}"""
"""Seconds from a change of the address to the first element of a list."""

EMPTIED = """async () => {
    const until = Date.now() + 30000;
    while (!document.querySelector('main').innerText.includes('Nothing is waiting')) {
        if (Date.now() > until) throw new Error(document.body.innerText);
        await new Promise(requestAnimationFrame);
    }
    return Date.now() / 1000;
}"""
"""The time at which the queue on the screen is empty."""


@contextmanager
def on_a_terminal(folder: Path) -> Iterator[str]:
    """The first link, as `serve` prints it on a terminal over a fresh directory."""
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STILLMOTION_")}
    command = [sys.executable, "-m", "stillmotion", "serve", "--port", "0", "--data-dir", str(folder)]
    server = subprocess.Popen(command, env=environment, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    said = b""
    try:
        while (found := FIRST_LINK.search(said.decode(errors="replace"))) is None:
            said += os.read(ours, 4096)
        yield found.group()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)
        os.close(ours)


def first_clip(browser: Browser, folder: Path, rounds: int) -> Sequence[Figure]:
    """From a fresh directory's first link to a clip that plays. Opening the link and each press are actions."""
    taken = []
    for number in range(rounds):
        with on_a_terminal(folder / f"fresh-{number}") as link:
            context = person(browser)
            page = context.new_page()
            began = time.perf_counter()
            page.goto(link)
            page.get_by_role("button", name=re.compile("push in", re.IGNORECASE)).first.click()
            page.evaluate(PLAYING)
            taken.append(time.perf_counter() - began)
            context.close()
    return [
        Figure("first link → clip playing: actions", spread([2.0]), Sense.AT_MOST, 3, note="the link, and one press"),
        Figure("first link → clip playing", spread(taken), Sense.AT_MOST, 10, "s"),
    ]


def weight(browser: Browser, base: str, key: str, rounds: int) -> Sequence[Figure]:
    """First paint of one who is signed in, with an empty cache; and all of the console's own code."""
    seconds, sizes = [], []
    for _ in range(rounds):
        context = person(browser)
        sign_in(context, base, key)
        page = context.new_page()
        page.goto(base)
        painted, transferred = page.evaluate(PAINTED)
        seconds.append(painted)
        sizes.append(transferred / KB)
        context.close()
    static = Path(files.__file__).with_name("static")
    written = [path.read_bytes() for path in static.rglob("*") if path.suffix in CODE]
    code, sent = (sum(map(len, pieces)) / KB for pieces in (written, map(gzip.compress, written)))
    return [
        Figure("first paint", spread(seconds), Sense.AT_MOST, 0.5, "s"),
        Figure("first paint's transfer", spread(sizes), Sense.AT_MOST, 100, "kB"),
        Figure("own code in all", spread([code]), Sense.AT_MOST, 250, "kB", f"as written; {sent:.0f} kB as sent"),
    ]


def heap(context: BrowserContext, page: Page) -> float:
    """Bytes of the page's JavaScript heap after a collection."""
    session = context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    return float(session.send("Runtime.getHeapUsage")["usedSize"])


def long_list(
    browser: Browser, base: str, keys: Sequence[str], place: str, what: str, rounds: int
) -> tuple[list[float], float]:
    """Seconds to the first page of a list, round by round; and its heap after 50 pages to that after five."""
    context = person(browser)
    sign_in(context, base, *keys)
    page = context.new_page()
    page.goto(f"{base}/#/about")
    page.get_by_role("heading", level=1).wait_for()
    seconds = []
    for _ in range(rounds):
        seconds.append(float(page.evaluate(SHOWN, [place, what])))
        page.evaluate("location.hash = '#/about'")
        page.get_by_role("heading", name="About").wait_for()
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "generations?" in request.url else None)
    page.evaluate(SHOWN, [place, what])
    early = 0.0
    deadline = time.monotonic() + 300
    while len(asked) < PAGES and time.monotonic() < deadline:
        further(page)
        if not early and len(asked) >= PAGES // 10:
            early = heap(context, page)
    late = heap(context, page)
    context.close()
    return seconds, late / early


def further(page: Page) -> None:
    """Scroll down, and press for more where the list has a button."""
    page.mouse.wheel(0, 20_000)
    button = page.get_by_role("main").get_by_role("button", name="More", exact=True)
    if button.count() and button.last.is_visible():
        button.last.click()
    page.wait_for_timeout(50)


def lists(browser: Browser, own: History, everybody: History, rounds: int) -> Sequence[Figure]:
    """The gallery of one owner, and the operator's table, over many generations."""
    figures, generations = [], len(own.ids)
    asked: Sequence[tuple[str, History, Sequence[str], str, str]] = [
        ("gallery", own, own.keys[:1], "#/gallery", "main .tile"),
        ("operator's table", everybody, (everybody.keys[0], ADMIN_KEY), "#/everybody", "main tbody tr"),
    ]
    for name, history, keys, place, what in asked:
        with served(history.data_dir, settings={"STILLMOTION_RENDERERS": "0"}) as server:
            seconds, growth = long_list(browser, server.base, keys, place, what, rounds)
        figures += [
            Figure(f"{name} over {generations:,} generations: first page", spread(seconds), Sense.AT_MOST, 0.3, "s"),
            Figure(f"{name}: heap after {PAGES} pages ÷ after {PAGES // 10}", spread([growth]), Sense.AT_MOST, 1.5),
        ]
    return figures


def haste(browser: Browser, base: str, key: str, rounds: int, *, cut: bool) -> Sequence[Figure]:
    """From a cancel's answer to the moment at which the screen Queue no longer shows the clip."""
    context = person(browser)
    sign_in(context, base, key)
    page = context.new_page()
    if cut:
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        session.send("Network.setBlockedURLs", {"urls": ["*/events"]})
    page.goto(f"{base}/#/queue")
    page.get_by_role("heading", level=1).wait_for()
    taken = []
    with Client(base, key) as client:
        for number in range(rounds):
            prompt = f"push in, number {number} {'cut' if cut else 'live'}"
            made = client.submit("https://pictures.example/lake.jpg", prompt)
            page.get_by_text(prompt).first.wait_for()
            client.delete(made.id)
            changed = time.time()
            taken.append(float(page.evaluate(EMPTIED)) - changed)
    context.close()
    name = "state change → screen, with the stream cut" if cut else "state change → screen"
    return [Figure(name, spread(taken), Sense.AT_MOST, 2.5 if cut else 0.5, "s")]


def measured(folder: Path, generations: int, rounds: int) -> Sequence[Figure]:
    """All figures. The histories are written first: Playwright keeps an event loop in its thread."""
    small = asyncio.run(write_history(folder / "small", 100, 1))
    own = asyncio.run(write_history(folder / "own", generations, 1))
    everybody = asyncio.run(write_history(folder / "everybody", generations, 50))
    with chromium() as browser:
        figures = [*first_clip(browser, folder, min(3, rounds))]
        with served(small.data_dir, settings={"STILLMOTION_RENDERERS": "0"}) as server:
            figures += weight(browser, server.base, small.keys[0], rounds)
            for cut in (False, True):
                figures += haste(browser, server.base, small.keys[0], 2 * rounds, cut=cut)
        return [*figures, *lists(browser, own, everybody, rounds)]


def main(arguments: Sequence[str]) -> int:
    """Measure all, print the table; the exit code is 1 where a bar is missed."""
    parser = argparse.ArgumentParser(prog="dev.py bench console", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--generations", type=int, default=100_000)
    parser.add_argument("--json", type=Path, help="write all figures to this file too")
    asked = parser.parse_args(arguments)
    if CHROMIUM is None:
        print("There is no Chromium here: install Debian's `chromium`.", file=sys.stderr)
        return 2
    with TemporaryDirectory(prefix="stillmotion-bench-console-") as name:
        figures = measured(Path(name), asked.generations, asked.rounds)
    print(as_text(figures))
    if asked.json is not None:
        write_json(figures, asked.json, {"benchmark": "console"})
    return exit_code(figures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
