"""Statements of single generations."""

from typing import Final

from stillmotion.adapters.store.sql.queries.columns import COLUMNS, GENERATION

FIND_GENERATION: Final = f"SELECT {GENERATION} FROM generations g WHERE g.id = ?"

ASSET_DIGEST: Final = """
    SELECT CASE :key
        WHEN video_key THEN video_digest WHEN thumbnail_key THEN thumbnail_digest
        WHEN poster_key THEN poster_digest ELSE preview_video_digest
    END FROM generations WHERE id = :id AND :key IN (video_key, thumbnail_key, poster_key, preview_video_key)
"""

FIND_OWNED: Final = f"""
    SELECT {GENERATION} FROM generations g INDEXED BY generations_owned WHERE g.subscription_id = ? AND g.id = ?
"""
"""The index reads only the owner's row: another subscription's takes as long as a missing one."""

VIEW: Final = (
    "id, request, engine, created_at, state, progress, failure_code, failure_reason, video_key, thumbnail_key, "
    "finished_at, started_at, stage, preview, seed, width, height, cost, metadata, retry_of, poster_key, "
    "preview_video_key"
)
"""Columns of a view of a generation, in the order of `generation_rows.to_view`."""

VIEW_GENERATION: Final = f"""
    SELECT {VIEW} FROM generations INDEXED BY generations_owned WHERE subscription_id = ? AND id = ?
"""
"""As `FIND_OWNED`."""

VIEW_IN_PLACE: Final = f"SELECT {VIEW} FROM generations WHERE sequence = ? AND subscription_id = ? AND id = ?"
"""The same without the index, at the place of nearly every row (`generation_rows.place_of`)."""

INSERT_GENERATION: Final = f"""
    INSERT INTO generations (sequence, {COLUMNS}) VALUES (
        CASE WHEN EXISTS (SELECT 1 FROM generations WHERE sequence = :place) THEN NULL ELSE :place END,
        {":" + COLUMNS.replace(", ", ", :")}
    )
"""
"""A row without a place, or with a taken one, is appended at the end."""

PLACE_GENERATION: Final = f"{INSERT_GENERATION} RETURNING sequence"
"""The same, with the number of the row."""

UPDATE_GENERATION: Final = """
    UPDATE generations SET
        engine = :engine, remote = :remote,
        state = :state, attempt = :attempt, failures = :failures, progress = :progress, lease_until = :lease_until,
        failure_code = :failure_code, failure_reason = :failure_reason, plan = :plan, finished_at = :finished_at,
        video_key = :video_key, video_size = :video_size, video_digest = :video_digest,
        thumbnail_key = :thumbnail_key, thumbnail_size = :thumbnail_size, thumbnail_digest = :thumbnail_digest,
        poster_key = :poster_key, poster_size = :poster_size, poster_digest = :poster_digest,
        preview_video_key = :preview_video_key, preview_video_size = :preview_video_size,
        preview_video_digest = :preview_video_digest,
        losses = :losses, preview = :preview, started_at = :started_at, stage = :stage, seed = :seed,
        width = :width, height = :height, cost = :cost
    WHERE id = :id AND attempt = :fence
"""
"""All columns that can change. `fence` is the attempt that the change was made for."""

WATCH_PREVIEWS: Final = """
    UPDATE generations SET watched_until = ? WHERE state = 'dreaming' AND id IN (SELECT value FROM json_each(?))
"""

WATCHED_UNTIL: Final = "SELECT watched_until FROM generations WHERE id = ?"
