#!/usr/bin/env python3
"""Every chore of Stillmotion, one definition each: `python3 dev.py --help`.

Needs Python 3.11 or newer with pip, and nothing else: the first chore makes `.venv`, and brings `uv` into `.tools`
where the machine has none. The package index, certificate and find-links settings that pip uses are honoured.
"""

import contextlib
import difflib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from ast import literal_eval
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - says so in a sentence before anything newer is evaluated
    sys.exit(
        "Stillmotion needs Python 3.11 or newer and this is {}.{}: run dev.py with a newer one, for instance "
        "`python3.12 dev.py`.".format(*sys.version_info[:2])
    )

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
TOOLS = ROOT / ".tools"
STAMP = VENV / "stillmotion.json"
CONSTRAINTS = ROOT / "constraints.txt"

TORCHS_OWN = ("cuda-", "nvidia-", "triton==")
"""Libraries that each build of torch names the exact version of, or has no use for: they are not pinned twice."""

EXTRA = "diffusers"
"""What runs models. It needs torch, which no default install and no other chore brings."""

UV_VERSION = "0.13.9"
OLDEST_UV = (0, 9)
"""A uv that is on the PATH serves from this version on; otherwise `UV_VERSION` is brought."""

MOST_AT_ONCE = 4
"""Processes that run tests side by side: with more, those that look at the clock get too little of it."""

IMPORT_LINTER = "from importlinter.cli import lint_imports_command; lint_imports_command()"
"""It has no `python -m` of its own, and a script's first line breaks where the checkout has moved."""


class Trouble(Exception):
    """A sentence that says what went wrong and what to do about it, and the exit code to end with."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


def demo(arguments: Sequence[str]) -> int:
    """Turn a picture and a sentence into out/demo.mp4, through the real service."""
    prepare(development=False)
    folder = os.path.relpath(ROOT / "out") + os.sep
    return become([str(VENV / "bin" / "stillmotion"), "demo", "--out", folder, *arguments])


def test(arguments: Sequence[str]) -> int:
    """Run the tests, all of them on several processors at once; --all takes in the slow ones."""
    everything = ["-m", ""] if "--all" in arguments else []
    given = [word for word in arguments if word != "--all"]
    chosen = any(not word.startswith("-") or word in ("-s", "--pdb") for word in given)
    at_once = [] if chosen else ["-n", str(min((os.cpu_count() or 1) + 1, MOST_AT_ONCE)), "--dist", "worksteal"]
    os.chdir(ROOT)
    prepare()
    if everything:
        bring_models_libraries()
    return become([str(PYTHON), "-m", "pytest", *everything, *at_once, *given])


def check(arguments: Sequence[str]) -> int:
    """Check format, lint, types, import contracts and house rules."""
    refuse(arguments, "check")
    os.chdir(ROOT)
    prepare()
    typed = [name for name in ("src", "dev.py", "bench", "tools") if (ROOT / name).exists()]
    steps = {
        "format": ["-m", "ruff", "format", "--check"],
        "lint": ["-m", "ruff", "check"],
        "types": ["-m", "mypy", "--strict", *typed],
        "import contracts": ["-c", IMPORT_LINTER, "--no-logo"],
        "house rules": ["-m", "pytest", "-q", "tests/architecture"],
    }
    failed = []
    for name, command in steps.items():
        began = time.monotonic()
        passed = subprocess.run([PYTHON, *command], check=False).returncode == 0
        say("{}: {} in {:.1f} s".format(name, "passed" if passed else "FAILED", time.monotonic() - began))
        failed += [] if passed else [name]
    if failed:
        raise Trouble(f"Not yet: {', '.join(failed)}. `python3 dev.py fmt` mends format and some lint.")
    return 0


def fmt(arguments: Sequence[str]) -> int:
    """Format the code and mend what the linter can mend."""
    refuse(arguments, "fmt")
    os.chdir(ROOT)
    prepare()
    mended = subprocess.run([PYTHON, "-m", "ruff", "check", "--fix"], check=False).returncode
    return subprocess.run([PYTHON, "-m", "ruff", "format"], check=False).returncode or mended


def bench(arguments: Sequence[str]) -> int:
    """Measure one thing and check its bars."""
    os.chdir(ROOT)
    found = [*(ROOT / "bench").glob("*.py"), *(ROOT / "bench").glob("*/__main__.py")]
    runnable = [path for path in found if '__name__ == "__main__"' in path.read_text("utf-8")]
    known = sorted(path.parent.name if path.stem == "__main__" else path.stem for path in runnable)
    if not arguments or arguments[0] not in known:
        raise Trouble(f"Say which one, `python3 dev.py bench NAME`: {', '.join(known) or 'there is none yet'}.", 2)
    prepare()
    if arguments[0] == "gpu":
        bring_models_libraries()
    return become([str(PYTHON), "-m", f"bench.{arguments[0]}", *arguments[1:]])


def gallery(arguments: Sequence[str]) -> int:
    """Write a page of clips and contact sheets to look through."""
    return go_on("bench.gallery", *arguments)


def fuzz(arguments: Sequence[str]) -> int:
    """Send a live server whatever its OpenAPI document allows, and what it does not."""
    return go_on("tools.fuzz", *arguments)


def pictures(arguments: Sequence[str]) -> int:
    """Try a folder of any images: what is read, what is refused and why, and whose colours are wrong."""
    given = [str(Path(word).resolve()) if Path(word).exists() else word for word in arguments]
    os.chdir(ROOT)
    prepare()
    return become([str(PYTHON), "-m", "tools.pictures", *given])


def soak(arguments: Sequence[str]) -> int:
    """Let a seeded storm loose on the service, and count what was lost: nothing."""
    return go_on("bench.soak", *arguments)


def walk(arguments: Sequence[str]) -> int:
    """Follow a real submit, poll, download, callback or render through the files of the house."""
    return go_on("tools.walk", *arguments)


def docs(arguments: Sequence[str]) -> int:
    """Write the reference pages from the code; --check only compares."""
    return go_on("tools.docs", *arguments)


def site(arguments: Sequence[str]) -> int:
    """Build the documentation as a site in out/site, its links checked."""
    refuse(arguments, "site")
    return go_on("zensical", "build", "--clean", "--strict")


def compatibility(arguments: Sequence[str]) -> int:
    """Try every client against a live server and write docs/compatibility.md."""
    refuse(arguments, "compatibility")
    os.chdir(ROOT)
    prepare()
    page = ["-p", "tests.compatibility", "--compatibility", "docs/compatibility.md"]
    lines = [f"tests/cli/test_{each}.py" for each in ("generate", "generations", "mcp")]
    tests = ["tests/clients", "tests/docs/test_examples.py", *lines]
    return become([str(PYTHON), "-m", "pytest", *page, "-m", "", *tests])


def matrix(arguments: Sequence[str]) -> int:
    """Ask every engine for every ability over every surface, and write docs/engines.md."""
    refuse(arguments, "matrix")
    os.chdir(ROOT)
    prepare()
    bring_models_libraries()
    models = [f"tests/engines/diffusers/test_{each}.py" for each in ("abilities", "families")]
    tests = ["tests/matrix", "tests/engines/forward", *models]
    tests += ["tests/end_to_end/test_another_server.py", "tests/end_to_end/test_a_model.py"]
    page = ["-p", "tests.matrix.page", "--matrix", "docs/engines.md"]
    return become([str(PYTHON), "-m", "pytest", *page, "-m", "", *tests])


def lock(arguments: Sequence[str]) -> int:
    """Pin the dependencies in constraints.txt; --upgrade takes the newest versions."""
    refuse([word for word in arguments if word != "--upgrade"], "lock")
    os.chdir(ROOT)
    uv, environment = find_uv()
    lines = CONSTRAINTS.read_text("utf-8").splitlines() if CONSTRAINTS.exists() else []
    pinned = "\n".join(line for line in lines if "--upgrade" not in arguments and not line.startswith("#"))
    command = [uv, "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--group", "dev"]
    command += ["--no-annotate", "--no-header", "--extra", EXTRA, "pyproject.toml"]
    fresh = TOOLS / "constraints.txt"
    fresh.parent.mkdir(exist_ok=True)
    fresh.write_text(pinned, "utf-8")
    ended = subprocess.run([*command, "--output-file", fresh], env=environment, stdout=subprocess.DEVNULL, check=False)
    if ended.returncode:
        raise Trouble("The versions could not be settled (see above); constraints.txt is as it was.", ended.returncode)
    lines = fresh.read_text("utf-8").splitlines()
    pins = [line for line in lines if re.match(r"[a-z0-9-]+==", line) and not line.startswith(TORCHS_OWN)]
    CONSTRAINTS.write_text("\n".join(["# Written by `python3 dev.py lock`.", *pins, ""]), "utf-8")
    say(f"{CONSTRAINTS.name} pins {len(pins)} versions")
    return 0


def prepare(*, development: bool = True) -> None:
    """Make `.venv` hold what pyproject.toml asks for, at the pinned versions; at once where it does already."""
    wanted = fingerprint()
    if up_to_date(wanted, development):
        return
    with alone():
        if up_to_date(wanted, development):
            return
        uv, environment = find_uv()
        make_venv(uv, environment)
        install(uv, environment, development)
        kept = read_stamp()
        STAMP.write_text(json.dumps({**kept, "root": str(ROOT), needs(development): wanted}), "utf-8")


def bring_models_libraries() -> None:
    """Add the extra `diffusers` to `.venv`, for what runs models; without it its tests are skipped by name.

    pip brings it, which finds torch where its settings say: uv would pass over folders and caps that only pip knows.
    """
    wanted = fingerprint()
    if read_stamp().get(EXTRA) == wanted:
        return
    say(f"installing the extra {EXTRA}, with torch, for the tests that run models: once, some minutes")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    command = [sys.executable, "-m", "pip", "--python", str(PYTHON), "install", "--quiet", "--only-binary", ":all:"]
    command += ["--constraint", str(CONSTRAINTS), *project["optional-dependencies"][EXTRA]]
    with alone():
        ended = subprocess.run(command, env=pip_allowed(), check=False)
        if ended.returncode:
            say(f"the extra {EXTRA} could not be installed (see above): the tests that run models will be skipped")
            return
        STAMP.write_text(json.dumps({**read_stamp(), EXTRA: wanted}), "utf-8")


def needs(development: bool) -> str:
    """The stamp's entry: with the development tools, or without."""
    return "development" if development else "runtime"


def fingerprint() -> str:
    """Changes when what should be installed changes."""
    digest = hashlib.sha256(repr((str(ROOT), sys.version_info[:2])).encode())
    for path in (ROOT / "pyproject.toml", CONSTRAINTS):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def up_to_date(wanted: str, development: bool) -> bool:
    """Whether `.venv` works and was last filled for this fingerprint."""
    stamp = read_stamp()
    entries = {stamp.get("development"), None if development else stamp.get("runtime")}
    return wanted in entries and PYTHON.exists()


def read_stamp() -> Mapping[str, str]:
    """What `.venv` was filled for: empty where there is none, or it is unreadable."""
    try:
        return dict(json.loads(STAMP.read_text("utf-8")))
    except (OSError, ValueError):
        return {}


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One set-up at a time in a checkout."""
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def make_venv(uv: str, environment: Mapping[str, str]) -> None:
    """Keep a `.venv` that works, is of this Python and has not been moved; otherwise make it anew."""
    running = "{}.{}".format(*sys.version_info[:2])
    moved = read_stamp().get("root", str(ROOT)) != str(ROOT)
    if PYTHON.exists() and venv_version() == running and not moved:
        return
    say(f"making .venv with Python {running}")
    command = [uv, "venv", "--quiet", "--clear", "--seed", "--no-project", "--python", sys.executable, str(VENV)]
    ended = subprocess.run(command, env=environment, check=False)
    if ended.returncode:
        raise Trouble("The environment .venv could not be made (see above): remove it and try again.", ended.returncode)


def venv_version() -> str:
    """The Python of `.venv`, as `3.11`; empty where its own record does not say."""
    try:
        record = (VENV / "pyvenv.cfg").read_text("utf-8")
    except OSError:
        return ""
    found = re.search(r"^version(?:_info)? *= *(\d+\.\d+)", record, re.MULTILINE)
    return found[1] if found else ""


def install(uv: str, environment: Mapping[str, str], development: bool) -> None:
    """Bring the project and its dependencies into `.venv`."""
    say("installing the project" + (" and the development tools" if development else "") + ": once, a minute or so")
    command = [uv, "pip", "install", *([] if sys.stderr.isatty() else ["--quiet"]), "--python", str(PYTHON)]
    command += ["--constraints", str(CONSTRAINTS), "--editable", str(ROOT)]
    command += ["--only-binary", ":all:", "--no-binary", "stillmotion", "--reinstall-package", "stillmotion"]
    command += ["--group", f"{ROOT / 'pyproject.toml'}:dev"] if development else []
    ended = subprocess.run(command, env=environment, check=False)
    if ended.returncode:
        raise Trouble(
            "The dependencies could not be installed (see above): check the network, and that `pip config list` "
            "names the package index and certificate of your place, then try again.",
            ended.returncode,
        )


def find_uv() -> tuple[str, Mapping[str, str]]:
    """A uv that is recent enough, brought with pip where there is none, and the environment to run it in."""
    environment = {**os.environ, **uv_environment(pip_settings(), os.environ)}
    private = TOOLS / "uv" / "bin" / "uv"
    for candidate in (str(private), shutil.which("uv")):
        if candidate and uv_version(candidate) >= OLDEST_UV:
            return candidate, environment
    say(f"bringing uv {UV_VERSION} with pip")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--upgrade"]
    ended = subprocess.run([*command, "--target", TOOLS / "uv", f"uv=={UV_VERSION}"], env=pip_allowed(), check=False)
    if ended.returncode:
        raise Trouble(
            "uv could not be brought with pip (see above): install pip (on Debian and Ubuntu `apt-get install "
            "python3-pip`) or uv itself, check the network and `pip config list`, then try again.",
            ended.returncode,
        )
    return str(private), environment


def pip_allowed() -> Mapping[str, str]:
    """A user's pip may be set to refuse or redirect an install outside an environment; ours go to our own folders."""
    allowing = {"PIP_REQUIRE_VIRTUALENV": "0", "PIP_USER": "0", "PIP_ROOT_USER_ACTION": "ignore"}
    return {**os.environ, **allowing, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def uv_version(uv: str) -> tuple[int, ...]:
    """A uv's version; empty where there is none, or it does not run."""
    try:
        answer = subprocess.run([uv, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return ()
    return tuple(int(number) for number in re.findall(r"\d+", answer.partition("(")[0])[:3])


def pip_settings() -> Mapping[str, str]:
    """What pip is told by its files and the environment, without the leading dashes: `index-url`, `cert`, …"""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    return parse_pip_settings(listed.stdout)


def parse_pip_settings(listing: str) -> Mapping[str, str]:
    """Read `pip config list`: a command's own section goes before the global one, the environment before both."""
    settings: dict[str, str] = {}
    found = re.findall(r"^(global|install|:env:)\.([a-z-]+)=(.+)$", listing, re.MULTILINE)
    for section in ("global", "install", ":env:"):
        settings.update({name: str(literal_eval(value)) for own, name, value in found if own == section})
    return settings


def uv_environment(pip: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """pip's settings in uv's words, less those that the environment gives to uv itself."""
    extra = there(pip.get("extra-index-url", ""))
    translated = {
        "UV_DEFAULT_INDEX": pip.get("index-url", ""),
        "UV_INDEX": " ".join(extra),
        # pip takes the best version of all indexes, uv by default that of the first index that has any.
        "UV_INDEX_STRATEGY": "unsafe-best-match" if extra else "",
        "UV_FIND_LINKS": ",".join(there(pip.get("find-links", ""))),
        "UV_NO_INDEX": "1" if pip.get("no-index", "").lower() in {"1", "true", "yes", "on"} else "",
        "UV_INSECURE_HOST": " ".join(pip.get("trusted-host", "").split()),
        "UV_HTTP_TIMEOUT": pip.get("timeout", pip.get("default-timeout", "")),
        "SSL_CERT_FILE": pip.get("cert", environ.get("REQUESTS_CA_BUNDLE", "")),
        "SSL_CLIENT_CERT": pip.get("client-cert", ""),
        "ALL_PROXY": pip.get("proxy", ""),
        "UV_PYTHON_DOWNLOADS": "never",
    }
    if not translated["SSL_CERT_FILE"]:
        # Debian's pip trusts the system's certificates; uv does when told. Older uv knows the second name.
        translated |= {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}
    return {name: value for name, value in translated.items() if value and name not in environ}


def there(locations: str) -> list[str]:
    """The locations less the local ones that do not exist: pip passes over those, uv stops at them."""
    paths = {location: location.removeprefix("file://") for location in locations.split()}
    return [location for location, path in paths.items() if "://" in path or Path(path).exists()]


def become(command: list[str]) -> int:
    """Go on as another program: its signals and its exit code are ours."""
    sys.stdout.flush()
    os.execv(command[0], command)


def go_on(*words: str) -> int:
    """Go on as one of the project's modules, at its root, with what it needs."""
    os.chdir(ROOT)
    prepare()
    return become([str(PYTHON), "-m", *words])


def refuse(arguments: Sequence[str], chore: str) -> None:
    """Some chores take no arguments."""
    if arguments:
        raise Trouble(
            f"`dev.py {chore}` does not take {arguments[0]!r}: `python3 dev.py --help` lists what it takes.", 2
        )


def say(sentence: str) -> None:
    """Tell the person at the terminal."""
    print(f"dev.py: {sentence}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Chore:
    """What it does (its docstring is its line of the help) and what may follow its name."""

    run: Callable[[Sequence[str]], int]
    takes: str = ""


CHORES: Mapping[str, Chore] = {
    "demo": Chore(demo, '[IMAGE-or-URL] ["prompt"]'),
    "test": Chore(test, "[--all] [pytest's]"),
    "check": Chore(check),
    "fmt": Chore(fmt),
    "bench": Chore(bench, "NAME [its own]"),
    "gallery": Chore(gallery, "[--out DIR] [--only WORD]"),
    "fuzz": Chore(fuzz, "[--seconds N] [--seed N] [its own]"),
    "pictures": Chore(pictures, "DIR [--json FILE]"),
    "soak": Chore(soak, "[--seconds N] [--seed N]"),
    "walk": Chore(walk, "JOURNEY… [--short]"),
    "docs": Chore(docs, "[--check]"),
    "site": Chore(site),
    "compatibility": Chore(compatibility),
    "matrix": Chore(matrix),
    "lock": Chore(lock, "[--upgrade]"),
}


def help_text() -> str:
    """What a newcomer reads first."""
    lines = [f"  {f'{name} {chore.takes}':<36}{chore.run.__doc__}" for name, chore in CHORES.items()]
    return "\n".join(
        [
            "Every chore of Stillmotion. New here? Try:  python3 dev.py demo",
            "",
            "usage: python3 dev.py CHORE [arguments]",
            "",
            *lines,
            "",
            "The first chore makes .venv with this Python and what it needs (about a minute); remove .venv and .tools",
            "to begin anew. pip's settings for the package index and certificates are honoured.",
        ]
    )


def main(arguments: Sequence[str]) -> int:
    """Do the chore that is named."""
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(help_text())
        return 0
    chore = CHORES.get(arguments[0])
    if chore is None:
        near = difflib.get_close_matches(arguments[0], CHORES, 1)
        hint = f"did you mean `{near[0]}`?" if near else "`python3 dev.py --help` lists them."
        raise Trouble(f"No chore is called {arguments[0]!r}: {hint}", 2)
    return chore.run(arguments[1:])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Trouble as trouble:
        say(str(trouble))
        sys.exit(trouble.code)
    except OSError as error:
        say(f"{error.strerror or error}: {error.filename or 'the file system'}. Put that right and try again.")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
