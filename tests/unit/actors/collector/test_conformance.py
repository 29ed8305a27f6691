"""Every exchange keeps to the same rules, on all of its recordings. A new one needs an entry in `declared_venues.py`.

The rules are in `tests/support/conformance.py` as far as they need more than a line.
"""

import re
from random import Random

import pytest

from actors.collector.outcomes import Ack, BookChange, BookImage, PastTrade, Pong, Refusal, Reject, Subscribed
from actors.collector.registry import exchange
from actors.collector.venue import Contract, TradeIds
from protocol.messages import Book, Gap, Liquidation, Quote, Trade
from protocol.trade_ids import SPANNED
from scripts.mutations import Mutator
from tests.support import conformance
from tests.support.book_owner import Owner
from tests.support.conformance import Replay, entries, is_capture, known_names, of, replayed, unwrapped
from tests.support.conformance_books import book_gaps, bring_back, busiest, changed
from tests.support.conformance_cases import of_each_capture_with_books, of_each_market, of_each_recording
from tests.support.conformance_requests import Requests
from tests.support.declared_venues import DECLARED
from tests.support.soundness import Soundness

DAY_NS = 86_400 * 10**9
FEW_PRINTS = 20
NOT_MEASURED = "too few prints beside a quote"


class TestConformance:
    """Everything that every exchange must do, on its recordings and on what it declares."""

    # what comes out of the live path

    @of_each_recording
    def test_only_what_is_sound_comes_out(self, venue, name):
        replay = replayed(venue, name)
        symbols = {symbol for names in known_names(venue, name).values() for symbol in names.values()}
        sound = Soundness(venue, symbols)
        for message in replay.messages:
            sound.take(message)
        assert sound.counts or not is_capture(venue, name)

    @of_each_recording
    def test_books_come_out_only_while_they_are_synced(self, venue, name):
        replay = Replay(venue, name)
        seen, generations = 0, {}
        for entry in replay.steps():
            normaliser = replay.normaliser(entry.market)
            for message in replay.messages[seen:]:
                if isinstance(message, Book):
                    book = normaliser.tapes[message.symbol].book
                    was_lost_since = book.generation > generations.get((entry.market, message.symbol), 0)
                    assert book.is_synced or was_lost_since
                    assert message.last_update_id <= book.book.update_id
            generations |= {
                (entry.market, name): tape.book.generation for name, tape in normaliser.tapes.items()
            }
            for symbol, tape in normaliser.tapes.items():
                assert tape.book.is_synced != (symbol in normaliser.unsynced)
            seen = len(replay.messages)

    @of_each_recording
    def test_ids_grow_or_are_unique(self, venue, name):
        replay = replayed(venue, name)
        last, seen = {}, set()
        resets = {gap.symbol for gap in of(replay, Gap)}
        for trade in of(replay, Trade):
            assert (trade.symbol, trade.trade_id) not in seen
            seen.add((trade.symbol, trade.trade_id))
            ids = replay.ids(trade.symbol)
            if ids is TradeIds.UNORDERED:
                assert type(trade.trade_id) is str
                continue
            assert type(trade.trade_id) is int
            span = trade.count if ids is TradeIds.SPANNED else 1
            if trade.symbol not in resets:
                assert trade.trade_id - span + 1 > last.get(trade.symbol, -1)
                if trade.symbol in last:
                    assert trade.trade_id - span == last[trade.symbol]
            last[trade.symbol] = trade.trade_id

    @of_each_recording
    def test_times_are_of_the_right_clock_in_ns(self, venue, name):
        replay = replayed(venue, name)
        received = {entry.recorded.ts_recv_ns for entry in entries(venue, name)}
        for message in of(replay, Trade, Quote, Book, Liquidation):
            assert message.ts_recv_ns in received
            if message.ts_event_ns == message.ts_recv_ns:
                continue  # the venue says no time
            assert 1_500_000_000 * 10**9 < message.ts_event_ns < 1_900_000_000 * 10**9
            if message.ts_recv_ns:
                assert abs(message.ts_event_ns - message.ts_recv_ns) < 120 * 10**9, (
                    "within two minutes of the recorder"
                )

    @of_each_recording
    def test_event_times_do_not_follow_our_clock(self, venue, name):
        spoken = exchange(venue)
        checked = 0
        for entry in [one for one in entries(venue, name) if not one.rest][:400]:
            names = known_names(venue, name)[entry.market]
            contracts = {symbol: Contract(1.0) for symbol in names.values()}
            parser = spoken.parser(entry.market, names, contracts)
            ours = entry.recorded.ts_recv_ns or 1_000
            one = parser.reader().parse(entry.recorded.data, ours)
            other = parser.reader().parse(entry.recorded.data, ours + 7)
            for left, right in zip(map(unwrapped, one), map(unwrapped, other), strict=True):
                if not isinstance(left, Trade | Quote | Liquidation | BookChange | BookImage):
                    continue
                checked += 1
                assert (left.ts_recv_ns, right.ts_recv_ns) == (ours, ours + 7)
                is_ours = left.ts_event_ns == ours
                assert right.ts_event_ns == left.ts_event_ns + 7 * is_ours
                assert not (is_ours and isinstance(left, Trade | Liquidation)), (
                    "every venue tells the time of a trade"
                )
        assert checked or not of(replayed(venue, name), Trade, Quote, Liquidation, Book)

    @of_each_recording
    def test_the_side_is_the_aggressors(self, venue, name):
        replay = replayed(venue, name)
        agreed, against = conformance.sides_of(replay.messages)
        if agreed + against < FEW_PRINTS:
            assert (
                name in DECLARED[venue].few_prints or not is_capture(venue, name) or not of(replay, Trade)
            ), NOT_MEASURED
            return
        assert agreed >= 8 * against, f"{agreed} agree, {against} say the opposite"

    @of_each_recording
    def test_sizes_are_contracts_times_their_size(self, venue, name):
        counted = {market for market in exchange(venue).markets if exchange(venue).instruments_path(market)}
        symbols = {symbol for market in counted for symbol in known_names(venue, name)[market].values()}
        once, twice = replayed(venue, name), Replay(venue, name, scale=2.0).run()
        assert [type(one) for one in once.messages] == [type(two) for two in twice.messages]
        for one, two in zip(once.messages, twice.messages, strict=True):
            factor = 2.0 if one.symbol in symbols else 1.0
            if isinstance(one, Trade | Liquidation):
                assert two.size == pytest.approx(one.size * factor, rel=1e-12)
            elif isinstance(one, Quote):
                assert (two.bid_size, two.ask_size) == pytest.approx(
                    (one.bid_size * factor, one.ask_size * factor), rel=1e-12
                )
            elif isinstance(one, Book):
                sizes = [size * factor for _, size in (*one.bids, *one.asks)]
                assert [size for _, size in (*two.bids, *two.asks)] == pytest.approx(sizes, rel=1e-12)

    @of_each_recording
    def test_without_its_contract_nothing_of_a_symbol_comes_out(self, venue, name):
        spoken = exchange(venue)
        for entry in [one for one in entries(venue, name) if not one.rest][:2000]:
            if spoken.instruments_path(entry.market):
                names = known_names(venue, name)[entry.market]
                found = spoken.parser(entry.market, names, {}).reader().parse(entry.recorded.data, 1)
                sized = (Trade, Quote, Liquidation, BookImage, PastTrade)
                assert not [outcome for outcome in found if isinstance(outcome, sized)]

    @of_each_recording
    def test_unknown_fields_change_nothing(self, venue, name):
        maps = DECLARED[venue].maps
        frames = [
            conformance.with_unknown_fields(entry.recorded.data, maps)
            if len(entry.recorded.data) < 60_000
            else None
            for entry in entries(venue, name)
            if not entry.rest
        ][:3000]
        assert any(frame is not None and conformance.EXTRA[:12] in frame for frame in frames)
        plain = conformance.outcomes_of(venue, name, [None] * len(frames))
        assert conformance.outcomes_of(venue, name, frames) == plain

    @of_each_recording
    def test_frames_made_wrong_never_raise(self, venue, name):
        frames = [
            one.recorded.data
            for one in entries(venue, name)
            if not one.rest and len(one.recorded.data) < 20_000
        ]
        mutator = Mutator(Random(name), frames)
        picked = Random(7)
        symbols = {symbol for names in known_names(venue, name).values() for symbol in names.values()}

        def change(_number, frame):
            return mutator.mutate(frame) if len(frame) < 20_000 and picked.random() < 0.3 else frame

        replay = Replay(venue, name, change=change)
        sound = Soundness(venue, symbols, conformance.NO_LIMIT_NS)
        taken = 0
        for number, _ in enumerate(replay.steps()):
            for message in replay.messages[taken:]:
                if not isinstance(message, Gap):
                    sound.take(message)
            taken = len(replay.messages)
            if number > 1500:
                break
        assert all(re.fullmatch(r"[A-Za-z_0-9]{3,40}", reason) for reason in replay.dropped)

    # every book that cannot be vouched for is somebody's business

    @of_each_capture_with_books
    def test_a_book_that_never_began_is_asked_for(self, venue, name, market):
        replay = Replay(venue, name)
        owner = Owner(replay, market)
        assert replay.normaliser(market).unsynced
        assert owner.requests == 0
        owner.wait(8.0)
        assert owner.requests >= min(4, len(replay.normaliser(market).unsynced))

    @of_each_capture_with_books
    def test_a_book_that_was_lost_is_asked_for_and_comes_back(self, venue, name, market):
        symbol = busiest(venue, name, market)
        cut = []

        def change(number, frame):
            """One change of the book is cut in two, once another one has been published."""
            newest = [one for one in replay.messages[-50:] if isinstance(one, Book) and one.symbol == symbol]
            if cut or not newest or newest[-1].is_snapshot:
                return frame
            if symbol not in changed(venue, name, market, frame):
                return frame
            cut.append(number)
            return frame[: len(frame) // 2]

        replay = Replay(venue, name, change=change)
        normaliser = replay.normaliser(market)
        for _ in replay.steps():
            if cut and symbol in normaliser.unsynced:
                break
        broken = [one for one in replay.controls if type(one).__name__ == "Broken"]
        assert cut
        assert broken or symbol in normaliser.unsynced
        if symbol not in normaliser.unsynced:
            return  # the connection is replaced, and every book of it with it
        assert not normaliser.tapes[symbol].book.is_synced
        assert book_gaps(replay, symbol) == ["open"]

        owner = Owner(replay, market)
        owner.lost(symbol)
        owner.wait(5.0)
        raw = next(raw for raw, known in known_names(venue, name)[market].items() if known == symbol)
        if normaliser.is_streamed:
            assert owner.host.asked == []
            assert replay.venue.stream(raw, owner.stream_type) in owner.line.renewed
        else:
            assert owner.line.renewed == []
            urls = [str(work.args[0]) for work, _ in owner.host.asked]
            assert any(url.startswith("http://rest.invalid/") and raw in url for url in urls)
        bring_back(replay, market, symbol)
        assert symbol not in normaliser.unsynced
        assert book_gaps(replay, symbol) == ["open", "filled"]

    # subscribing, its answers, its limits

    @of_each_market
    def test_acked_is_settled(self, venue, market):
        requests = Requests(venue, market)
        streams, subscriptions, answers = requests.streams, requests.subscriptions, requests.answers
        standing = list(exchange(venue).standing_streams(market, "wss://x.invalid"))
        subscriptions.begin(standing)
        subscriptions.begin(streams)
        texts = requests.texts()
        assert texts
        assert not subscriptions.is_settled
        for text in texts:
            assert set(map(type, requests.obey(answers.ack(text)))) <= {Ack, Subscribed}
        assert subscriptions.is_settled
        assert set(subscriptions.active) == {*standing, *streams}
        assert not subscriptions.refused
        assert not subscriptions.is_overdue(10**15)

        subscriptions.end(streams)
        for text in requests.texts(10**13):
            requests.obey(answers.ack(text))
        assert subscriptions.is_settled
        assert set(subscriptions.active) == set(standing)

    @of_each_market
    def test_silence_is_no_ack(self, venue, market):
        requests = Requests(venue, market)
        streams, subscriptions = requests.streams, requests.subscriptions
        subscriptions.begin(streams)
        requests.texts()
        assert not subscriptions.is_settled
        assert not subscriptions.active
        assert subscriptions.is_overdue(3000 * 10**9)

    @of_each_market
    def test_a_refusal_is_told_and_the_rest_is_taken(self, venue, market):
        requests = Requests(venue, market)
        streams, subscriptions, answers = requests.streams, requests.subscriptions, requests.answers
        subscriptions.begin(streams)
        (first, *rest) = requests.texts()
        said = requests.obey(answers.refuse(first))
        assert [one for one in said if isinstance(one, Refusal)]
        assert all(one.text for one in said if isinstance(one, Refusal))
        for text in rest:
            requests.obey(answers.ack(text))
        for turn in range(1, 4):  # what the venue did not take with it is asked for again
            for text in requests.texts(turn * 10**13):
                requests.obey(answers.ack(text))
        assert subscriptions.is_settled
        assert subscriptions.refused
        assert streams[0] in subscriptions.refused
        assert not set(subscriptions.refused) & set(subscriptions.active)
        assert set(subscriptions.refused) | set(subscriptions.active) == set(streams)

    @of_each_market
    def test_requests_keep_to_the_limits(self, venue, market):
        spoken, declared = exchange(venue), DECLARED[venue]
        raw = declared.raws[market][0]
        names = [raw.replace("BTC", f"A{number}") for number in range(700)]
        streams = [spoken.stream(name, one) for name in names for one in spoken.defaults.streams[market]]
        streams = list(dict.fromkeys(streams))
        left = dict.fromkeys(streams)
        while left:
            batch = list(spoken.batch(market, list(left)[:1000]))
            assert batch
            assert len(batch) <= declared.most_args.get(market, 1000)
            for word in (spoken.subscribe, spoken.unsubscribe):
                assert len(word(batch, 12345).encode()) <= declared.most_bytes
            for stream in batch:
                del left[stream]
        assert list(spoken.batch(market, streams[:1])) == streams[:1]

    @of_each_market
    def test_addresses(self, venue, market):
        spoken = exchange(venue)
        for stream_type in spoken.defaults.streams[market]:
            assert spoken.kind_of(stream_type) in ("trade", "quote", "book", "liquidation")
            url = spoken.stream_url(market, "wss://x.invalid:1/base", stream_type)
            assert url.startswith("wss://x.invalid:1/base")
            assert "//" not in url.removeprefix("wss://")
            assert spoken.stream_url(market, "wss://x.invalid:1/base/", stream_type) == url
        assert spoken.kind_of("no such stream") == ""
        assert market in spoken.defaults.streams
        assert market in spoken.defaults.rest_url

    @of_each_market
    def test_pings_come_often_enough(self, venue, market):
        spoken, declared = exchange(venue), DECLARED[venue]
        ping = spoken.ping(market)
        assert spoken.longest_silence_s(market) > 0
        if ping is None:
            assert declared.pongs == ()
            return
        assert ping.text
        assert ping.every_s * 2 <= spoken.longest_silence_s(market)
        assert declared.pongs
        reader = spoken.parser(market, {}, {}).reader()
        for pong in declared.pongs:
            assert list(reader.parse(pong, 1)) == [Pong()]

    @of_each_market
    def test_repairs_are_worded_or_refused(self, venue, market):
        spoken = exchange(venue)
        trade_types = [one for one in spoken.defaults.streams[market] if spoken.kind_of(one) == "trade"]
        assert trade_types
        for stream_type in trade_types:
            raw = DECLARED[venue].raws[market][0]
            can_repair = not spoken.repair_refusal(market, stream_type)
            assert can_repair or spoken.recent_path(market, raw)
            assert spoken.repair_per_page(market, stream_type) > 0
            assert spoken.klines_per_page(market) == 0 or spoken.klines_path(
                market, raw, 29_851_519, 5
            ).startswith("/")

    @of_each_market
    def test_bodies_of_anything_are_refused_with_a_reason(self, venue, market):
        spoken = exchange(venue)
        raw = DECLARED[venue].raws[market][0]
        parser = spoken.parser(market, {raw: "X"}, {"X": Contract(1.0)})
        for body in (
            b"",
            b"{}",
            b"[]",
            b"null",
            b"\xff\xfe",
            b"[[]]",
            b"[" * 30_000,
            b'{"data":[{}]}',
            b"<html>",
            b"1",
        ):
            assert isinstance(parser.parse_snapshot("X", body, 1), Reject)
            for found in (parser.parse_trades("X", body, 1), parser.parse_klines("X", body)):
                assert isinstance(found, Reject) or found == []
            found = spoken.parse_instruments(market, body)
            assert isinstance(found, Reject) or found == {}

    @of_each_market
    def test_consumers_know_where_a_trade_covers_several_ids(self, venue, market):
        spoken = exchange(venue)
        types = [name for name in spoken.defaults.streams.get(market, []) if spoken.kind_of(name) == "trade"]
        assert all((spoken.trade_ids(market, one) is TradeIds.SPANNED) == (venue in SPANNED) for one in types)
        assert types
