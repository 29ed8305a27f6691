"""The path of REST providers for `fuzz_frames.py`: answers with bars, what they mean, what is made of the bars."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from actors.collector.bars.candidate import Candidate, closed
from actors.collector.bars.judging.judge import judge
from actors.collector.bars.judging.judged import Market
from actors.collector.bars.providers.provider import Answer, Provider, Query, Refusal
from actors.collector.bars.providers.registry import PROVIDERS, provider
from protocol.sessions import session_named
from scripts.fuzz_samples import EXCHANGES
from tests.support.providers.faults import Fault
from tests.support.providers.market import Market as PlayedMarket
from tests.support.providers.voice import TEST_KEY
from tests.support.providers.world import World
from tests.support.soundness import Soundness, Unsound

NOW_NS: Final = 1_767_711_000_000_000_000
"""Tuesday 2026-01-06T14:50:00Z: every market is open."""
MINUTE_NS: Final = 60_000_000_000
RECORDED: Final = ("*.json", "*.jsonl")
FAULTS: Final = (
    None,
    "throttle",
    "limit_note",
    "auth",
    "plan",
    "html",
    "empty",
    "wrong_symbol",
    "inconsistent",
)


class Seed(NamedTuple):
    """One answer, and what it answers."""

    name: str
    status: int
    data: bytes
    query: Query


class RestTarget:
    """Answers to minutes."""

    is_text = True

    def __init__(self, folder: Path | None, random: Random) -> None:  # noqa: ARG002 - as its siblings
        self.reasons: Counter[str] = Counter()
        self.messages: Counter[str] = Counter()
        self._providers: dict[str, Provider] = {name: provider(name) for name in PROVIDERS}
        self.groups = [self._played(name) + _recorded(name, folder) for name in PROVIDERS]
        self.seeds = [seed for group in self.groups for seed in group]
        self.strangers = [sample.data for samples in EXCHANGES.values() for sample in samples]
        self._market = Market("EUR_USD", "fx", 0.00001, session_named("crypto"), 0.001)
        self.sound = Soundness("rest")

    def _played(self, name: str) -> list[Seed]:
        """Good answers and refusals of a played provider."""
        raws = {"yahoo": "EURUSD=X", "polygon": "C:EURUSD"}
        query = Query(raws.get(name, "EUR/USD"), NOW_NS - 30 * MINUTE_NS, NOW_NS + MINUTE_NS)
        spoken, found = self._providers[name], []
        for fault in FAULTS:
            if (name, fault) == ("yahoo", "plan"):
                continue
            faults = [] if fault is None else [Fault(name, fault)]
            world = World(PlayedMarket(), NOW_NS, limits={}, faults=faults)
            call = spoken.call(query, spoken.base_url, TEST_KEY, NOW_NS)
            delivery = world.ask(call.url, call.params, call.headers, NOW_NS)
            found.append(Seed(name, delivery.status, delivery.body, query))
        return found

    def renew(self) -> None:
        """Nothing is remembered but what was counted."""
        self.messages.update(self.sound.counts)
        self.sound = Soundness("rest")

    def connect_anew(self) -> None:
        """There is no connection."""

    def remembered(self) -> object:
        """What was counted."""
        return self.reasons

    def take(self, seed: Seed, data: bytes) -> None:
        """One answer."""
        page = self._providers[seed.name].read(seed.query, Answer(seed.status, {}, data, NOW_NS))
        if isinstance(page, Refusal):
            self.reasons[page.kind] += 1
            if len(page.text) > 400 or not page.text.isprintable() or TEST_KEY in page.text:
                raise Unsound(f"text of a refusal: {page!r:.500}")
            return
        self.reasons.update(page.dropped)
        starts = [bar.ts_open_ns for bar in page.bars]
        if starts != sorted(set(starts)):
            raise Unsound(f"order: {starts!r:.500}")
        for one in judge(page.bars, self._market):
            if one.verdict != "accept" and not (one.reasons and all(one.reasons)):
                raise Unsound(f"no reason: {one!r:.500}")
            self.reasons[f"({one.verdict})"] += 1
            if one.bar is not None and not one.bar.is_running:
                self._publish(
                    seed.name, one.bar.close, closed("EUR_USD", Candidate(one.bar, seed.name, NOW_NS), 1)
                )

    def _publish(self, name: str, close: float, message: object) -> None:
        if not math.isfinite(close):
            raise Unsound(f"{name}: {message!r:.500}")
        self.sound.take(message)  # type: ignore[arg-type]  # a Bar


def _recorded(name: str, folder: Path | None) -> list[Seed]:
    """What was recorded of a provider, as far as it is the answer itself."""
    paths = (
        sorted(path for form in RECORDED for path in (folder / name).glob(form)) if folder is not None else []
    )
    query = Query("AAPL", 0, 1 << 61)
    return [
        Seed(name, 200, line, query)
        for path in paths
        for line in (path.read_bytes().splitlines() if path.suffix == ".jsonl" else [path.read_bytes()])
    ]
