"""Statements of leases: renewals, for many at once, and the watch over previews."""

from typing import Final

RENEW: Final = """
    WITH soft AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true) AS commit)
    UPDATE leases l SET
        lease_until = r.lease_until, progress = greatest(l.progress, r.progress), preview = r.preview, stage = r.stage
    FROM soft, json_to_recordset(CAST(:renewals AS json))
        AS r (id text, attempt bigint, lease_until bigint, progress double precision, preview text, stage text)
    WHERE l.generation_id = r.id AND l.attempt = r.attempt AND soft.commit = 'off'
    RETURNING l.generation_id, l.attempt, l.watched_until
"""
"""Does not wait for the disk: a lease that a crash of the database shortens by a second is renewed in the next.

A lease that was lost has no row, or one of a later attempt.
"""

LEASED_NOW: Final = "SELECT generation_id FROM leases WHERE generation_id = ANY (CAST(:ids AS text[]))"

WATCH: Final = """
    WITH soft AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true) AS commit)
    UPDATE leases SET watched_until = :until FROM soft WHERE generation_id = :id AND soft.commit = 'off'
"""
"""Does not wait for the disk, as it is told again."""
