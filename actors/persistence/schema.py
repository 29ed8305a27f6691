"""Which version of the schema a database has, and how it gets ours.

The migrations stand in `actors/persistence/migrations` and travel with the package; alembic is imported only
when they are needed: an empty database gets today's tables at once, which is the same (a test compares the two).
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import (
    Column,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import URL, Connection, Engine

from actors.persistence.database_url import shown
from actors.persistence.failures import StoreError
from actors.persistence.tables import METADATA

if TYPE_CHECKING:
    from alembic.config import Config

HEAD: Final = "0004"
"""Version of `tables`: the newest migration (a test compares them)."""
KNOWN: Final = ("0001", "0002", "0003", "0004")
"""Every version this program can read or bring up to date, oldest first."""
VERSION_TABLE: Final = "alembic_version"
_VERSION: Final = Table(
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)
"""As alembic makes it."""
_LOCK_ID: Final = 0x7461706568756233
"""Of the migrations of this program, among all advisory locks of a server."""
_FOLDER: Final = Path(__file__).with_name("migrations")


def current(connection: Connection) -> str:
    """Version of a database, empty text if it has none of our tables yet."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return ""
    found: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    return found or ""


def prepare(engine: Engine, url: URL, *, auto_upgrade: bool) -> str:
    """Make sure that a database has our schema; its version before.

    Raises:
        StoreError: it comes from a newer program, or is older and `auto_upgrade` is off.
    """
    with engine.connect() as connection:
        found = current(connection)
    refuse_future(found, url)
    if found == HEAD:
        return found
    if not auto_upgrade:
        have = f"version {found}" if found else "none of our tables"
        what = f"database {shown(url)} has {have}, this program needs version {HEAD}"
        raise StoreError(what, "run `tapehub db upgrade`, or set `auto_upgrade: true`", is_lasting=True)
    if found or not _make(engine):
        upgrade(engine)
    return found


def _make(engine: Engine) -> bool:
    """Make all tables in an empty database, in one transaction; False if somebody else has just made some."""
    from actors.persistence import timescale  # noqa: PLC0415 - rare

    with engine.begin() as connection:
        _lock(connection)
        if current(connection):
            return False
        METADATA.create_all(connection, checkfirst=False)
        _VERSION.create(connection, checkfirst=True)
        connection.execute(insert(_VERSION).values(version_num=HEAD))
        timescale.adopt(connection)
    return True


def refuse_future(found: str, url: URL) -> None:
    """A version that we do not know is newer than we are.

    Raises:
        StoreError: it is.
    """
    if found and found not in KNOWN:
        what = f"database {shown(url)} has schema {found}, newer than this program, which knows up to {HEAD}"
        fix = "install the newer tapehub; with it `tapehub db downgrade` can bring the database back"
        raise StoreError(what, fix, is_lasting=True)


def upgrade(engine: Engine, revision: str = HEAD) -> None:
    """Bring a database up to a version, in one transaction."""
    from alembic import command  # noqa: PLC0415 - 200 ms, for a database that is up to date never needed

    from actors.persistence import timescale  # noqa: PLC0415 - as rare

    with engine.begin() as connection:
        _lock(connection)
        command.upgrade(_config(connection), revision)
        if revision == HEAD:
            timescale.adopt(connection)


def downgrade(engine: Engine, revision: str) -> None:
    """Take a database back to an older version, in one transaction; `base` removes every table."""
    from alembic import command  # noqa: PLC0415 - rare

    from actors.persistence import timescale  # noqa: PLC0415 - rare

    with engine.begin() as connection:
        _lock(connection)
        command.downgrade(_config(connection), revision)
        if revision == "base":
            timescale.leave(connection)


def history() -> list[tuple[str, str]]:
    """Every migration, oldest first: version and what it does."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - rare

    scripts = ScriptDirectory.from_config(_config(None))
    return [(one.revision, one.doc) for one in reversed(list(scripts.walk_revisions()))]


def _lock(connection: Connection) -> None:
    """Two programs that find the same old schema take turns; the second one finds nothing left to do."""
    if connection.dialect.name == "postgresql":  # SQLite's transactions of writers take turns anyway
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK_ID)))


def _config(connection: Connection | None) -> Config:
    """What alembic would read from its ini file; the environment finds the connection in it."""
    from alembic.config import Config  # noqa: PLC0415 - rare

    logging.getLogger("alembic").setLevel(
        logging.WARNING
    )  # what it did, `tapehub db current` says in one line

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
