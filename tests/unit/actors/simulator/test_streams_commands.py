"""Paths, stream names and control messages."""

import json

import pytest

from actors.simulator.commands import MOST_STREAMS, answer
from actors.simulator.streams import parse_route, parse_stream


@pytest.mark.parametrize(
    ("target", "market", "streams", "is_combined"),
    [
        ("/spot/ws/btcusdt@trade", "spot", ["btcusdt@trade"], False),
        ("/spot/ws", "spot", [], False),
        ("/spot/stream?streams=a@trade/b@depth", "spot", ["a@trade", "b@depth"], True),
        ("/spot/stream?streams=a%40trade&timeUnit=MICROSECOND", "spot", ["a@trade"], True),
        ("/usdm/public/stream?streams=a@trade", "usdm", ["a@trade"], True),
        ("/usdm/market/ws/a@aggTrade", "usdm", ["a@aggTrade"], False),
        ("/usdm/stream", "usdm", [], True),
        ("/coinm/ws/btcusd_perp@trade", "coinm", ["btcusd_perp@trade"], False),
    ],
)
def test_paths_of_streams(target: str, market: str, streams: list[str], is_combined: bool) -> None:
    route = parse_route(target)
    assert route is not None
    assert (route.market, route.streams, route.is_combined) == (market, streams, is_combined)


@pytest.mark.parametrize(
    "target", ["/", "/spot", "/spot/api/v3/depth", "/other/ws", "/usdm/public", "//[x", "/spot/stream/a"]
)
def test_other_paths_are_no_streams(target: str) -> None:
    assert parse_route(target) is None


def test_each_path_serves_its_kinds() -> None:
    def kinds(target: str) -> set[str]:
        route = parse_route(target)
        assert route is not None
        return set(route.kinds)

    assert "aggTrade" not in kinds("/usdm/public/ws")
    assert kinds("/usdm/public/ws") >= {"depth", "bookTicker", "trade", "top"}
    assert kinds("/usdm/market/ws") >= {"aggTrade", "kline", "forceOrder"}
    assert "depth" not in kinds("/usdm/market/ws")
    assert kinds("/usdm/ws") == {"trade", "bookTicker"}
    assert kinds("/spot/ws") >= {"aggTrade", "depth", "kline", "trade"}
    assert not kinds("/usdm/private/ws")


@pytest.mark.parametrize(
    ("name", "kind", "speed_ms", "levels"),
    [
        ("btcusdt@trade", "trade", 0, 0),
        ("btcusdt@depth", "depth", 1_000, 0),
        ("btcusdt@depth@100ms", "depth", 100, 0),
        ("btcusdt@depth@0ms", "depth", 0, 0),
        ("btcusdt@depth5", "top", 1_000, 5),
        ("btcusdt@depth20@100ms", "top", 100, 20),
        ("btcusdt@kline_1m", "kline", 1_000, 0),
        ("btcusdt@forceOrder", "other", 0, 0),
    ],
)
def test_stream_names(name: str, kind: str, speed_ms: int, levels: int) -> None:
    assert parse_stream("spot", name) == ("BTCUSDT", kind, speed_ms, levels)


def test_liquidations_are_a_stream_of_usdm_alone() -> None:
    assert parse_stream("usdm", "btcusdt@forceOrder") == ("BTCUSDT", "forceOrder", 1_000, 0)
    route = parse_route("/usdm/public/ws")
    assert route is not None
    assert "forceOrder" not in route.kinds


def test_upper_case_and_rubbish_name_no_stream() -> None:
    assert parse_stream("spot", "BTCUSDT@trade") is None
    assert parse_stream("spot", "btcusdt") is None
    assert parse_stream("spot", "@trade") is None


class FakeSession:
    def __init__(self) -> None:
        self.is_combined = True
        self.names: list[str] = []

    def subscribe(self, names: list[str]) -> None:
        self.names += names

    def unsubscribe(self, names: list[str]) -> None:
        self.names = [name for name in self.names if name not in names]

    def set_combined(self, is_combined: bool) -> None:
        self.is_combined = is_combined


def ask(session: FakeSession, text: str, market: str = "spot") -> dict:
    return json.loads(answer(session, text.encode(), market))


def test_subscribing_as_documented() -> None:
    session = FakeSession()
    assert ask(session, '{"method":"SUBSCRIBE","params":["a@trade","b@trade"],"id":1}') == {
        "result": None,
        "id": 1,
    }
    assert ask(session, '{"method":"UNSUBSCRIBE","params":["a@trade","x@y"],"id":"two"}') == {
        "result": None,
        "id": "two",
    }
    assert ask(session, '{"method":"LIST_SUBSCRIPTIONS","id":3}') == {"result": ["b@trade"], "id": 3}
    assert ask(session, '{"method":"GET_PROPERTY","params":["combined"],"id":4}') == {"result": True, "id": 4}
    assert ask(session, '{"method":"SET_PROPERTY","params":["combined",false],"id":5}') == {
        "result": None,
        "id": 5,
    }
    assert not session.is_combined


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", 3),
        ("\udcff", 3),
        ("[1]", 2),
        ('{"id":5}', 2),
        ('{"method":"FLY","id":5}', 2),
        ('{"method":"SUBSCRIBE","id":5}', 2),
        ('{"method":"SUBSCRIBE","params":[1],"id":5}', 2),
        ('{"method":"SUBSCRIBE","params":["a@trade"],"id":1.5}', 2),
        ('{"method":"SUBSCRIBE","params":["a@trade"],"id":99999999999999999999999}', 2),
        ('{"method":"SET_PROPERTY","params":["colour",true],"id":5}', 0),
        ('{"method":"SET_PROPERTY","params":["combined",1],"id":5}', 1),
    ],
)
def test_what_is_wrong_is_said_as_the_venue_says_it(text: str, code: int) -> None:
    session = FakeSession()
    reply = json.loads(answer(session, text.encode("utf-8", "surrogateescape"), "spot"))
    assert reply["code"] == code
    assert reply["msg"]
    assert not session.names


def test_futures_want_unsigned_ids() -> None:
    session = FakeSession()
    assert ask(session, '{"method":"SUBSCRIBE","params":["a@trade"],"id":"x"}', "usdm")["code"] == 2
    assert ask(session, '{"method":"SUBSCRIBE","params":["a@trade"],"id":-1}', "usdm")["code"] == 2
    assert ask(session, '{"method":"SUBSCRIBE","params":["a@trade"],"id":7}', "usdm") == {
        "result": None,
        "id": 7,
    }


def test_no_more_than_1024_streams() -> None:
    session = FakeSession()
    many = json.dumps([f"s{number}@trade" for number in range(MOST_STREAMS)])
    assert ask(session, f'{{"method":"SUBSCRIBE","params":{many},"id":1}}')["result"] is None
    refused = ask(session, '{"method":"SUBSCRIBE","params":["one@trade"],"id":2}')
    assert refused["code"] == 2
    assert len(session.names) == MOST_STREAMS
