"""The secret of an installation, from the settings or from its data directory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from stillmotion.adapters.directory.data_directory import SECRET_BYTES, DataDirectory, data_directory
from stillmotion.adapters.secret import InstallationSecret
from stillmotion.application.access import pepper_mark
from stillmotion.config import Settings, SettingsError
from stillmotion.domain.subscriptions import KeySecret, secret_of_mark

KEYS: Final = b"subscription keys"
LINKS: Final = b"asset links"
SHARES: Final = b"shared clips"
"""Purposes of the secrets that are derived from the installation's."""

_DIGITS: Final = 2 * SECRET_BYTES
_MOST_BYTES: Final = 1024
"""Bytes of a file that are read: a longer one is no secret."""


def secret_of(settings: Settings) -> InstallationSecret:
    """The secret: of the settings, else of the data directory. Raises `SettingsError` or `DataDirectoryUnusable`."""
    current = given_secret(settings)
    if current is None and settings.store != "local":
        raise SettingsError(
            "store is PostgreSQL, so a secret is needed: set `secret`, or `secret_file`, to what "
            "`openssl rand -hex 32` prints, the same for every process."
        )
    before = bytes.fromhex(settings.secret_before) if settings.secret_before else None
    return InstallationSecret(current or data_directory(settings.data_dir).secret(), before)


def given_secret(settings: Settings) -> bytes | None:
    """The secret that the settings give; None if they leave it to the data directory. Raises `SettingsError`."""
    if settings.secret and settings.secret_file:
        raise SettingsError("secret and secret_file are both set: leave one of them out.")
    if settings.secret:
        return bytes.fromhex(settings.secret)
    return _read(Path(settings.secret_file)) if settings.secret_file else None


def keys_by_secret(settings: Settings, marks: Mapping[bytes, int]) -> Counter[KeySecret]:
    """Numbers of keys by the secret that they were hashed with, from their numbers by mark. Raises as `secret_of`."""
    present, before = (None if each is None else pepper_mark(each) for each in secret_of(settings).derived(KEYS))
    counted: Counter[KeySecret] = Counter()
    for mark, number in marks.items():
        counted[secret_of_mark(mark, present or b"", before)] += number
    return counted


def fingerprints(settings: Settings, directory: DataDirectory, *, may_make: bool) -> Sequence[bytes]:
    """The fingerprints that the directory's database must agree with. A first start may make the secret.

    Raises as `secret_of` does.
    """
    if may_make and given_secret(settings) is None:
        directory.make_secret()
    return secret_of(settings).fingerprints


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES)
    except OSError as error:
        raise SettingsError(f"secret_file is {str(path)!r}, which cannot be read: {error.strerror}.") from error
    if len(content) == SECRET_BYTES:
        return content
    text = content.strip()
    try:
        if len(text) == _DIGITS:
            return bytes.fromhex(text.decode("ascii"))
    except ValueError:
        pass
    raise SettingsError(
        f"secret_file is {str(path)!r}, which holds no secret: write into it what `openssl rand -hex 32` prints."
    )
