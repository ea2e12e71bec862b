"""Checks of the data directory for `stillmotion doctor`. They change nothing and leave nothing behind."""

import secrets
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stillmotion.adapters.directory.data_directory import DataDirectory, data_directory
from stillmotion.composition.secrets import given_secret, keys_by_secret, secret_of
from stillmotion.config import Settings
from stillmotion.domain.subscriptions import KeySecret

if TYPE_CHECKING:
    from stillmotion.adapters.store.sql.migrations import SchemaStanding
    from stillmotion.adapters.store.sqlite.upkeep.maintenance import Condition


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check. A finding with a remedy is a problem."""

    name: str
    said: str
    remedy: str = ""

    @property
    def is_problem(self) -> bool:
        """True for a finding that asks for action."""
        return bool(self.remedy)


def place(settings: Settings) -> Finding:
    """Check the directory itself: present, complete, writable."""
    directory = data_directory(settings.data_dir)
    if not directory.root.exists():
        return _to_come(directory.root)
    for folder in (directory.root, directory.objects, directory.scratch):
        if folder.exists() and (trouble := _trouble_writing(folder)):
            remedy = "Mend the disk or the permissions, or choose another directory with --data-dir."
            return Finding("data directory", f"{folder} cannot be written to: {trouble}", remedy)
    directory.refuse_others()
    directory.refuse_lost_database()
    if settings.storage == "local":
        directory.refuse_lost_objects()
    if not directory.has_database:
        return Finding("data directory", f"{directory.root} holds no database yet: `stillmotion serve` makes one")
    held = f"held by process {directory.holder}" if directory.holder else "no server runs over it"
    return Finding("data directory", f"{directory.root}, {held}")


def _to_come(root: Path) -> Finding:
    parent = next(each for each in root.parents if each.exists())
    if trouble := _trouble_writing(parent):
        remedy = "Make it and give it to the service's user, or choose another with --data-dir."
        return Finding("data directory", f"{root} is not there and cannot be made in {parent}: {trouble}", remedy)
    return Finding("data directory", f"{root} is not there yet: `stillmotion serve` makes it")


def _trouble_writing(folder: Path) -> str:
    path = folder / f"doctor-{secrets.token_hex(8)}"
    try:
        path.write_bytes(b"ok")
        path.unlink()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def privacy(settings: Settings) -> Finding:
    """Check the permissions: only the service's user can read the database, the secret, the pictures and clips."""
    directory = data_directory(settings.data_dir)
    found = directory.open_to_others() if directory.has_database else []
    if not found:
        return Finding("private files", "database, secret and folders are this user's alone")
    remedy = f"Take it away from them: chmod go= {shlex.join(map(str, found))}"
    return Finding("private files", f"others can read or enter {', '.join(path.name for path in found)}", remedy)


def log_support(settings: Settings) -> Finding:
    """Check that SQLite's write-ahead log works here: shared memory can be mapped, and files locked."""
    from stillmotion.adapters.store.sqlite.upkeep.maintenance import refuse_without_log

    root = data_directory(settings.data_dir).root
    folder = next(each for each in (root, *root.parents) if each.exists())
    refuse_without_log(folder)
    return Finding("write-ahead log", f"SQLite can keep it in {folder}")


def keys(settings: Settings, marks: Mapping[bytes, int]) -> Finding:
    """Count the keys that were hashed with another secret than the present one."""
    counted = keys_by_secret(settings, marks)
    said = f"{counted.total()}"
    if before := counted[KeySecret.BEFORE]:
        said += f", {before} of which need secret_before until they are used: `stillmotion keys list` names them"
    if lost := counted[KeySecret.LOST]:
        said += f", {lost} of which do not work: they were hashed with another secret"
        return Finding("keys", said, "Replace them: `stillmotion keys list` names them, `keys rotate` makes new ones.")
    return Finding("keys", said)


def database(settings: Settings) -> Iterator[Finding]:
    """Check the database: intact, ours, of a known schema, and used with the secret that lies beside it."""
    from stillmotion.adapters.store.sqlite.upkeep.maintenance import inspect

    path = data_directory(settings.data_dir).database
    if not path.exists():
        yield Finding("database", "not there yet")
        return
    condition = inspect(path)
    yield (found := _file(settings, path, condition))
    if not found.is_problem:
        yield keys(settings, condition.key_marks)


def _file(settings: Settings, path: Path, condition: "Condition") -> Finding:
    if condition.trouble:
        remedy = (
            "Stop the server; restore the database from a backup, or move it and its -wal and -shm files away and "
            "start with an empty one (and a new directory)."
        )
        return Finding("database", f"{path} is damaged or cannot be read: {'; '.join(condition.trouble)}", remedy)
    if not condition.is_ours:
        return Finding("database", f"{path} is another program's", "Choose another data directory.")
    _refuse_another_secret(settings, data_directory(settings.data_dir), condition.fingerprint)
    return schema("sound", condition.standing, condition.newest, condition.due)


def schema(said: str, standing: "SchemaStanding", newest: int, due: Sequence[int]) -> Finding:
    """Compare a database's schema with the newest of this version."""
    kept = f"{said}, schema {standing.schema}, for versions that know {standing.oldest_code} or more"
    if standing.oldest_code > newest:
        return Finding("database", f"{kept}; this one knows {newest}", "Upgrade Stillmotion on this machine.")
    if standing.schema < newest:
        kept += f"; `stillmotion migrate` or the next start brings it to {newest}"
    if standing.schema > newest:
        kept += f"; this one knows {newest}, and works"
    if due:
        kept += "; `stillmotion migrate --contract` is due once no older version runs"
    return Finding("database", kept)


def _refuse_another_secret(settings: Settings, directory: DataDirectory, kept: bytes | None) -> None:
    from stillmotion.adapters.store.sqlite import StoreUnusable
    from stillmotion.adapters.store.sqlite.upkeep.secret import wrong_secret

    if kept is None and given_secret(settings) is None and not directory.has_secret:
        return
    if kept not in (None, *secret_of(settings).fingerprints):
        raise StoreUnusable(wrong_secret(directory.database))
