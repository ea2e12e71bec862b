"""Store in memory, for tests: it passes the same contract tests as the real one, and is gone with the process."""

from stillmotion.testing.memory_store.store import MemoryStore

__all__ = ["MemoryStore"]
