"""The PostgreSQL store, for several servers and workers: connections, schema, and statements in its dialect."""

from stillmotion.adapters.store.postgresql.store import PostgresStore, open_store, use_secret

__all__ = ["PostgresStore", "open_store", "use_secret"]
