"""`python3 dev.py coverage [pytest's]`: the lines and branches of `src` that the tests run.

Processes that tests start are measured too, except a decoder's sandbox, which may write no file. The pages in
out/coverage show each line. Tests with a bound on time may fail under measurement: the exit code is pytest's.
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
    tested = coverage("run", "-m", "pytest", "-n", "3", "--dist", "worksteal", *sys.argv[1:])
    coverage("combine", "--quiet")
    coverage("html", "--quiet", "--directory", str(PAGES))
    coverage("report", "--sort", "cover", "--skip-covered")
    print(f"{PAGES.relative_to(ROOT)}/index.html shows each line.")
    return tested


def coverage(*words: str) -> int:
    """Run one of coverage's commands with the settings of pyproject.toml."""
    return subprocess.run([sys.executable, "-m", "coverage", *words], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
