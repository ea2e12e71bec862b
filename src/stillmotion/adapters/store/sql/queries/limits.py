"""Statements of limits and quotas."""

from typing import Final

FIND_STANDING: Final = """
    SELECT l.window_started_at, l.window_spent, l.unfinished, l.queued, q.video_spent
    FROM limits l
    LEFT JOIN quotas q ON q.subscription_id = l.subscription_id AND q.period = :period
    WHERE l.subscription_id = :subscription_id
"""

SPEND_LIMITS: Final = """
    INSERT INTO limits (subscription_id, window_started_at, window_spent, unfinished, queued)
    VALUES (:subscription_id, :window_started_at, :window_spent, 1, 1)
    ON CONFLICT (subscription_id) DO UPDATE SET
        window_started_at = excluded.window_started_at, window_spent = excluded.window_spent,
        unfinished = limits.unfinished + 1, queued = limits.queued + 1
"""
"""The turn stays as it is while other generations of the subscription wait, and so does the index of turns."""

SPEND_QUOTA: Final = """
    INSERT INTO quotas (subscription_id, period, video_spent) VALUES (:subscription_id, :period, :video)
    ON CONFLICT (subscription_id, period) DO UPDATE SET video_spent = quotas.video_spent + excluded.video_spent
"""
"""Also gives back, with a negative amount."""

FINISH_ONE: Final = "UPDATE limits SET unfinished = unfinished - 1 WHERE subscription_id = ?"
