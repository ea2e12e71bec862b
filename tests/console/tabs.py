"""Tabs of people who are signed in, each for one test after the other: a new one takes a second of the processor."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, Page

from tools.console.browser import DESK, Device, Scheme, person

WATCH_VIOLATIONS = """
addEventListener('securitypolicyviolation', event =>
    console.error(`CSP: ${event.violatedDirective} refused ${event.blockedURI} ${event.sample}`));
"""


def new_tab(context: BrowserContext) -> Page:
    """A tab whose console tells each violation of the content security policy."""
    page = context.new_page()
    page.add_init_script(WATCH_VIOLATIONS)
    return page


@dataclass
class Tabs:
    """Tabs of one server's visitors. Between two tests all is forgotten but the browser's cache, and the session of one
    who signed in by keys: a person without keys is nobody again.
    """

    browser: Browser
    base: str
    idle: dict[tuple[tuple[str, ...], Device, bool], list[Page]] = field(default_factory=lambda: defaultdict(list))

    @contextmanager
    def lent(
        self,
        keys: tuple[str, ...],
        sign_in: Callable[[BrowserContext], object],
        device: Device = DESK,
        scheme: Scheme = "light",
        *,
        moving: bool = True,
    ) -> Iterator[Page]:
        """An empty tab of the person with these keys. `sign_in` opens the session where there is none yet."""
        idle = self.idle[keys, device, moving]
        page = idle.pop() if idle else self._opened(sign_in, device, moving=moving)
        page.set_viewport_size({"width": device.width, "height": device.height})
        page.emulate_media(color_scheme=scheme)
        yield page
        if not page.is_closed():
            self._forget(page)
            if not keys:
                page.context.clear_cookies()
            idle.append(page)

    def _opened(self, sign_in: Callable[[BrowserContext], object], device: Device, *, moving: bool) -> Page:
        context = person(self.browser, device, moving=moving)
        sign_in(context)
        return new_tab(context)

    def _forget(self, page: Page) -> None:
        page.unroute_all(behavior="ignoreErrors")
        page.goto("about:blank")
        session = page.context.new_cdp_session(page)
        session.send("Storage.clearDataForOrigin", {"origin": self.base, "storageTypes": "local_storage"})
        session.detach()

    def close(self) -> None:
        """Close all tabs that no test uses."""
        for page in [each for idle in self.idle.values() for each in idle]:
            page.context.close()
