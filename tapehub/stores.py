"""Where the stored rows are: the Parquet folder and the databases of a configuration, and which of them to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from actors.persistence.parquet_folder import live_files
from protocol.stores import NO_DATABASE, STORED_BY_DEFAULT, database_of, kinds_of, store_of, stores

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from actors.persistence.reader import Reader

PARQUET: Final = "parquet"
DATABASE: Final = "db"
AUTO: Final = "auto"
SOURCES: Final = (AUTO, PARQUET, DATABASE)


class QueryError(Exception):
    """What was asked of the stores cannot be answered.

    Args:
        what: What is wrong.
        fix: What to ask instead, or what to do.
    """

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.fix = fix


def database_setting(actors: Mapping[str, Mapping[str, Any]]) -> str:
    """The `database` of the first persistence actor of a topology; empty means the default."""
    return next((database_of(actors[name]) for name in stores(actors)), "")


def database_settings(actors: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Kind to the `database` that has it, where several persistence actors divide the kinds; else empty."""
    if len(stores(actors)) < 2:
        return {}
    kinds = {*STORED_BY_DEFAULT, *(kind for name in stores(actors) for kind in kinds_of(actors[name]))}
    return {kind: database_of(actors[store_of(actors, kind)]) for kind in sorted(kinds)}


class Stores:
    """The two places rows are stored in.

    Args:
        run_dir: Run directory, absolute.
        database: URL of the database as in the settings; empty means the SQLite file of the run directory, `none`
            that there is none.
        folder: The Parquet folder; None means that of the run directory.
        by_kind: Kind to the URL of its database, for those that are elsewhere.

    Raises:
        StoreError: the URL is none.
    """

    def __init__(
        self,
        run_dir: Path,
        database: str = "",
        folder: Path | None = None,
        by_kind: Mapping[str, str] | None = None,
    ) -> None:
        from actors.persistence.database_url import parse_url, shown  # noqa: PLC0415 - sqlalchemy is 100 ms

        def url_of(text: str) -> URL | None:
            return None if text == NO_DATABASE else parse_url(text, str(run_dir))

        self.folder = folder or run_dir / "parquet"
        self.url = url_of(database)
        self._by_table = _by_table({kind: url_of(text) for kind, text in (by_kind or {}).items()})
        known = dict.fromkeys(self._by_table.values() or [self.url])
        self.shown_url = ", ".join(NO_DATABASE if url is None else shown(url) for url in known)
        """For messages: without a password."""

    def has_database(self, table: str) -> bool:
        """Whether there is a database to ask for a table: a server, or a file that exists."""
        from actors.persistence.database_url import file_of  # noqa: PLC0415 - see above

        url = self._url_of(table)
        if url is None:
            return False
        file = file_of(url)
        return file is None or file.is_file()

    def _url_of(self, table: str) -> URL | None:
        return self._by_table.get(table, self.url)

    def has_files(self, table: str) -> bool:
        """Whether the Parquet folder holds rows of a table."""
        return bool(live_files(self.folder, table))

    def source_of(self, table: str, wanted: str = AUTO) -> str:
        """Where to read a table: Parquet where the sink has stored it, the database where it has not."""
        if wanted != AUTO:
            return wanted
        return PARQUET if self.has_files(table) or not self.has_database(table) else DATABASE

    def is_empty(self, tables: Iterable[str]) -> bool:
        """Whether there is nothing at all to read."""
        return not any(self.has_database(table) or self.has_files(table) for table in tables)

    def reader(self, table: str) -> Reader:
        """Reads the database that has a table, and cannot write it.

        Raises:
            QueryError: there is none.
        """
        from actors.persistence.reader import Reader  # noqa: PLC0415 - see above

        url = self._url_of(table)
        if url is None:
            raise QueryError("the settings name no database", "--source parquet, or --database URL")
        return Reader(url)


def _by_table(by_kind: Mapping[str, URL | None]) -> dict[str, URL | None]:
    if not by_kind:
        return {}
    from actors.persistence.tables import STORED  # noqa: PLC0415 - see above

    return {str(STORED[kind].table.name): url for kind, url in by_kind.items() if kind in STORED}
