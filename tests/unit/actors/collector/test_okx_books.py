"""OKX's chain of seqIds as the chain that order books are synchronised by: every way in which it can break."""

import binascii
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from actors.collector.intake.book_sync import BookSync
from actors.collector.outcomes import BookChange, BookImage, Reject
from actors.collector.venue import Contract
from actors.collector.venues.okx_books import CheckedBook
from actors.collector.venues.okx_frames import RawBookRow, RawLevelRow
from tests.unit.actors.collector.okx_frames import (
    EVENT_NS,
    NAMES,
    RECV_NS,
    T_MS,
    VENUE,
    book,
    levels,
    only,
    reader,
    trade,
    update,
)


class Follower:
    """One connection and the book that the collector keeps of it."""

    def __init__(self) -> None:
        self.reader = reader()
        self.sync = BookSync("okx", is_streamed=True)
        self.rejects: list[str] = []
        self.published: list[int] = []

    def hear(self, *frames: bytes) -> bool:
        """Take frames; returns whether the book is vouched for."""
        for data in frames:
            for outcome in self.reader.parse(data, RECV_NS):
                self._take(outcome)
        return self.sync.is_synced

    def _take(self, outcome) -> None:
        out = None
        if isinstance(outcome, BookImage):
            out = self.sync.replace(outcome, 1)
        elif isinstance(outcome, BookChange):
            assert outcome.first_id <= outcome.last_id
            out = self.sync.change(outcome)
        elif isinstance(outcome, Reject):
            self.rejects.append(outcome.reason)
        if out is not None:
            self.published.append(out.last_update_id)


def test_a_snapshot_is_an_image_and_a_change_builds_on_it():
    connection = reader()
    assert only(connection.parse(book("snapshot", -1, 123456), RECV_NS)) == BookImage(
        "BTC_USDT", EVENT_NS, RECV_NS, 123456, [(99.0, 1.0)], [(101.0, 2.0), (102.0, 3.0)]
    )
    change = only(connection.parse(update(123456, 123460, size="0"), RECV_NS))
    assert change == BookChange("BTC_USDT", EVENT_NS, RECV_NS, 123457, 123456, 123460, [(100.0, 0.0)], [])


def test_a_chain_is_applied():
    follower = Follower()
    assert follower.hear(book("snapshot", -1, 10), update(10, 14), update(14, 15, "98"))
    assert follower.sync.book.top()[0] == [(100.0, 1.0), (99.0, 1.0), (98.0, 1.0)]
    assert follower.published == [10, 14, 15]


@pytest.mark.parametrize("broken", [update(14, 15), update(9, 12), update(30, 20), update(11, 11)])
def test_a_hole_loses_the_book_until_the_next_snapshot(broken):
    follower = Follower()
    follower.hear(book("snapshot", -1, 10))
    assert not follower.hear(broken)
    assert not follower.hear(update(15, 16))
    assert follower.sync.times_lost == 1
    assert follower.hear(book("snapshot", -1, 20), update(20, 21))


def test_a_hole_says_how_far_it_reaches():
    follower = Follower()
    follower.hear(book("snapshot", -1, 10), update(14, 15))
    assert follower.sync.reason == "updates 11 to 14 are missing"


def test_what_comes_behind_a_hole_is_lost_whatever_became_of_the_first():
    """Were the change that showed the hole refused by somebody, the next one must still not be applied."""
    connection = reader()
    connection.parse(book("snapshot", -1, 10), RECV_NS)
    sync = BookSync("okx", is_streamed=True)
    sync.replace(only(connection.parse(book("snapshot", -1, 10), RECV_NS)), 1)
    connection.parse(update(14, 15), RECV_NS)
    assert sync.change(only(connection.parse(update(15, 16), RECV_NS))) is None
    assert not sync.is_synced


def test_a_copy_changes_nothing():
    follower = Follower()
    assert follower.hear(book("snapshot", -1, 10), update(10, 14), update(10, 14, size="7"))
    assert follower.sync.stale == 1
    assert follower.hear(update(14, 15))


def test_nothing_new_for_a_minute_changes_nothing_and_is_a_sign_of_life():
    follower = Follower()
    assert follower.hear(book("snapshot", -1, 10), book("update", 10, 10, ts=str(T_MS + 60_000)))
    assert (follower.sync.stale, follower.published) == (1, [10])
    assert follower.hear(update(10, 11, ts=str(T_MS + 60_100)))


def test_levels_under_an_unchanged_id_are_not_passed_over():
    follower = Follower()
    assert follower.hear(book("snapshot", -1, 10), update(10, 10), update(10, 12))
    assert follower.sync.book.best_bid == (100.0, 1.0)
    assert follower.published == [10, 11, 13]


def test_the_venue_may_count_anew():
    follower = Follower()
    later = {"ts": str(T_MS + 1)}
    assert follower.hear(
        book("snapshot", -1, 1000), update(1000, 1004), update(1004, 3, "98", **later), update(3, 8, "97", **later)
    )  # fmt: skip
    assert follower.published == [1000, 1004, 1005, 1010]
    assert [price for price, _ in follower.sync.book.top()[0]] == [100.0, 99.0, 98.0, 97.0]


def test_a_new_count_whose_begin_was_missed_is_no_copy():
    follower = Follower()
    follower.hear(book("snapshot", -1, 1000))
    assert not follower.hear(update(5, 7, ts=str(T_MS + 1)))


def test_a_snapshot_after_a_new_count_is_newer_than_all_before():
    follower = Follower()
    assert follower.hear(
        book("snapshot", -1, 1000), update(1000, 1004), book("snapshot", -1, 3), update(3, 4)
    )
    assert follower.published == [1000, 1004, 1005, 1006]


def test_each_connection_counts_for_itself_and_each_book_too():
    connection = VENUE.parser("spot", NAMES["spot"], {}).reader()
    connection.parse(book("snapshot", -1, 1000), RECV_NS)
    other = only(connection.parse(book("snapshot", -1, 7, raw="ETH-USDT"), RECV_NS))
    assert other.last_id == 7
    assert only(reader().parse(book("snapshot", -1, 8), RECV_NS)).last_id == 8


@pytest.mark.parametrize(("after", "seq"), [(10, 14), (None, None)])
def test_a_change_without_a_snapshot_is_behind_a_hole(after, seq):
    change = only(reader().parse(update(after, seq), RECV_NS))
    assert change.after_id > 0
    assert not Follower().hear(update(after, seq), update(seq, seq and seq + 1))


def test_a_refused_change_is_a_hole():
    follower = Follower()
    follower.hear(book("snapshot", -1, 10))
    assert follower.hear(update(10, 11, price="x"))  # nothing wrong was applied
    assert follower.rejects == ["invalid_books"]
    assert not follower.hear(update(11, 12))


def test_a_contract_that_becomes_unknown_is_a_hole():
    contracts = {"BTC_USDT.PERP": Contract(0.01)}
    connection = VENUE.parser("swap", NAMES["swap"], contracts).reader()
    swap = {"raw": "BTC-USDT-SWAP"}
    image = only(connection.parse(book("snapshot", -1, 10, **swap), RECV_NS))
    assert image.bids == [(99.0, 0.01)]
    contracts.clear()
    assert only(connection.parse(update(10, 11, **swap), RECV_NS)).reason == "unknown_contract"
    contracts["BTC_USDT.PERP"] = Contract(0.01)
    assert only(connection.parse(update(11, 12, **swap), RECV_NS)).after_id > 11


def test_inverse_levels_are_divided_by_their_price():
    connection = VENUE.parser(
        "swap", NAMES["swap"], {"BTC_USD.PERP": Contract(100.0, is_inverse=True)}
    ).reader()
    image = only(connection.parse(book("snapshot", -1, 10, raw="BTC-USD-SWAP"), RECV_NS))
    assert image.bids == [(99.0, 100 / 99)]


@pytest.mark.parametrize("seq", [10, None])
def test_ids_that_come_or_go_lose_the_book(seq):
    follower = Follower()
    follower.hear(book("snapshot", -1, seq))
    assert not follower.hear(update(None, None) if seq else update(10, 11))


def test_ids_stay_within_what_a_message_can_carry():
    follower = Follower()
    top_id = 2**53
    for _ in range(600):
        follower.hear(book("snapshot", -1, 0), update(0, top_id), update(top_id, 1), update(1, top_id))
    assert max(follower.published) < 2**63
    assert follower.sync.is_synced


# captures without ids


def test_without_ids_changes_are_counted():
    follower = Follower()
    assert follower.hear(book("snapshot", None, None), update(None, None), update(None, None, "98"))
    assert follower.published == [1, 2, 3]


def checksum(bids, asks):
    checked = CheckedBook()
    ask_rows, bid_rows = ([RawLevelRow(*level) for level in side] for side in (asks, bids))
    checked.apply(RawBookRow(ask_rows, bid_rows))
    return checked.checksum


BIDS = [("99", "1")]
ASKS = [("101", "2"), ("102", "3")]


def checked_snapshot(**changes):
    return book("snapshot", None, None, **{"checksum": checksum(BIDS, ASKS)} | changes)


def test_without_ids_a_true_checksum_keeps_the_book():
    follower = Follower()
    grown = checksum([("100.0", "1"), *BIDS], ASKS)
    assert follower.hear(checked_snapshot(), update(None, None, "100.0", checksum=grown))
    shrunk = checksum([("100.0", "1"), *BIDS], ASKS[:1])
    gone = book("update", None, None, asks=levels(("102", "0")), checksum=shrunk)
    assert follower.hear(gone)
    assert follower.rejects == []


def test_without_ids_a_false_checksum_loses_the_book():
    follower = Follower()
    follower.hear(checked_snapshot())
    assert not follower.hear(update(None, None, checksum=7))
    assert follower.rejects == ["book_checksum"]
    assert follower.hear(checked_snapshot())


def test_without_ids_a_false_snapshot_is_no_image():
    connection = reader()
    reject, change = connection.parse(checked_snapshot(checksum=7), RECV_NS)
    assert reject.reason == "book_checksum"
    assert isinstance(change, BookChange)
    assert not Follower().hear(checked_snapshot(checksum=7))


@pytest.mark.parametrize("data", [b'{"arg":{"channel":"bo', update(None, None, price="x")])
def test_without_ids_a_refused_frame_loses_the_book(data):
    follower = Follower()
    follower.hear(book("snapshot", None, None), data)
    assert not follower.hear(update(None, None))


def test_with_ids_an_unreadable_frame_need_not_be_a_change():
    follower = Follower()
    assert follower.hear(book("snapshot", -1, 10), b'{"arg":{"channel":"bo', update(10, 11))


def test_with_ids_no_checksum_is_looked_at():
    follower = Follower()
    assert follower.hear(book("snapshot", -1, 10, checksum=7), update(10, 11, checksum=-9))
    assert follower.hear(update(11, 12, checksum=None))
    assert follower.rejects == []


def test_numbers_where_texts_should_be_cannot_be_checked():
    follower = Follower()
    assert follower.hear(checked_snapshot(bids=[[99, 1, 0, 1]]))
    assert follower.rejects == []


def test_the_checksum_is_signed_and_of_the_best_25_levels_each_in_turn():
    signs = set()
    for count in range(1, 30):
        bids = [(f"{100 - number}", "1") for number in range(30)]
        asks = [(f"{101 + number}", "2") for number in range(count)]
        texts = []
        for number in range(25):
            texts.append(":".join(bids[number]))
            texts += [":".join(level) for level in asks[number : number + 1]]
        crc = binascii.crc32(":".join(texts).encode())
        expected = crc - 2**32 if crc >= 2**31 else crc
        assert checksum(bids, asks) == expected
        signs.add(expected > 0)
    assert signs == {True, False}


class VenueBook(RuleBasedStateMachine):
    """A venue that sends, loses, repeats, counts anew and falls silent: the follower has its book, or knows it has not."""

    @initialize(seq=st.integers(5, 50))
    def begin(self, seq):
        self.seq, self.ms = seq, T_MS
        self.bids = {98.0: 1.0}
        self.follower = Follower()
        self.is_missing = True
        self.newest = b""
        self.snapshot()

    def _send(self, data, *, is_sent):
        self.newest = data
        if not is_sent:
            self.is_missing = True
            return
        self.follower.hear(data)
        if not self.is_missing:
            self.heard = self.seq

    @rule()
    def snapshot(self):
        bids = levels(*((str(price), str(size)) for price, size in self.bids.items()))
        asks = levels(("200", "1"))
        data = book("snapshot", -1, self.seq, bids=bids, asks=asks, ts=str(self.ms))
        self.newest = data
        self.follower.hear(data)
        self.is_missing, self.heard = False, self.seq

    @rule(step=st.integers(1, 5), price=st.integers(90, 110), size=st.integers(0, 3), is_sent=st.booleans())
    def change(self, step, price, size, is_sent):
        self._change(self.seq + step, price, size, is_sent=is_sent)

    @rule(seq=st.integers(0, 4), price=st.integers(90, 110), size=st.integers(0, 3), is_sent=st.booleans())
    def count_anew(self, seq, price, size, is_sent):
        if seq < self.seq:
            self._change(seq, price, size, is_sent=is_sent)

    def _change(self, seq, price, size, *, is_sent):
        self.ms += 100
        if self.is_missing and self.seq == self.heard:  # counted anew, unheard, up to the very same id
            is_sent = False
        data = update(self.seq, seq, str(price), str(size), ts=str(self.ms))
        self.seq = seq
        self.bids.pop(float(price), None)
        if size:
            self.bids[float(price)] = float(size)
        self._send(data, is_sent=is_sent)

    @rule()
    def say_nothing_new(self):
        self.ms += 60_000
        if self.is_missing and self.seq == self.heard:
            return
        self._send(book("update", self.seq, self.seq, ts=str(self.ms)), is_sent=True)

    @rule()
    def repeat(self):
        if not self.is_missing and json.loads(self.newest)["action"] == "update":
            self.follower.hear(self.newest)

    @rule()
    def talk_of_something_else(self):
        self.follower.hear(trade(), b'{"arg":{"channel":"bo')

    @invariant()
    def has_the_book_or_knows_better(self):
        sync = self.follower.sync
        if not self.is_missing:
            assert sync.is_synced
        if sync.is_synced and not self.is_missing:
            assert dict(sync.book.top()[0]) == self.bids
        assert self.follower.published == sorted(set(self.follower.published))

    @rule()
    def show_what_is_missing(self):
        """The next change after a loss always shows it."""
        if self.is_missing and self.seq != self.heard:
            self._change(self.seq + 1, 100, 1, is_sent=True)
            assert not self.follower.sync.is_synced


TestVenueBook = VenueBook.TestCase
TestVenueBook.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(st.lists(st.tuples(st.integers(-1, 6), st.integers(0, 6)), max_size=12))
def test_own_ids_never_fall(pairs):
    connection = reader()
    connection.parse(book("snapshot", -1, 3), RECV_NS)
    last_id = 3
    for after, seq in pairs:
        outcome = only(connection.parse(update(after, seq), RECV_NS))
        assert last_id <= outcome.last_id
        assert outcome.after_id <= outcome.last_id
        last_id = outcome.last_id
