"""IG's feed against servers of both its sides: quotes, breaks, recoveries, closed markets, refusals."""

from __future__ import annotations

import pytest

from actors.collector.checkpoint import Checkpoint, SymbolState
from protocol.messages import Gap, Quote
from tests.support.ig_rig import (
    EUR,
    EUR_ITEM,
    GBP,
    GBP_ITEM,
    MONDAY_NS,
    SATURDAY_NS,
    SUNDAY_OPENING_NS,
    Rig,
)
from tests.support.ig_server import ACCOUNT, IgServer
from tests.support.tlcp_server import Sub, TlcpServer


class TestTheFeed:
    """IgFeed against both servers, over real sockets."""

    @pytest.fixture
    def stream(self):
        with TlcpServer(keepalive_ms=200) as stream:
            yield stream

    @pytest.fixture
    def rest(self, stream):
        with IgServer(stream.url) as rest:
            stream.admits = rest.admits
            yield rest

    @pytest.fixture
    def make(self, stream, rest):
        """A feed whose items are subscribed."""
        rigs = []

        def make(symbols=(EUR,), wait=True, **ig):
            rig = Rig(stream, rest, symbols, **ig)
            rigs.append(rig)
            if wait:
                rig.run_until(
                    lambda: rig.stream.count("control", LS_op="add") == len(symbols), "the subscriptions"
                )
            return rig

        yield make
        for rig in rigs:
            rig.feed.close()
            assert rig.host._selector.get_map() == {}, "a socket was left open"

    @pytest.mark.parametrize("version", [2, 3])
    def test_two_epics_of_different_scaling(self, make, version):
        rig = make((EUR, GBP), login_version=version)
        quote = rig.quote(EUR_ITEM, "11515.4", "11516.0")
        assert (quote.symbol, quote.venue, quote.bid, quote.ask) == ("EUR_USD", "ig", 1.15154, 1.1516)
        assert (quote.bid_size, quote.update_id) == (0.0, 0)
        assert quote.ts_event_ns == int(rig.stream.prices[EUR_ITEM]["TIMESTAMP"]) * 1_000_000
        assert rig.quote(GBP_ITEM, "1.313425", "1.313515").bid == 1.313425
        assert rig.quote(EUR_ITEM, "11515.5", "11516.0").bid == 1.15155
        detail = rig.feed.detail(0)
        assert detail["epics"]["EUR_USD"]["divisor"] == 1e4
        assert detail["epics"]["EUR_USD"]["spread_pips"] == pytest.approx(0.5)
        assert (detail["login"], detail["connected"], rig.gaps) == ("logged in", True, [])
        assert rig.feed.clock.has_begun
        assert not rig.host.drops

    def test_charts_in_place_of_prices(self, make, stream):
        rig = make((GBP,), item="CHART")
        stamp = str(rig.host.clock.now_ns() // 1_000_000)
        stream.update(f"CHART:{GBP[1]}:TICK", BID="1.3", OFR="1.4", UTM=stamp)
        rig.run_until(lambda: rig.quotes, "the quote")
        assert (rig.quotes[0].bid, rig.quotes[0].ask) == (1.3, 1.4)

    def test_forty_items_are_one_session_and_more_are_another(self, make, stream):
        symbols = [
            (f"EUR_A{chr(65 + number // 26)}{chr(65 + number % 26)}", f"E{number}") for number in range(41)
        ]
        rig = make(tuple(symbols), divisors={epic: 1.0 for _, epic in symbols})
        assert sorted(len(session.subs) for session in stream.sessions.values()) == [1, 40]
        assert (rig.rest.logins, rig.stream.sockets) == (1, 2)
        rig.feed.unsubscribe(symbols[40][0])
        stream.wait(  # whether its good-bye arrives is up to the system: it may close with something unread
            lambda: sum(session.socket is not None for session in stream.sessions.values()) == 1,
            "the end of the empty session",
        )

    def test_a_market_that_nobody_deals_in_gives_no_quotes(self, make):
        rig = make()
        rig.price(EUR_ITEM, "11515.4", "11516.0", "CLOSED  ")
        rig.run_until(lambda: rig.feed.tapes["EUR_USD"].updates == 1, "the update")
        assert rig.quotes == []
        rig.quote(EUR_ITEM, "11515.5", "11516.0")
        assert not rig.host.drops

    def test_a_loop_loses_nothing(self, make, stream):
        rig = make()
        rig.quote(EUR_ITEM, "11515.4", "11516.0")
        stream.loop(50)
        rig.price(EUR_ITEM, "11515.5", "11516.0")
        rig.run_until(lambda: len(rig.quotes) == 2, "the quote of the pause")
        assert stream.count("bind_session") == 1
        assert (rig.gaps, len(stream.sessions)) == ([], 1)

    def test_a_cut_is_recovered_and_the_gap_is_filled(self, make, stream):
        """Also the quotes that were on the way when the line broke."""
        rig = make()
        rig.quote(EUR_ITEM, "11515.4", "11516.0")
        with stream._changed:
            sockets = [session.socket for session in stream.sessions.values()]
            stream.swallow()
        rig.price(EUR_ITEM, "11515.5", "11516.0")
        for socket in sockets:
            socket.socket.shutdown(2)
        rig.run_until(lambda: len(rig.quotes) == 2, "the quote that was on the way")
        rig.run_until(lambda: len(rig.gaps) == 2, "the end of the gap")
        assert [(gap.state, gap.cause) for gap in rig.gaps] == [
            ("open", "disconnect"),
            ("filled", "disconnect"),
        ]
        assert (stream.count("create_session"), rig.rest.logins) == (1, 1)

    def test_a_session_that_is_forgotten_leaves_a_gap(self, make, stream):
        rig = make()
        first = rig.quote(EUR_ITEM, "11515.4", "11516.0")
        stream.cut()
        stream.forget()
        rig.run_until(lambda: stream.count("control", LS_op="add") == 2, "the second subscription")
        second = rig.quote(EUR_ITEM, "11515.9", "11516.0")
        opened, ended = rig.gaps
        assert (opened.state, opened.to_ts_ns) == ("open", 0)
        assert (ended.state, ended.gap_id, ended.reason) == (
            "unfillable",
            opened.gap_id,
            "a venue does not repeat quotes",
        )
        assert first.ts_event_ns <= ended.from_ts_ns <= ended.to_ts_ns
        assert ended.to_ts_ns <= max(second.ts_event_ns + 1_000_000, ended.from_ts_ns), "stamps are whole ms"
        kinds = [message.__class__ for message in rig.host.published]
        assert kinds == [Quote, Gap, Gap, Quote], "a gap ends before the quote that ends it"

    def test_dead_silence_is_a_broken_connection(self, make, stream):
        """No keepalives either: found by their absence (keepalive and three seconds)."""
        rig = make()
        rig.quote(EUR_ITEM, "11515.4", "11516.0")
        stream.is_silent = True
        rig.run_until(lambda: rig.gaps, "the gap")
        assert "no line for 3." in rig.gaps[0].reason
        stream.is_silent = False
        rig.run_until(lambda: stream.count("bind_session") == 1, "the recovery")

    def test_connected_kept_alive_and_dead(self, make, stream):
        """THE failure: sessions look healthy, and nothing comes. Log in anew, open a new session, say what is missing."""
        rig = make((EUR, GBP), dead_after_s=0.4)
        rig.quote(EUR_ITEM, "11515.4", "11516.0")
        rig.quote(GBP_ITEM, "1.3134", "1.3135")
        stream.is_frozen = True
        rig.run_until(lambda: rig.host.drops["ig_stream_dead"], "the alarm")
        rig.run_until(lambda: rig.rest.logins == 2, "the new login")
        stream.is_frozen = False
        rig.run_until(lambda: stream.count("create_session") == 2, "the new session")
        rig.run_until(lambda: stream.count("control", LS_op="add") == 4, "the subscriptions")
        rig.quote(EUR_ITEM, "11515.6", "11516.0")
        opened = [gap for gap in rig.gaps if gap.state == "open"]
        assert {(gap.symbol, gap.cause) for gap in opened} == {("EUR_USD", "silence"), ("GBP_USD", "silence")}
        newest = {quote.symbol: quote.ts_event_ns for quote in rig.quotes[:2]}
        assert {gap.symbol: gap.from_ts_ns for gap in opened} == newest, "from the last quote on"
        assert [gap.state for gap in rig.gaps if gap.symbol == "EUR_USD"][-1] == "unfillable"

    def test_a_stream_that_stays_dead_is_asked_less_and_less(self, make, stream):
        rig = make(dead_after_s=0.1)
        stream.is_frozen = True
        rig.run_until(lambda: rig.host.drops["ig_stream_dead"] == 3, "three alarms")
        seconds = [
            float(text.split(" for ")[1].split(" s")[0]) for text in rig.host.told if "ig_stream_dead" in text
        ]
        assert rig.feed.lines[0].watchman.strikes == 3
        assert len(seconds) == 3
        assert rig.rest.logins <= 4

    def test_a_closed_market_is_no_gap_and_no_alarm(self, make, stream):
        """Saturday: nothing comes, the session breaks, and nobody is told anything but by counters."""
        rig = make(dead_after_s=0.1, closed_patience_s=0.1)
        rig.quote(EUR_ITEM, "11515.4", "11516.0")
        rig.host.clock.base_ns = SATURDAY_NS
        stream.is_frozen = True
        sockets = stream.sockets
        stream.cut()
        stream.forget()
        rig.run_until(lambda: stream.sockets > sockets + 1, "the new session")
        rig.run_until(lambda: rig.feed.is_connected, "its begin")
        frames = rig.host.counters["frames_received"]
        rig.run_until(
            lambda: rig.host.counters["frames_received"] >= frames + 5, "keepalives, far beyond the patience"
        )
        assert rig.gaps == []
        assert rig.host.drops["ig_stream_dead"] == 0
        rig.host.clock.base_ns = MONDAY_NS
        rig.run_until(lambda: rig.host.drops["ig_stream_dead"], "the alarm when the market is open")

    def test_a_market_that_opens_while_we_are_away_is_a_gap_from_its_opening(self, make, stream):
        rig = make()
        rig.quote(EUR_ITEM, "11515.4", "11516.0")
        rig.host.clock.base_ns = SATURDAY_NS
        stream.refusal = 503
        stream.cut()
        rig.run_until(lambda: not rig.feed.is_connected, "the break")
        assert rig.gaps == []
        rig.host.clock.base_ns = MONDAY_NS
        rig.run_until(lambda: rig.gaps, "the gap")
        assert rig.gaps[0].from_ts_ns == SUNDAY_OPENING_NS

    def test_wrong_credentials_stop_after_three(self, make):
        rig = make(wait=False, password="wrong")
        rig.run_until(lambda: rig.host.drops["ig_login_refused"] == 3, "three refusals")
        assert rig.feed.detail(0)["login"].startswith("stopped")
        count = len(rig.rest.requests)
        for _ in range(50):
            rig.host.turn()
            rig.feed.tick(rig.host.clock.mono_ns() + 10**13)
        assert len(rig.rest.requests) == count
        assert not any("wrong" in text for text in rig.host.told), "a password was told"
        assert rig.feed.rotate("cfd#1")
        rig.run_until(lambda: len(rig.rest.requests) > count, "the attempt that a person wanted")

    def test_stale_tokens_at_the_stream_server_lead_to_a_new_login(self, make, stream):
        rig = make(wait=False)
        stream.create_answers = ["CONERR,1,User/password check failed"]
        rig.run_until(lambda: stream.sessions, "the session")
        assert rig.rest.logins == 2

    def test_a_version_that_is_refused_is_an_alarm_and_no_storm(self, make, stream):
        rig = make(wait=False)
        stream.create_answers = ["CONERR,65,Unsupported protocol version: 2.5.0"] * 9
        rig.run_until(lambda: rig.host.drops["ig_session_refused"], "the alarm")
        assert stream.count("create_session") == 1

    def test_a_field_that_the_server_does_not_know(self, make, stream):
        """It refuses all of them: the sizes are given up."""
        stream.unknown_fields = {"BIDSIZE1"}
        rig = make(wait=False)
        rig.run_until(lambda: stream.subscribed(EUR_ITEM), "the subscription without sizes")
        rig.quote(EUR_ITEM, "11515.4", "11516.0")
        assert rig.host.drops["ig_item_refused"] == 1

    def test_an_epic_that_is_refused_does_not_hurt_the_others(self, make, stream):
        stream.request_errors = {EUR_ITEM: (21, "Invalid group")}
        rig = make((EUR, GBP))
        rig.quote(GBP_ITEM, "1.3134", "1.3135")
        assert rig.feed.connections(0)[0]["denied"] == ["EUR_USD"]

    def test_an_epic_of_which_nothing_is_known_is_asked_for(self, make, rest):
        rest.markets["IX.D.DAX.IFMM.IP"] = {"scalingFactor": 1}
        rig = make((("DAX_EUR", "IX.D.DAX.IFMM.IP"),))
        rig.run_until(lambda: not rig.feed.tapes["DAX_EUR"].scale.needs_hint, "the hint")
        quote = rig.quote(f"PRICE:{ACCOUNT}:IX.D.DAX.IFMM.IP", "24745.5", "24747.3")
        assert quote.bid == 24745.5
        assert rig.host.drops["ig_scale_unverified"] == 1

    def test_a_restart_goes_on_with_a_gap(self, make, stream):
        """Nothing is missing where the market was closed all the time."""
        rig = make(wait=False)
        before_ns = rig.host.clock.now_ns() - 5 * 10**9
        past = Checkpoint(reached_ns=before_ns, symbols={"EUR_USD": SymbolState(quote_ns=before_ns)})
        rig.feed.resume(past, rig.host.clock.now_ns())
        rig.feed.tick(0)
        assert [(gap.cause, gap.state) for gap in rig.gaps] == [("restart", "open")]
        rig.run_until(lambda: stream.subscribed(EUR_ITEM), "the subscription")
        quote = rig.quote(EUR_ITEM, "11515.4", "11516.0")
        assert (rig.gaps[-1].state, rig.gaps[-1].to_ts_ns) == ("unfillable", quote.ts_event_ns)
        assert rig.feed.remember()["EUR_USD"].quote_ns == quote.ts_event_ns
        other = make(wait=False)
        weekend = Checkpoint(
            reached_ns=SATURDAY_NS, symbols={"EUR_USD": SymbolState(quote_ns=SATURDAY_NS - 10**15)}
        )
        other.feed.resume(weekend, SATURDAY_NS + 10**12)
        assert other.gaps == []

    def test_a_stop_ends_the_session_at_the_server(self, make, stream):
        rig = make()
        rig.quote(EUR_ITEM, "11515.4", "11516.0")
        rig.feed.close()
        stream.wait(lambda: all(session.socket is None for session in stream.sessions.values()), "the end")
        assert rig.gaps == [], "what is still missing stays missing: the next process tells"

    def test_one_silent_epic_is_subscribed_anew_and_what_it_missed_is_a_hole(self, make, stream):
        """The others go on, so the session is well; the snapshot of the new subscription shows what was missed."""
        rig = make((EUR, GBP))
        first = rig.quote(EUR_ITEM, "11515.4", "11516.0")
        with stream._changed:
            (session,) = stream.sessions.values()
            lost = next(sub_id for sub_id, sub in session.subs.items() if sub.group == EUR_ITEM)
            session.subs[lost] = Sub("nothing", [])
        later_ms = str(first.ts_event_ns // 1_000_000 + 1)
        stream.update(EUR_ITEM, BIDPRICE1="11515.8", TIMESTAMP=later_ms)
        rig.quote(GBP_ITEM, "1.3134", "1.3135")
        rig.feed.sweep(rig.host.clock.mono_ns())
        rig.feed.sweep(rig.host.clock.mono_ns() + 25 * 10**9)
        rig.run_until(lambda: len(rig.quotes) == 3, "the snapshot")
        assert rig.host.drops["silent_stream"] == 1
        (hole,) = rig.gaps
        assert (hole.symbol, hole.cause, hole.state) == ("EUR_USD", "venue_jump", "unfillable")
        assert (hole.from_ts_ns, hole.to_ts_ns) == (first.ts_event_ns, rig.quotes[2].ts_event_ns)

    def test_garbage_on_the_line_is_counted_and_survived(self, make, stream):
        rig = make()
        rig.quote(EUR_ITEM, "11515.4", "11516.0")
        stream.say("U,1,1,a|b|c", "U,x", "LOOP,-5", "WHAT,1", "", "SYNC,x")
        rig.run_until(lambda: rig.host.drops["invalid_tlcp_line"] == 3, "the bad lines")
        rig.run_until(
            lambda: stream.count("control", LS_op="add") == 2,
            "the subscription of what is not known any more",
        )
        rig.quote(EUR_ITEM, "11515.7", "11516.0")
