"""Translation of the shared statements, which are written for SQLite.

Most differ in their placeholders alone, and in a few words. Those that differ by more are written anew, and found by
the shared statement itself.
"""

import re
from functools import lru_cache
from typing import Final

from stillmotion.adapters.store.postgresql.queries import claims, reads, renewals, submits
from stillmotion.adapters.store.postgresql.queries.own import OWN

_NAMES: Final = r"\(SELECT value FROM json_each\(([?:]\w*)\)\)"
_ARRAY: Final = r"(ARRAY(SELECT jsonb_array_elements_text(CAST(\1 AS jsonb))))"

_WORDS: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r" INDEXED BY \w+", ""),
        (rf"\((\w)\.engine IN {_NAMES}\) <> \?", rf"CAST(\1.engine = ANY {_ARRAY.replace('1', '2')} AS integer) <> ?"),
        # A list of names is bound as a JSON array; an array of PostgreSQL's lets it use an index.
        (rf"NOT IN {_NAMES}", rf"<> ALL {_ARRAY}"),
        (rf"IN {_NAMES}", rf"= ANY {_ARRAY}"),
        (r"CROSS JOIN (\w+(?: \w+)?) ON ", r"JOIN \1 ON "),
        (r"CROSS JOIN generations g USING \(sequence\)", "JOIN generations g ON g.id = generation_id"),
        (r"\binstr\(", "0 < strpos("),
        (r"\+state IN", "state IN"),
        (r"(?<!\")\bonly = 1", '"only" = 1'),
        (r"\bFROM meta\b", "FROM stillmotion"),
        (r"\bs\.rowid\b", "s.sequence"),
        (r"\bgeneration_id, sequence FROM", "generation_id FROM"),
    )
)
"""Words that stand for the same in both dialects, and never for anything else in our statements."""

_AS_IT_STANDS: Final = frozenset(
    value for module in (claims, reads, renewals, submits) for value in vars(module).values() if isinstance(value, str)
)
"""Statements of PostgreSQL's own hot paths, which have its words already."""

_READ: Final = re.compile(r"\b(FROM|JOIN) generations\b")
_PLACEHOLDER: Final = re.compile(r"\?|(?<![:\w]):([a-z]\w*)")


@lru_cache(maxsize=1024)
def translated(statement: str) -> bytes:
    """The statement for psycopg."""
    own = statement if statement in _AS_IT_STANDS else OWN.get(statement)
    return placed(_reworded(statement) if own is None else own).encode()


@lru_cache(maxsize=64)
def held(statement: str) -> bytes:
    """One of the statements in `sql.queries.holds` as a statement that locks its rows."""
    return f"{placed(statement)} FOR NO KEY UPDATE".encode()


def placed(statement: str) -> str:
    """The statement with psycopg's placeholders."""
    return _PLACEHOLDER.sub(lambda found: f"%({found[1]})s" if found[1] else "%s", statement.replace("%", "%%"))


def _reworded(statement: str) -> str:
    for pattern, instead in _WORDS:
        statement = pattern.sub(instead, statement)
    if statement.lstrip().startswith(("SELECT", "WITH")):
        statement = _READ.sub(r"\1 generations_now", statement)
    return statement
