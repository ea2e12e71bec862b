"""Statements of usage by day."""

from typing import Final

_USAGE: Final = "subscription_id, day, model, key, generations, completed, failed, video, cost"

ADD_USAGE: Final = f"""
    INSERT INTO usage_days ({_USAGE})
    VALUES (:subscription_id, :day, :model, :key, :generations, :completed, :failed, :video, :cost)
    ON CONFLICT (subscription_id, day, model, key) DO UPDATE SET
        generations = usage_days.generations + excluded.generations,
        completed = usage_days.completed + excluded.completed, failed = usage_days.failed + excluded.failed,
        video = usage_days.video + excluded.video, cost = usage_days.cost + excluded.cost
"""

USAGE_OF: Final = f"SELECT {_USAGE} FROM usage_days WHERE subscription_id = ? AND day BETWEEN ? AND ?"
USAGE_OF_ALL: Final = f"SELECT {_USAGE} FROM usage_days WHERE day BETWEEN ? AND ?"
