"""A minute with far more volume than this symbol's minutes have. Pure."""

from __future__ import annotations

import math

import msgspec

from actors.detector.rule import Count, Finding, NotNegative, Positive, Rule, Thresholds
from actors.detector.statistics import Window
from protocol.messages import Bar

WHOLE = 0.999
"""Coverage from which on a minute counts as seen."""


class VolumeSurgeThresholds(Thresholds, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All must hold, for a candle of a minute that was seen whole."""

    cool_down_s: NotNegative = 300.0
    """Least venue time between two alerts of this rule for one symbol, seconds."""
    ratio: Positive = 3.0
    """Least volume, in medians of the minutes before."""
    z: Positive = 3.5
    """Least robust z-score of log(1 + volume)."""
    count_ratio: NotNegative = 1.5
    """Least number of trades, in medians of the minutes before: one big trade is no surge."""
    least_count: Count = 30
    """Least number of trades."""
    window: Count = 60
    """Minutes remembered."""
    warm_up: Count = 20
    """Minutes that must be remembered before anything is found."""


class VolumeSurgeState(msgspec.Struct, array_like=True):
    """The minutes before, those that were seen whole."""

    volumes: Window = msgspec.field(default_factory=Window)
    counts: Window = msgspec.field(default_factory=Window)


class VolumeSurge(Rule):
    """Ratio to the median, robust z of the logarithm, and the number of trades, of each closed 1m candle."""

    name = "volume_surge"
    Thresholds = VolumeSurgeThresholds
    State = VolumeSurgeState
    thresholds: VolumeSurgeThresholds
    state: VolumeSurgeState

    def on_bar(self, bar: Bar) -> Finding | None:
        """Judge it, then remember it."""
        if bar.status not in ("closed", "quiet") or bar.coverage < WHOLE or not 0.0 <= bar.volume < math.inf:
            return None
        volume = 0.0 if bar.status == "quiet" else bar.volume
        count = 0 if bar.status == "quiet" else bar.count
        found = self._judge(bar, volume, count)
        self.state.volumes.add(volume, self.thresholds.window)
        self.state.counts.add(float(count), self.thresholds.window)
        return found

    def _judge(self, bar: Bar, volume: float, count: int) -> Finding | None:
        thresholds, state = self.thresholds, self.state
        if count < thresholds.least_count:
            return None
        volumes, counts, logs = (
            state.volumes.exact(thresholds.warm_up),
            state.counts.exact(),
            state.volumes.logs(),
        )
        if volumes is None or counts is None or logs is None:
            return None
        ratio = volume / volumes.median if volumes.median else math.inf
        count_ratio = count / max(counts.median, 1.0)
        z = logs.z(math.log1p(volume))
        if ratio < thresholds.ratio or z < thresholds.z or count_ratio < thresholds.count_ratio:
            return None
        side = "bought" if bar.buy_volume >= bar.sell_volume else "sold"
        share = max(bar.buy_volume, bar.sell_volume) / volume
        text = (
            f"{volume:g} traded in a minute, {ratio:.1f} times the usual {volumes.median:g},"
            f" {share:.0%} of it {side}, {count} trades"
        )
        values = {
            "volume": volume,
            "median": volumes.median,
            "ratio": min(ratio, SURE_RATIO),
            "ratio_threshold": thresholds.ratio,
            "z": z,
            "z_threshold": thresholds.z,
            "count": float(count),
            "count_ratio": count_ratio,
            "count_ratio_threshold": thresholds.count_ratio,
            "least_count": float(thresholds.least_count),
            "buy_volume": bar.buy_volume,
            "sell_volume": bar.sell_volume,
            "n": float(volumes.n),
        }
        return Finding(bar.ts_open_ns, text, values)


SURE_RATIO = 1e6
"""What a ratio to nothing is told as."""
