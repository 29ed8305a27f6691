"""A closed minute of ours that is not what the venue itself, or a REST provider, says of it. Pure.

Ours is built from the stream. The venue's own kline of a minute that we have seen whole must be equal to it: both are
made of the same trades. A provider's candle comes from elsewhere and is only about equal. Minutes that we have not seen
whole are not compared: they are known to be incomplete. Who comes first waits for the other; what is revised is compared
again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from actors.detector.comparison import Difference, Prices, Series, difference_of, prices_of
from actors.detector.rule import Count, Finding, NotNegative, Positive, Rule, Shown, Thresholds
from protocol.messages import Bar, Quote, Trade

MINUTE_NS: Final = 60_000_000_000
WHOLE: Final = 1.0
"""Coverage of a minute that was seen whole."""
KLINE: Final = "kline"
"""What the venue's own candles are called among the sources."""
HELD: Final = 20
"""Minutes that wait for the other side, and for revisions; a collector asks its venue for the last 15 at most."""
MAX_SERIES: Final = 8
"""Sources of one symbol: as many providers as there may be."""
_STREAMED: Final = (Trade.KIND, Quote.KIND)
_COMPARABLE: Final = ("closed", "quiet")


class CandleDivergenceThresholds(Thresholds, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Absolute: it needs no warm-up."""

    cool_down_s: NotNegative = 900.0
    """Least venue time between two alerts of this rule for one symbol, seconds."""
    kline_band_bp: Positive = 0.5
    """Largest difference of open, high, low or close from the venue's own candle, basis points: none but rounding."""
    kline_volume_band: Positive = 0.001
    """Largest difference of the volume from the venue's own candle, as a share of the larger one."""
    kline_minutes: Count = 2
    """Minutes in a row of those compared; a single one may hold a trade that the venue's stream does not carry."""
    provider_band_bp: Positive = 25.0
    """Largest difference of open, high, low or close from a REST provider's candle, basis points."""
    provider_minutes: Count = 3
    """Minutes in a row of those compared with a provider."""
    window: Annotated[int, Meta(ge=1, le=1440)] = 60
    """Minutes over which median, maximum and number are told."""


class CandleDivergenceState(msgspec.Struct, array_like=True):
    """Candles by minute since 1970, and what came of them."""

    newest: int = 0
    """Newest minute of ours."""
    ours: dict[int, Prices] = {}
    klines: dict[int, Prices] = {}
    provided: dict[int, Prices] = {}
    series: dict[str, Series] = {}
    """By source: `kline`, or a provider."""


class CandleDivergence(Rule):
    """Basis points between four prices, and the share between two volumes, of each minute that both sides have."""

    name = "candle_divergence"
    Thresholds = CandleDivergenceThresholds
    State = CandleDivergenceState
    thresholds: CandleDivergenceThresholds
    state: CandleDivergenceState

    def on_bar(self, bar: Bar) -> Finding | None:
        """Take a candle of ours."""
        if bar.source in _STREAMED and bar.ts_open_ns // MINUTE_NS < self.state.newest:
            # the series begins again, in the past: another tape is played
            self.state = CandleDivergenceState()
        return self.on_revision(bar)

    def on_revision(self, bar: Bar) -> Finding | None:
        """Take it in its newest form: what it was before does not count any more."""
        state, minute = self.state, bar.ts_open_ns // MINUTE_NS
        is_whole = bar.coverage >= WHOLE and bar.source in _STREAMED and bar.status in _COMPARABLE
        ours = prices_of(bar) if is_whole else None
        if ours is None:
            state.ours.pop(minute, None)
            for series in state.series.values():
                series.drop(minute)
            return None
        state.newest = max(state.newest, minute)
        _hold(state.ours, minute, ours)
        found = [self._with_kline(minute), self._with_provider(minute)]
        return next((finding for finding in found if finding is not None), None)

    def on_reference(self, bar: Bar) -> Finding | None:
        """Take a candle of somebody else."""
        state, minute = self.state, bar.ts_open_ns // MINUTE_NS
        if minute <= state.newest - HELD:
            return None  # ours is not held any more
        if bar.venue == self.market.venue:
            other = prices_of(bar) if bar.status in _COMPARABLE else None
            if other is not None:
                _hold(state.klines, minute, other)
            return self._with_kline(minute) if other is not None else None
        other = prices_of(bar) if bar.status == "closed" else None
        for name, series in state.series.items():
            if name != KLINE and (other is None or name != other.source):
                series.drop(minute)  # another provider's word stands now, or nobody's
        if other is None:
            state.provided.pop(minute, None)
            return None
        _hold(state.provided, minute, other)
        return self._with_provider(minute)

    def rows(self) -> Iterator[Shown]:
        """A series per source that was heard of within the window."""
        thresholds, oldest = self.thresholds, self.state.newest - self.thresholds.window
        for name, series in self.state.series.items():
            if series.newest > oldest and series.bps:
                band = thresholds.kline_band_bp if name == KLINE else thresholds.provider_band_bp
                badness = float(len(series.beyond)), series.max_bp / band
                yield Shown(badness, f"{self.market.symbol} {self.market.venue} {name}", series.numbers)

    def _with_kline(self, minute: int) -> Finding | None:
        ours, other = self.state.ours.get(minute), self.state.klines.get(minute)
        if ours is None or other is None or ours.source != Trade.KIND:
            return None
        thresholds, found = self.thresholds, difference_of(ours, other)
        is_beyond = found.bp > thresholds.kline_band_bp or found.volume > thresholds.kline_volume_band
        run = self._note(KLINE, minute, found, is_beyond=is_beyond)
        if run < thresholds.kline_minutes:
            return None
        values = {
            "band_bp": thresholds.kline_band_bp,
            "volume_band": thresholds.kline_volume_band,
            "minutes_threshold": float(thresholds.kline_minutes),
        }
        return self._finding(minute, KLINE, ours, other, values | {"minutes": float(run)})

    def _with_provider(self, minute: int) -> Finding | None:
        ours, other = self.state.ours.get(minute), self.state.provided.get(minute)
        if ours is None or other is None or ours.is_quiet:
            return None
        thresholds, found = self.thresholds, difference_of(ours, other)
        is_beyond = found.bp > thresholds.provider_band_bp
        run = self._note(other.source, minute, found, is_beyond=is_beyond)
        if run < thresholds.provider_minutes:
            return None
        values = {
            "band_bp": thresholds.provider_band_bp,
            "minutes_threshold": float(thresholds.provider_minutes),
        }
        return self._finding(minute, other.source, ours, other, values | {"minutes": float(run)})

    def _note(self, name: str, minute: int, found: Difference, *, is_beyond: bool) -> int:
        """Enter a comparison; returns how many in a row are beyond with it, 0 if it is not, or is no news."""
        all_series = self.state.series
        series = all_series.get(name)
        if series is None:
            while len(all_series) >= MAX_SERIES:
                del all_series[min(all_series, key=lambda known: all_series[known].newest)]
            series = all_series[name] = Series()
        is_news = series.bps.get(minute) != found.bp or is_beyond != (minute in series.beyond)
        series.put(minute, found.bp, self.thresholds.window, is_beyond=is_beyond)
        if not is_news:
            return 0
        self.world.counters["candles_compared"] += 1
        if not is_beyond:
            return 0
        self.world.counters["candles_beyond"] += 1
        return series.run(minute) if minute in series.bps else 0

    def _finding(
        self, minute: int, name: str, ours: Prices, other: Prices, values: dict[str, float]
    ) -> Finding:
        found, series = difference_of(ours, other), self.state.series[name]
        hour, of_hour = divmod(minute % 1440, 60)
        who = "the venue's own candle" if name == KLINE else name
        text = (
            f"the candle of {hour:02}:{of_hour:02} UTC is {found.bp:.2f} bp from {who},"
            f" {values['minutes']:.0f} in a row: close {ours.close:.9g} against {other.close:.9g},"
            f" high {ours.high:.9g} and {other.high:.9g}, low {ours.low:.9g} and {other.low:.9g}"
        )
        if name == KLINE:
            text += f", volume {ours.volume:g} and {other.volume:g}"
        numbers = {
            "bp": found.bp,
            **{f"{part}_bp": getattr(found, f"{part}_bp") for part in ("open", "high", "low", "close")},
            "close": ours.close,
            "other_close": other.close,
            "median_bp": series.median_bp,
            "max_bp": series.max_bp,
            "compared": float(len(series.bps)),
            "beyond": float(len(series.beyond)),
        }
        if (ours.volume and other.volume) or name == KLINE:
            numbers |= {
                "volume": ours.volume,
                "other_volume": other.volume,
                "volume_difference": found.volume,
            }
        return Finding(minute * MINUTE_NS, text, numbers | values)


def _hold(candles: dict[int, Prices], minute: int, prices: Prices) -> None:
    """Keep a candle; the oldest one goes where there are too many."""
    candles[minute] = prices
    if len(candles) > HELD:
        del candles[min(candles)]
