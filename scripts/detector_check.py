"""Play a scenario to the detector: each deed must give exactly its alert; then quiet hours, which must give none.

No sockets and no clock: the simulator's market goes through the collector's parser and normaliser, the aggregator, the
order flow and the detector, with the settings that they have by default; order books are left out. The same seed gives
the same alerts.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from actors.aggregator.fold import Fold as Candles
from actors.aggregator.rules import rules_of as candle_rules_of
from actors.aggregator.settings import AggregatorSettings
from actors.detector.catalogue import all_rules
from actors.detector.detectors_file import DetectorsFile
from actors.detector.fold import Fold as Detector
from actors.detector.settings import DetectorSettings
from actors.orderflow.fold import Fold as OrderFlow
from actors.orderflow.rules import rules_of as flow_rules_of
from actors.orderflow.settings import OrderFlowSettings
from actors.runtime.settings import load
from actors.simulator.settings import SimulatorSettings
from protocol.instruments import Catalog
from protocol.messages import Alert
from scripts.deeds import SCENARIO
from scripts.simulated_chain import Chain, Link
from tests.support.paths import ROOT

START_MS: Final = 1_795_168_800_000
MINUTE_MS: Final = 60_000
WARM_UP_MS: Final = 25 * MINUTE_MS
"""Longer than any rule's warm-up."""
APART_MS: Final = 3 * MINUTE_MS
"""From one deed to the next, and from the last to the quiet hours."""
SHOWN: Final = 5


def chain_of(symbols: Iterable[str], seed: int, rate_per_s: float) -> Chain:
    """The whole chain with the default settings."""
    catalog = Catalog(load(ROOT / "config" / "tapehub.yaml", environ={}).instruments)
    # candles of other lengths, and running ones, nobody hears here
    candles = candle_rules_of(AggregatorSettings(timeframes=["1m"], open_interval_s=60.0))
    flows = flow_rules_of(OrderFlowSettings())
    thresholds = DetectorsFile(ROOT / "config" / DetectorSettings().detectors_file, catalog, is_optional=True)
    thresholds.load()
    counters: Counter[str] = Counter()
    return Chain(
        catalog,
        symbols,
        {
            "aggregator.1": Link(Candles(catalog, candles, counters), ("trade.", "gap.", "mark.")),
            "orderflow.1": Link(OrderFlow(catalog, flows, counters), ("trade.", "quote.", "gap.", "mark.")),
        },
        Link(
            Detector(catalog, thresholds.book, counters),
            ("trade.", "quote.", "liquidation.", "sweep.", "bar.", "gap.", "mark."),
        ),
        seed=seed,
        start_ms=START_MS,
        rate_per_s=rate_per_s,
        liquidation_share=SimulatorSettings().liquidation_share,
    )


def play(chain: Chain) -> list[dict[str, Any]]:
    """Warm up and do each deed; returns what came of each."""
    chain.run(START_MS + WARM_UP_MS)
    rows = [_row("warm-up", "", "", chain.alerts, is_good=not chain.alerts)]
    for expected in SCENARIO:
        chain.alerts = []
        chain.plan(expected.deed)
        chain.run(chain.exchange.now_ms + APART_MS)
        is_good = expected.is_met_by(chain.alerts)
        rows.append(_row(expected.name, expected.deed.symbol, expected.rule, chain.alerts, is_good=is_good))
    return rows


def _row(what: str, symbol: str, rule: str, alerts: Sequence[Alert], *, is_good: bool) -> dict[str, Any]:
    found = [alert.to_dict() for alert in alerts]
    return {"what": what, "symbol": symbol, "rule": rule, "ok": is_good, "alerts": found}


def quiet(chain: Chain, trades: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Let ordinary hours go by until there were so many trades; returns the false alerts."""
    chain.alerts = []
    start_trades, start_ms = chain.trades, chain.exchange.now_ms
    started_s, started_cpu_s = time.monotonic(), time.process_time()
    while (done := chain.trades - start_trades) < trades:
        chain.run(chain.exchange.now_ms + MINUTE_MS)
        say(f"{done:,} trades, {len(chain.alerts)} alerts")
    seconds, cpu_s = time.monotonic() - started_s, time.process_time() - started_cpu_s
    by_rule = Counter(alert.rule for alert in chain.alerts)
    return {
        "trades": done,
        "quotes": chain.counters["quotes_received"],
        "hours": round((chain.exchange.now_ms - start_ms) / 3_600_000, 2),
        "seconds": round(seconds, 1),
        "cpu_s": round(cpu_s, 1),
        "trades_per_s": round(done / seconds),
        "false_alerts": len(chain.alerts),
        "per_million": round(len(chain.alerts) / done * 1e6, 3),
        "per_million_by_rule": {rule.name: round(by_rule[rule.name] / done * 1e6, 3) for rule in all_rules()},
        "alerts": [alert.to_dict() for alert in chain.alerts[:100]],
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def check(
    trades: int,
    seed: int,
    rate_per_s: float,
    symbols: Iterable[str] = (),
    say: Callable[[str], None] = lambda _text: None,
) -> dict[str, Any]:
    """The whole check as one document; `ok` is its verdict."""
    chain = chain_of(list(symbols) or default_symbols(), seed, rate_per_s)
    rows = play(chain)
    say("the scenario is over")
    hours = quiet(chain, trades, say)
    return {
        "seed": seed,
        "rate_per_s": rate_per_s,
        "ok": all(row["ok"] for row in rows) and not hours["false_alerts"] and not chain.dropped,
        "dropped": dict(chain.dropped),
        "scenario": rows,
        "quiet": hours,
    }


def default_symbols() -> list[str]:
    """What the default system collects."""
    loaded = load(ROOT / "config" / "tapehub.yaml", environ={})
    return list(loaded.common.actors["collector.binance.1"]["symbols"])


def report(document: dict[str, Any]) -> str:
    """For people."""
    lines = [f"{'SCENARIO':14}{'SYMBOL':16}{'MUST GIVE':20}VERDICT  ALERTS"]
    for row in document["scenario"]:
        found = ", ".join(f"{alert['rule']} {alert['symbol']}" for alert in row["alerts"]) or "none"
        verdict = "ok" if row["ok"] else "WRONG"
        lines.append(f"{row['what']:14}{row['symbol']:16}{row['rule'] or 'nothing':20}{verdict:7}  {found}")
        lines += [f"  {alert['text']}" for alert in row["alerts"][:SHOWN]]
    hours = document["quiet"]
    lines += [
        "",
        f"quiet: {hours['trades']:,} trades in {hours['hours']:g} hours of venue time",
        f"took {hours['seconds']:g} s, of processor {hours['cpu_s']:g} s, {hours['peak_mib']} MiB",
        f"{hours['trades_per_s']:,} trades a second",
        f"{'FALSE ALERTS':24}PER MILLION TRADES",
        *(f"{rule:24}{share:g}" for rule, share in hours["per_million_by_rule"].items()),
        f"{'all':24}{hours['per_million']:g}",
    ]
    lines += [f"  {alert['rule']} {alert['symbol']}: {alert['text']}" for alert in hours["alerts"][:SHOWN]]
    if document["dropped"]:
        lines.append(f"the collector dropped: {document['dropped']}")
    return "\n".join(lines)


def main() -> int:
    """Exit 0 only if each deed gave exactly its alert and the quiet hours none."""
    parser = argparse.ArgumentParser(prog="scripts/detector-check", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--trades", type=int, default=10_000_000, help="of the quiet hours; default 10000000")
    parser.add_argument("--seed", type=int, default=1, help="decides everything; default 1")
    parser.add_argument(
        "--rate", type=float, default=300.0, help="orders per second of venue time; default 300"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    arguments = parser.parse_args()

    def say(text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r{text}\033[K", end="", file=sys.stderr, flush=True)

    document = check(arguments.trades, arguments.seed, arguments.rate, say=say)
    say("")
    print(json.dumps(document, indent=2) if arguments.json else report(document))
    return 0 if document["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
