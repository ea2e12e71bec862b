"""`python3 dev.py coverage [pytest's]`: the lines and branches of `src` that the tests run.

Commands and servers that tests start are measured too. Renderers and decoders are not: they get an environment of their
own, and a decoder may write no file. The pages in out/coverage show each line. Tests with a bound on time may fail
under measurement: the exit code is pytest's.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / ".tools" / "coverage"
"""The folder of the data files, one for each process; pyproject.toml names it too."""
PAGES = ROOT / "out" / "coverage"


def main() -> int:
    """Run the tests under measurement and print the figures of each module."""
    shutil.rmtree(DATA, ignore_errors=True)
    DATA.mkdir(parents=True)
    # Its plugin has each of pytest's workers keep its data before it ends; coverage alone loses that of a slow one.
    tested = run("pytest", "--cov", "--cov-report=", "-n", "3", "--dist", "worksteal", *sys.argv[1:])
    run("coverage", "html", "--quiet", "--directory", str(PAGES))
    run("coverage", "report", "--sort", "cover", "--skip-covered")
    print(f"{PAGES.relative_to(ROOT)}/index.html shows each line.")
    return tested


def run(module: str, *words: str) -> int:
    """Run a module of the development tools with the settings of pyproject.toml."""
    return subprocess.run([sys.executable, "-m", module, *words], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
