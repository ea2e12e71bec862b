"""Pins of the dependencies: `python3 dev.py lock` writes them to constraints.txt.

uv alone can pin for every system and Python at once. It reads its own settings, not pip's.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = ROOT / "constraints.txt"
FRESH = ROOT / ".tools" / "constraints.txt"

EXTRA = "diffusers"
"""The libraries that run models."""

TORCHS_OWN = ("cuda-", "nvidia-", "triton==")
"""Libraries that a build of torch pins by itself, or does without: `constraints.txt` does not pin them again."""


def main(arguments: Sequence[str]) -> int:
    """Settle the versions; the exit code."""
    parser = argparse.ArgumentParser(prog="python3 dev.py lock", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--upgrade", action="store_true", help="take the newest version of everything")
    asked = parser.parse_args(arguments)
    lines = CONSTRAINTS.read_text("utf-8").splitlines() if CONSTRAINTS.exists() else []
    pinned = "\n".join(line for line in lines if not asked.upgrade and not line.startswith("#"))
    FRESH.parent.mkdir(exist_ok=True)
    FRESH.write_text(pinned, "utf-8")
    command = [str(Path(sys.executable).with_name("uv")), "pip", "compile", "--quiet", "--universal"]
    command += ["--python-version", "3.11", "--group", "dev", "--no-annotate", "--no-header", "--extra", EXTRA]
    command += ["pyproject.toml", "--output-file", str(FRESH)]
    ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
    if ended.returncode:
        print("The versions could not be settled (see above); constraints.txt is as it was.", file=sys.stderr)
        return ended.returncode
    lines = FRESH.read_text("utf-8").splitlines()
    pins = [line for line in lines if re.match(r"[a-z0-9-]+==", line) and not line.startswith(TORCHS_OWN)]
    CONSTRAINTS.write_text("\n".join(["# Written by `python3 dev.py lock`.", *pins, ""]), "utf-8")
    print(f"{CONSTRAINTS.name} pins {len(pins)} versions", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
