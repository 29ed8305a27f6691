"""One run: start, feed, measure every few seconds, settle, stop, compare with what the simulator knows."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from actors.runtime.process_history import history_of
from protocol.errors import HubError
from tapehub.supervision.launch import log_lines
from tests.bench.report import machine
from tests.chaos import checks, compare
from tests.chaos.aftermath import store_the_rest
from tests.chaos.checks import Check
from tests.chaos.settle import Settling
from tests.chaos.stage import Stage, StageError, run_folder
from tests.chaos.stored import Stored
from tests.chaos.topology import SIMULATOR, STREAMS_PER_SYMBOL, SYMBOLS, TIMEFRAMES
from tests.chaos.truth import Truth, read_truth
from tests.chaos.watch import Watch
from tests.soak.engine import Engine
from tests.soak.sampling import Sample, sample_of
from tests.soak.slopes import quantile
from tests.soak.topology import write_topology
from tests.soak.verdict import Reading, Soak
from tests.support.paths import free_port

START_S: Final = 90.0
TRICKLE_PER_S: Final = 100.0
"""After the run the feed goes on slowly: only a living feed tells that the last candles are over."""
SETTLED_NS: Final = 10_000_000_000
"""Candles that ended so shortly before the newest trade are none of the comparison: a late trade may still revise them."""
DATABASE: Final = "db/tapehub.sqlite"
"""Persistence's default, below the run directory."""
SETTLE_S: Final = 180.0
TELL_S: Final = 30.0


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for."""

    seed: int
    minutes: float
    rate_per_s: float
    warmup_s: float
    interval_s: float
    keep: Path | None


class Measuring:
    """Looks at every actor each few seconds.

    Args:
        stage: The system.
        watch: Asks the actors what they say of themselves.
        engine: Whose reads are counted.
    """

    def __init__(self, stage: Stage, watch: Watch, engine: Engine) -> None:
        self.samples: dict[str, list[Sample]] = {name: [] for name in stage.names}
        self.readings: list[Reading] = []
        self._stage, self._watch, self._engine = stage, watch, engine

    def look(self) -> None:
        """Measure once."""
        pids, said, at_s = self._stage.pids(), self._watch.statuses(), time.monotonic()
        for name in self._stage.names:
            found = sample_of(pids.get(name, 0), at_s) if pids.get(name) else None
            if found is not None:
                self.samples[name].append(_with_words(found, said.get(name, {})))
        took_s = self._engine.taken()
        self.readings.append(Reading(at_s, len(took_s), quantile(took_s, 0.5), quantile(took_s, 0.99)))

    def forget(self) -> None:
        """Warm-up is over."""
        for samples in self.samples.values():
            samples.clear()
        self.readings.clear()
        self._engine.taken()


def _with_words(sample: Sample, status: dict[str, Any]) -> Sample:
    """With what the actor says of its queues."""
    targets = status.get("targets") or {}
    waiting = sum(one.get("waiting_rows", 0) for one in targets.values() if isinstance(one, dict))
    return msgspec.structs.replace(sample, lag_p99_s=status.get("lag_p99_s") or 0.0, waiting=waiting)


def say(text: str) -> None:
    """Progress, on stderr."""
    print(f"% {text}", file=sys.stderr, flush=True)


def run(options: Options) -> Soak:
    """Do a run.

    Raises:
        StageError: the system does not start, or cannot be asked for the truth.
    """
    with contextlib.ExitStack() as stack:
        run_dir = stack.enter_context(run_folder(options.keep))
        config = write_topology(run_dir, free_port(), free_port(), seed=options.seed)
        stage = Stage(run_dir, config, {})
        stack.callback(stage.close)
        say(f"starting {' '.join(stage.names)} in {run_dir}")
        stage.start()
        watch = Watch(stage, list(SYMBOLS), lambda: None)
        stack.callback(watch.close)
        _feed(stage, watch, options.rate_per_s)
        engine = Engine(run_dir, list(SYMBOLS))
        closing = stack.enter_context(contextlib.ExitStack())
        closing.callback(engine.close)
        measuring = Measuring(stage, watch, engine)
        _measure(measuring, options.warmup_s, options.interval_s, "warm-up")
        measuring.forget()
        engine.errors.clear()
        before, began_s = stage.ask(SIMULATOR, "status")["feed"], time.monotonic()
        _measure(measuring, options.minutes * 60.0, options.interval_s, "soak")
        after, seconds = stage.ask(SIMULATOR, "status")["feed"], time.monotonic() - began_s
        closing.close()
        return _judged(options, stage, watch, measuring, engine, (before, after, seconds))


def _feed(stage: Stage, watch: Watch, rate_per_s: float) -> None:
    """Let the market begin when the collector listens, so that every trade that ever was is expected."""
    end_s = time.monotonic() + START_S
    pause = threading.Event()
    while stage.ask(SIMULATOR, "status")["streams"] < len(SYMBOLS) * STREAMS_PER_SYMBOL:
        if time.monotonic() > end_s:
            raise StageError(f"the collector did not subscribe\n{stage.last_lines('collector.binance.1')}")
        pause.wait(0.1)
    stage.ask(SIMULATOR, "rate", per_s=min(rate_per_s, 1000.0))
    _, complaint = watch.until_well(START_S)
    if complaint:
        raise StageError(f"never well, though nothing was done to it: {complaint}")
    stage.ask(SIMULATOR, "rate", per_s=rate_per_s)


def _measure(measuring: Measuring, for_s: float, interval_s: float, phase: str) -> None:
    began_s = time.monotonic()
    next_s, tell_s = began_s, began_s
    pause = threading.Event()
    while (now_s := time.monotonic()) < began_s + for_s:
        measuring.look()
        if now_s >= tell_s:
            tell_s = now_s + TELL_S
            total = sum(samples[-1].rss_mib for samples in measuring.samples.values() if samples)
            p99_ms = measuring.readings[-1].p99_s * 1000
            say(
                f"{phase} {now_s - began_s:.0f} of {for_s:.0f} s · {total:,.0f} MiB · read p99 {p99_ms:.2f} ms"
            )
        next_s += interval_s
        pause.wait(max(0.0, min(next_s, began_s + for_s) - time.monotonic()))


def _judged(
    options: Options,
    stage: Stage,
    watch: Watch,
    measuring: Measuring,
    engine: Engine,
    counted: tuple[dict[str, Any], dict[str, Any], float],
) -> Soak:
    before, after, seconds = counted
    stored = Stored(f"sqlite:///{stage.run_dir}/{DATABASE}")
    stage.ask(SIMULATOR, "rate", per_s=TRICKLE_PER_S)
    troubles: list[str] = []
    unsettled = Settling(stage, watch, stored).wait(SETTLE_S)
    if unsettled:
        troubles.append(f"not settled after {SETTLE_S:g} s: {unsettled}")
    try:
        truth = read_truth(stage, list(SYMBOLS), dict(SYMBOLS))
    except HubError as fault:
        raise StageError(f"the simulator does not tell the truth: {fault}") from fault
    unsettled = Settling(stage, watch, stored).wait(SETTLE_S)  # candles of the last trades are stored as well
    if unsettled:
        troubles.append(f"not settled after {SETTLE_S:g} s: {unsettled}")
    truth = Truth(truth.trades, truth.end_ns - SETTLED_NS + checks.SLACK_NS)
    copy = compare.read_hub(watch.hub, list(SYMBOLS))
    say(f"stopping; {truth.total:,} trades to compare")
    restarts, tails = restarts_of(stage)
    troubles += stage.stop()
    unstored = store_the_rest(stage)
    troubles += [unstored] if unstored else []
    found = _checks(truth, stored, copy)
    return Soak(
        settings={"seed": options.seed, "minutes": options.minutes, "rate_per_s": options.rate_per_s, "warmup_s": options.warmup_s},
        samples={name: samples for name, samples in measuring.samples.items() if samples},
        readings=[one for one in measuring.readings if one.reads], errors=dict(engine.errors), seconds=seconds,
        events=after["events"] - before["events"], skipped_ms=after["skipped_ms"] - before["skipped_ms"],
        restarts=restarts, tails=tails, troubles=troubles, checks=found, machine=machine(),
    )  # fmt: skip


def restarts_of(stage: Stage) -> tuple[dict[str, str], dict[str, str]]:
    """Who was started more than once, why, and the end of its log."""
    history = {name: one for name, one in history_of(log_lines(stage.run_dir)).items() if one.restarts}
    why = {
        name: f"{one.restarts} times, {one.reason or 'as it was told to'}" for name, one in history.items()
    }
    return why, {name: stage.last_lines(name, 25) for name in history}


def _checks(truth: Truth, stored: Stored, copy: compare.HubCopy) -> list[Check]:
    found = compare.hub_checks(truth, compare.HubCopy({}, copy.trades, copy.gaps, copy.refusals))
    found = [one for one in found if not one.what.startswith("hub candles")]
    closed = {
        key: rows[(rows["revision"] > 0)] for key, rows in copy.bars.items()
    }  # what the hub's window still holds of them
    for timeframe in TIMEFRAMES:
        wanted = {name: trades for name, trades in truth.trades.items() if (name, timeframe) in closed}
        one = checks.bars_check(
            "hub candles", _since(wanted, closed, timeframe), truth.end_ns, timeframe, closed
        )
        if one.expected:
            found.append(one)
    return found + compare.storage_checks(truth, stored, {}, copy)


def _since(truth: dict[str, Any], have: dict[tuple[str, str], Any], timeframe: str) -> dict[str, Any]:
    """Trades of the candles that the hub's window reaches back to, its first one left out."""
    found = {}
    for name, trades in truth.items():
        rows = have[name, timeframe]
        if len(rows) > 1:
            found[name] = trades[trades["ts_ns"] >= int(rows["ts_open_ns"][1])]
    return found
