"""The grammar of requests, right and wrong, after RFC 9110 and 9112: each spelling with its required reading."""

from collections.abc import Mapping, Sequence
from enum import StrEnum


class Reading(StrEnum):
    """The required reading of a spelling in the place of a good one."""

    GOOD = "good"
    """As the good one."""
    OTHER = "other"
    """As something else that is well formed, and means nothing here."""
    BAD = "bad"
    """Not at all: the request is refused."""
    DOUBTFUL = "doubtful"
    """As the good one, or not at all: the standard leaves it open."""


Spellings = Mapping[Reading, Sequence[bytes]]

TRANSFER_ENCODING_NAMES: Spellings = {
    Reading.GOOD: (b"Transfer-Encoding", b"transfer-encoding", b"TRANSFER-ENCODING", b"tRANSFER-eNCODING"),
    Reading.OTHER: (
        *(b"Transfer_Encoding", b"TransferEncoding", b"Transfer-Encodin", b"Transfer-Encodings", b"Transfer.Encoding"),
        *(b"X-Transfer-Encoding", b"Transfer-Encoding!", b"~Transfer-Encoding", b"TE", b"Content-Transfer-Encoding"),
    ),
    Reading.BAD: (
        *(b" Transfer-Encoding", b"\tTransfer-Encoding", b"Transfer-Encoding ", b"Transfer-Encoding\t"),
        *(b"Transfer Encoding", b"Transfer-Encoding\x00", b"\x00Transfer-Encoding", b"Transfer-\x00Encoding"),
        *(b"Transfer-Encoding\x0b", b"\x0bTransfer-Encoding", b"Transfer-Encoding\x0c", b"Transfer-Encoding\x7f"),
        *(b"Transfer-Encoding\r", b"\rTransfer-Encoding", b"Transfer-Encoding\xa0", b"\xc2\xa0Transfer-Encoding"),
        *(b"Transfer\xadEncoding", b"Transfer\xe2\x80\x90Encoding", b"(Transfer-Encoding)", b'"Transfer-Encoding"'),
        *(
            b"[Transfer-Encoding]",
            b"Transfer/Encoding",
            b"Transfer-Encoding;",
            b"Transfer-Encoding,",
            b"Transfer@Encoding",
        ),
        *(
            b"X: y\nTransfer-Encoding",
            b"X: y\rTransfer-Encoding",
            b"X: y\x00\r\nTransfer-Encoding",
            b"X\nTransfer-Encoding",
        ),
    ),
}

TRANSFER_ENCODINGS: Spellings = {
    Reading.GOOD: (b"chunked", b"Chunked", b"CHUNKED", b"  chunked", b"\tchunked"),
    Reading.DOUBTFUL: (b"chunked  ", b"\tchunked\t", b"chunked,", b",chunked", b", chunked ,"),
    Reading.BAD: (
        *(
            b"xchunked",
            b"chunkedx",
            b"chunk",
            b"chunked;q=1",
            b"chunked; a",
            b'"chunked"',
            b"'chunked'",
            b"chunked chunked",
        ),
        *(b"gzip, chunked", b"cow, chunked", b"cow", b"chunked, gzip", b"chunked, identity", b"identity, chunked"),
        *(b"chunked, chunked", b"chun ked", b": chunked", b"=chunked", b"{chunked}", b"chunked\x0b", b"\x0bchunked"),
        *(
            b"\x0cchunked",
            b"chunked\x0c",
            b"chunked\x00",
            b"\x00chunked",
            b"chunked\x7f",
            b"\x1fchunked",
            b"chunked\x08",
        ),
        *(
            b"chunked\xa0",
            b"\xa0chunked",
            b"chunked\x85",
            b"chun\xe2\x80\x8bked",
            b"\xef\xbd\x83hunked",
            b"chu\xc5\x88ked",
        ),
        *(
            b"chunked\r\n folded",
            b"\r\n chunked",
            b"\r\n\tchunked",
            b"chunked\n",
            b"\nchunked",
            b"chunked\r",
            b"\rchunked",
        ),
    ),
}

CONTENT_LENGTHS: Spellings = {
    Reading.GOOD: (b"%d", b"  %d", b"%d  ", b"\t%d\t"),
    Reading.DOUBTFUL: (b"0%d", b"000000000000000000000000%d", b"%d, %d", b"%d,%d", b"%d\r\nContent-Length: %d"),
    Reading.BAD: (
        *(
            b"+%d",
            b"-%d",
            b"%d.0",
            b"0x%x",
            b"%dx",
            b"x%d",
            b"%d 0",
            b"0 %d",
            b"%d;",
            b'"%d"',
            b"%de0",
            b"%d_0",
            b"_%d",
        ),
        *(
            b"%d\x00",
            b"\x00%d",
            b"%d\x0b",
            b"\x0b%d",
            b"\x0c%d",
            b"%d\xa0",
            b"%d\xc2\xb2",
            b"\xef\xbc\x91%d",
            b"\xd9\xa3",
        ),
        *(
            b"%d\r",
            b"\r%d",
            b"%d\n",
            b"\n%d",
            b"%d\r\n 0",
            b"\r\n %d",
            b"99999999999999999999",
            b"18446744073709551617",
        ),
        *(
            b"340282366920938463463374607431768211456%d",
            b"%d, 0",
            b"0, %d",
            b"%d\r\nContent-Length: 0",
            b"0\r\nContent-Length: %d",
        ),
        *(b"-0", b"--%d", b"0b1", b"0o7", b"%d\xe2\x80\x8b", b"(%d)", b"%d/1", b"one", b"%d\r\nContent-Length: x"),
    ),
}
"""The length goes in where it is asked for."""

CHUNK_SIZES: Spellings = {
    Reading.GOOD: (b"%x", b"%X", b"0%x", b"0000%x", b"%x;a", b"%x;a=b", b'%x;a="b;c"', b"%x;a;b=c;d"),
    Reading.DOUBTFUL: (b"%x ", b"%x\t", b"%x ;a", b"%x; a = b", b"%x;", b"%x;;a", b"0000000000000000000000%x"),
    Reading.BAD: (
        *(b"0x%x", b"-%x", b"+%x", b"%x_0", b"%xh", b"", b" %x", b"\t%x", b"%x,%x", b"%x %x", b"g", b"%x.0", b'"%x"'),
        *(
            b"%x\x00",
            b"\x00%x",
            b"%x\x0b",
            b"\x0b%x",
            b"%x\x0c",
            b"%x\x7f",
            b"%x\xa0",
            b"\xef\xbc\x91",
            b"%x:a",
            b"$%x",
        ),
        *(b"1%016x", b"ffffffffffffffffff%x", b"-1", b"0x1", b"%x\r", b"\r%x", b"%x;a\x00b", b"%x;a\rb", b"%x\r\n %x"),
    ),
}
"""The size goes in where it is asked for."""

LINE_ENDS: Spellings = {
    Reading.GOOD: (b"\r\n",),
    Reading.BAD: (b"\n", b"\r", b"", b" \r\n", b"x\r\n", b"\r\r\n", b"\n\r\n", b"\n\r", b"\x00\r\n", b"\x0b\r\n"),
}
"""The bytes after the data of a chunk."""

LAST_CHUNKS: Spellings = {
    Reading.GOOD: (
        b"0\r\n\r\n",
        b"00\r\n\r\n",
        b"0000000\r\n\r\n",
        b"0;a=b\r\n\r\n",
        b"0\r\nX: y\r\n\r\n",
        b"0\r\nX:y\r\nZ: \r\n\r\n",
    ),
    Reading.DOUBTFUL: (
        *(b"0\r\nContent-Length: 5\r\n\r\n", b"0\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\nHost: b\r\n\r\n"),
        *(b"0 \r\n\r\n", b"0;\r\n\r\n", b"0\r\nX: y\xff\r\n\r\n"),
    ),
    Reading.BAD: (
        *(
            b"-0\r\n\r\n",
            b"0x0\r\n\r\n",
            b"+0\r\n\r\n",
            b" 0\r\n\r\n",
            b"\r\n\r\n",
            b"0\n\n",
            b"0\r\n\n",
            b"0\n\r\n",
            b"0\r\r\n\r\n",
        ),
        *(b"0\r\nX y\r\n\r\n", b"0\r\n: y\r\n\r\n", b"0\r\n X: y\r\n\r\n", b"0\r\nX : y\r\n\r\n", b"0\r\nX: y\n\r\n"),
        *(
            b"0\r\nX: \x00\r\n\r\n",
            b"0\r\nX\r\n\r\n",
            b"0\r\nX: y\r\n z\r\n\r\n",
            b"0\r\n\rX: y\r\n\r\n",
            b"0\r\nX: y\rZ: z\r\n\r\n",
        ),
    ),
}

REQUEST_LINES: Spellings = {
    Reading.GOOD: (
        b"GET /docs HTTP/1.1",
        b"GET http://x/docs HTTP/1.1",
        b"GET /docs?a=b HTTP/1.1",
        b"\r\nGET /docs HTTP/1.1",
    ),
    Reading.DOUBTFUL: (
        *(
            b"GET  /docs HTTP/1.1",
            b"GET /docs  HTTP/1.1",
            b"GET /docs HTTP/1.1 ",
            b" GET /docs HTTP/1.1",
            b"GET\t/docs HTTP/1.1",
        ),
        *(b"\r\n\r\nGET /docs HTTP/1.1", b"\rGET /docs HTTP/1.1", b"\nGET /docs HTTP/1.1", b"GET /docs HTTP/1.2"),
        *(
            b"GET /docs HTTP/1.9",
            b"GET /docs#a HTTP/1.1",
            b"GET //docs HTTP/1.1",
            b"GET /\xc3\xbc HTTP/1.1",
            b"get /docs HTTP/1.1",
        ),
        *(
            b"GET * HTTP/1.1",
            b"OPTIONS * HTTP/1.1",
            b"TRACE /docs HTTP/1.1",
            b"CONNECT x:80 HTTP/1.1",
            b"CONNECT /docs HTTP/1.1",
        ),
        *(b"GET docs HTTP/1.1", b"GET x:80 HTTP/1.1", b"GET https://x/docs HTTP/1.1", b"GET ftp://x/docs HTTP/1.1"),
        *(b"GET http:// HTTP/1.1", b"GET http://a@b/docs HTTP/1.1", b"GET /%2e%2e/docs HTTP/1.1", b"GET /%zz HTTP/1.1"),
        *(b"GET /docs", b"GET /docs ", b"FOO /docs HTTP/1.1", b"PURGE /docs HTTP/1.1", b"M-SEARCH * HTTP/1.1"),
        *(b"GET /" + b"a" * 7000 + b" HTTP/1.1", b"GET /docs HTTP/1.1\r", b"GET /docs\rHTTP/1.1"),
    ),
    Reading.BAD: (
        *(
            b"GET /docs HTTP/2.0",
            b"GET /docs HTTP/3.0",
            b"GET /docs HTTP/0.9",
            b"GET /docs HTTP/9.9",
            b"GET /docs HTTP/1",
        ),
        *(
            b"GET /docs HTTP/1.",
            b"GET /docs HTTP/11.1",
            b"GET /docs HTTP/1.10",
            b"GET /docs http/1.1",
            b"GET /docs HTTQ/1.1",
        ),
        *(
            b"GET /docs RTSP/1.0",
            b"GET /docs ICE/1.0",
            b"GET /docs HTTP /1.1",
            b"GET /docs HTTP/ 1.1",
            b"GET /docs HTTP/-1.1",
        ),
        *(
            b"GET /docs HTTP/1.1x",
            b"GET /docs x HTTP/1.1",
            b"GET /a b HTTP/1.1",
            b"GET /\x00 HTTP/1.1",
            b"GET /\x01 HTTP/1.1",
        ),
        *(
            b"GET /\x7f HTTP/1.1",
            b"GET HTTP/1.1",
            b"GET",
            b"/docs HTTP/1.1",
            b"G\x00T /docs HTTP/1.1",
            b"G(T /docs HTTP/1.1",
        ),
        *(
            b"G\xcbT /docs HTTP/1.1",
            b"GET: /docs HTTP/1.1",
            b"PRI * HTTP/2.0",
            b"HTTP/1.1 200 OK",
            b"GET /docs HTTP/1.1\x00",
        ),
        *(b"\x16\x03\x01\x02\x00", b"GET /docs HTTP/1,1", b"GET /docs HTTP/1.1\x0b", b"GET /docs\x0bHTTP/1.1"),
    ),
}

HOSTS: Spellings = {
    Reading.GOOD: (b"Host: x", b"host: x:80", b"HOST: [::1]:80", b"Host:x", b"Host: 127.0.0.1"),
    Reading.DOUBTFUL: (
        *(
            b"Host:",
            b"Host: a b",
            b"Host: a/b",
            b"Host: a@b",
            b"Host: a,b",
            b"Host: [::1",
            b"Host: a:b:c",
            b"Host: a:99999",
        ),
        *(b"Host: a\\b", b"Host: a?b", b"Host: a#b", b"Host: \xc3\xbc", b"Host: <a>", b"Host: a:"),
    ),
    Reading.BAD: (
        *(
            b"X: y",
            b"Host: a\r\nHost: b",
            b"Host: a\r\nhost: a",
            b"Host : a",
            b" Host: a",
            b"Host\t: a",
            b"Host: a\x00",
        ),
        *(b"Host: a\r\n b", b"Host: a\nX: y", b"Host", b"Host: a\rX: y", b"Ho\x00st: a", b"X: y\r\n Host: a"),
    ),
}

UPGRADE_METHODS = (b"GET", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"HEAD")
UPGRADES = (b"h2c", b"websocket", b"x", b"TLS/1.0", b"h2c, websocket", b"WebSocket", b"HTTP/2.0", b"")
UPGRADE_CONNECTIONS = (
    b"Upgrade",
    b"upgrade",
    b"keep-alive, Upgrade",
    b"Upgrade, HTTP2-Settings",
    b"Upgrade, keep-alive",
)
UPGRADE_HEADERS = (
    b"",
    b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
)
