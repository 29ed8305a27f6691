"""Where the stored rows are: the Parquet folder and the database of a configuration, and which of them to read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from actors.persistence.parquet_folder import live_files

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

    from actors.persistence.reader import Reader

PARQUET: Final = "parquet"
DATABASE: Final = "db"
AUTO: Final = "auto"
NO_DATABASE: Final = "none"
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


def database_setting(actors: dict[str, dict[str, Any]]) -> str:
    """The `database` of the first persistence actor of a topology; empty means the default."""
    for name, section in actors.items():
        if name.partition(".")[0] == "persistence":
            return str(section.get("database") or "")
    return ""


class Stores:
    """The two places rows are stored in.

    Args:
        run_dir: Run directory, absolute.
        database: URL of the database as in the settings; empty means the SQLite file of the run directory, `none`
            that there is none.
        folder: The Parquet folder; None means that of the run directory.

    Raises:
        StoreError: the URL is none.
    """

    def __init__(self, run_dir: Path, database: str = "", folder: Path | None = None) -> None:
        from actors.persistence.database_url import parse_url, shown  # noqa: PLC0415 - sqlalchemy is 100 ms

        self.folder = folder or run_dir / "parquet"
        self.url: URL | None = None if database == NO_DATABASE else parse_url(database, str(run_dir))
        self.shown_url = NO_DATABASE if self.url is None else shown(self.url)
        """For messages: without a password."""

    @property
    def has_database(self) -> bool:
        """Whether there is a database to ask: a server, or a file that exists."""
        from actors.persistence.database_url import file_of  # noqa: PLC0415 - see above

        if self.url is None:
            return False
        file = file_of(self.url)
        return file is None or file.is_file()

    def has_files(self, table: str) -> bool:
        """Whether the Parquet folder holds rows of a table."""
        return bool(live_files(self.folder, table))

    def source_of(self, table: str, wanted: str = AUTO) -> str:
        """Where to read a table: Parquet where the sink has stored it, the database where it has not."""
        if wanted != AUTO:
            return wanted
        return PARQUET if self.has_files(table) or not self.has_database else DATABASE

    def is_empty(self, tables: Iterable[str]) -> bool:
        """Whether there is nothing at all to read."""
        return not self.has_database and not any(map(self.has_files, tables))

    def reader(self) -> Reader:
        """Reads the database, and cannot write it.

        Raises:
            QueryError: there is none.
        """
        from actors.persistence.reader import Reader  # noqa: PLC0415 - see above

        if self.url is None:
            raise QueryError("the settings name no database", "--source parquet, or --database URL")
        return Reader(self.url)
