"""Plugins are somebody's code: what they do ends neither the scanner nor what others say; what is wrong is told with its place."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from actors.scanner.plugins import plugins_of, strategies_of
from actors.scanner.settings import StrategySettings
from protocol.errors import ConfigError
from protocol.strategy import Idea, Needs, Snapshot
from tests.support.scanner_world import scanner
from tests.unit.actors.scanner.rig import SYMBOL, VENUE, Rig, buy, strategy

GOOD = """
from __future__ import annotations

from typing import ClassVar

import msgspec

from protocol.strategy import Idea, Needs, Snapshot


class Params(msgspec.Struct, frozen=True, kw_only=True):
    risk: float = 1.0
    count: int = 2


class Good:
    name: ClassVar[str] = "good"
    Params: ClassVar[type[Params]] = Params

    def __init__(self, params: Params) -> None:
        self.params = params
        self.needs = Needs(timeframe="1m", bars={"1m": params.count})

    def evaluate(self, snapshot: Snapshot) -> Idea | str:
        return "nothing"


STRATEGIES = (Good,)
"""


def raiser(fault: BaseException) -> Callable[[Snapshot], Any]:
    def evaluate(_: Snapshot) -> Any:
        raise fault

    return evaluate


class Nasty(Exception):
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("fault", [ValueError("no"), SystemExit(1), RecursionError(), MemoryError(), Nasty()])
def test_one_that_raises_is_told_of_and_the_others_are_asked(fault: BaseException) -> None:
    found = Rig(strategy(raiser(fault), name="a"), strategy(buy, name="b"))
    (signal,) = found.warm()
    assert signal.strategy == "b"
    assert found.why.startswith("error: ")
    assert found.fold.counters["plugin_errors"] == 1
    ((reason, what),) = found.told
    assert (reason, what.partition(":")[0]) == ("plugin_error", "a of BTC_USDT at binance")


def idea(**changes: Any) -> Callable[[Snapshot], Any]:
    return lambda snapshot: buy(snapshot)._replace(**changes)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (lambda _: None, "it is a NoneType, neither an Idea nor a text"),
        (lambda snapshot: tuple(buy(snapshot)), "it is a tuple"),
        (lambda _: 1.0, "it is a float"),
        (idea(side=0), "side 0 is none of 1, -1"),
        (idea(side="1"), "side '1'"),
        (idea(side=float("nan")), "side nan"),
        (idea(stop=float("nan")), "stop nan is no number"),
        (idea(target=float("inf")), "target inf is no number"),
        (idea(stop="99"), "stop '99' is no number"),
        (idea(stop=None), "stop None is no number"),
        (idea(target=10**400), "target 1000"),
        (idea(stop=101.0), "are not in that order"),
        (idea(stop=-1.0), "are not in that order"),
        (idea(target=100.5), "are not in that order"),
        (idea(confidence=1.01), "confidence 1.01 is not from 0 to 1"),
        (idea(confidence=float("nan")), "confidence nan is no number"),
        (idea(inputs=None), "inputs None are no mapping"),
        (idea(inputs={"a": "b"}), "input a is 'b', no number"),
        (idea(inputs={"a": float("nan")}), "input a is nan, no number"),
        (idea(inputs={1: 1.0}), "input 1 has no name"),
        (idea(inputs=dict.fromkeys(map(str, range(65)), 1.0)), "65 inputs are more than 64"),
        (idea(text=3), "text 3 is none"),
    ],
)
def test_rubbish_is_refused_with_a_reason(said: Callable[[Snapshot], Any], why: str) -> None:
    found = Rig(strategy(said))
    assert not found.warm()
    assert found.why.startswith("bad idea: ")
    assert why in found.why
    assert found.fold.counters["bad_ideas"] == 1
    assert [reason for reason, _ in found.told] == ["bad_idea"]
    found.fold.snapshot()


def test_what_can_be_understood_is_plain_numbers_afterwards() -> None:
    found = Rig(
        strategy(idea(side=True, stop=99, confidence=1, inputs={"n": 3}, text="a\ud800" + "b" * 1000))
    )
    (signal,) = found.warm()
    plain = (signal.side, signal.stop, signal.confidence, signal.inputs["n"])
    assert [(value, type(value)) for value in plain] == [(1, int), (99.0, float), (1.0, float), (3.0, float)]
    assert signal.text == "a?" + "b" * 198
    found.fold.snapshot()


def test_a_talkative_reason_is_cut_and_many_are_one() -> None:
    count = iter(range(10_000))
    found = Rig(strategy(lambda _: f"{next(count)} \ud800" + "x" * 1000))
    found.warm()
    for second in range(62, 200):
        if (second - 1) % 60 == 0:
            found.candle(second - 1.0)
        found.quote(second - 0.5)
        found.mark(float(second))
    assert len(found.why) == 200
    reasons = found.fold.desk.reasons["tested"]
    assert len(reasons) == 51
    assert reasons["other"] > 50


def test_what_it_is_given_cannot_be_changed() -> None:
    broken: list[str] = []

    def attack(snapshot: Snapshot) -> str:
        attempts: dict[str, Callable[[], Any]] = {
            "drop candles": lambda: snapshot.bars["1m"].append(None),  # type: ignore[attr-defined]
            "put a candle": lambda: snapshot.bars["1m"].__setitem__(0, None),  # type: ignore[attr-defined]
            "change a candle": lambda: setattr(snapshot.bars["1m"][0], "close", 1.0),
            "change a value": lambda: snapshot.features["1m"].__setitem__("ema_3", 0.0),  # type: ignore[attr-defined]
            "drop values": lambda: snapshot.flows[60.0].pop("delta"),  # type: ignore[attr-defined]
            "change the quote": lambda: setattr(snapshot, "bid", 1.0),
        }
        for name, attempt in attempts.items():
            try:
                attempt()
            except (AttributeError, TypeError):
                continue
            broken.append(name)
        for given in (snapshot.bars, snapshot.features, snapshot.flows):
            given.clear()  # type: ignore[attr-defined]  # its own, nobody else has it
        return "attacked"

    needs = Needs(timeframe="1m", features={"1m": ("ema_3",)}, flows={60.0: ("delta",)})
    found = Rig(strategy(attack, needs, "a"), strategy(buy, needs, "b"))
    found.mark(0.0)
    found.quote(0.5)
    found.candle(60.0)
    found.feature(60.0, {"ema_3": 1.0})
    for second in range(1, 61):
        found.flow(float(second), {"delta": 1.0})
    found.quote(60.5)
    assert [signal.strategy for signal in found.mark(61.0)] == ["b"]
    assert (found.why, broken) == ("attacked", [])


def test_it_sees_what_it_needs_and_nothing_else() -> None:
    """What others need does not change what it says."""
    seen: list[Snapshot] = []

    def look(snapshot: Snapshot) -> str:
        seen.append(snapshot)
        return "seen"

    alone = Rig(strategy(look, Needs(timeframe="1m", bars={"1m": 1}), "a"))
    alone.warm()
    together = Rig(
        strategy(look, Needs(timeframe="1m", bars={"1m": 1}), "a"),
        strategy(buy, Needs(timeframe="1m", bars={"1m": 9}, features={"1m": ("x",)}), "b"),
    )
    together.mark(0.0)
    together.quote(0.5)
    together.candle(60.0)
    together.feature(60.0, {"x": 1.0})
    together.quote(60.5)
    together.mark(61.0)
    assert len(seen) == 2
    assert seen[0] == seen[1]


def test_needs_that_change_later_are_not_looked_at() -> None:
    bars = {"1m": 1}
    found = Rig(strategy(buy, Needs(timeframe="1m", bars=bars, each_second=True)))
    bars["1m"] = 50
    bars["nonsense"] = 1
    assert found.warm()


def test_slow_ones_are_counted_and_nothing_else_changes() -> None:
    found = Rig(strategy(buy))
    times = iter([0, 200_000_000])
    found.fold.desk._mono_ns = lambda: next(times)  # the clock that the actor gives
    assert found.warm()
    assert found.fold.counters["slow_questions"] == 1
    assert found.fold.rows()["tested"]["slowest_ms"] == 200.0


# loading


def problems_of(folder: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        plugins_of(folder)
    return caught.value.problems


def test_a_file_with_later_evaluated_annotations_is_a_plugin(tmp_path: Any) -> None:
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "_shared.py").write_text("raise ValueError")
    (tmp_path / "test_good.py").write_text("raise ValueError")
    plugins = plugins_of(tmp_path)
    assert {"good", "trend_pullback", "mean_reversion", "flow_confirmation"} <= set(plugins)
    for risk in (2, 2.0, "2"):  # a configuration's are texts
        made = strategies_of({"mine": StrategySettings(plugin="good", params={"risk": risk})}, plugins)
        assert made["mine"].params.risk == 2.0  # type: ignore[attr-defined]


def test_every_broken_file_is_told_with_its_line(tmp_path: Any) -> None:
    (tmp_path / "a_syntax.py").write_text("x = 1\nif True\n")
    (tmp_path / "b_raises.py").write_text("def boom():\n    raise KeyError('x')\n\n\nboom()\n")
    (tmp_path / "c_exits.py").write_text("import sys\nsys.exit(3)\n")
    (tmp_path / "d_empty.py").write_text("x = 1\n")
    (tmp_path / "e_name.py").write_text(GOOD.replace('"good"', '"Not Good"'))
    (tmp_path / "f_params.py").write_text(
        GOOD.replace("ClassVar[type[Params]] = Params", "ClassVar[int] = 3")
    )
    (tmp_path / "g_clash.py").write_text(GOOD.replace('"good"', '"trend_pullback"'))
    (tmp_path / "h_instance.py").write_text(GOOD.replace("(Good,)", "(Good(Params()),)"))
    told = problems_of(tmp_path)
    assert [one.partition(": ")[0].rpartition("/")[2] for one in told] == [
        "a_syntax.py:2", "b_raises.py:2", "c_exits.py:2", "d_empty.py", "e_name.py", "f_params.py", "g_clash.py",
        "h_instance.py",
    ]  # fmt: skip
    assert "is that of tapehub itself too" in told[6]
    assert "STRATEGIES" in told[3]
    assert not [
        name for name in sys.modules if name in ("tapehub_strategies_a_syntax", "tapehub_strategies_c_exits")
    ]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (StrategySettings(plugin="god"), "did you mean 'good'?"),
        (
            StrategySettings(plugin="good", params={"rsk": 1.0}),
            "params.rsk: no such parameter; did you mean 'risk'?",
        ),
        (StrategySettings(plugin="good", params={"risk": "much"}), "params.risk: "),
        (StrategySettings(plugin="good", params={"count": 1.5}), "params.count: "),
    ],
)
def test_wrong_settings(tmp_path: Any, settings: StrategySettings, told: str) -> None:
    (tmp_path / "good.py").write_text(GOOD)
    with pytest.raises(ConfigError) as caught:
        strategies_of({"mine": settings, "Bad Name": settings}, plugins_of(tmp_path))
    first, second = caught.value.problems
    assert first.startswith("strategies.mine")
    assert told in first
    assert "Bad Name" in second


def test_all_wrong_parameters_are_told_at_once(tmp_path: Any) -> None:
    (tmp_path / "good.py").write_text(GOOD)
    params = {"risk": "much", "count": "many", "more": 1}
    with pytest.raises(ConfigError) as caught:
        strategies_of({"good": StrategySettings(params=params)}, plugins_of(tmp_path))
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("needs", "told"),
    [
        ('Needs(timeframe="7x")', "'7x' is no timeframe"),
        ('Needs(timeframe="1m", bars={"1m": 2.5})', "2.5 of 1m is no number of candles"),
        ('Needs(timeframe="1m", features={"1m": "ema_20"})', "'ema_20' of 1m is no tuple of names"),
        ('Needs(timeframe="1m", flows={"60": ("delta",)})', "'60' is no window"),
        ("None", "it is a NoneType, not Needs"),
        ("{}['x']", "KeyError: 'x'"),
    ],
)
def test_needs_are_checked(tmp_path: Any, needs: str, told: str) -> None:
    (tmp_path / "good.py").write_text(GOOD.replace('Needs(timeframe="1m", bars={"1m": params.count})', needs))
    with pytest.raises(ConfigError) as caught:
        strategies_of({"good": StrategySettings()}, plugins_of(tmp_path))
    assert told in caught.value.problems[0]


def test_looking_back_further_than_is_kept() -> None:
    kind = strategy(buy, Needs(timeframe="1m", bars={"1m": 11}))
    with pytest.raises(ConfigError, match="it looks back on 11 candles of 1m, keep_bars is 10"):
        scanner([kind], keep_bars=10)
    assert scanner([kind], keep_bars=11).desk.chairs


def test_a_strategy_is_asked_about_its_markets_only() -> None:
    kinds = strategy(buy, name="here"), strategy(buy, name="there")
    asked = {"there": StrategySettings(symbols=["ETH_*"]), "here": StrategySettings(venues=["bin*"])}
    found = Rig(*kinds, strategies=asked)
    assert [signal.strategy for signal in found.warm()] == ["here"]
    assert [one.name for one in found.fold.desk.chairs_of(VENUE, "ETH_USDT")] == ["here", "there"]
    assert [one.name for one in found.fold.desk.chairs_of("okx", SYMBOL)] == []


def test_the_interface_of_an_idea() -> None:
    assert Idea._fields == ("side", "stop", "target", "confidence", "inputs", "text")
