"""Which database: the URL a person wrote, made whole; and the same without its password, for every message. Pure."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from actors.persistence.failures import StoreError

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"
_DRIVERS: Final = {
    "sqlite": "sqlite",
    "sqlite3": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "timescaledb": "postgresql+psycopg",
}
_HIDDEN: Final = "***"
_PASSWORD: Final = re.compile(r"(://[^:/?#\s]*:)[^\s]*(@)")
_QUERY_PASSWORD: Final = re.compile(r"((?:password|passwd|passfile|sslpassword)=)[^&\s]*", re.IGNORECASE)


def default_url(run_dir: str) -> str:
    """The SQLite file of a run directory."""
    return f"sqlite:///{run_dir}/db/tapehub.sqlite"


def parse_url(text: str, run_dir: str) -> URL:
    """What was written, with its driver; empty text means the default, a relative file counts from `run_dir`.

    Raises:
        StoreError: no URL, or of a database that is not supported.
    """
    try:
        url = make_url(text or default_url(run_dir))
    except (ArgumentError, ValueError):
        raise StoreError(
            f"{shown(text)!r} is not the URL of a database", _WRITE_LIKE, is_lasting=True
        ) from None
    driver = _DRIVERS.get(url.drivername.lower())
    if driver is None:
        what = f"{shown(text)}: {url.drivername!r} is not supported"
        raise StoreError(what, _WRITE_LIKE, is_lasting=True)
    url = url.set(drivername=driver)
    if driver == SQLITE:
        return _absolute(url, run_dir)
    return url


_WRITE_LIKE: Final = (
    "write sqlite:////absolute/file.sqlite or postgresql://user:password@host:5432/name in `database`"
)


def _absolute(url: URL, run_dir: str) -> URL:
    name = url.database or ""
    if name == ":memory:" or not name:
        what = "a database in memory is gone with its process"
        raise StoreError(what, "name a file: sqlite:////absolute/file.sqlite", is_lasting=True)
    if name.startswith("file:"):
        return url
    return url.set(database=str(Path(run_dir) / name))


def file_of(url: URL) -> Path | None:
    """The file of an SQLite URL, None for a server."""
    if url.get_backend_name() != SQLITE or not url.database:
        return None
    name = url.database
    return Path(name.removeprefix("file:").partition("?")[0])


def shown(url: URL | str) -> str:
    """A URL for people: no password, no driver."""
    text = url if isinstance(url, str) else url.render_as_string(hide_password=False)
    text = _PASSWORD.sub(rf"\1{_HIDDEN}\2", text.replace("+psycopg:", ":"))
    return _QUERY_PASSWORD.sub(rf"\1{_HIDDEN}", text)


def without_password(text: str, url: URL) -> str:
    """A message of a driver with every secret of the URL blotted out."""
    secrets = [url.password, *(value for key, value in url.query.items() if "pass" in key.lower())]
    for secret in secrets:
        if isinstance(secret, str) and secret:
            text = text.replace(secret, _HIDDEN)
    return shown(text)
