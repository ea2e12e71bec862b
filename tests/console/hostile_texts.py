"""Texts that do harm where a page takes them for markup, script, a template or an address.

The forms are those of the Big List of Naughty Strings and of OWASP's list of filter evasions; each calls `hurt()`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

HOSTILE: Final = (
    "<script>hurt()</script>",
    "</script><script>hurt()</script>",
    "<img src=x onerror=hurt()>",
    "<svg onload=hurt()>",
    "<svg><script>hurt()</script></svg>",
    '"><script>hurt()</script>',
    "' onmouseover='hurt()",
    '" autofocus onfocus=hurt() x="',
    "javascript:hurt()",
    "<a href=javascript:hurt()>go</a>",
    "<iframe srcdoc='<script>parent.hurt()</script>'></iframe>",
    "<body onload=hurt()>",
    "<details open ontoggle=hurt()>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=hurt()>",
    '<noscript><p title="</noscript><img src=x onerror=hurt()>">',
    "<template><script>hurt()</script></template>",
    "${hurt()} {{hurt()}} #{hurt()} <%= hurt() %>",
    "`-hurt()-`",
    "\\u003cimg src=x onerror=hurt()\\u003e",
    "&lt;img src=x onerror=hurt()&gt;",
    "<style>@import 'javascript:hurt()'</style>",
    "<meta http-equiv=refresh content='0;url=javascript:hurt()'>",
    "<base href=javascript:hurt()//>",
    "%3Cimg%20src%3Dx%20onerror%3Dhurt()%3E",
    "\u202eevitacovorp\u200b\ufeff\U0001f3ac e\u0301\u0301\u0301 \u7530\u4e2d",
)


class _HostileAnswer(BaseHTTPRequestHandler):
    """Answers a callback with a page that does harm: in the status line, in a header and in the body."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = "".join(HOSTILE).encode()
        self.send_response(500, HOSTILE[2])
        for name, value in [("Content-Type", "text/html"), ("Content-Length", str(len(body))), ("Server", HOSTILE[0])]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        del args


@contextmanager
def hostile_receiver() -> Iterator[str]:
    """A receiver of callbacks on loopback that is out for harm; the base of its addresses."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _HostileAnswer) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
