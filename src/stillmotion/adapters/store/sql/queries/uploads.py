"""Statements of uploads."""

from typing import Final

_UPLOAD: Final = "id, subscription_id, key, size, expires_at"

INSERT_UPLOAD: Final = f"INSERT INTO uploads ({_UPLOAD}) VALUES (:id, :subscription_id, :key, :size, :expires_at)"

UPLOADED: Final = "SELECT count(*), coalesce(sum(size), 0) FROM uploads WHERE subscription_id = ?"
"""Reads one index alone, of at most a thousand entries."""

FIND_UPLOAD: Final = f"SELECT {_UPLOAD} FROM uploads INDEXED BY uploads_owned WHERE subscription_id = ? AND id = ?"
EXPIRED_UPLOADS: Final = f"SELECT {_UPLOAD} FROM uploads WHERE expires_at <= ? ORDER BY expires_at LIMIT ?"
FORGET_UPLOAD: Final = "DELETE FROM uploads WHERE id = ?"
