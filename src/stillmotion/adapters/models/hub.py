"""Weights from a model hub, as a whole folder or none. A download that broke off resumes at its byte.

`huggingface_hub` names the hub, by its own variables HF_ENDPOINT and HF_TOKEN. Its `hf_hub_download` deletes a file
that broke off, so files come by its `http_get`, which resumes.
"""

import errno
import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final
from urllib.parse import urlsplit

from stillmotion.adapters.models.weights import INDEX, WeightsUnusable, parts_of, trouble_with

RECORD: Final = "pulled.json"
"""Name of the file that records the source of the weights and the digests that were checked."""

_KEPT: Final = ("*.json", "*.txt", "*.model", "*.jinja", "*.safetensors")
_ALSO: Final = (INDEX, "LICENSE*", "NOTICE*", "README.md")
_VARIANT: Final = re.compile(r"\.(?:fp16|fp32|bf16|fp8|ema|non_ema)[.-][^/]*$")
_PIECE: Final = 1024 * 1024
_NO_SUCH_KEY: Final = 401
"""Status of an answer to an expired or mistyped token, also for repositories that ask for none."""
_OF_THE_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EIO)
"""Errors of a write, told apart from those of a connection."""

Tell = Callable[[str, int, int], None]
"""Takes the name of the file that was just verified, the bytes so far, and the bytes in all."""

Moved = Callable[[int, int], None]
"""Takes the bytes so far and the bytes in all, after each piece. An error that it raises ends the pull."""


def unmoved(_: int, __: int) -> None:
    """A `Moved` that nobody looks at."""


@dataclass(frozen=True, slots=True)
class Listed:
    """File of a repository. Large files have a `sha256`, others a `git_id` (SHA-1 of a Git blob)."""

    name: str
    size: int
    sha256: str | None
    git_id: str | None

    @property
    def folder(self) -> str:
        """Its folder; `.` at the top."""
        return str(PurePosixPath(self.name).parent)


@dataclass(frozen=True, slots=True)
class Pulled:
    """Result of a pull: `revision` is the repository's commit."""

    folder: Path
    revision: str
    files: int
    size: int


def pull(hub_id: str, folder: Path, tell: Tell, moved: Moved = unmoved) -> Pulled:
    """Fill `folder` with the weights of a repository in diffusers' layout, every file checked against its digest.

    The folder appears when it is complete. Until then the files lie in a folder beside it whose name ends in `.part`,
    and the next call resumes there. Raises `WeightsUnusable`.
    """
    hub = _Hub(hub_id)
    part = folder.with_name(f"{folder.name}.part")
    with _alone(part):
        if folder.exists():
            raise WeightsUnusable(f"{folder} is there already: remove it to have it pulled again.")
        try:
            pulled = _filled(hub, part, tell, moved)
            part.rename(folder)
        except OSError as error:
            raise WeightsUnusable(f"{part} cannot be written to: {error.strerror}.") from error
    return replace(pulled, folder=folder)


def pull_file(hub_id: str, revision: str, file: Listed, place: Path, record: str) -> Path | None:
    """Bring one file of one commit to `place`, with `record` beside it; one that is whole there already is kept.

    The file appears when it is complete and agrees with its digest. Another file that lies at `place` is renamed first,
    and the new path of that returned.
    A download that broke off resumes from `place` with `.part` at its end. Raises `WeightsUnusable`.
    """
    aside = None
    with _alone(place.parent):
        try:
            if not (place.is_file() and is_same(place, file)):
                hub = _Hub(hub_id)
                part = place.with_name(f"{place.name}.part")
                _check_room(place.parent, file.size - (part.stat().st_size if part.exists() else 0))
                hub.download(file, part, revision)
                aside = _set_aside(place)
                part.replace(place)
            draft = place.with_name(f"{RECORD}.part")
            draft.write_text(record, "utf-8")
            draft.replace(place.with_name(RECORD))
        except OSError as error:
            raise WeightsUnusable(f"{place} cannot be written: {error.strerror}.") from error
    return aside


def _set_aside(place: Path) -> Path | None:
    """Rename whatever lies at `place`. Returns its new path; None where nothing did."""
    if not os.path.lexists(place):
        return None
    return place.rename(place.with_name(f"{place.name}.before-{secrets.token_hex(4)}"))


def _filled(hub: "_Hub", part: Path, tell: Tell, moved: Moved) -> Pulled:
    revision, listed = hub.listing()
    wanted = wanted_of(listed, _index(hub, part, revision, listed))
    total = sum(each.size for each in wanted)
    begun = sum(each.stat().st_size for each in part.rglob("*") if each.is_file())
    _check_room(part, total - begun)
    moved(min(begun, total), total)
    there = 0

    def counted(in_file: int) -> None:
        moved(there + in_file, total)

    hub.count = counted
    for each in wanted:
        hub.bring(each, part, revision)
        there += each.size
        moved(there, total)
        tell(each.name, there, total)
    _remove_others(part, {each.name for each in wanted})
    trouble = trouble_with(part)
    if trouble is not None:
        raise WeightsUnusable(f"{hub.name} cannot be used: {trouble}. It has to be in diffusers' layout.")
    _record(part, hub.name, revision, wanted)
    return Pulled(part, revision, len(wanted), total)


def wanted_of(listed: Sequence[Listed], parts: frozenset[str]) -> list[Listed]:
    """The files that loading needs: the parts' without other forms of the same weights, and the licence's.

    A repository may hold the weights several times, in half precision or in older formats.
    """
    wanted = []
    for each in listed:
        path = PurePosixPath(each.name)
        kept = _ALSO if each.folder == "." else _KEPT if path.parts[0] in parts else ()
        older = path.parts[0] in parts and path.suffix == ".bin" and not _has_safetensors(listed, each.folder)
        if older or any(fnmatch(path.name, pattern) for pattern in kept):
            wanted.append(each)
    return _without_variants(wanted)


def _has_safetensors(listed: Sequence[Listed], folder: str) -> bool:
    return any(each.folder == folder and each.name.endswith(".safetensors") for each in listed)


def _without_variants(wanted: Sequence[Listed]) -> list[Listed]:
    """The files without variants like `model.fp16.safetensors`, in folders with weights under a plain name."""
    plain = {
        each.folder
        for each in wanted
        if each.name.endswith((".safetensors", ".bin")) and not _VARIANT.search(each.name)
    }
    return [each for each in wanted if not (_VARIANT.search(each.name) and each.folder in plain)]


class _Hub:
    """One repository."""

    def __init__(self, hub_id: str) -> None:
        try:
            import huggingface_hub  # noqa: PLC0415 - of an extra
            from huggingface_hub import file_download  # noqa: PLC0415 - of an extra
        except ImportError as error:
            raise WeightsUnusable(
                "Pulling weights needs huggingface_hub: install stillmotion[diffusers], or put the weights in a folder "
                "and name it in the model's `weights`."
            ) from error
        self._hub: Any = huggingface_hub
        self._files: Any = file_download
        self.name = hub_id
        self.count: Callable[[int], None] = lambda _: None
        # Its bars are one a file, and a server's log has no place for them.
        self._hub.utils.disable_progress_bars()
        # The library writes 10 MiB at a time: a bar that hardly moves, and as much to fetch again after a break.
        self._files.constants.DOWNLOAD_CHUNK_SIZE = _PIECE

    def listing(self) -> tuple[str, list[Listed]]:
        """The newest commit and its files."""
        with self._troubles():
            info = self._hub.HfApi().model_info(self.name, files_metadata=True)
        if not info.sha or info.siblings is None:
            raise WeightsUnusable(f"The hub does not say what {self.name} holds.")
        listed = [
            Listed(_safe(each.rfilename), each.size or 0, each.lfs.sha256 if each.lfs else None, each.blob_id)
            for each in info.siblings
        ]
        return info.sha, listed

    def bring(self, file: Listed, into: Path, revision: str) -> Path:
        """Download a file to `into`, or resume it, and verify it. Returns its path."""
        place = into / file.name
        if not (place.is_file() and is_same(place, file)):
            part = place.with_name(f"{place.name}.part")
            part.parent.mkdir(parents=True, exist_ok=True)
            self.download(file, part, revision)
            part.replace(place)
        return place

    def download(self, file: Listed, part: Path, revision: str) -> None:
        """Download a file into `part`, or resume it there, and verify it; other bytes are thrown away."""
        with self._troubles():
            self._fetch(file, part, revision)
        if not is_same(part, file):
            part.unlink()
            raise WeightsUnusable(f"{file.name} of {self.name} came damaged: pull again.")

    def _fetch(self, file: Listed, part: Path, revision: str) -> None:
        url = self._hub.hf_hub_url(self.name, file.name, revision=revision)
        found = self._hub.get_hf_file_metadata(url)
        headers = self._hub.utils.build_hf_headers()
        if urlsplit(found.location).netloc != urlsplit(url).netloc:
            headers.pop("authorization", None)  # Another host keeps the large files, under signed URLs.
        there = part.stat().st_size if part.exists() else 0
        if there > file.size:  # Left of another commit's file.
            part.unlink()
            there = 0
        with part.open("ab") as written:
            # Without a name the library's bar shows the signed URL.
            self._files.http_get(
                found.location,
                _Counted(written, self.count),
                resume_size=there,
                headers=headers,
                expected_size=file.size,
                displayed_filename=file.name,
            )
            written.flush()
            os.fsync(written.fileno())

    @contextmanager
    def _troubles(self) -> Iterator[None]:
        """Errors of the hub become `WeightsUnusable`, in a sentence."""
        errors = self._hub.errors
        try:
            yield
        except errors.GatedRepoError as error:
            raise WeightsUnusable(
                f"{self.name} is given only to those who accepted its terms: do so on the hub, then set HF_TOKEN."
            ) from error
        except errors.RepositoryNotFoundError as error:
            raise WeightsUnusable(
                f"The hub has no {self.name}, or not for everyone: check the model's `hub`, or set HF_TOKEN."
            ) from error
        except (OSError, self._httpx_error(), ValueError) as error:
            if isinstance(error, OSError) and error.errno in _OF_THE_DISK:
                raise WeightsUnusable(
                    f"What came of {self.name} cannot be written: {error.strerror}. Mend that, then pull again to go "
                    "on from here."
                ) from error
            if getattr(getattr(error, "response", None), "status_code", None) == _NO_SUCH_KEY:
                raise WeightsUnusable(
                    "The hub does not take the token that it was given: correct HF_TOKEN, or unset it (and "
                    "`hf auth logout`), then pull again."
                ) from error
            said = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise WeightsUnusable(
                f"The hub does not give {self.name}: {said.rstrip('.')}. Pull again to go on from here."
            ) from error

    def _httpx_error(self) -> type[Exception]:
        """Base exception of `huggingface_hub`'s HTTP client, a library that has had two names."""
        bases: tuple[type[Exception], ...] = self._hub.errors.HfHubHTTPError.__mro__
        return next(each for each in bases if each.__name__ == "HTTPError")


class _Counted:
    """File that tells how many bytes it holds, after each write."""

    def __init__(self, file: BinaryIO, count: Callable[[int], None]) -> None:
        self.seek, self.tell, self.truncate = file.seek, file.tell, file.truncate
        self._file, self._count = file, count

    def write(self, piece: bytes) -> int:
        """Write a piece, whole."""
        written = self._file.write(piece)
        self._count(self._file.tell())
        return written


def _index(hub: _Hub, part: Path, revision: str, listed: Sequence[Listed]) -> frozenset[str]:
    index = next((each for each in listed if each.name == INDEX), None)
    if index is None:
        raise WeightsUnusable(f"There is no {INDEX} in it: the weights have to be in diffusers' layout.")
    try:
        return parts_of(json.loads(hub.bring(index, part, revision).read_text("utf-8")))
    except (ValueError, AttributeError) as error:
        raise WeightsUnusable(f"Its {INDEX} cannot be read.") from error


def _safe(name: str) -> str:
    """The name of a file, if it stays within the folder. Raises `WeightsUnusable`."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise WeightsUnusable(f"The hub names a file {name!r}, which is no place in a folder.")
    return name


def is_same(place: Path, file: Listed) -> bool:
    """True if the file at `place` has the size and the digest of `file`."""
    if place.stat().st_size != file.size:
        return False
    if file.sha256 is None and file.git_id is None:
        return True
    # Git names a blob by the SHA-1 of its length and its content.
    digest = hashlib.sha256() if file.sha256 else hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
    with place.open("rb") as opened:
        while piece := opened.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest() == (file.sha256 or file.git_id)


def _check_room(folder: Path, needed: int) -> None:
    """Raise `WeightsUnusable` where the disk of a folder cannot hold so many bytes more."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise WeightsUnusable(
            f"{folder} has {free / 1e9:.2f} GB left and {needed / 1e9:.2f} GB are still to come: make room, or "
            "set weights_dir to a folder on another disk."
        )


def _remove_others(part: Path, wanted: set[str]) -> None:
    """Remove the files of an older commit that an earlier pull left."""
    for each in part.rglob("*"):
        if each.is_file() and str(each.relative_to(part)) not in wanted:
            each.unlink()


def _record(part: Path, hub_id: str, revision: str, wanted: Sequence[Listed]) -> None:
    files = {each.name: {"size": each.size, "sha256": each.sha256, "git_id": each.git_id} for each in wanted}
    text = json.dumps({"hub": hub_id, "revision": revision, "files": files}, indent=2)
    (part / RECORD).write_text(text, "utf-8")


@contextmanager
def _alone(part: Path) -> Iterator[None]:
    """Make the folder, and lock it: one pull at a time."""
    try:
        part.mkdir(parents=True, exist_ok=True)
        held = os.open(part, os.O_RDONLY)  # A folder can be locked as a file can.
    except OSError as error:
        raise WeightsUnusable(f"{part} cannot be made: {error.strerror}. Set weights_dir to another folder.") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise WeightsUnusable(f"Another pull is at work in {part}: wait for it.") from error
    else:
        yield
    finally:
        os.close(held)
        if part.is_dir() and not any(part.iterdir()):
            part.rmdir()
