"""Fetching over TLS: trusted certificates, and no redirect back to plain HTTP."""

import shutil
import ssl
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from stillmotion.adapters.callbacks import GuardedCallbackSender
from stillmotion.adapters.fetch.client import Connections
from stillmotion.adapters.fetch.download import HttpDownload
from stillmotion.application.ports.outbound import CallbackUndeliverable
from stillmotion.domain.errors import GenerationFailed
from tests.adapters.fetch.hostile_server import PNG, Network, hostile_network

DNS = {"pictures.example.com": ["93.184.215.14"], "other.example.com": ["93.184.215.14"]}
PUBLIC = frozenset({"93.184.215.14"})

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=tests"
    names = ["-addext", "subjectAltName=DNS:pictures.example.com", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    return key, certificate


@pytest.fixture
def served(certificate) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate[1], certificate[0])
    return context


def connections(network: Network, certificate: tuple[Path, Path] | None) -> Connections:
    trusted = ssl.create_default_context(cafile=certificate[1]) if certificate else None
    return Connections(lookup=network.lookup, socket=network.socket, tls=trusted)


async def test_a_picture_comes_over_tls(certificate, served, tmp_path):
    async with hostile_network(DNS, PUBLIC, served) as network:
        images = HttpDownload(connections(network, certificate))
        await images.fetch("https://pictures.example.com/img.png", str(tmp_path / "picture"))
    assert (tmp_path / "picture").read_bytes() == PNG


@pytest.mark.parametrize(("host", "trusting"), [("pictures", False), ("other", True)])
async def test_a_certificate_that_is_not_theirs_ends_it(host, trusting, certificate, served, tmp_path):
    async with hostile_network(DNS, PUBLIC, served) as network:
        guarded = connections(network, certificate if trusting else None)
        with pytest.raises(GenerationFailed, match="no secure connection") as caught:
            await HttpDownload(guarded).fetch(f"https://{host}.example.com/img.png", str(tmp_path / "picture"))
        with pytest.raises(CallbackUndeliverable, match="callback_insecure"):
            await GuardedCallbackSender(guarded).post(f"https://{host}.example.com/", {}, b"", timedelta(seconds=5))
    assert caught.value.permanent
    assert network.requests == []


async def test_it_is_never_led_from_https_back_to_http(certificate, served, tmp_path):
    async with hostile_network(DNS, PUBLIC, served) as network:
        images = HttpDownload(connections(network, certificate))
        url = "https://pictures.example.com/redir?to=http://pictures.example.com/img.png"
        with pytest.raises(GenerationFailed) as caught:
            await images.fetch(url, str(tmp_path / "picture"))
    assert caught.value.code == "image_fetch_blocked"
    assert len(network.connected) == 1
