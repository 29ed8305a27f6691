"""Indicator columns that other packages computed and others recorded: rounded, and begun in other ways."""

import numpy as np
import pytest

from actors.aggregator.indicators.history import over
from actors.aggregator.indicators.registry import named
from tests.unit.actors.aggregator.indicators.market import recorded, table

pytestmark = pytest.mark.recording


def column(name, at):
    return np.array([float(row[at]) if row[at] not in ("", "NaN") else np.nan for row in table(name)])


def of_close(close):
    return {**dict.fromkeys(("open", "high", "low", "close"), close), "volume": np.zeros(len(close))}


@pytest.mark.parametrize(
    ("name", "text", "key", "at", "tolerance", "settled"),
    [
        ("indicators/lean_spy_atr_wilder.txt", "atr(14)", "atr_14", 5, 1e-5, 250),
        ("indicators/lean_spy_bollinger_bands.txt", "bbands(20,2)", "bb_middle_20_2", 5, 1e-4, 19),
        ("indicators/lean_spy_bollinger_bands.txt", "bbands(20,2)", "bb_upper_20_2", 6, 1e-4, 19),
        ("indicators/lean_spy_bollinger_bands.txt", "bbands(20,2)", "bb_lower_20_2", 7, 1e-4, 19),
        ("indicators/lean_spy_with_macd.txt", "macd(12,26,9)", "macd_12_26_9", 5, 2e-4, 250),
        ("indicators/lean_spy_with_macd.txt", "macd(12,26,9)", "macd_signal_12_26_9", 6, 2e-4, 250),
    ],
)
def test_candles_give_the_recorded_column(name, text, key, at, tolerance, settled):
    wanted = column(name, at)
    got = over([named(text)], recorded(name, len(wanted)))[key]
    assert np.isfinite(wanted[settled:]).all()
    np.testing.assert_allclose(got[settled:], wanted[settled:], atol=tolerance, rtol=0)


@pytest.mark.parametrize(
    ("name", "text", "key", "close_at", "at", "rounding", "settled"),
    [
        ("indicators/lean_spy_ema.csv", "ema(14)", "ema_14", 1, 2, 1e-9, 14),
        ("indicators/lean_spy_with_indicators.txt", "sma(14)", "sma_14", 7, 1, 1e-6, 14),
        ("indicators/lean_spy_with_indicators.txt", "ema(14)", "ema_14", 7, 2, 1e-6, 250),
        ("indicators/lean_spy_with_indicators.txt", "rsi(14)", "rsi_14", 7, 5, 1e-6, 250),
    ],
)
def test_closes_give_the_recorded_column(name, text, key, close_at, at, rounding, settled):
    wanted = column(name, at)
    got = over([named(text)], of_close(column(name, close_at)))[key]
    assert np.isfinite(wanted[settled:]).all()
    np.testing.assert_allclose(got[settled:], wanted[settled:], rtol=rounding)
