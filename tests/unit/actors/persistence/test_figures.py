"""Figures about what is stored: complete candles by day, bytes."""

from pathlib import Path

import msgspec

from actors.persistence.database_url import parse_url
from actors.persistence.history import HistoryServer
from actors.persistence.reader import Reader
from protocol.requests import Reply, Request, decode_reply, encode_request
from tests.unit.tapehub.stored import fill_database


def test_candles_by_day_and_bytes(tmp_path: Path) -> None:
    fill_database(tmp_path)
    reader = Reader(parse_url("", str(tmp_path)))
    server = HistoryServer(reader, "persistence.1", 1, lambda: 1)

    def ask(**request: object) -> Reply:
        return decode_reply(server.answer(encode_request(Request(**request))))  # type: ignore[arg-type]

    try:
        with reader.moment() as moment:
            found = moment.connection.exec_driver_sql("SELECT ts_open_ns, status, timeframe FROM bars").all()
        rows = [row for row in found if row[2] == found[0][2]]
        days = {ts // 86_400_000_000_000 for ts, _, _ in rows}
        (series,) = msgspec.msgpack.decode(ask(op="coverage", timeframe=rows[0][2]).data)
        complete = sum(status in ("closed", "quiet") for _, status, _ in rows)
        assert series[2] == [[days.pop(), len(rows), complete]]
        later = ask(op="coverage", timeframe=rows[0][2], from_ns=max(ts for ts, _, _ in rows) + 1)
        assert msgspec.msgpack.decode(later.data) == []
        assert not ask(op="coverage", timeframe="7m").ok
        size = msgspec.msgpack.decode(ask(op="size").data)
        file = tmp_path / "db" / "tapehub.sqlite"
        assert size["bytes"] == file.stat().st_size + size["wal_bytes"]
    finally:
        reader.close()
