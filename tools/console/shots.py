"""Pictures of every screen of the console: `python3 dev.py shots`.

Each is taken over the sample data, light and dark, on a desk and on a phone, and named `SCREEN-DEVICE-SCHEME.png`.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page

from tools.console.browser import CHROMIUM, DESK, PHONE, Device, Scheme, chromium, person, sign_in
from tools.console.sample import Sample
from tools.console.serving import ADMIN_KEY, made, served

ROOT = Path(__file__).resolve().parents[2]
DEVICES: Final[Sequence[Device]] = (DESK, PHONE)
SCHEMES: Final[Sequence[Scheme]] = ("light", "dark")

PLACES: Final[Mapping[str, str]] = {
    "sign-in": "",
    "make": "make",
    "gallery": "gallery",
    "clip": "gallery/{completed}",
    "queue": "queue",
    "failures": "failures",
    "keys": "keys",
    "usage": "usage",
    "callbacks": "callbacks",
    "overview": "overview",
    "everybody": "everybody",
    "customers": "customers",
    "models": "models",
    "settings": "settings",
    "about": "about",
}
"""Screens, and their addresses."""

ALL_IS_THERE: Final = """() => {
    const inView = each => each.getBoundingClientRect().top < innerHeight;
    const isThere = each => each.complete ?? each.readyState >= 2;
    const seen = [...document.querySelectorAll('img, video')].filter(inView);
    return !document.querySelector('[aria-busy=true]') && seen.every(isThere);
}"""
"""True once a screen shows no bones, and all of the pictures and clips in its first view."""

SETTLED_MS = 600
"""Time in which moving parts come to rest."""


@dataclass(frozen=True)
class Tour:
    """A served console over sample data, and the browser that looks at it."""

    browser: Browser
    base: str
    sample: Sample

    def shots(self, name: str) -> Iterator[tuple[str, Page]]:
        """A screen on every kind of device: the file's name, and the page to take."""
        place = PLACES[name].format(**{state: ids[0] for state, ids in self.sample.generations.items() if ids})
        for device, scheme in product(DEVICES, SCHEMES):
            context = person(self.browser, device, scheme)
            if name != "sign-in":
                sign_in(context, self.base, self.sample.customers[0].key, ADMIN_KEY)
            page = context.new_page()
            page.goto(f"{self.base}/#/{place}")
            page.get_by_role("heading", level=1).wait_for()
            page.wait_for_function(ALL_IS_THERE)
            page.wait_for_timeout(SETTLED_MS)
            yield f"{name}-{device.name}-{scheme}.png", page
            context.close()


def main(arguments: Sequence[str]) -> int:
    """Take the pictures; the exit code."""
    parser = argparse.ArgumentParser(prog="python3 dev.py shots", description=__doc__.partition("\n\n")[0])
    parser.add_argument("screens", nargs="*", metavar="SCREEN", help=f"all, or some of {', '.join(PLACES)}")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "shots", help="the folder for the pictures")
    asked = parser.parse_args(arguments)
    unknown = [each for each in asked.screens if each not in PLACES]
    if unknown:
        parser.error(f"no screen is called {', '.join(unknown)}: there are {', '.join(PLACES)}")
    if CHROMIUM is None:
        print("Chromium is not on this machine: install it (on Debian `apt-get install chromium`).", file=sys.stderr)
        return 1
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="stillmotion-") as folder:
        sample = made(Path(folder, "data"))
        # Nothing is rendered meanwhile: every picture shows the same state.
        with served(Path(folder, "data"), settings={"STILLMOTION_RENDERERS": "0"}) as server, chromium() as browser:
            tour = Tour(browser, server.base, sample)
            for name in asked.screens or PLACES:
                for file, page in tour.shots(name):
                    page.screenshot(path=asked.out / file)
                print(f"{name}: {len(DEVICES) * len(SCHEMES)} pictures", flush=True)
    print(f"in {asked.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
