"""Order-flow metrics that a source computed itself."""

from __future__ import annotations

import pytest

from actors.collector.push.flows import MAX_WINDOWS
from protocol.messages import Flow
from protocol.pushing import AHEAD, BAD_ITEM, BAD_PRICE, BAD_TIME, TOO_OLD, Push
from tests.support.push_rig import NOW, Rig, S, codes, counts


def flow(second: int = 0, **more: object) -> dict[str, object]:
    return {
        "symbol": "EURUSD", "window_s": 60, "values": {"delta": 12.5, "ofi": -3}, "ts_event_ns": NOW + second * S, **more,
    }  # fmt: skip


def test_metrics_are_published_as_the_source_says() -> None:
    rig = Rig()
    taken = rig.push(flow())
    assert counts(taken) == (1, 0, 0)
    assert taken.outgoing[0].topic == "flow.push.mt5.EUR_USD"
    (message,) = rig.published
    assert message == Flow(
        "EUR_USD", "push.mt5", 60.0, NOW, is_complete=True, values={"delta": 12.5, "ofi": -3.0}
    )
    assert message.validate() == []


def test_the_newest_word_on_each_window_counts_once() -> None:
    rig = Rig()
    taken = rig.push([flow(0), flow(0), flow(1), flow(0), flow(0, window_s=300), flow(0, window_s=0)])
    assert counts(taken) == (4, 1, 1)
    assert codes(taken) == ["duplicate", TOO_OLD]


def test_what_was_published_is_known_after_a_kill() -> None:
    rig = Rig()
    rig.push([flow(0), flow(1)])
    rig.kill()
    assert counts(rig.push([flow(1), flow(2)])) == (1, 1, 0)


def test_a_number_that_no_float_can_hold_is_refused_alone() -> None:
    body = b'[{"symbol":"EURUSD","time":"2026-11-20T12:00:00Z","values":{"delta":%s}},{"symbol":"EURUSD","time":1,"bid":1}]'
    taken = Rig().desk.take(Push(body % (b"9" * 400), source="mt5"), NOW)
    assert codes(taken) == [BAD_PRICE, BAD_TIME]


def test_windows_of_one_symbol_have_an_end_and_a_kill_does_not_forget_it() -> None:
    rig = Rig()
    assert counts(rig.push([flow(window_s=second) for second in range(MAX_WINDOWS)])) == (MAX_WINDOWS, 0, 0)
    for _ in range(2):
        assert codes(rig.push([flow(window_s=MAX_WINDOWS + 1)])) == [BAD_ITEM]
        assert counts(rig.push([flow(window_s=MAX_WINDOWS + 1, symbol="GBPUSD.r"), flow(1)])) != (0, 0, 2)
        rig.kill()
    assert counts(rig.push([flow(2)])) == (1, 0, 0), "known windows go on"


def test_windows_that_differ_a_little_are_two_and_minus_zero_is_zero() -> None:
    rig = Rig()
    windows = (100_000.25, 100_000.5, 0.0, -0.0)
    assert counts(rig.push([flow(window_s=window_s) for window_s in windows])) == (3, 1, 0)


@pytest.mark.parametrize(
    ("item", "code"),
    [
        (flow(values={}), BAD_ITEM),
        (flow(values=[1]), BAD_ITEM),
        (flow(values={f"m{n}": 1 for n in range(65)}), BAD_ITEM),
        (flow(values={"Delta!": 1}), BAD_ITEM),
        (flow(values={"delta": "1"}), BAD_PRICE),
        (flow(values={"delta": float("nan")}), BAD_PRICE),
        (flow(values={"delta": True}), BAD_PRICE),
        (flow(values={"d" * 5000: 1}), BAD_ITEM),
        (flow(window_s="6" * 5000), BAD_ITEM),
        (flow(window_s=-1), BAD_ITEM),
        (flow(window_s="60"), BAD_ITEM),
        (flow(60), AHEAD),
    ],
)
def test_what_is_none_is_refused_with_its_reason(item: dict[str, object], code: str) -> None:
    taken = Rig().push(item)
    assert codes(taken) == [code]
    assert taken.result.items[0].detail
