"""The database of a run: made, taken away for a while, and removed. SQLite is locked, PostgreSQL refuses everybody."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sqlite3
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from tests.chaos.stored import driver_url, sqlite_path

_BUSY_S: Final = 3.0


class Sqlite:
    """A file in the run directory."""

    def __init__(self, run_dir: Path) -> None:
        self.setting = ""
        """What persistence is told; empty: its default."""
        self.url = f"sqlite:///{run_dir / 'db' / 'tapehub.sqlite'}"
        self._holder: sqlite3.Connection | None = None

    def make(self) -> None:
        """Persistence makes it."""

    def block(self) -> str:
        """Hold the write lock; returns why that did not work."""
        path = sqlite_path(self.url)
        if not path.is_file():
            return "there is no database yet"
        holder = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_S)
        try:
            holder.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as fault:
            holder.close()
            return str(fault)
        self._holder = holder
        return ""

    def unblock(self) -> None:
        """Let it go."""
        if self._holder is not None:
            with contextlib.suppress(sqlite3.Error):
                self._holder.execute("ROLLBACK")
            self._holder.close()
            self._holder = None

    def remove(self) -> None:
        """Goes with the run directory."""


class Postgres:
    """A database of its own on a server; the one that the URL names is only used to make it from.

    Args:
        url: `postgresql://USER[:PASSWORD]@HOST[:PORT]/DATABASE`.
    """

    def __init__(self, url: str) -> None:
        self._admin = driver_url(url)
        self._name = f"tapehub_chaos_{os.getpid()}"
        parts = urlsplit(url)
        self.setting = self.url = urlunsplit(parts._replace(path="/" + self._name))
        self._psycopg: Any = importlib.import_module("psycopg")

    def _execute(self, *statements: str) -> None:
        with self._psycopg.connect(self._admin, autocommit=True, connect_timeout=5) as connection:
            for statement in statements:
                connection.execute(statement)

    def make(self) -> None:
        """Make it, empty."""
        self._execute(f"DROP DATABASE IF EXISTS {self._name}", f"CREATE DATABASE {self._name}")

    def block(self) -> str:
        """End all its connections and refuse new ones; returns why that did not work."""
        try:
            self._execute(
                f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false",
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'",
            )
        except self._psycopg.Error as fault:
            return str(fault)
        return ""

    def unblock(self) -> None:
        """Let everybody in again."""
        self._execute(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS true")

    def remove(self) -> None:
        """Drop it."""
        self._execute(f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)")


Database = Sqlite | Postgres


def database_of(url: str, run_dir: Path) -> Database:
    """The database of a run.

    Raises:
        ValueError: neither empty nor a URL of a server that a run can use.
    """
    if not url:
        return Sqlite(run_dir)
    if re.match(r"postgresql(\+psycopg)?://", url):
        return Postgres(url)
    raise ValueError(
        "--database: postgresql://USER@HOST/DATABASE, or nothing for SQLite in the run directory"
    )
