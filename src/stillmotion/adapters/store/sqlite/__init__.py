"""The embedded store: SQLite through apsw, one writer thread with group commit, reads on the caller's thread."""

from stillmotion.adapters.store.sql.connections import StoreUnusable
from stillmotion.adapters.store.sqlite.store import SqliteStore, open_store, use_secret

__all__ = ["SqliteStore", "StoreUnusable", "open_store", "use_secret"]
