"""Settings of the persistence actor. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from protocol.stores import STORED_BY_DEFAULT

Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class PersistenceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is stored, where and for how long."""

    database: str = ""
    """URL of the database: `sqlite:///file`, `postgresql://user@host/name`; a password is better left to
    PGPASSWORD or ~/.pgpass. Empty: `<run_dir>/db/tapehub.sqlite`. `none`: no database, Parquet only."""
    kinds: list[str] = msgspec.field(default_factory=lambda: list(STORED_BY_DEFAULT))
    """Kinds of messages that are stored; `book` is hundreds of times the rest."""
    auto_upgrade: bool = True
    """Bring an older schema up to date at the start; otherwise `tapehub db upgrade` does it."""
    synchronous: Literal["normal", "full"] = "normal"
    """SQLite: `normal` may lose the last transactions in a power cut (the journal gives them again), `full` not."""
    batch_s: Annotated[float, msgspec.Meta(gt=0, le=10)] = 1.0
    """Age at which what has come is stored, seconds."""
    batch_rows: Count = 20_000
    """Or the number of rows."""
    max_waiting_rows: Count = 100_000
    """Rows held while a transaction runs; beyond it nothing more is taken until it is done."""
    retry_cap_s: Seconds = 5.0
    """Longest pause before a database that failed is tried again, seconds."""
    keep_days: dict[str, Annotated[float, msgspec.Meta(gt=0)]] = msgspec.field(default_factory=dict)
    """Kind to the days after which its rows are deleted, in the database and in Parquet; not named: kept for ever."""
    parquet: bool = False
    """Write hourly Parquet files too, under `<run_dir>/parquet`."""
    parquet_flush_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 60.0
    """Age at which rows are written into a Parquet file that can be read, seconds."""
