"""Browser of the console's tests and pictures: the machine's own Chromium, driven by Playwright, without a network."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

from playwright.sync_api import Browser, BrowserContext, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No name is resolved, and no address but loopback is reachable.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@dataclass(frozen=True)
class Device:
    """A kind of screen: its name, its size in CSS pixels, and a finger or a mouse."""

    name: str
    width: int
    height: int
    has_touch: bool = False


DESK: Final = Device("desk", 1280, 800)
PHONE: Final = Device("phone", 390, 844, has_touch=True)
SMALLEST: Final = Device("smallest", 320, 640, has_touch=True)

Scheme = Literal["light", "dark"]


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser. Playwright keeps an event loop in this thread until it is closed."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def person(browser: Browser, device: Device = DESK, scheme: Scheme = "light", *, moving: bool = True) -> BrowserContext:
    """A person with a browser of their own: nothing is remembered yet. Without `moving` they asked for less motion."""
    context = browser.new_context(
        viewport={"width": device.width, "height": device.height},
        has_touch=device.has_touch,
        is_mobile=device.has_touch,
        color_scheme=scheme,
        reduced_motion="no-preference" if moving else "reduce",
        locale="en-GB",
        timezone_id="Europe/Berlin",
    )
    context.set_default_timeout(30_000)
    return context


def sign_in(context: BrowserContext, base: str, *keys: str) -> None:
    """Open a session with each of these keys, as the sign-in form does."""
    for key in keys:
        answer = context.request.post(f"{base}/session", data={"key": key}, headers={"Sec-Fetch-Site": "same-origin"})
        if not answer.ok:
            raise RuntimeError(f"the session was refused: {answer.status} {answer.text()}")
