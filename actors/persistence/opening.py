"""From a URL to its store: the one place that knows every dialect."""

from __future__ import annotations

from types import ModuleType

from sqlalchemy.engine import URL, Engine

from actors.persistence.database_url import file_of, parse_url, shown
from actors.persistence.failures import StoreError
from actors.persistence.sqlite_store import SqliteStore, Synchronous
from actors.persistence.sqlite_store import make_engine as make_sqlite_engine
from actors.persistence.store import Store


def open_store(
    url: str, run_dir: str, *, auto_upgrade: bool = True, synchronous: Synchronous = "normal"
) -> Store:
    """The store of a database; it connects at the first `positions()`.

    Args:
        url: As in the settings; empty means the SQLite file of the run directory.
        run_dir: Absolute; relative files count from it.
        auto_upgrade: Bring an older schema up to date.
        synchronous: How SQLite treats a power cut, see `SqliteStore`.

    Raises:
        StoreError: the URL is none, or of a database that is not supported.
    """
    parsed = parse_url(url, run_dir)
    if parsed.get_backend_name() == "sqlite":
        return SqliteStore(parsed, auto_upgrade=auto_upgrade, synchronous=synchronous)
    store: Store = _postgres(parsed).PostgresStore(parsed, auto_upgrade=auto_upgrade)
    return store


def engine_of(url: URL, *, is_reader: bool) -> Engine:
    """An engine for a command: migrations, or counting (which never makes a file).

    Raises:
        StoreError: there is no such file to read.
    """
    path = file_of(url)
    if path is None:
        engine: Engine = _postgres(url).make_engine(url)
        return engine
    if is_reader and not path.exists():
        fix = "the persistence actor makes it, or `tapehub db upgrade`"
        raise StoreError(f"database {shown(url)}: there is no such file yet", fix, is_lasting=True)
    return make_sqlite_engine(url, is_reader=is_reader)


def _postgres(url: URL) -> ModuleType:
    """The module that needs the driver, which is 90 ms and an extra of the package.

    Raises:
        StoreError: the driver is not installed.
    """
    try:
        from actors.persistence import postgres_store  # noqa: PLC0415 - see above
    except ImportError as fault:
        what = f"database {shown(url)}: PostgreSQL's driver cannot be loaded: {fault}"
        raise StoreError(what, "pip install 'psycopg[binary]'", is_lasting=True) from fault
    return postgres_store
