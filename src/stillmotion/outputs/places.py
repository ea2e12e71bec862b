"""Place of an output: the path that a person's name for it means, checked before anything is made."""

import errno
import fcntl
import os
import re
import stat
import sys
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NoReturn

from stillmotion.domain.errors import StillmotionError
from stillmotion.outputs.input_paths import InputPaths, identity

STANDARD_OUTPUT: Final = "-"
_LONGEST_NAME: Final = 255
"""Bytes of one name in a folder, on every file system that we know."""
_DESCRIPTORS: Final = re.compile(r"/dev/fd|/proc/(\d+)(?:/task/\d+)?/fd")


class OutputRefused(StillmotionError):
    """The place may not be written to: the message names it and the remedy. Nothing was touched."""


@dataclass(frozen=True, slots=True)
class OutputKind:
    """Kind of output: its noun, its format with an article, and the suffixes of its names, the usual one first."""

    noun: str
    format: str
    suffixes: tuple[str, ...]
    is_private: bool = False
    """True for a file that only its owner may read (mode 0600)."""


CLIP: Final = OutputKind("clip", "an MP4", (".mp4",))
THUMBNAIL: Final = OutputKind("thumbnail", "a JPEG", (".jpg", ".jpeg"))
BACKUP: Final = OutputKind("backup", "a tar", (".tar",), is_private=True)


@dataclass(frozen=True, slots=True)
class Words:
    """A surface's own words for the remedies: writing elsewhere, and overwriting."""

    another: str = "another place with -o"
    overwrite: str = "--overwrite"


class IfThere(Enum):
    """Treatment of a file that is at the place already."""

    REFUSE = "refuse"
    REPLACE = "replace"
    KEEP = "keep"
    """The caller looks at the file first; it is not replaced."""
    NUMBER = "number"
    """The file stays, and the output gets the next free name: clip-2.mp4."""


@dataclass(frozen=True, slots=True)
class Output:
    """Resolved place. `path` is the file as it was named; None stands for one of this process's own open files.

    `is_file` is True for a regular file, present or to come; anything else is written through.
    """

    path: Path | None
    kind: OutputKind
    is_file: bool
    descriptor: int | None = None
    if_there: IfThere = IfThere.REFUSE
    inputs: InputPaths = field(default_factory=InputPaths)
    words: Words = field(default_factory=Words)

    def __str__(self) -> str:
        return STANDARD_OUTPUT if self.path is None else os.fsencode(self.path).decode("utf-8", "replace")

    @property
    def is_standard_output(self) -> bool:
        """True where the output goes to standard output, so that messages must not."""
        return self.descriptor == 1

    @property
    def real(self) -> Path:
        """Path of the file itself, with links resolved."""
        assert self.path is not None, "one of our own open files has no path"
        return Path(os.path.realpath(self.path))

    @property
    def is_there(self) -> bool:
        """True where a file is at the place already."""
        return self.is_file and self.real.exists()

    def numbered(self, number: int) -> "Output":
        """The same place with a number in its name, from 2 on."""
        assert self.path is not None
        return replace(self, path=self.path.with_stem(f"{self.path.stem}-{number}"))

    def check(self) -> None:
        """Check that the place may be written to now. Raises `OutputRefused`."""
        if self.path is None:
            return
        status = _look(self.path, self.words)
        _refuse_input(self, status)
        if not self.is_file:
            return
        if status is None:
            _check_folder(self.real.parent, self.words)
            return
        if not stat.S_ISREG(status.st_mode):
            _refuse(f"{self} is no file any more", self.words)
        if self.if_there is IfThere.REFUSE:
            raise OutputRefused(
                f"{self} is there already: {self.words.overwrite} replaces it, or give {self.words.another}."
            )
        if self.if_there is IfThere.REPLACE:
            if not status.st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH):
                _refuse(f"{self} is protected against writing", self.words)
            _check_folder(self.real.parent, self.words)


def is_folder(named: str) -> bool:
    """True for a folder's name: it ends in a slash, is a folder, or is absent and has no suffix."""
    if named.endswith("/") or named.rpartition("/")[2] in (".", ".."):
        return True
    if named in ("", STANDARD_OUTPUT):
        return False
    try:
        return Path(named).is_dir() if Path(named).exists() else _has_no_suffix(named)
    except (OSError, ValueError):
        return _has_no_suffix(named)


def place(
    named: str,
    kind: OutputKind,
    stem: str,
    *,
    if_there: IfThere = IfThere.REFUSE,
    inputs: InputPaths | None = None,
    words: Words | None = None,
) -> Output:
    """Resolve `named` to the place of an output of that kind; in a folder its name is `stem` with the suffix.

    Raises `OutputRefused` for what may not be written, or cannot be.
    """
    inputs, words = inputs or InputPaths(), words or Words()
    if named == STANDARD_OUTPUT:
        return _descriptor(1, None, Output(None, kind, False, 1, if_there, inputs, words))
    if not named or "\0" in named:
        _refuse("an empty name is no place" if not named else f"{named!r} is no name of a file", words)
    path = Path(named)
    if path.name.lower() in kind.suffixes:
        _refuse(f"{named} is a suffix without a name", words)
    number = _own_descriptor(path)
    if number is not None:
        return _descriptor(number, path, Output(path, kind, False, number, if_there, inputs, words))
    if is_folder(named):
        path /= f"{stem}{kind.suffixes[0]}"
    status = _look(path, words)
    through = status is not None and not stat.S_ISREG(status.st_mode)
    output = Output(path, kind, not through, None, if_there, inputs, words)
    _refuse_input(output, status)
    if through:
        assert status is not None
        _check_special(output, status)
    else:
        _check_name(output, is_there=status is not None)
    output.check()
    return output


def collision(outputs: Iterable[Output]) -> tuple[Output, Output] | None:
    """Find two places that are one file: by name, through links, or on a case-folding file system."""
    seen: dict[object, list[Output]] = {}
    for output in outputs:
        if not output.is_file:
            continue
        real = output.real
        alike = seen.setdefault(identity(real.stat()) if real.exists() else _folded(real), [])
        for other in alike:
            if real.exists() or other.real == real or _fold_together(other.real, real):
                return other, output
        alike.append(output)
    return None


def _folded(path: Path) -> str:
    return unicodedata.normalize("NFKC", str(path).casefold())


def _fold_together(one: Path, other: Path) -> bool:
    """Try both names in a temporary folder beside them: case folding may be set for each folder."""
    folder = next((each for each in one.parents if each.is_dir()), None)
    if folder is None:
        return False
    try:
        with TemporaryDirectory(prefix=".stillmotion-", dir=folder) as tried:
            names = [each.relative_to(each.anchor).as_posix().replace("/", "!")[-200:] for each in (one, other)]
            Path(tried, names[0]).touch()
            return Path(tried, names[1]).exists()
    except OSError:
        return True  # It cannot be known: of two that may be one, neither is to be lost.


def _look(path: Path, words: Words) -> os.stat_result | None:
    """`os.stat` of a path; None where nothing is. Raises `OutputRefused` for a path that cannot exist."""
    if any(len(os.fsencode(part)) > _LONGEST_NAME for part in path.parts):
        _refuse(f"{path.name[:40]}… is too long a name", words)
    try:
        return path.stat()
    except FileNotFoundError:
        real = Path(os.path.realpath(path))  # It resolves missing folders too: missing/../photo.jpg.
        return real.stat() if real.exists() else None
    except NotADirectoryError:
        file = next((each for each in reversed(path.parents) if each.exists() and not each.is_dir()), path.parent)
        _refuse(f"{file} is a file, so that nothing can be written into it", words)
    except OSError as error:
        if error.errno == errno.ELOOP:
            _refuse(f"{path} is a link that leads round to itself", words)
        _refuse(f"{path} cannot be looked at ({error.strerror})", words)


def _refuse(trouble: str, words: Words) -> NoReturn:
    raise OutputRefused(f"{trouble}: give {words.another}.")


def _refuse_input(output: Output, status: os.stat_result | None) -> None:
    assert output.path is not None
    found = None if output.if_there is IfThere.NUMBER else output.inputs.named(output.path, status)
    if found is None:
        return
    if Path(found).is_dir():
        _refuse(f"{output} lies in {found}, which is what is read", output.words)
    same = "" if Path(found) == output.path else f" (it is {found})"
    _refuse(f"{output} is what is read{same}, and would be lost", output.words)


def _check_name(output: Output, *, is_there: bool) -> None:
    """Refuse a name whose suffix contradicts the kind of output."""
    assert output.path is not None
    kind, suffix = output.kind, _suffix(output.path.name)
    if suffix.lower() in kind.suffixes:
        return
    known = " or ".join(kind.suffixes)
    what = f"a {kind.noun} is {kind.format}, so its name ends in {known}"
    if is_there:
        raise OutputRefused(f"{output} is a file, and no {kind.noun} by its name: {what}.")
    raise OutputRefused(f"{output} ends in {suffix}, but {what}; for a folder of that name, write {output}/")


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1]  # noqa: PTH122 - pathlib's differs between versions for a dot at the end


def _check_folder(folder: Path, words: Words) -> None:
    """Refuse a file whose folder is missing or not writable."""
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if not there.is_dir():
        _refuse(f"{there} is a file, so that nothing can be written into it", words)
    if not os.access(there, os.W_OK | os.X_OK):
        _refuse(f"nothing may be written into {there}", words)


def _check_special(output: Output, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        _refuse(f"{output} is a folder, where the {output.kind.noun} would be", output.words)
    if stat.S_ISBLK(status.st_mode):
        _refuse(f"{output} is a whole disk", output.words)


def _own_descriptor(path: Path) -> int | None:
    """Descriptor that a path such as /dev/stdout or /dev/fd/3 stands for; None for any other path."""
    for _ in range(40):
        found = _DESCRIPTORS.fullmatch(os.path.realpath(path.parent))
        if found and path.name.isdecimal() and found[1] in (None, str(os.getpid())):
            return int(path.name)
        try:
            path = path.parent / path.readlink()
        except (OSError, ValueError):
            return None
    return None


def _descriptor(number: int, path: Path | None, output: Output) -> Output:
    """Place of an open descriptor. Raises `OutputRefused` for a closed one."""
    shown = "standard output" if number == 1 else str(path)
    try:
        status = os.fstat(number)
        mode = fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE
    except OSError:
        _refuse(f"{shown} is not open", output.words)
    if mode == os.O_RDONLY:
        _refuse(f"{shown} is not open for writing", output.words)
    if os.isatty(number):
        raise OutputRefused(
            f"{shown} is a terminal, and {output.kind.format} is nothing to look at there: send it into a program or "
            f"a file (… | program), or give {output.words.another}."
        )
    found = None if stat.S_ISCHR(status.st_mode) else output.inputs.named(Path(f"/dev/fd/{number}"), status)
    if found is not None:
        _refuse(f"{shown} goes to {found}, which is what is read", output.words)
    sys.stdout.flush()
    return output


def _has_no_suffix(named: str) -> bool:
    """True where neither the name nor, for a link, its target has a suffix."""
    return _suffix(named) == "" and ("\0" in named or _suffix(os.path.realpath(named)) == "")
