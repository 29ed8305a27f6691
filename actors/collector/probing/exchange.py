"""One market of an exchange looked at: hosts, clock, contract sizes, book snapshots, streams. Blocking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from actors.collector import rest
from actors.collector.outcomes import Reject
from actors.collector.probing.offset import WARN_S, offset_of
from actors.collector.probing.probe import MAX_SYMBOLS, Probe, named
from actors.collector.probing.reach import place_of, reach
from actors.collector.probing.refusals import meaning
from actors.collector.probing.streams import StreamProbe, Wanted
from actors.collector.probing.turnstile import Turnstile
from actors.collector.venue import Contract, Parser, Venue

_NOT_FOUND: Final = 404


def probe_exchange(
    probe: Probe, venue: Venue, symbols: Sequence[tuple[str, str]], turnstile: Turnstile
) -> None:
    """Look at one market.

    Args:
        probe: Where findings go; its market is one of the venue's.
        venue: The exchange.
        symbols: (canonical symbol, raw name) of what is collected there; the first few are subscribed.
        turnstile: To its stream servers.
    """
    probe.begin("symbols")
    if symbols:
        _MarketProbe(probe, venue, symbols[:MAX_SYMBOLS], turnstile).run()
    else:
        probe.skip("none of this market is configured")


class _MarketProbe:
    def __init__(
        self, probe: Probe, venue: Venue, symbols: Sequence[tuple[str, str]], turnstile: Turnstile
    ) -> None:
        self._probe, self._venue, self._symbols = probe, venue, symbols
        self._turnstile = turnstile
        self._market = market = probe.market
        self._rest_url = probe.settings.rest_url.get(market, "").rstrip("/")
        self._contracts: dict[str, Contract] = {}
        self._setup_s: dict[str, float | None] = {}
        """Host and port to the seconds that a connection takes; None: there is none."""

    def run(self) -> None:
        streams = self._streams()
        for url in (*streams, self._rest_url):
            if url:
                self._reach(url)
        has_sizes = self._ask_rest()
        parser = self._parser()
        for url, wanted in streams.items():
            if self._setup_s[urlsplit(url).netloc] is None:
                self._probe.begin("handshake")
                self._probe.skip(f"{url} cannot be reached")
            elif not self._turnstile.enter(self._probe.until_ns) or self._probe.is_late:
                self._probe.begin("handshake")
                self._probe.fail(f"{url}: no time was left for it", "a longer --timeout")
            else:
                StreamProbe(self._probe, self._venue, self._market, url, wanted, parser.reader()).run(
                    has_sizes=has_sizes
                )

    def _streams(self) -> dict[str, list[Wanted]]:
        """Address to what is wanted of it, as the live feed spreads it."""
        venue, market, settings = self._venue, self._market, self._probe.settings
        found: dict[str, list[Wanted]] = {}
        for stream_type in settings.streams[market]:
            url = venue.stream_url(market, settings.ws_url[market], stream_type)
            for symbol, raw in self._symbols:
                one = Wanted(venue.stream(raw, stream_type), symbol, venue.kind_of(stream_type))
                found.setdefault(url, []).append(one)
        return found

    def _parser(self) -> Parser:
        names = {raw: symbol for symbol, raw in self._symbols}
        return self._venue.parser(self._market, names, self._contracts)

    def _reach(self, url: str) -> None:
        host = urlsplit(url).netloc
        if host not in self._setup_s:
            self._setup_s[host] = reach(self._probe, place_of(url))

    # REST

    def _ask_rest(self) -> bool:
        """Everything that is asked over REST; False if sizes of contracts are needed and not known."""
        venue, market = self._venue, self._market
        needs_sizes = bool(venue.instruments_path(market))
        if not self._rest_url:
            return not needs_sizes
        if self._setup_s[urlsplit(self._rest_url).netloc] is None:
            self._probe.begin("clock")
            self._probe.skip(f"{self._rest_url} cannot be reached")
            return not needs_sizes
        self._look_at_clock()
        has_sizes = self._fetch_contracts() if needs_sizes else True
        kinds = [venue.kind_of(stream_type) for stream_type in self._probe.settings.streams[market]]
        depth = self._probe.settings.snapshot_depth
        if "book" in kinds and venue.snapshot_path(market, "", depth):
            self._fetch_snapshots(depth)
        return has_sizes

    def _get(self, path: str) -> bytes:
        return rest.get(self._rest_url + path, self._probe.left_s(self._probe.settings.rest_timeout_s))

    def _refused(self, what: str, error: rest.RestError) -> None:
        if error.status:
            words, fix = meaning(error.status, error.retry_after_s)
            said = str(error).partition(": ")[2].strip()[:120]
            self._probe.fail(f"{what}: {words}" + (f"; it says {said!r}" if said else ""), fix)
        else:
            self._probe.fail(f"{what}: {error}", "is rest_url right? is the venue up?")

    def _look_at_clock(self) -> None:
        probe, clock = self._probe, self._probe.clock
        probe.begin("clock")
        sent_ns = clock.now_ns()
        try:
            body = self._get(self._venue.time_path(self._market))
        except rest.RestError as error:
            if error.status == _NOT_FOUND:
                probe.warn("the venue does not say its time here", "is rest_url that of the venue?")
            else:
                self._refused("the venue's time", error)
            return
        received_ns = clock.now_ns()
        venue_ns = self._venue.parse_time(body)
        if isinstance(venue_ns, Reject):
            probe.fail(
                f"the venue's time cannot be read: {venue_ns.detail}", "is rest_url that of the venue?"
            )
            return
        setup_s = self._setup_s[urlsplit(self._rest_url).netloc] or 0.0
        judge_clock(probe, str(offset := offset_of(venue_ns, sent_ns, received_ns, setup_s)), offset.least_s)

    def _fetch_contracts(self) -> bool:
        probe = self._probe
        probe.begin("instruments")
        try:
            found = self._venue.parse_instruments(
                self._market, self._get(self._venue.instruments_path(self._market))
            )
        except rest.RestError as error:
            self._refused("contract sizes", error)
            return False
        if isinstance(found, Reject):
            probe.fail(f"contract sizes cannot be read: {found.detail}", "is rest_url that of the venue?")
            return False
        unknown = [raw for _, raw in self._symbols if raw not in found]
        self._contracts.update({symbol: found[raw] for symbol, raw in self._symbols if raw in found})
        if unknown:
            probe.fail(f"the venue lists no {named(unknown)}", "correct the name in symbols.yaml")
        else:
            probe.ok(f"{len(found)} contracts; sizes of {named(self._contracts)} are known")
        return bool(self._contracts)

    def _fetch_snapshots(self, depth: int) -> None:
        probe, parser = self._probe, self._parser()
        probe.begin("snapshot")
        good = []
        for symbol, raw in self._symbols:
            try:
                body = self._get(self._venue.snapshot_path(self._market, raw, depth))
            except rest.RestError as error:
                self._refused(f"book of {symbol}", error)
                continue
            found = parser.parse_snapshot(symbol, body, probe.clock.now_ns())
            if isinstance(found, Reject):
                probe.fail(f"book of {symbol} cannot be read: {found.detail}", "please report it")
            else:
                good.append(symbol)
        if good:
            probe.ok(f"books of {named(good)} over REST")


def judge_clock(probe: Probe, words: str, least_s: float) -> None:
    """Say how far the clocks are apart, and whether that is too much."""
    limit_s = probe.settings.max_ahead_s
    fix = "run chrony or timesyncd on this machine"
    if least_s > limit_s:
        probe.fail(f"{words}; beyond max_ahead_s ({limit_s:g} s) messages are refused", fix)
    elif least_s > WARN_S:
        probe.warn(words, fix)
    else:
        probe.ok(words)
