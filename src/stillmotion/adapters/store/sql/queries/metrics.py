"""Statements of metrics: stored counts, and measures of the other tables."""

from typing import Final

ADD_SAMPLE: Final = """
    INSERT INTO metrics (name, labels, value) VALUES (:name, :labels, :value)
    ON CONFLICT (name, labels) DO UPDATE SET value = metrics.value + excluded.value
"""

ALL_SAMPLES: Final = "SELECT name, labels, value FROM metrics ORDER BY name, labels"

QUEUE_BY_ENGINE: Final = """
    SELECT engine, count(*), min(created_at) FROM generations INDEXED BY generations_waiting
    WHERE state = 'queued' GROUP BY engine
"""

CALLBACKS_PENDING: Final = """
    SELECT count(*), min(due_at) FROM deliveries INDEXED BY deliveries_pending WHERE state = 'pending'
"""

BYTES_OF_RESULTS: Final = """
    SELECT coalesce(sum(video_size), 0), coalesce(sum(thumbnail_size), 0), coalesce(sum(poster_size), 0),
        coalesce(sum(preview_video_size), 0)
    FROM generations INDEXED BY generations_sizes WHERE video_size IS NOT NULL
"""

BYTES_OF_UPLOADS: Final = "SELECT coalesce(sum(size), 0) FROM uploads"

BYTES_OF_DATABASE: Final = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
