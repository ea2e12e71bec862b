"""Columns of a generation, which statements of several subjects select."""

from typing import Final

COLUMNS: Final = (
    "id, subscription_id, surface, request, engine, created_at, state, attempt, failures, progress, lease_until, "
    "failure_code, failure_reason, plan, finished_at, remote, losses, preview, started_at, stage, seed, width, height, "
    "cost, metadata, retry_of, key, traceparent, video_key, video_size, video_digest, "
    "thumbnail_key, thumbnail_size, thumbnail_digest, poster_key, poster_size, poster_digest, "
    "preview_video_key, preview_video_size, preview_video_digest"
)

GENERATION: Final = "g." + COLUMNS.replace(", ", ", g.")
"""Columns of a generation, in the order of `generation_rows.to_generation`."""
