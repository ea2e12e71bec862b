"""Statements of transactions, for the writer and the reader."""

from typing import Final

BEGIN: Final = "BEGIN IMMEDIATE"
"""Takes the write lock at once, so that rows cannot change between a read and a write of the transaction."""

BEGIN_READING: Final = "BEGIN"
"""Takes no lock before the first read."""

COMMIT: Final = "COMMIT"
ROLLBACK: Final = "ROLLBACK"
OPEN_OPERATION: Final = "SAVEPOINT operation"
"""Savepoint of one operation of a batch, which can be undone by itself."""

KEEP_OPERATION: Final = "RELEASE operation"
UNDO_OPERATION: Final = "ROLLBACK TO operation"

VERSION: Final = "PRAGMA user_version"

TOUCH: Final = "PRAGMA user_version = {version}"
"""Writes the same number again: the smallest possible write, for the readiness check."""
