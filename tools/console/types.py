"""Types of the console's scripts, as their JSDoc comments state them: `python -m tools.console.types`.

TypeScript reads them and makes nothing. It comes from npm at a pinned version, once. A machine without node and npm
leaves the check out.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = Path(__file__).with_name("tsconfig.json")
SCRIPTS = ROOT / "src" / "stillmotion" / "http" / "console" / "static"
HOME = ROOT / ".tools" / "typescript"
VERSION = "7.0.2"


def installed() -> bool:
    """True if the pinned version is there."""
    try:
        described = json.loads((HOME / "node_modules" / "typescript" / "package.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return bool(described.get("version") == VERSION)


def install() -> bool:
    """Bring the pinned version with npm's own settings; True if it is there then."""
    HOME.mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"]
    subprocess.run([*command, "--prefix", str(HOME), f"typescript@{VERSION}"], stdout=subprocess.DEVNULL, check=False)
    return installed()


def main() -> int:
    """Check every script; the exit code."""
    if not list(SCRIPTS.rglob("*.js")):
        return 0
    if not (shutil.which("node") and shutil.which("npm")):
        print("console types: left out, as this machine has no node and npm")
        return 0
    if not installed() and not install():
        print(f"typescript {VERSION} could not be installed with npm (see above).", file=sys.stderr)
        return 1
    compiler = HOME / "node_modules" / ".bin" / "tsc"
    return subprocess.run([compiler, "--project", str(PROJECT)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
