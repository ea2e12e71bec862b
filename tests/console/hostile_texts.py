"""Texts that do harm where a page takes them for markup, script, a template or an address.

The forms are those of the Big List of Naughty Strings and of OWASP's list of filter evasions; each calls `hurt()`.
"""

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
