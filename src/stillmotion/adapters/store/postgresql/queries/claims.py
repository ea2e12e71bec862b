"""Statement before a claim. The claim itself runs those of functions of the schema: `next_claim`, `keep_claim`, and
`keep_callbacks` where somebody is to be told.
"""

from typing import Final

LOOK: Final = """
    WITH RECURSIVE engines (name) AS (
        SELECT min(engine) FROM generations WHERE state = 'queued'
        UNION ALL
        SELECT (SELECT min(engine) FROM generations WHERE state = 'queued' AND engine > name)
        FROM engines WHERE name IS NOT NULL
    )
    SELECT
        (SELECT coalesce(json_agg(json_build_array(scope, name, state, since, actor)), '[]') FROM queue_controls),
        (SELECT coalesce(json_agg(name), '[]') FROM engines WHERE name IS NOT NULL)
"""
"""The queue's controls, and the engines that something waits for: a walk from engine to engine, however long they are.

Mostly the queue is empty: this look spares the transaction then.
"""
