#!/usr/bin/env python3
"""Every chore of Stillmotion, one definition each: `python3 dev.py --help`.

Needs Python 3.11 or newer with pip, or with uv, and nothing else: the first chore makes `.venv`. pip reads its own
settings of the package index, the certificate and the folders of wheels; uv reads those of its own.
"""

import contextlib
import difflib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - says so in a sentence before anything newer is evaluated
    sys.exit(
        "Stillmotion needs Python 3.11 or newer and this is {}.{}: run dev.py with a newer one, for instance "
        "`python3.12 dev.py`.".format(*sys.version_info[:2])
    )

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
TOOLS = ROOT / ".tools"
STAMP = VENV / "stillmotion.json"
CONSTRAINTS = ROOT / "constraints.txt"

EXTRA = "diffusers"
"""The libraries that run models. They need torch, which neither a default install nor another chore brings."""

MADE_FOR = "Python {}.{} in ".format(*sys.version_info[:2]) + str(ROOT)
"""An environment serves one Python in one place: its scripts name their folder."""

MOST_AT_ONCE = 4
"""Test processes side by side, two for each processor, since tests wait for much. With more of them, tests that look at
the clock get too little of it."""

IMPORT_LINTER = "from importlinter.cli import lint_imports_command; lint_imports_command()"
"""import-linter has no `python -m`, and the first line of its script breaks in a checkout that has moved."""

COMMANDS = tuple(f"tests/cli/test_{each}.py" for each in ("generate", "generations", "mcp"))
CLIENTS = ("tests/clients", "tests/docs/test_examples.py", *COMMANDS)
"""Tests that drive a client of ours or of others."""

MODELS = tuple(f"tests/engines/diffusers/test_{each}.py" for each in ("abilities", "families"))
LIVE = tuple(f"tests/end_to_end/test_{each}.py" for each in ("another_server", "a_model"))
ENGINES = ("tests/matrix", "tests/engines/forward", *MODELS, *LIVE)
"""Tests that ask an engine for an ability."""

Run = Callable[[Sequence[str]], int]
"""A chore's code: it takes the words after the chore's name and returns an exit code."""


class Trouble(Exception):
    """A sentence that says what went wrong and what to do about it, and the exit code to end with."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


def demo(arguments: Sequence[str]) -> int:
    """Run the demo in the caller's folder, since it may name a picture there."""
    prepare(development=False)
    folder = os.path.relpath(ROOT / "out") + os.sep
    return become([str(VENV / "bin" / "stillmotion"), "demo", "--out", folder, *arguments])


def test(arguments: Sequence[str]) -> int:
    """Run pytest: on several processors at once where no tests are named, with the models' libraries for --all."""
    everything = ["-m", ""] if "--all" in arguments else []
    given = [word for word in arguments if word != "--all"]
    chosen = any(not word.startswith("-") or word in ("-s", "--pdb") for word in given)
    at_once = [] if chosen else ["-n", str(min(2 * (os.cpu_count() or 1), MOST_AT_ONCE)), "--dist", "worksteal"]
    # Tests start hundreds of Pythons. Where no bytecode is kept, each of them compiles all that it imports.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    return runs("pytest", *everything, *at_once, models=bool(everything))(given)


def check(arguments: Sequence[str]) -> int:
    """Run every step even after one that failed, so that one call names all that is wrong."""
    del arguments  # main() has refused them
    os.chdir(ROOT)
    prepare()
    steps = {
        "format": ["-m", "ruff", "format", "--check"],
        "lint": ["-m", "ruff", "check"],
        "types": ["-m", "mypy", "--strict", "src", "dev.py", "bench", "tools"],
        "import contracts": ["-c", IMPORT_LINTER, "--no-logo"],
        "house rules": ["-m", "pytest", "-q", "tests/architecture"],
        "console types": ["-m", "tools.console.types"],
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
    """Mend lint before format, since a mended line may need formatting."""
    del arguments  # main() has refused them
    os.chdir(ROOT)
    prepare()
    mended = subprocess.run([PYTHON, "-m", "ruff", "check", "--fix"], check=False).returncode
    return subprocess.run([PYTHON, "-m", "ruff", "format"], check=False).returncode or mended


def bench(arguments: Sequence[str]) -> int:
    """Run the module of `bench` that is named; a benchmark is a module that can be run."""
    found = [*(ROOT / "bench").glob("*.py"), *(ROOT / "bench").glob("*/__main__.py")]
    runnable = [path for path in found if '__name__ == "__main__"' in path.read_text("utf-8")]
    known = sorted(path.parent.name if path.stem == "__main__" else path.stem for path in runnable)
    if not arguments or arguments[0] not in known:
        raise Trouble(f"Say which one, `python3 dev.py bench NAME`: {', '.join(known)}.", 2)
    return runs(f"bench.{arguments[0]}", models=arguments[0] == "gpu")(arguments[1:])


def pictures(arguments: Sequence[str]) -> int:
    """Name the caller's files in full before the working folder changes."""
    given = [str(Path(word).resolve()) if Path(word).exists() else word for word in arguments]
    return runs("tools.pictures")(given)


def lock(arguments: Sequence[str]) -> int:
    """Pin with the tools that are there: new dependencies cannot be installed before they are pinned."""
    os.chdir(ROOT)
    if not (VENV / "bin" / "uv").exists():
        prepare()
    return become([str(PYTHON), "-m", "tools.lock", *arguments])


def runs(*command: str, models: bool = False) -> Run:
    """A chore that runs a module with the development tools, and with the models' libraries where it needs them."""

    def run(arguments: Sequence[str]) -> int:
        os.chdir(ROOT)
        prepare()
        if models:
            bring_models_libraries()
        return become([str(PYTHON), "-m", *command, *arguments])

    return run


def prepare(*, development: bool = True) -> None:
    """Make `.venv` hold the pinned versions of all that pyproject.toml asks for; at once where it does already."""
    part = "development" if development else "runtime"
    if is_current(part):
        return
    with alone():
        if is_current(part):
            return
        if not read_stamp():
            say("making .venv with Python {}.{}".format(*sys.version_info[:2]))
            venv.create(VENV, clear=True, symlinks=True)
            stamp()
        say("installing the project" + (" and the development tools" if development else "") + ": once, a minute or so")
        tools = pyproject()["dependency-groups"]["dev"] if development else []
        # pip goes along for readers of the README, who add clients to `.venv` with it.
        code = install("--no-binary", "stillmotion", "--editable", str(ROOT), "pip", *tools)
        if code:
            raise Trouble(
                "The dependencies could not be installed (see above): check the network, and that `pip config list` "
                "names the package index and certificate of your place, then try again.",
                code,
            )
        stamp("runtime", part)


def bring_models_libraries() -> None:
    """Add the extra `diffusers` to `.venv`, for tests that run models; without it they are skipped by name."""
    if is_current(EXTRA):
        return
    say(f"installing the extra {EXTRA}, with torch, for the tests that run models: once, some minutes")
    with alone():
        if install(*pyproject()["project"]["optional-dependencies"][EXTRA]):
            say(f"the extra {EXTRA} could not be installed (see above): the tests that run models will be skipped")
            return
        stamp(EXTRA)


def install(*wanted: str) -> int:
    """Bring requirements into `.venv` at the pinned versions, as wheels, with pip or, where there is none, uv."""
    # A chore may be run by the Python of `.venv`, whose pip is what is to be installed: its origin's pip serves then.
    python = sys.executable if Path(sys.prefix) != VENV else os.path.realpath(sys.executable)
    uv = shutil.which("uv")
    if subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
        # A user's pip may be set to install into the home folder, which an environment refuses.
        command = [python, "-m", "pip", "--disable-pip-version-check", "--python", str(PYTHON), "install", "--no-user"]
        command += [] if sys.stderr.isatty() else ["-qq"]
    elif uv:
        command = [uv, "pip", "install", "--python", str(PYTHON)]
    else:
        raise Trouble("pip is missing: install it (on Debian and Ubuntu `apt-get install python3-pip`), or install uv.")
    command += ["--constraint", str(CONSTRAINTS), "--only-binary", ":all:", *wanted]
    return subprocess.run(command, check=False).returncode


def pyproject() -> Mapping[str, Any]:
    """The project's own description."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def fingerprint() -> str:
    """A digest of all that decides what `.venv` should hold; the settings of tools do not."""
    described = pyproject()
    parts = [described[each] for each in ("project", "dependency-groups", "build-system")]
    return hashlib.sha256(repr(parts).encode() + CONSTRAINTS.read_bytes()).hexdigest()


def is_current(part: str) -> bool:
    """`.venv` holds this part of the dependencies as it is asked for now."""
    return read_stamp().get(part) == fingerprint()


def read_stamp() -> Mapping[str, str]:
    """The parts that `.venv` holds; empty where there is none, or one of another Python or of another place."""
    try:
        held = dict(json.loads(STAMP.read_text("utf-8")))
    except (OSError, ValueError):
        return {}
    return held if held.get("made for") == MADE_FOR and PYTHON.exists() else {}


def stamp(*parts: str) -> None:
    """Note that `.venv` holds these parts now."""
    held = {**read_stamp(), "made for": MADE_FOR, **dict.fromkeys(parts, fingerprint())}
    STAMP.write_text(json.dumps(held), "utf-8")


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One set-up at a time in a checkout."""
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def become(command: list[str]) -> int:
    """Go on as another program: its signals and its exit code are ours."""
    sys.stdout.flush()
    os.execv(command[0], command)


def say(sentence: str) -> None:
    """Tell the person at the terminal."""
    print(f"dev.py: {sentence}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Chore:
    """A line of the help, the code behind it, and the words that may follow the chore's name."""

    does: str
    run: Run
    takes: str = ""


CHORES: Mapping[str, Chore] = {
    "demo": Chore(
        "Turn a picture and a sentence into out/demo.mp4, through the real service.",
        demo,
        '[IMAGE-or-URL] ["prompt"]',
    ),
    "test": Chore("Run the tests side by side; --all takes in the slow ones.", test, "[--all] [pytest's]"),
    "check": Chore("Check format, lint, types, import contracts and house rules.", check),
    "fmt": Chore("Format the code and mend what the linter can mend.", fmt),
    "coverage": Chore("Measure which lines and branches the tests run.", runs("tools.coverage"), "[pytest's]"),
    "versions": Chore(
        "Try the lowest and the newest versions, the newest Python, and no extras.",
        runs("tools.versions"),
        "[NAME …]",
    ),
    "bench": Chore("Measure one thing and check its bars.", bench, "NAME [its own]"),
    "console": Chore(
        "Serve the console with a sample data set, and open it in a browser.",
        runs("tools.console"),
        "[--data-dir DIR] [--port N] [--no-open]",
    ),
    "shots": Chore(
        "Take a picture of every screen of the console into out/shots/, light and dark, desk and phone.",
        runs("tools.console.shots"),
        "[--out DIR] [SCREEN …]",
    ),
    "gallery": Chore(
        "Write a page of clips to look through; with --rungs the engine beside its lower rung and zoompan.",
        runs("bench.gallery"),
        "[--out DIR] [--only WORD] [--rungs] [--photos DIR] [--depths DIR] [--prompts FILE]",
    ),
    "fuzz": Chore(
        "Send a live server all that its OpenAPI document allows, and much that it does not.",
        runs("tools.fuzz"),
        "[--store NAME] [--seconds N] [--seed N] [its own]",
    ),
    "pictures": Chore(
        "Try a folder of any images: which are read, which are refused and why, and whose colours are wrong.",
        pictures,
        "DIR [--json FILE]",
    ),
    "soak": Chore(
        "Let a seeded storm loose on the service, and count its losses: none.",
        runs("bench.soak"),
        "[--seconds N] [--seed N]",
    ),
    "docs": Chore("Write the reference pages from the code; --check only compares.", runs("tools.docs"), "[--check]"),
    "site": Chore(
        "Build the documentation as a site in out/site, its links checked.",
        runs("zensical", "build", "--clean", "--strict"),
    ),
    "walk": Chore(
        "Follow a real submit, poll, download, callback or render through the files of the house.",
        runs("tools.walk"),
        "JOURNEY… [--short]",
    ),
    "compatibility": Chore(
        "Try every client against a live server and write docs/compatibility.md.",
        runs("pytest", "-p", "tests.compatibility", "--compatibility", "docs/compatibility.md", "-m", "", *CLIENTS),
    ),
    "matrix": Chore(
        "Ask every engine for every ability over every surface, and write docs/engines.md.",
        runs("pytest", "-p", "tests.matrix.page", "--matrix", "docs/engines.md", "-m", "", *ENGINES, models=True),
    ),
    "lock": Chore("Pin the dependencies in constraints.txt; --upgrade takes the newest.", lock, "[--upgrade]"),
    "networks": Chore(
        "Check the digests of the networks in the package; --packages downloads the originals too.",
        runs("tools.networks"),
        "[--packages]",
    ),
    "sbom": Chore("Write out/sbom.cdx.json: each library of a default install.", runs("tools.sbom"), "[--out FILE]"),
}


def help_text() -> str:
    """The page that a newcomer reads first."""
    lines = [f"  {f'{name} {chore.takes}':<36}{chore.does}" for name, chore in CHORES.items()]
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
    name, *given = arguments
    chore = CHORES.get(name)
    if chore is None:
        near = difflib.get_close_matches(name, CHORES, 1)
        hint = f"did you mean `{near[0]}`?" if near else "`python3 dev.py --help` lists them."
        raise Trouble(f"No chore is called {name!r}: {hint}", 2)
    if given and not chore.takes:
        raise Trouble(f"`dev.py {name}` does not take {given[0]!r}: `python3 dev.py --help` lists what it takes.", 2)
    return chore.run(given)


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
