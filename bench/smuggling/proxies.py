"""nginx, HAProxy and Caddy before a server on loopback, from the lines of docs/howto/reverse-proxy.md or others."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.load import Address

HOWTO = Path(__file__).resolve().parents[2] / "docs" / "howto" / "reverse-proxy.md"
START_SECONDS = 20.0
PROGRAMS = ("nginx", "haproxy", "caddy")


class ProxyTrouble(Exception):
    """A proxy that is not installed, did not start, or refused its configuration; the message holds its words."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A program, its treatment of connections, and the template of its configuration for a port and a server."""

    program: str
    kind: str
    configuration: Callable[[int, Address, Path], str]

    @property
    def name(self) -> str:
        """The name in the figures."""
        return f"{self.program}, {self.kind}"


def installed(program: str) -> str | None:
    """The program's file, also where only an administrator's PATH has it."""
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin:/usr/local/bin")


def documented(language: str) -> str:
    """The lines of the page that are written for a program."""
    found = re.search(rf"^ *```{language}\n(.*?)^ *```", HOWTO.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    if found is None:
        raise ProxyTrouble(f"{HOWTO.name} has no lines for {language}")
    return found[1]


def _here(lines: str, port: int, server: Address, changes: Mapping[str, str]) -> str:
    """The page's lines with this machine's ports, and without the certificate that nobody has here."""
    for line, other in {**changes, "127.0.0.1:8080": f"{server.host}:{server.port}"}.items():
        if line not in lines:
            raise ProxyTrouble(f"{HOWTO.name} has no longer the line {line!r}")
        lines = lines.replace(line, other.format(port=port))
    return lines


_NGINX = """worker_processes 1;
error_log stderr error;
pid {folder}/nginx.pid;
{user}
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000;
{lines}
}}
"""


def _nginx(lines: str, folder: Path) -> str:
    user = "user root;" if os.geteuid() == 0 else ""
    return _NGINX.format(folder=folder, user=user, lines=lines)


def _nginx_documented(port: int, server: Address, folder: Path) -> str:
    changes = {"listen 443 ssl;": "listen 127.0.0.1:{port};", "server_name video.example.com;": "server_name _;"}
    return _nginx(_here(documented("nginx"), port, server, changes), folder)


def _nginx_websockets(port: int, server: Address, folder: Path) -> str:
    """The usual lines for WebSockets, with connections to the server kept alive."""
    lines = f"""
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    upstream stillmotion {{ server {server.host}:{server.port}; keepalive 4; }}
    server {{
        listen 127.0.0.1:{port};
        client_max_body_size 56m;
        location / {{
            proxy_pass http://stillmotion;
            proxy_http_version 1.1;
            proxy_set_header Host $host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
        }}
    }}
"""
    return _nginx(lines, folder)


def _haproxy_documented(port: int, server: Address, folder: Path) -> str:
    del folder
    bind = "bind :443 ssl crt /etc/haproxy/video.example.com.pem"
    return _here(documented("haproxy"), port, server, {bind: "bind 127.0.0.1:{port}"})


def _haproxy_shared(port: int, server: Address, folder: Path) -> str:
    """With few connections to the server, which all callers share; HAProxy passes upgrades on by itself."""
    del folder
    return f"""
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 60s
frontend here
    bind 127.0.0.1:{port}
    default_backend stillmotion
backend stillmotion
    http-reuse always
    server one {server.host}:{server.port} pool-max-conn 4
"""


def _caddy(lines: str, folder: Path) -> str:
    del folder
    return "{\n    admin off\n    auto_https off\n}\n" + lines


def _caddy_documented(port: int, server: Address, folder: Path) -> str:
    return _caddy(
        _here(documented("caddy"), port, server, {"video.example.com {": "http://:{port} {{\n bind 127.0.0.1"}), folder
    )


def _caddy_websockets(port: int, server: Address, folder: Path) -> str:
    lines = f"""http://:{port} {{
    bind 127.0.0.1
    reverse_proxy {server.host}:{server.port} {{
        header_up Connection {{http.request.header.Connection}}
        header_up Upgrade {{http.request.header.Upgrade}}
        transport http {{
            keepalive_idle_conns_per_host 4
        }}
    }}
}}
"""
    return _caddy(lines, folder)


PROXIES = (
    Proxy("nginx", "as documented", _nginx_documented),
    Proxy("nginx", "WebSocket lines", _nginx_websockets),
    Proxy("haproxy", "as documented", _haproxy_documented),
    Proxy("haproxy", "connections shared", _haproxy_shared),
    Proxy("caddy", "as documented", _caddy_documented),
    Proxy("caddy", "WebSocket lines", _caddy_websockets),
)


def _command(program: str, file: Path) -> list[str]:
    found = installed(program)
    if found is None:
        raise ProxyTrouble(f"{program} is not installed: apt-get install {program}")
    match program:
        case "nginx":
            return [found, "-p", str(file.parent), "-c", str(file), "-g", "daemon off;"]
        case "haproxy":
            return [found, "-db", "-f", str(file)]
        case _:
            return [found, "run", "--config", str(file), "--adapter", "caddyfile"]


@contextmanager
def before(proxy: Proxy, server: Address) -> Iterator[Address]:
    """A proxy that runs before a server, on a free port. Raises `ProxyTrouble`."""
    with TemporaryDirectory(prefix="stillmotion-proxy-") as name:
        folder = Path(name)
        address = Address("127.0.0.1", _free_port())
        file = folder / "configuration"
        file.write_text(proxy.configuration(address.port, server, folder), "utf-8")
        environment = os.environ | {"HOME": name, "XDG_DATA_HOME": name, "XDG_CONFIG_HOME": name}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(_command(proxy.program, file), env=environment, stdout=log, stderr=log)
        try:
            _wait(process, address, folder / "log")
            yield address
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], address: Address, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection((address.host, address.port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise ProxyTrouble(f"the proxy did not start: {log.read_text('utf-8', 'replace')[-2000:]}")
