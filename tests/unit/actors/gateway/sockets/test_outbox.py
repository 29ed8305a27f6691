"""The queue of a client that reads slowly: nothing is lost untold, order stays, trades are never conflated."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.gateway.sockets.channels import is_conflatable
from actors.gateway.sockets.dialects import JSON, Place
from actors.gateway.sockets.outbox import Outbox
from actors.gateway.sockets.view import Piece, Shape, View
from tests.unit.actors.gateway.sockets.world import frames_of

PLACES = {
    "t": Place("trades", "trade", "t", "X", "v"),
    "q": Place("quotes", "quote", "q", "X", "v"),
    "b": Place("bars", "bar", "b", "X", "v", "1m"),
    "d": Place("book", "book", "d", "X", "v"),
}


def row_of(topic: str, seq: int, *, is_closed: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"n": seq}
    if topic == "b":
        row |= {"ts_open_ns": 0, "revision": int(is_closed)}
    return row


class Client:
    """Puts numbered messages into an outbox, and reads what comes out."""

    def __init__(self, max_messages: int, max_bytes: int) -> None:
        self.views = {name: View(place, Shape(), JSON, lambda _: None, {}) for name, place in PLACES.items()}
        self.outbox = Outbox(max_messages, max_bytes, self.whole)
        self.seqs: dict[str, int] = defaultdict(int)
        self.closed: set[int] = set()
        self.covered: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
        self.said: list[int] = []

    def whole(self, view: View) -> bytes:
        return view.dialect.rows(view.place, "snapshot", self.seqs["d"], 0, ({"n": 0},), 1)

    def put(self, topic: str, *, is_closed: bool) -> None:
        self.seqs[topic] += 1
        seq, view = self.seqs[topic], self.views[topic]
        rows = [row_of(topic, seq, is_closed=is_closed)]
        if topic == "b" and is_closed:
            self.closed.add(seq)
        free = is_conflatable(view.channel, rows)
        self.outbox.put(Piece(view, seq, seq, 0, rows, 1, is_conflatable=free))

    def read(self, limit_bytes: int) -> None:
        for _, body in frames_of(self.outbox.take(limit_bytes)[0]):
            one = msgspec.json.decode(body)
            if "n" in one:
                self.said.append(one["n"])
            elif one.get("op") == "lagging":
                self.covered[one["topic"]].append((one["first_seq"], one["last_seq"], "lost"))
            elif one["t"] == "update":
                count = one.get("conflated", 1)
                kind = "closed" if any(row.get("revision") for row in one["data"]) else "update"
                assert not (count > 1 and kind == "closed"), "a closed candle in a conflated message"
                assert one["topic"] not in ("t", "d") or count == 1, "conflated what never may be"
                self.covered[one["topic"]].append((one["seq"] - count + 1, one["seq"], kind))


ACTS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("tqbd"), st.booleans()),
        st.tuples(st.just("read"), st.integers(1, 400)),
        st.tuples(st.just("say"), st.just(0)),
    ),
    max_size=120,
)


@settings(max_examples=70, deadline=None)
@given(ACTS, st.integers(4, 40), st.integers(600, 6000))
def test_every_number_is_delivered_or_told_in_order(
    acts: list[tuple[str, Any]], max_messages: int, max_bytes: int
) -> None:
    client = Client(max_messages, max_bytes)
    said = 0
    for what, value in acts:
        if what == "read":
            client.read(value)
        elif what == "say":
            said += 1
            client.outbox.say(JSON.plain({"n": said}))
        else:
            client.put(what, is_closed=bool(value))
        outbox = client.outbox
        assert len(outbox._cells) <= max_messages
        assert outbox.bytes <= max_bytes or not outbox._cells, "over the bound with something to drop"
    while len(client.outbox):
        client.read(1000)
    assert client.said == list(range(1, said + 1))
    assert client.outbox.bytes == 0
    for topic, last in client.seqs.items():
        ranges = client.covered[topic]
        assert ranges[0][0] == 1, (topic, ranges)
        assert ranges[-1][1] == last
        for (_, end, _), (begin, _, _) in itertools.pairwise(ranges):
            assert begin == end + 1, (topic, ranges)
    told = {
        seq for first, last, kind in client.covered["b"] if kind != "update" for seq in range(first, last + 1)
    }
    assert client.closed <= told, "a closed candle was conflated away"


def test_a_slow_reader_has_the_newest_quote_before_anything_is_dropped() -> None:
    client = Client(40, 1_000_000)
    for _ in range(500):
        client.put("q", is_closed=False)
    for _ in range(10):
        client.put("t", is_closed=False)
    client.read(1_000_000)
    assert client.covered["q"][-1][1] == 500
    assert all(kind != "lost" for _, _, kind in client.covered["q"])
    assert len(client.covered["q"]) <= 11
    assert len(client.covered["t"]) == 10


def test_a_book_of_which_changes_were_dropped_goes_on_with_a_whole_one() -> None:
    client = Client(4, 1_000_000)
    for _ in range(9):
        client.put("d", is_closed=False)
    data, _ = client.outbox.take(1_000_000)
    found = [msgspec.json.decode(body) for _, body in frames_of(data)]
    assert [one.get("op", one.get("t")) for one in found] == ["lagging", "snapshot"]
    assert (found[0]["first_seq"], found[0]["last_seq"], found[0]["dropped"]) == (1, 9, 9)
    client.put("d", is_closed=False)
    client.read(1_000_000)
    assert client.covered["d"] == [(10, 10, "update")]


def test_answers_are_never_dropped_but_too_many_are_an_overrun() -> None:
    client = Client(4, 1_000_000)
    for number in range(5):
        client.outbox.say(JSON.plain({"n": number}))
    assert client.outbox.is_overrun
