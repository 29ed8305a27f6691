"""The past read from a real PostgreSQL is the same, byte for byte, as from SQLite with the same rows."""

from __future__ import annotations

import math
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from sqlalchemy import make_url

from actors.persistence.history import HistoryServer
from actors.persistence.opening import open_store
from actors.persistence.reader import Reader
from protocol.errors import Overloaded
from protocol.history import Sizes, decode_windows, windows_request
from protocol.messages import Signal
from protocol.record import RecordKind
from protocol.requests import Reply, Request, decode_reply, encode_request
from tests.unit.actors.hub.samples import (
    BASE_NS,
    MINUTE_NS,
    Pen,
    bar,
    fetched,
    gap,
    quote,
    signal,
    trade,
    verdict,
)

SERVER = os.environ.get("TAPEHUB_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432/postgres")


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """URL of a new database."""
    name = f"tapehub_test_{uuid.uuid4().hex[:12]}"
    try:
        admin = psycopg.connect(SERVER, autocommit=True, connect_timeout=5)
    except psycopg.OperationalError as error:
        pytest.skip(f"no PostgreSQL to test with ($TAPEHUB_TEST_POSTGRES): {str(error).splitlines()[0]}")
    with admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def fill(url: str, folder: Path) -> None:
    """The same frames in every database."""
    store = open_store(url, str(folder))
    store.positions()
    batch, pen, folds = store.batch(), Pen(epoch=5), Pen("aggregator.1", epoch=6)
    for start in range(1, 61, 4):
        ids = range(start, start + 4)
        frame = pen.frame("trade.binance.BTC_USDT", [trade(n, recv_ns=BASE_NS + n // 3) for n in ids])
        batch.add(frame)
        batch.add(pen.frame("quote.binance.BTC_USDT", [quote(float(start), recv_ns=BASE_NS + start)]))
    named = [trade(n, symbol="ETH_USDT", price=100.5) for n in range(5)]
    batch.add(pen.frame("trade.binance.ETH_USDT", named))
    for timeframe in ("1h", "1m"):
        made = [bar(n, timeframe=timeframe, source="quote" if n % 2 else "trade") for n in range(1, 40)]
        batch.add(folds.frame(f"bar.binance.BTC_USDT.{timeframe}", made))
    odd = bar(1, symbol="ETH_USDT", source="rest.binance", status="gap", coverage=0.5, vwap=math.nan)
    batch.add(folds.frame("bar.binance.ETH_USDT.1m", [odd]))
    given = [
        fetched(n, source=("polygon", "yahoo")[n % 2], is_adjusted=n > 3, reason="x" * (n % 3))
        for n in range(9)
    ]
    batch.add(pen.frame("bar.rest.EUR_USD.1m", given))
    batch.add(pen.frame("verdict.rest.EUR_USD", [verdict(), verdict(BASE_NS + 1, volume=math.nan)]))
    batch.add(pen.frame("signal.binance.BTC_USDT", [signal(n) for n in range(4)]))
    ended = [signal(1, "target"), signal(2, "expired", score=math.nan, exit_price=math.nan)]
    batch.add(pen.frame("signal.binance.BTC_USDT", [*ended, *(signal(n, "vetoed") for n in range(9, 30))]))
    unnamed = Signal("BTC_USDT", "old", BASE_NS, -1, 1.0, 1.1, 0.9, 0.5, {})
    batch.add(pen.frame("signal.binance.BTC_USDT", [unnamed]))
    for state in ("open", "filled"):
        entry = gap("g-5-1", state, count=3)
        batch.add(pen.frame("gap.binance.BTC_USDT", [entry], kind=RecordKind.UPSTREAM_GAP))
    store.save(batch, BASE_NS)
    store.close()


QUESTIONS: list[Request] = [
    *(
        Request(op="history", symbol="BTC_USDT", kind=kind, n=n, from_ns=from_ns, args={"order": order})
        for kind, from_ns in (
            ("bar", 3 * MINUTE_NS),
            ("trade", BASE_NS + 2),
            ("quote", BASE_NS + 4),
            ("gap", 0),
        )
        for n in (0, 3, 7)
        for order in ("newest", "oldest")
    ),
    Request(op="history", symbol="BTC_USDT", timeframe="1h"),
    Request(op="history", symbol="ETH_USDT"),
    Request(op="history", symbol="EUR_USD", n=4),
    Request(op="history", symbol="EUR_USD", kind="verdict", n=1, args={"order": "oldest"}),
    Request(op="history", symbol="BTC_USDT", kind="signal", n=5),
    Request(op="history", symbol="BTC_USDT", kind="signal", venue="binance", args={"order": "oldest"}),
    Request(op="history", symbol="NOPE"),
    Request(op="latest"),
    Request(op="latest", kind="trade"),
    windows_request(Sizes(10, 20, 5)),
    windows_request(Sizes(bars=5, lists=5)),
    windows_request(Sizes(lists=100)),
    windows_request(Sizes(30, 20, 5), max_bytes=2000),
]


def answers(server: HistoryServer, request: Request) -> list[Reply]:
    """Every page, with the cursor of each."""
    found: list[Reply] = []
    while len(found) < 50:
        reply = decode_reply(server.answer(encode_request(request)))
        found.append(reply)
        cursor = reply.details.get("cursor", "") if request.op == "history" else ""
        if not cursor:
            return found
        args: dict[str, Any] = {**request.args, "cursor": cursor}
        request = Request(
            op="history",
            symbol=request.symbol,
            kind=request.kind,
            n=request.n,
            from_ns=request.from_ns,
            args=args,
        )
    raise AssertionError("the pages do not end")


def test_both_databases_give_the_same_answers(database: str, tmp_path: Path) -> None:
    fill(database, tmp_path)
    fill("", tmp_path)
    readers = [Reader(database), Reader(f"sqlite:///{tmp_path}/db/tapehub.sqlite")]
    postgres, sqlite = (HistoryServer(reader, "persistence.1", 1, lambda: BASE_NS) for reader in readers)

    for request in QUESTIONS:
        found = answers(postgres, request)
        assert found == answers(sqlite, request), request
        assert found[0].ok == (request.symbol != "NOPE"), found[0].message
    for reader in readers:
        reader.close()


def test_open_signals_come_first_however_old(database: str) -> None:
    """After the test above has filled the database."""
    reader = Reader(database)
    request = windows_request(Sizes(lists=5))
    reply = decode_reply(
        HistoryServer(reader, "persistence.1", 1, lambda: BASE_NS).answer(encode_request(request))
    )
    found = msgspec.msgpack.decode(decode_windows(reply).lists["signal"], type=list[Signal])
    reader.close()

    assert [one.state for one in found] == ["open", "open", *["vetoed"] * 5]
    assert found[:2] == [signal(0), signal(3)]


def test_one_answer_sees_one_moment(database: str, tmp_path: Path) -> None:
    reader = Reader(database)
    store = open_store(database, str(tmp_path))
    store.positions()
    with reader.moment() as moment:
        before = moment.positions()
        batch = store.batch()
        batch.add(Pen("collector.okx.1", epoch=9).frame("trade.okx.BTC_USDT", [trade(1, venue="okx")]))
        store.save(batch, BASE_NS)
        assert moment.positions() == before
    with reader.moment() as moment:
        assert set(moment.positions()) - set(before) == {"collector.okx.1"}
    store.close()
    reader.close()


def test_nothing_can_be_written_through_a_reader(database: str) -> None:
    reader = Reader(database)

    with pytest.raises(Overloaded, match="read-only transaction"), reader.moment() as moment:
        moment.connection.exec_driver_sql("CREATE TABLE scratch (n int)")
    reader.close()
