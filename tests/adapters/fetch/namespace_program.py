"""Program that tries every shared case on real sockets, in a network namespace with the whole Internet on loopback.

Run it by `unshare -Urn`. Every address, public or not, leads to the hostile server, so that a connection that the guard
lets through is answered. A raw socket sees each attempt to connect, to any port. The output is one JSON list. It has,
for each case and protocol, the results of a fetch and of a callback, and the addresses that they connected to.
"""

import asyncio
import json
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

from stillmotion.adapters.callbacks import GuardedCallbackSender
from stillmotion.adapters.fetch.client import Connections
from stillmotion.adapters.fetch.download import IMAGE, HttpDownload
from stillmotion.application.ports.outbound import CallbackUndeliverable
from stillmotion.domain.errors import GenerationFailed
from tests.adapters.fetch.hostile_server import PNG, Network, serve

SHORT, LONG = timedelta(seconds=1), timedelta(seconds=20)
EVERY_PROTOCOL, IP_V4, IP_V6, TCP, UDP = 3, 0x0800, 0x86DD, 6, 17
SYN, ACK = 0x02, 0x10
SETTLED = 0.003
"""Pause in seconds after an answer, so that the raw socket has seen every packet. Loopback delivers at once."""


class Watch:
    """A raw socket that records the addresses of TCP connections and datagrams."""

    def __init__(self) -> None:
        self._raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY_PROTOCOL))
        self._raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        self._raw.bind(("lo", 0))
        self._raw.setblocking(False)

    def seen(self) -> list[str]:
        """The addresses since the last call, in order. An address stands there once for each attempt."""
        found = []
        while True:
            try:
                packet, (_, protocol, kind, *_) = self._raw.recvfrom(128)
            except BlockingIOError:
                return found
            # Loopback shows each packet twice, as sent and as received. The received one is counted.
            if kind != socket.PACKET_OUTGOING and (address := _target(packet[14:], protocol)):
                found.append(address)


def _target(packet: bytes, protocol: int) -> str | None:
    if protocol == IP_V4:
        head, transport, address = (packet[0] & 15) * 4, packet[9], packet[16:20]
    elif protocol == IP_V6:
        head, transport, address = 40, packet[6], packet[24:40]
    else:
        return None
    begins = transport == UDP or (transport == TCP and packet[head + 13] & (SYN | ACK) == SYN)
    return str(ip_address(address)) if begins else None


@asynccontextmanager
async def internet(network: Network, tls: ssl.SSLContext | None) -> AsyncIterator[None]:
    at_work = set()

    async def connected(reader, writer):
        task = asyncio.current_task()
        at_work.add(task)
        try:
            await serve(network, reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            at_work.discard(task)

    servers = [
        await asyncio.start_server(connected, host, port, ssl=tls) for host in ("0.0.0.0", "::") for port in (80, 443)
    ]
    try:
        yield
    finally:
        for server in servers:
            server.close()
        for task in list(at_work):
            task.cancel()
        await asyncio.gather(*at_work, return_exceptions=True)


async def fetched(connections: Connections, url: str, folder: Path) -> tuple[str | None, str]:
    destination = folder / "picture"
    destination.unlink(missing_ok=True)
    try:
        medium = replace(IMAGE, deadline=LONG if "endless" in url else SHORT)
        await HttpDownload(connections, medium).fetch(url, str(destination))
    except GenerationFailed as failure:
        return failure.code, failure.reason
    assert destination.read_bytes() == PNG
    return None, ""


async def posted(connections: Connections, url: str) -> tuple[str, str]:
    try:
        answer = await GuardedCallbackSender(connections).post(url, {}, b"{}", SHORT)
        return str(answer.status), ""
    except CallbackUndeliverable as failure:
        code, _, words = str(failure).partition(": ")
        return code, words


async def tried(case, shared, folder: Path, watch: Watch, trusted: ssl.SSLContext | None) -> dict:
    """The case over plain HTTP, or over TLS if `trusted` holds the trusted certificates."""
    url = case["url"] or "http://93.184.215.14/?" + "a" * 1_000_000
    scheme = "http"
    if trusted is not None and url.startswith("http://"):
        scheme, url = "https", "https://" + url.removeprefix("http://")
    ways = {}
    for name in ("fetch", "callback"):
        network = Network(shared["dns"], frozenset(shared["public_addresses"]))
        connections = Connections(lookup=network.lookup, tls=trusted, dns_deadline=timedelta(seconds=0.2))
        watch.seen()
        act = fetched(connections, url, folder) if name == "fetch" else posted(connections, url)
        code, words = await act
        await asyncio.sleep(SETTLED)
        ways[name] = {"code": code, "words": words, "connected": watch.seen()}
    return {"id": case["id"], "scheme": scheme, **ways}


async def everything(shared, folder: Path) -> list[dict]:
    served, trusted = certificates(folder, shared["public_addresses"])
    watch = Watch()
    results: list[dict] = []
    network = Network(shared["dns"], frozenset())
    async with internet(network, None):
        results += [await tried(case, shared, folder, watch, None) for case in shared["cases"]]
    async with internet(network, served):
        results += [await tried(case, shared, folder, watch, trusted) for case in shared["cases"]]
        # A connection without a guard must be seen, or the watch proves nothing.
        watch.seen()
        _, writer = await asyncio.open_connection("169.254.169.254", 80)
        writer.close()
        await asyncio.sleep(SETTLED)
        results.append({"id": "unguarded", "connected": watch.seen()})
    return results


def certificates(folder: Path, addresses: list[str]) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's TLS context, with one certificate for all hosts of the cases."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    names = ["DNS:*.ssrf.example.com", "DNS:*.example.com", *(f"IP:{address}" for address in addresses)]
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=tests"
    files = ["-addext", "subjectAltName=" + ",".join(names), "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(certificate, key)
    return served, ssl.create_default_context(cafile=certificate)


def put_the_internet_on_loopback() -> None:
    for command in ("link set lo up", "route add local 0.0.0.0/0 dev lo", "-6 route add local ::/0 dev lo"):
        subprocess.run(["ip", *command.split()], check=True)


if __name__ == "__main__":
    put_the_internet_on_loopback()
    cases = json.loads((Path(__file__).parents[2] / "cases" / "ssrf.json").read_text("utf-8"))
    with TemporaryDirectory() as scratch:
        json.dump(asyncio.run(everything(cases, Path(scratch))), sys.stdout)
