"""The files in deploy/, as their own programs read them."""

import json
import re
import shlex
import socket
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE, CADDYFILE, COMPOSE = DEPLOY / "Dockerfile", DEPLOY / "Caddyfile", DEPLOY / "compose.yaml"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
PREFIX = "STILLMOTION_"
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}")
_WORD = re.compile(r'(\w+)=("[^"]*"|\S*)')


def filled(value: Any, variables: dict[str, str]) -> Any:
    """A compose file's value with its variables filled in, as Compose does."""
    if isinstance(value, dict):
        return {name: filled(each, variables) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, variables) for each in value]
    if not isinstance(value, str):
        return value
    return _VARIABLE.sub(lambda found: variables.get(found[1]) or found[2] or "", value)


def example() -> dict[str, str]:
    """The variables of example.env, with a secret in each empty one that has to be filled in."""
    lines = (DEPLOY / "example.env").read_text("utf-8").splitlines()
    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    needed = set(re.findall(r"\$\{(\w+):\?", COMPOSE.read_text("utf-8")))
    return given | dict.fromkeys(needed, "ab" * 32)


def compose() -> dict[str, Any]:
    """The compose file with its example's variables."""
    return filled(yaml.safe_load(COMPOSE.read_text("utf-8")), example())


def resources() -> list[dict[str, Any]]:
    """Every resource of the Kubernetes manifests."""
    return [each for path in MANIFESTS for each in yaml.safe_load_all(path.read_text("utf-8"))]


def instructions(target: str) -> list[tuple[str, str]]:
    """The instructions that a target's image is made by, those of the stages before it included."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", "")
    stages: dict[str, list[tuple[str, str]]] = {}
    own: list[tuple[str, str]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            before, _, name = rest.partition(" AS ")
            own = stages[name] = [*stages.get(before, [])]
        else:
            own.append((word, rest.strip()))
    return stages[target]


def environment(target: str) -> dict[str, str]:
    """The environment that a target's image sets."""
    words = (rest for word, rest in instructions(target) if word == "ENV")
    return {name: value for rest in words for name, value in _WORD.findall(rest)}


def command(target: str, kind: str) -> list[str]:
    """An exec form of a target: ENTRYPOINT, CMD, or HEALTHCHECK."""
    (rest,) = (rest for word, rest in instructions(target) if word == kind)
    return [str(each) for each in json.loads(rest.rpartition("CMD ")[2])]


def steps(target: str) -> list[list[str]]:
    """The commands of a target's RUN instructions."""
    runs = (rest for word, rest in instructions(target) if word == "RUN")
    return [shlex.split(each) for rest in runs for each in rest.split("&&")]


def free_port() -> int:
    """A port that nothing listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
