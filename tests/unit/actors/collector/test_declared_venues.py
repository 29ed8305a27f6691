"""Every exchange is declared, with types that nobody reads: counted, and no memory for those that a peer makes up.

Then the measures of `test_conformance.py` themselves.
"""

import functools
from random import Random

import msgspec
import pytest

from actors.collector.gaps import Gaps
from actors.collector.intake.normaliser import MAX_IGNORED_TYPES, Normaliser
from actors.collector.outcomes import Ignored
from actors.collector.registry import EXCHANGES, exchange
from protocol.messages import Quote, Trade
from scripts.fuzz_memory import held
from scripts.mutations import Mutator
from tests.support import conformance
from tests.support.declared_venues import DECLARED


def test_every_exchange_is_declared():
    assert set(DECLARED) == set(EXCHANGES)
    for venue in EXCHANGES:
        assert set(DECLARED[venue].raws) == set(exchange(venue).markets)


def dropped(drops, reason, _what=""):
    drops.append(reason)


@pytest.mark.parametrize("venue", EXCHANGES)
def test_types_that_nobody_reads_are_counted(venue):
    for market, frame in DECLARED[venue].nobody:
        drops: list[object] = []
        parser = exchange(venue).parser(market, {}, {})
        (outcome,) = parser.reader().parse(frame, 1)
        assert isinstance(outcome, Ignored)
        assert outcome.type
        gaps = Gaps(venue, "x-1")
        normaliser = Normaliser(venue, parser, gaps, drops.append, functools.partial(dropped, drops))
        for _ in range(3):
            assert normaliser.take(frame, 1) is None
        assert sum(normaliser.ignored.values()) == 3
        assert drops == []


@pytest.mark.parametrize("venue", EXCHANGES)
def test_types_made_up_by_a_peer_do_not_fill_the_memory(venue):
    for market in exchange(venue).markets:
        frames = [frame for where, frame in DECLARED[venue].nobody if where == market]
        normaliser = Normaliser(
            venue, exchange(venue).parser(market, {}, {}), Gaps(venue, "x-1"), lambda _: None, lambda *_: None
        )
        mutator = Mutator(Random(1), frames)
        sizes = []
        for part in range(2):
            for number in range(11_000 if frames else 0):
                normaliser.take(mutator.rename(frames[0], f"P{part}N{number}".encode()), 1)
            sizes.append(held((normaliser, normaliser.take)).total())
        assert len(normaliser.ignored) <= MAX_IGNORED_TYPES + 1
        assert sizes[1] - sizes[0] < 500


def test_an_unknown_field_is_put_into_every_object():
    frame = b'{"a":{},"m":{"x":[1]},"b":[{"c":"{"}]}'
    found = msgspec.json.decode(conformance.with_unknown_fields(frame, (b"m",)))
    assert "zz_unknown" in found
    assert "zz_unknown" in found["a"]
    assert "zz_unknown" in found["b"][0]
    assert found["b"][0]["c"] == "{"
    assert found["m"] == {"x": [1]}


def test_sides_the_wrong_way_round_are_noticed():
    quote = Quote("X", "v", 1, 1, 99.0, 101.0, 1.0, 1.0)
    right = [Trade("X", "v", 1, 1, 101.0, 1.0, 1, 1), Trade("X", "v", 1, 1, 99.0, 1.0, -1, 2)]
    wrong = [Trade("X", "v", 1, 1, 101.0, 1.0, -1, 1), Trade("X", "v", 1, 1, 100.0, 1.0, -1, 2)]
    assert conformance.sides_of([quote, *right]) == (2, 0)
    assert conformance.sides_of([quote, *wrong]) == (0, 1)
