"""TimescaleDB, if the server has it: found by its features, used as far as its edition allows.

    no extension       plain tables; `retention` deletes rows
    Apache edition     hypertables; `retention` drops whole chunks
    Community edition  hypertables; the server's own jobs compress and drop chunks (`set_policies`)

Time columns are BIGINT nanoseconds, so a hypertable needs to be told how wide a chunk is and what "now" is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.engine import Connection

from actors.persistence.tables import STORED, Stored

NOW_FUNCTION: Final = "tapehub_now_ns"
_MAKE_NOW: Final = (
    f"CREATE OR REPLACE FUNCTION {NOW_FUNCTION}() RETURNS BIGINT LANGUAGE SQL STABLE AS "  # noqa: S608 - a constant
    "$$ SELECT (extract(epoch FROM now()) * 1000000000)::BIGINT $$"
)
_DAY_NS: Final = 86_400 * 10**9
_CHUNK_DAYS: Final = {"quote": 1, "trade": 1, "book": 1, "bar": 30, "feature": 30, "footprint": 30}
_OTHER_CHUNK_DAYS: Final = 7
_PLAIN: Final = frozenset({"gap"})
"""Few rows, and their key holds no time."""
COMPRESS_AFTER_S: Final = 7 * 86_400.0


class Features(NamedTuple):
    """What a server can do."""

    version: str
    """Of the extension, empty if the database has none."""
    has_policies: bool
    """The Community edition: compression and retention as jobs of the server."""

    def __bool__(self) -> bool:
        """Whether there are hypertables at all."""
        return bool(self.version)


NONE: Final = Features("", has_policies=False)


def features(connection: Connection) -> Features:
    """What this database offers; only an extension that has been created in it counts."""
    if connection.dialect.name != "postgresql":
        return NONE
    version = connection.execute(
        text("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'")
    ).scalar()
    if not version:
        return NONE
    has_ranges = connection.execute(text("SELECT count(*) FROM pg_proc WHERE proname = 'by_range'")).scalar()
    if not has_ranges:  # before 2.13
        return NONE
    licence = connection.execute(text("SELECT current_setting('timescaledb.license', true)")).scalar()
    return Features(str(version), has_policies=licence == "timescale")


def adopt(connection: Connection) -> list[str]:
    """Make hypertables of the event tables that are none yet, with what is in them; their names."""
    if not features(connection):
        return []
    connection.execute(text(_MAKE_NOW))
    known = hypertables(connection)
    made = []
    for one in STORED.values():
        name = one.table.name
        if one.kind in _PLAIN or name in known:
            continue
        width_ns = _CHUNK_DAYS.get(one.kind, _OTHER_CHUNK_DAYS) * _DAY_NS
        connection.execute(
            text(
                "SELECT create_hypertable(CAST(:name AS regclass), by_range(CAST(:time AS name), "
                "CAST(:width AS bigint)), create_default_indexes => false, migrate_data => true)"
            ),
            {"name": name, "time": one.time, "width": width_ns},
        )
        connection.execute(
            text("SELECT set_integer_now_func(CAST(:name AS regclass), CAST(:now AS regproc))"),
            {"name": name, "now": NOW_FUNCTION},
        )
        made.append(name)
    return made


def leave(connection: Connection) -> None:
    """Remove what `adopt` made besides the tables."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"DROP FUNCTION IF EXISTS {NOW_FUNCTION}()"))


def hypertables(connection: Connection) -> set[str]:
    """Names of our tables that are hypertables."""
    if not features(connection):
        return set()
    query = text(
        "SELECT hypertable_name FROM timescaledb_information.hypertables "
        "WHERE hypertable_schema = current_schema()"
    )
    return {str(name) for name in connection.execute(query).scalars()}


def set_policies(
    connection: Connection, max_age_s: Mapping[str, float], compress_after_s: float = COMPRESS_AFTER_S
) -> bool:
    """Let the server compress and drop old chunks by itself; False where its edition cannot: then `retention` does.

    Args:
        connection: In a transaction.
        max_age_s: Kind to the age at which its rows go, seconds; a kind that is not named is kept for ever.
        compress_after_s: Age at which a chunk is compressed, seconds.
    """
    if not features(connection).has_policies:
        return False
    known = hypertables(connection)
    for one in STORED.values():
        if one.table.name in known:
            _set_policy(connection, one, max_age_s.get(one.kind), compress_after_s)
    return True


def _set_policy(connection: Connection, one: Stored, age_s: float | None, compress_after_s: float) -> None:
    name = one.table.name
    by = "" if one.kind == "news" else ", timescaledb.compress_segmentby = 'instrument_id'"
    connection.execute(text(f"ALTER TABLE {name} SET (timescaledb.compress{by})"))
    for verb, seconds in (("compression", compress_after_s), ("retention", age_s)):
        connection.execute(
            text(f"SELECT remove_{verb}_policy(CAST(:name AS regclass), if_exists => true)"), {"name": name}
        )
        if seconds is not None:
            connection.execute(
                text(f"SELECT add_{verb}_policy(CAST(:name AS regclass), CAST(:age AS bigint))"),
                {"name": name, "age": int(seconds * 1e9)},
            )


def drop_chunks(connection: Connection, one: Stored, before_ns: int) -> int:
    """Drop the chunks of one kind that end before a time; how many."""
    query = text("SELECT drop_chunks(CAST(:name AS regclass), older_than => CAST(:before AS bigint))")
    return len(connection.execute(query, {"name": one.table.name, "before": before_ns}).all())
