"""The picture of the queue, for forecasts of the time that generations wait."""

from typing import Final

_ENGINES: Final = "(ARRAY(SELECT jsonb_array_elements_text(CAST(:engines AS jsonb))))"
_COLUMNS: Final = 14
"""Columns of a row, after its kind and its engine."""


def _row(kind: str, engine: str, *columns: str) -> str:
    """A row's columns. Those of one place differ in their types from kind to kind, so each is a JSON value."""
    values = [*(f"to_json({column})" for column in columns), *("NULL" for _ in range(_COLUMNS - len(columns)))]
    return f"SELECT '{kind}', CAST({engine} AS text), {', '.join(values)}"


_SO_FAR: Final = """
    SELECT coalesce(sum(p.{0}), 0) FROM line_parts p
    WHERE p.subscription_id = owner AND p.engine = unfinished.engine AND p.part <= unfinished.part
"""
_BEHIND: Final = """
    SELECT {0} FROM generations w
    WHERE unfinished.state = 'queued'
        AND w.state = 'queued' AND w.subscription_id = owner AND w.engine = unfinished.engine
        AND coalesce(w.moved_to, w.created_at) BETWEEN greatest(0, unfinished.place) AND unfinished.part_end
        AND (coalesce(w.moved_to, w.created_at) > unfinished.place OR w.sequence >= unfinished.sequence)
"""
_UNFINISHED: Final = (
    "id", "owner", "model", "resolution", "length", "video", "state", "progress", "started_at", "ahead", "video_ahead",
    "turn", "turn_since", "place",
)  # fmt: skip

PICTURE_OF_QUEUE: Final = f"""
    WITH unfinished AS MATERIALIZED (
        SELECT
            g.id, g.subscription_id AS owner, g.engine, g.model, g.resolution, g.video, g.state, g.progress,
            g.started_at, g.sequence, coalesce(g.moved_to, g.created_at) AS place,
            coalesce(g.moved_to, g.created_at) >> 26 AS part,
            coalesce(g.moved_to, g.created_at) | ((1 << 26) - 1) AS part_end,
            greatest(1, (g.video + 500000) / 1000000) AS length
        FROM generations_now g
        WHERE g.id = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST(:ids AS jsonb))))
            AND g.state IN ('queued', 'dreaming')
        UNION ALL
        SELECT
            '', CAST(:owner AS text), CAST(:engine AS text), CAST(:model AS text), CAST(:resolution AS text),
            CAST(:video AS bigint), 'queued', 0, NULL, 0, CAST(:farthest AS bigint), CAST(:farthest AS bigint) >> 26,
            CAST(:farthest AS bigint), greatest(1, (CAST(:video AS bigint) + 500000) / 1000000)
        WHERE CAST(:owner AS text) IS NOT NULL
    ), placed AS MATERIALIZED (
        SELECT
            unfinished.*, CASE WHEN l.waiting = 1 THEN l.turn ELSE greatest(coalesce(l.turn, 0), v.time) END AS turn,
            CASE WHEN l.waiting = 1 THEN l.turn_since ELSE CAST(:farthest AS bigint) END AS turn_since,
            CAST(({_SO_FAR.format("queued")}) - ({_BEHIND.format("count(*)")}) AS bigint) AS ahead,
            CAST(
                ({_SO_FAR.format("video")}) - ({_BEHIND.format("coalesce(sum(w.video), 0)")}) AS bigint
            ) AS video_ahead
        FROM unfinished CROSS JOIN virtual_clock v LEFT JOIN limits l ON l.subscription_id = owner
    ), nearer AS MATERIALIZED (
        SELECT l.subscription_id AS owner, l.turn, l.turn_since FROM limits l
        WHERE l.waiting = 1 AND l.turn <= (
            SELECT max(CASE WHEN state = 'queued' THEN turn + video_ahead ELSE -1 END) FROM placed
        ) + (
            SELECT coalesce(sum(u.video), 0) FROM generations u WHERE u.state = 'queued' AND u.moved_to < 0
        )
        ORDER BY l.turn, l.turn_since, l.subscription_id LIMIT :most_lines
    )
    {_row("unfinished", "engine", *_UNFINISHED)} FROM placed
    UNION ALL
    {_row("line", "w.engine", "owner", "turn", "turn_since", "w.queued", "w.video")}
    FROM nearer JOIN line_lengths w ON w.subscription_id = owner AND w.engine = ANY {_ENGINES}
    UNION ALL
    {_row("cut", "NULL")} WHERE (SELECT count(*) FROM nearer) = :most_lines
    UNION ALL
    {_row("urgent", "engine", "subscription_id", "moved_to", "video")} FROM generations
    WHERE state = 'queued' AND moved_to < 0 AND engine = ANY {_ENGINES}
    UNION ALL
    {_row("lane", "engine", "stage", "progress", "video")} FROM generations_now
    WHERE state = 'dreaming' AND engine = ANY {_ENGINES}
    UNION ALL
    {_row("time", "t.engine", "t.model", "t.resolution", "t.length", "t.seconds")}
    FROM placed JOIN render_times t ON t.engine = placed.engine AND t.model = placed.model
        AND t.resolution = placed.resolution AND t.length = placed.length
    UNION ALL
    {_row("pace", "t.engine", "t.seconds")} FROM render_times t
    WHERE t.engine = ANY {_ENGINES} AND t.length = 0 AND t.model = '' AND t.resolution = ''
    UNION ALL
    {_row("paused", "name", "scope")} FROM queue_controls WHERE state = 'paused'
"""
"""See `sql.queries.records.PICTURE_OF_QUEUE`."""
