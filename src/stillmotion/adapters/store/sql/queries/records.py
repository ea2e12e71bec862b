"""Statements of the records of generations: their attempts, their places in the queue, and measured render times."""

from typing import Final

_RECORD: Final = "generation_id, number, engine, worker, started_at, ended_at, outcome, reason"
"""Columns of an attempt, in the order of `records.to_record`."""

BEGIN_ATTEMPT: Final = """
    INSERT INTO attempts (generation_id, number, engine, worker, started_at)
    VALUES (:generation_id, :number, :engine, :worker, :started_at)
"""

END_ATTEMPT: Final = """
    UPDATE attempts SET ended_at = :ended_at, outcome = :outcome, reason = :reason
    WHERE generation_id = :generation_id AND number = :number
"""

ATTEMPTS_OF_GENERATION: Final = f"SELECT {_RECORD} FROM attempts WHERE generation_id = ? ORDER BY number"

_SO_FAR: Final = """
    SELECT coalesce(sum(p.{0}), 0) FROM line_parts p
    WHERE p.subscription_id = owner AND p.engine = unfinished.engine AND p.part <= unfinished.part
"""
_BEHIND: Final = """
    SELECT {0} FROM generations w INDEXED BY generations_queued
    WHERE unfinished.state = 'queued'
        AND w.state = 'queued' AND w.subscription_id = owner AND w.engine = unfinished.engine
        AND coalesce(w.moved_to, w.created_at) BETWEEN max(0, unfinished.place) AND unfinished.part_end
        AND (coalesce(w.moved_to, w.created_at) > unfinished.place OR w.sequence >= unfinished.sequence)
"""
PICTURE_OF_QUEUE: Final = f"""
    WITH unfinished AS MATERIALIZED (
        SELECT
            g.id, g.subscription_id AS owner, g.engine, g.model, g.request ->> 'resolution' AS resolution, g.video,
            g.state, g.progress, g.started_at, g.sequence,
            coalesce(g.moved_to, g.created_at) AS place, coalesce(g.moved_to, g.created_at) >> 26 AS part,
            coalesce(g.moved_to, g.created_at) | ((1 << 26) - 1) AS part_end,
            max(1, (g.video + 500000) / 1000000) AS length
        FROM json_each(:ids) CROSS JOIN generations g ON g.id = json_each.value
        WHERE g.state IN ('queued', 'dreaming')
        UNION ALL
        SELECT
            '', :owner, :engine, :model, :resolution, :video, 'queued', 0, NULL, 0, :farthest, :farthest >> 26,
            :farthest, max(1, (:video + 500000) / 1000000)
        WHERE :owner IS NOT NULL
    ), placed AS MATERIALIZED (
        SELECT
            unfinished.*, iif(l.waiting = 1, l.turn, max(coalesce(l.turn, 0), v.time)) AS turn,
            iif(l.waiting = 1, l.turn_since, :farthest) AS turn_since,
            ({_SO_FAR.format("queued")}) - ({_BEHIND.format("count(*)")}) AS ahead,
            ({_SO_FAR.format("video")}) - ({_BEHIND.format("coalesce(sum(w.video), 0)")}) AS video_ahead
        FROM unfinished CROSS JOIN virtual_clock v ON v.only = 1 LEFT JOIN limits l ON l.subscription_id = owner
    ), nearer AS MATERIALIZED (
        SELECT l.subscription_id AS owner, l.turn, l.turn_since FROM limits l
        WHERE l.waiting = 1 AND l.turn <= (SELECT max(iif(state = 'queued', turn + video_ahead, -1)) FROM placed) + (
            SELECT coalesce(sum(u.video), 0) FROM generations u INDEXED BY generations_urgent
            WHERE u.state = 'queued' AND u.moved_to < 0
        )
        ORDER BY l.turn, l.turn_since LIMIT :most_lines
    )
    SELECT
        'unfinished', engine, id, owner, model, resolution, length, video, state, progress, started_at, ahead,
        video_ahead, turn, turn_since, place
    FROM placed
    UNION ALL
    SELECT
        'line', w.engine, owner, turn, turn_since, w.queued, w.video, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        NULL
    FROM json_each(:engines) CROSS JOIN nearer
    CROSS JOIN line_lengths w ON w.subscription_id = owner AND w.engine = value
    UNION ALL
    SELECT
        'cut', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    WHERE (SELECT count(*) FROM nearer) = :most_lines
    UNION ALL
    SELECT
        'urgent', engine, subscription_id, moved_to, video, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        NULL
    FROM generations INDEXED BY generations_urgent
    WHERE state = 'queued' AND moved_to < 0 AND engine IN (SELECT value FROM json_each(:engines))
    UNION ALL
    SELECT 'lane', engine, stage, progress, video, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM generations INDEXED BY generations_dreaming
    WHERE state = 'dreaming' AND engine IN (SELECT value FROM json_each(:engines))
    UNION ALL
    SELECT
        'time', t.engine, t.model, t.resolution, t.length, t.seconds, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        NULL, NULL
    FROM placed CROSS JOIN render_times t ON t.engine = placed.engine AND t.model = placed.model
        AND t.resolution = placed.resolution AND t.length = placed.length
    UNION ALL
    SELECT 'pace', t.engine, t.seconds, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM json_each(:engines) CROSS JOIN render_times t ON t.engine = value AND t.length = 0
        AND t.model = '' AND t.resolution = ''
    UNION ALL
    SELECT 'paused', name, scope, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM queue_controls WHERE state = 'paused'
"""
"""Parts of `domain.record.outlook.QueuePicture`, each row with its kind first.

One that would be submitted now is asked for by its `owner`, `engine`, `model`, `resolution` and length, `video`; it has
no id, and `farthest` is a place behind all others. Of the asked generations' own lines the statement reads the parts,
and the rows behind them in one part: hardly any for a submit's answer, whose generation is the last of its line. Of the
other lines that are due before the last of them it reads the lengths, up to `most_lines` lines;
then the claimed generations, and the engines' render times.
"""

RENDER_TIMES: Final = """
    SELECT t.engine, t.model, t.resolution, t.length, t.seconds
    FROM json_each(?) CROSS JOIN render_times t ON t.engine = value
"""

KEEP_RENDER_TIME: Final = """
    INSERT INTO render_times (engine, model, resolution, length, renders, seconds)
    VALUES (:engine, :model, :resolution, :length, 1, :seconds)
    ON CONFLICT (engine, model, resolution, length) DO UPDATE SET
        renders = min(renders + 1, :memory),
        seconds = seconds + (excluded.seconds - seconds) / min(renders + 1, :memory)
"""
