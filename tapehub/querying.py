"""SQL over what is stored: an engine in this process that can read its tables and nothing else.

DuckDB never opens a file here: Parquet files come as Arrow datasets, rows of the database are copied in, and before
the statement runs its access to files, network and extensions is switched off and locked. So a statement can
neither write nor read around it, and nothing has to be downloaded: it works without internet.

    trades, quotes, bars...     the rows, of bars, features, footprints and gaps the newest version of each
    parquet.trades, db.trades   the rows as they lie in one store: of bars every revision that Parquet was given
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import duckdb
import pyarrow as pa

from actors.persistence.parquet_read import StoredFiles
from actors.persistence.parquet_schema import KIND_OF, arrow_schema
from actors.persistence.tables import STORED
from tapehub.stores import DATABASE, PARQUET, QueryError
from tapehub.stretches import ALWAYS, Stretch

TABLES: Final = tuple(KIND_OF)
BATCH_ROWS: Final = 10_000
_RECORD: Final = "epoch DESC, seq DESC, k DESC"
_NEWEST: Final = {
    "bars": ("venue, symbol, timeframe, ts_open_ns", f"revision DESC, {_RECORD}"),
    "features": ("venue, symbol, timeframe, ts_open_ns", _RECORD),
    "footprints": ("venue, symbol, timeframe, ts_open_ns", f"revision DESC, {_RECORD}"),
    "gaps": ("gap_id", _RECORD),
}
"""Table to what names one thing in it, and which of several rows of a thing is the newest."""
# TIMESTAMP_NS would keep all nine digits, and in DuckDB 2.0 it ignores the offset of a moment: +01:00 is lost
_MACROS: Final = (
    "CREATE MACRO utc(ns) AS make_timestamp_ns(ns)",
    "CREATE MACRO ns(moment) AS epoch_ns(moment::TIMESTAMPTZ)",
)
_ALLOWED: Final = ("SELECT", "EXPLAIN")
_OF_FILES: Final = re.compile(r"files_of_|IOError|OSError|thrift|parquet", re.IGNORECASE)
"""What a message says when reading a file has failed, and not the statement is wrong."""
_MISSING: Final = re.compile(r"(Table|Referenced column|Column) .*?\"?(\w+)\"? (?:does not exist|not found)")


def check(sql: str) -> None:
    """Refuse what is not one question.

    Raises:
        QueryError: it is not SQL, not one statement, or one that does more than read.
    """
    try:
        with duckdb.connect(":memory:") as engine:
            statements = engine.extract_statements(sql)
    except duckdb.Error as fault:
        raise QueryError(_words(fault), "tapehub query --help") from None
    if len(statements) != 1:
        raise QueryError(f"{len(statements)} statements: there must be one", "one SELECT a call")
    kind = statements[0].type.name
    if kind not in _ALLOWED:
        raise QueryError(
            f"{kind} is refused: query only reads", "SELECT, DESCRIBE, SUMMARIZE, SHOW TABLES or EXPLAIN"
        )


def mentioned(sql: str, schema: str = "") -> set[str]:
    """Tables that a statement may read: those whose name stands in it, behind the schema's where that is given.

    Rather one too many than one too few: a table that is not mentioned has no rows.
    """
    return {table for table in TABLES if _name(table, schema).search(sql)}


def mentioned_plain(sql: str) -> set[str]:
    """Tables whose name stands in a statement at least once without one of our schemas before it."""
    for schema in (PARQUET, DATABASE):
        for table in mentioned(sql, schema):
            sql = _name(table, schema).sub(" ", sql)
    return mentioned(sql)


def _name(table: str, schema: str) -> re.Pattern[str]:
    before = rf'\b{schema}"?\s*\.\s*"?' if schema else r"\b"
    return re.compile(rf"{before}{table}\b", re.IGNORECASE)


class Session:
    """One engine: fill it, `lock` it, then ask.

    Args:
        scratch: Folder for what does not fit into memory.
        stretch: Rows outside of it are not seen in any table.
        memory: Most memory the engine uses.
    """

    def __init__(self, scratch: Path, stretch: Stretch = ALWAYS, memory: str = "1GB") -> None:
        self._engine = duckdb.connect(
            ":memory:", config={"memory_limit": memory, "temp_directory": str(scratch)}
        )
        self._stretch = stretch
        self._files: dict[str, StoredFiles] = {}
        for statement in (
            "SET TimeZone = 'UTC'",
            f"CREATE SCHEMA {PARQUET}",
            f"CREATE SCHEMA {DATABASE}",
            *_MACROS,
        ):
            self._engine.execute(statement)

    def add_files(self, table: str, files: StoredFiles) -> None:
        """Let `parquet.<table>` be the rows of these files."""
        self._files[table] = files
        self._engine.register(f"files_of_{table}", files.dataset)
        where = self._where(table)
        self._engine.execute(f"CREATE VIEW {PARQUET}.{table} AS SELECT * FROM files_of_{table}{where}")  # noqa: S608

    def add_rows(self, table: str, batches: Iterable[pa.RecordBatch]) -> int:
        """Let `db.<table>` be these rows, copied; returns how many."""
        schema = arrow_schema(STORED[KIND_OF[table]].table)
        empty = schema.empty_table()
        self._engine.register("incoming", empty)
        self._engine.execute(f"CREATE TABLE {DATABASE}.{table} AS SELECT * FROM incoming")  # noqa: S608
        self._engine.unregister("incoming")
        rows = 0
        for batch in batches:
            self._engine.register("incoming", pa.Table.from_batches([batch], schema))
            self._engine.execute(f"INSERT INTO {DATABASE}.{table} SELECT * FROM incoming")  # noqa: S608
            self._engine.unregister("incoming")
            rows += batch.num_rows
        return rows

    def add_views(self, sources: Mapping[str, str]) -> None:
        """Let each plain name be the rows of one store, the newest version of each thing."""
        for table, source in sources.items():
            rows = f"SELECT * FROM {source}.{table}"  # noqa: S608 - both are names of ours
            if table in _NEWEST:
                thing, order = _NEWEST[table]
                rows += f" QUALIFY row_number() OVER (PARTITION BY {thing} ORDER BY {order}) = 1"
            self._engine.execute(f"CREATE VIEW {table} AS {rows}")

    def lock(self) -> None:
        """From here on: no file, no network, no extension, no write, and no way back."""
        for setting in (
            "autoinstall_known_extensions = false",
            "autoload_known_extensions = false",
            "enable_external_access = false",
            "lock_configuration = true",
        ):
            self._engine.execute(f"SET {setting}")
        self._engine.execute("BEGIN TRANSACTION READ ONLY")

    def run(self, sql: str, values: Mapping[str, Any] | None = None) -> pa.RecordBatchReader:
        """The answer to one checked statement, in batches as they are asked for.

        Raises:
            QueryError: it cannot be run; says why.
        """
        try:
            relation = self._engine.sql(sql, params=dict(values)) if values else self._engine.sql(sql)
            return relation.to_arrow_reader(BATCH_ROWS)
        except duckdb.Error as fault:
            raise self._explained(fault) from None

    def batches(self, sql: str, values: Mapping[str, Any] | None = None) -> Iterable[pa.RecordBatch]:
        """Like `run`, with what fails on the way explained too; at least one batch, for the names.

        Raises:
            QueryError: it cannot be run to its end; says why.
        """
        reader = self.run(sql, values)
        is_empty = True
        try:
            for batch in reader:
                is_empty = False
                yield batch
        except (duckdb.Error, pa.ArrowException, OSError) as fault:
            raise self._explained(fault) from None
        if is_empty:
            yield pa.RecordBatch.from_pylist([], schema=reader.schema)

    def close(self) -> None:
        """Let go of everything."""
        self._engine.close()

    def _where(self, table: str) -> str:
        time = STORED[KIND_OF[table]].time
        parts = []
        if self._stretch.from_ns is not None:
            parts.append(f"{time} >= {self._stretch.from_ns}")
        if self._stretch.to_ns is not None:
            parts.append(f"{time} < {self._stretch.to_ns}")
        return f" WHERE {' AND '.join(parts)}" if parts else ""

    def _explained(self, fault: Exception) -> QueryError:
        text = _words(fault)
        if isinstance(fault, duckdb.OutOfMemoryException):
            return QueryError(text, "ask for less: --from, --to, a WHERE, fewer columns")
        if "No such file" in text:
            return QueryError("files were merged or deleted while they were read", "ask again")
        if _OF_FILES.search(text):
            damaged = [path for files in self._files.values() for path in files.damaged()]
            if damaged:
                fix = "move it away and ask again: the other files are good"
                return QueryError(f"{damaged[0]} is damaged", fix)
        return QueryError(text, self._suggestion(text))

    def _suggestion(self, text: str) -> str:
        found = _MISSING.search(text)
        if not found:
            return "tapehub query 'SHOW ALL TABLES'; tapehub query 'DESCRIBE trades'"
        names = TABLES
        if found[1] != "Table":
            names = tuple(
                {name for table in TABLES for name in arrow_schema(STORED[KIND_OF[table]].table).names}
            )
        near = difflib.get_close_matches(found[2].lower(), names, 3, 0.5)
        known = ", ".join(near or (TABLES if found[1] == "Table" else ()))
        return f"there are {known}" if known else "tapehub query 'DESCRIBE trades' names the columns"


def _words(fault: Exception) -> str:
    """The engine's message, without the empty lines."""
    return "\n".join(line for line in str(fault).splitlines() if line.strip())
