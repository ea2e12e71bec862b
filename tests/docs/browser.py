"""A headless Chromium without a network, driven over the DevTools protocol, with a record of requested addresses."""

import asyncio
import base64
import contextlib
import shutil
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from tests.waiting import eventually_async

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    # No name is resolved, and no address but loopback is reachable.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_SECONDS = 60


class Tab:
    """One page of the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._number = socket, 0
        self.asked: list[str] = []
        """Addresses that the page requested, in order."""

    async def call(self, method: str, **parameters) -> dict:
        """The result of a command. Requests of the page that come meanwhile are recorded."""
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        async with asyncio.timeout(_SECONDS):
            while (heard := await self._socket.receive_json()).get("id") != self._number:
                if heard["method"] == "Network.requestWillBeSent":
                    self.asked.append(heard["params"]["request"]["url"])
        assert "error" not in heard, heard
        return heard["result"]

    async def open(self, address: str) -> None:
        await self.call("Page.navigate", url=address)
        await self.until("document.readyState === 'complete'")

    async def value(self, script: str):
        """The value of a script. A promise is awaited."""
        said = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    async def until(self, script: str):
        """The value of a script as soon as it is true."""
        return await eventually_async(lambda: self.value(script), _SECONDS)

    async def look(self, path: Path, *, width: int, height: int, dark: bool) -> None:
        """Write a screenshot of a window of this size, with a dark or a light colour scheme."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.call("Emulation.setEmulatedMedia", features=[scheme])
        await asyncio.sleep(0.3)
        path.write_bytes(base64.b64decode((await self.call("Page.captureScreenshot"))["data"]))


@contextlib.asynccontextmanager
async def tab(profile: Path) -> AsyncIterator[Tab]:
    """A browser with one empty page, open for the length of the block."""
    command = [str(CHROMIUM), *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
    browser = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=DEVNULL)
    try:
        port = await _port(profile / "DevToolsActivePort")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                (page,) = (each for each in await answer.json() if each["type"] == "page")
            async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                opened = Tab(socket)
                await opened.call("Network.enable")
                await opened.call("Page.enable")
                yield opened
    finally:
        browser.kill()
        await browser.wait()


async def _port(told: Path) -> int:
    text = await eventually_async(lambda: told.exists() and told.read_text("utf-8"), _SECONDS)
    return int(text.splitlines()[0])
