"""Tables of the outbox, and the database they are in: an SQLite file or PostgreSQL."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
)
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from protocol.errors import ConfigError

SCHEMA_VERSION: Final = 1
BUSY_TIMEOUT_S: Final = 5.0
_DRIVERS: Final = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_PASSWORD: Final = re.compile(r"(://[^:/?#\s]*:)[^\s@]*(@)")

METADATA: Final = MetaData()
# SQLite counts a primary key by itself only where it is called INTEGER
_NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")

OUTBOX: Final = Table(
    "notifier_outbox",
    METADATA,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("channel", String(32), nullable=False),
    Column("target", String(160), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("subject", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("dedup", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("is_silent", Boolean, nullable=False),
    Column("is_plain", Boolean, nullable=False, default=False),
    Column("ts_event_ns", BigInteger, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("message_id", BigInteger, nullable=False, default=0),
    Column("low_id", BigInteger, nullable=False, default=0),
    Column("probe_id", BigInteger, nullable=False, default=0),
    Column("error", Text, nullable=False, default=""),
    Column("updated_ns", BigInteger, nullable=False),
    Index("notifier_outbox_next", "target", "state", "id"),
    Index("notifier_outbox_subject", "subject", "target"),
    Index("notifier_outbox_dedup", "target", "dedup", "ts_event_ns"),
    Index("notifier_outbox_message", "target", "message_id"),
)
"""A row for each message to each target: `state` is pending, sending, sent, failed, expired, unknown, skipped."""

POSITIONS: Final = Table(
    "notifier_positions",
    METADATA,
    Column("publisher", String(32), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
"""How far each publisher is in the outbox."""

CHATS: Final = Table(
    "notifier_chats",
    METADATA,
    Column("target", String(160), primary_key=True),
    Column("known_id", BigInteger, nullable=False),
    Column("suspect_id", BigInteger, nullable=False, default=0),
)
"""The highest message id seen in a chat; behind `suspect_id` a message may have arrived late."""

LITTER: Final = Table(
    "notifier_litter",
    METADATA,
    Column("target", String(160), primary_key=True),
    Column("message_id", BigInteger, primary_key=True, autoincrement=False),
)
"""Messages of ours that must go."""

OFFSETS: Final = Table(
    "notifier_offsets",
    METADATA,
    Column("channel", String(32), primary_key=True),
    Column("update_id", BigInteger, nullable=False),
)
"""The newest command of each bot that was obeyed."""

MUTES: Final = Table(
    "notifier_mutes",
    METADATA,
    Column("target", String(160), primary_key=True),
    Column("pattern", String(80), primary_key=True),
    Column("until_ns", BigInteger, nullable=False),
)
"""What a chat does not want to hear, and until when."""

CONDITIONS: Final = Table(
    "notifier_conditions",
    METADATA,
    Column("name", String(160), primary_key=True),
    Column("since_ns", BigInteger, nullable=False),
)
"""What is wrong with the system and was told: its end is told too, once."""

VERSION: Final = Table("notifier_version", METADATA, Column("version", Integer, primary_key=True))


def parse_url(text: str, run_dir: Path) -> URL:
    """The database that was named; empty: the notifier's own file in the run directory.

    Raises:
        ConfigError: no URL, or of a database that is not supported.
    """
    shown = _PASSWORD.sub(r"\1***\2", text)
    like = "write sqlite:////absolute/file.db or postgresql://user@host:5432/name"
    try:
        url = make_url(text or f"sqlite:///{run_dir}/db/notifier.db")
    except (ArgumentError, ValueError):
        raise ConfigError([f"database: {shown!r} is not the URL of a database; {like}"]) from None
    driver = _DRIVERS.get(url.drivername.lower())
    if driver is None:
        raise ConfigError([f"database: {shown}: {url.drivername!r} is not supported; {like}"])
    url = url.set(drivername=driver)
    if driver != "sqlite":
        return url
    if not url.database or url.database == ":memory:":
        raise ConfigError([f"database: a database in memory is gone with its process; {like}"])
    return url.set(database=str(run_dir / url.database))


def make_engine(url: URL, synchronous: str) -> Engine:
    """One connection that all threads share, each transaction in its turn.

    Args:
        url: Of the database.
        synchronous: Of SQLite: with `full` what was sent is known after a power cut too.
    """
    is_sqlite = url.get_backend_name() == "sqlite"
    arguments: dict[str, Any] = (
        {"check_same_thread": False, "timeout": BUSY_TIMEOUT_S} if is_sqlite else {"connect_timeout": 5}
    )
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
        pool_pre_ping=not is_sqlite,
        connect_args=arguments,
    )
    if is_sqlite:
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)

        @event.listens_for(engine, "connect")
        def _set_up(driver: Any, _record: object) -> None:
            driver.isolation_level = None
            driver.execute("PRAGMA journal_mode=WAL")
            driver.execute(f"PRAGMA synchronous={synchronous}")

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
