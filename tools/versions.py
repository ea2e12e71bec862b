"""`python3 dev.py versions [NAME …]`: the tests at the ends of the range of versions that pyproject.toml promises.

`lowest` is the oldest Python with the lowest version of each dependency and extra, `newest` the newest Python with the
newest of all, and `bare` the newest Python without extras. Each has an environment of its own in `.tools/versions`.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / ".tools" / "versions"
UV = Path(sys.executable).with_name("uv")

EXTRAS = ("heif", "mcp", "onnx", "otel", "postgres")
"""All extras but `diffusers`, whose torch is some gigabytes: its tests run with the pinned versions alone."""

TOOLS = ("anyio", "hypothesis", "onnx", "openai", "packaging", "pytest", "pytest-xdist", "scikit-image")
"""The development tools that bring no extra along and ask for no newer version of what we need."""

TESTS = (
    *(f"tests/{each}" for each in ("domain", "application", "contracts", "media", "outputs", "engines/parallax")),
    *(f"tests/{each}" for each in ("http/surfaces", "http/resources", "worker", "cli", "end_to_end/test_a_clip.py")),
    "tests/tracing",
)
"""Tests that reach each library: a few minutes, where all of them take twenty."""

NEED_MORE = ("tests/contracts/test_object_store.py", "tests/cli/test_models.py", "tests/cli/test_loading.py")
"""Tests of a bucket and of a hub, which need other development tools."""

WHEELS = ("--only-binary", ":all:", "--no-binary", "stillmotion")


@dataclass(frozen=True)
class End:
    """One end of the range of versions."""

    newest_python: bool
    versions: str
    extras: bool = True
    left_out: tuple[str, ...] = NEED_MORE


ENDS: Mapping[str, End] = {
    "lowest": End(newest_python=False, versions="lowest"),
    "newest": End(newest_python=True, versions="newest", left_out=()),
    "bare": End(newest_python=True, versions="pinned", extras=False),
}


def promised() -> list[str]:
    """The Pythons that pyproject.toml names, oldest first."""
    classifiers = pyproject()["project"]["classifiers"]
    found = [re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", each) for each in classifiers]
    return sorted((each[1] for each in found if each), key=lambda version: int(version.partition(".")[2]))


def pythons() -> Mapping[str, str]:
    """Each promised Python that runs here: of `.tools`, pyenv's, the one that made `.venv`, or one on the PATH."""
    return {version: found for version in promised() if (found := next(_working(version), None))}


def _working(version: str) -> Iterator[str]:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    places = [ROOT / ".tools" / f"python{version}" / "usr" / "bin", *sorted(pyenv.glob(f"{version}.*/bin"))]
    for place in (*map(str, places), str(Path(sys.base_prefix, "bin")), os.environ.get("PATH", "")):
        candidate = shutil.which(f"python{version}", path=place)
        # pyenv's shims are on the PATH for versions that do not run.
        if candidate and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            yield candidate


def pyproject() -> Mapping[str, Any]:
    """The project's own description."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def prepare(name: str, end: End, python: str) -> Path:
    """An environment of one end of the range; answers with its Python."""
    place = PLACE / name
    uv("venv", "--quiet", "--clear", "--python", python, str(place))
    inside = place / "bin" / "python"
    wanted = ["--editable", f"{ROOT}[{','.join(EXTRAS)}]" if end.extras else str(ROOT)]
    wanted += TOOLS if end.left_out else ["--group", "dev"]
    if end.versions == "pinned":
        wanted += ["--constraints", "constraints.txt"]
    if end.versions == "lowest":
        lowest = PLACE / "lowest.txt"
        extras = [word for extra in EXTRAS for word in ("--extra", extra)]
        resolution = ["--resolution", "lowest-direct", "--python", str(inside), "--no-header", "--no-annotate"]
        uv("pip", "compile", "--quiet", *resolution, *WHEELS, *extras, "pyproject.toml", "-o", str(lowest))
        wanted += ["--constraints", str(lowest)]
    uv("pip", "install", "--quiet", "--python", str(inside), *WHEELS, *wanted)
    return inside


def uv(*words: str) -> None:
    """Run uv, which reads its own settings, not pip's. Raises `CalledProcessError` where it fails."""
    subprocess.run([str(UV), *words], cwd=ROOT, check=True)


def tried(name: str, end: End, python: str, given: Sequence[str]) -> str:
    """The outcome of one end, in a word or two."""
    began = time.monotonic()
    try:
        inside = prepare(name, end, python)
    except subprocess.CalledProcessError:
        return "FAILED to install"
    left_out = [f"--ignore={each}" for each in end.left_out]
    command = [str(inside), "-m", "pytest", "-q", "-n", "3", "--dist", "worksteal", *left_out, *(given or TESTS)]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    return "{} in {:.0f} s".format("FAILED" if code else "passed", time.monotonic() - began)


def main() -> int:
    """Try the ends that are named, or all, and print a table of what was tried."""
    parser = argparse.ArgumentParser(prog="dev.py versions", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ENDS)}; all where none is named")
    parser.add_argument("--tests", nargs="+", default=[], metavar="PATH", help="other tests than the usual ones")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in ENDS]
    if unknown:
        parser.error(f"there is no {unknown[0]!r}: {', '.join(ENDS)}")
    here = pythons()
    if not here:
        parser.error(f"no Python of {', '.join(promised())} runs here")
    PLACE.mkdir(parents=True, exist_ok=True)
    lines = []
    for name in asked.names or ENDS:
        end = ENDS[name]
        version, python = list(here.items())[-1 if end.newest_python else 0]
        outcome = tried(name, end, python, asked.tests)
        extras = ", ".join(EXTRAS) if end.extras else "none"
        lines.append(f"{name:<8}Python {version:<6}{end.versions:<8}extras: {extras:<34}{outcome}")
    print("\n".join(["", *lines]))
    absent = [version for version in promised() if version not in here]
    if absent:
        print(f"Not here, and so not tried: Python {', '.join(absent)}.")
    return int(any("FAILED" in line for line in lines))


if __name__ == "__main__":
    sys.exit(main())
