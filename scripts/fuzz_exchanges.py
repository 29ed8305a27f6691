"""The live path of an exchange for `fuzz_frames.py`: reader, normaliser, books, subscriptions, with fixed names."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

from actors.collector.exchange.subscriptions import Subscriptions
from actors.collector.gaps import Gaps
from actors.collector.intake.normaliser import Normaliser, Rules, Take
from actors.collector.outcomes import Ack, Broken, Refusal, Reject, Subscribed
from actors.collector.recorded.recordings import Recorded, read_recording
from actors.collector.registry import exchange, sniffer
from actors.collector.venue import Contract
from protocol.messages import Message
from scripts.fuzz_samples import EXCHANGES
from tests.support.soundness import Soundness, Unsound

RECV_NS: Final = 1_795_000_000_000_000_000
SAMPLE_RECV_NS: Final = 1_791_091_175_800_000_000
"""Shortly after the times that stand in the samples: what is old would be no news."""
MAX_AHEAD_NS: Final = 5_000_000_000
MOST_PER_KIND: Final = 250
"""Frames of one stream type of one file."""
LONG_BYTES: Final = 40_000
SHORT_LIST: Final = 12
REST_SHARE: Final = 0.05
"""Share of frames that is also read as if it were an answer of the REST side."""


class Seed(NamedTuple):
    """One good frame or answer."""

    data: bytes
    market: str
    connection: str = ""
    ts_recv_ns: int = RECV_NS
    rest: str = ""
    raw: str = ""


class _Asked(dict[str, str]):
    """Learns the raw names that a market's frames hold."""

    def __init__(self, venue: str, market: str) -> None:
        super().__init__()
        self._sniffer, self._market = sniffer(venue), market

    def get(self, raw: str, _default: object = None) -> str:
        return self.setdefault(raw, self._sniffer.derived_symbol(self._market, raw))


class _AnyContract(dict[str, Contract]):
    def get(self, _symbol: str, _default: object = None) -> Contract:
        return Contract(1.0)


class ExchangeTarget:
    """One exchange.

    Args:
        name: One of `registry.EXCHANGES`.
        folder: Of the recordings; None: built-in samples only.
        random: Decides which frames are also read as answers of the REST side.
    """

    is_text = True

    def __init__(self, name: str, folder: Path | None, random: Random) -> None:
        self.reasons: Counter[str] = Counter()
        self.controls: Counter[str] = Counter()
        self._venue, self._sniffer, self._random = exchange(name), sniffer(name), random
        self.groups = [group for group in map(list, self._seeds(folder)) if group]
        self.seeds = [seed for group in self.groups for seed in group]
        self._names, self._contracts = self._known()
        self.strangers = [
            sample.data for venue, samples in EXCHANGES.items() if venue != name for sample in samples
        ]
        self.messages: Counter[str] = Counter()
        self._symbols = {symbol for names in self._names.values() for symbol in names.values()}
        self.sound = Soundness(name, self._symbols)
        self.renew()

    def renew(self) -> None:
        """Begin as a new process would."""
        self.messages.update(self.sound.counts)
        self.sound = Soundness(self._venue.name, self._symbols)
        self.normalisers: dict[str, Normaliser] = {}
        self._takers: dict[tuple[str, str], Take] = {}
        gaps = Gaps(self._venue.name, "fuzz-1")
        self._subscriptions: dict[str, Subscriptions] = {}
        for market, names in self._names.items():
            types = self._venue.defaults.streams[market]
            trade_type = next((one for one in types if self._venue.kind_of(one) == "trade"), "")
            rules = Rules(
                MAX_AHEAD_NS,
                self._venue.trade_ids(market, trade_type),
                is_streamed=not self._venue.snapshot_path(market, "", 100),
            )
            normaliser = Normaliser(
                self._venue.name,
                self._venue.parser(market, names, self._contracts[market]),
                gaps,
                self._emit,
                self._drop,
                rules,
            )
            for symbol in names.values():
                normaliser.watch(symbol, book=True)
            self.normalisers[market] = normaliser
            self._subscribe(market)

    def _subscribe(self, market: str) -> None:
        subscriptions = self._subscriptions[market] = Subscriptions(self._venue, market, 10.0, 0)
        types = self._venue.defaults.streams[market]
        subscriptions.begin(self._venue.stream(raw, one) for raw in self._names[market] for one in types)
        while subscriptions.next_message(10**15) is not None:
            pass

    def remembered(self) -> object:
        """Parsers, readers, books, subscriptions."""
        return self.normalisers, self._takers, self._subscriptions, self.reasons

    # frames

    def take(self, seed: Seed, data: bytes) -> None:
        """Take one frame or answer, as the collector would."""
        normaliser = self.normalisers[seed.market]
        names = self._names[seed.market]
        symbol = names.get(seed.raw) or next(iter(names.values()))
        match seed.rest:
            case "":
                self._frame(seed, data)
            case "snapshot":
                normaliser.take_snapshot(symbol, data, seed.ts_recv_ns)
            case "trades":
                self._trades(seed, normaliser, symbol, data)
            case "klines":
                self._answer(normaliser.read_klines(symbol, data))
            case "instruments":
                self._answer(self._venue.parse_instruments(seed.market, data))
        if self._random.random() < REST_SHARE:
            self._as_anything(normaliser, seed, symbol, data)
            self._answer_waiting(normaliser, seed)

    def _answer_waiting(self, normaliser: Normaliser, seed: Seed) -> None:
        """Give the books that wait for a snapshot one that fits, so that changes have something to break."""
        for symbol in list(normaliser.unsynced):
            waiting = normaliser.tapes[symbol].book._waiting  # noqa: SLF001 - what is asked for in its place is random
            if waiting:
                body = (
                    b'{"lastUpdateId":%d,"bids":[["0.0001","1"]],"asks":[["9e8","1"]]}' % waiting[0].after_id
                )
                normaliser.take_snapshot(symbol, body, seed.ts_recv_ns)

    def _trades(self, seed: Seed, normaliser: Normaliser, symbol: str, data: bytes) -> None:
        """By id, where the venue has them by id."""
        if any(
            not self._venue.repair_refusal(seed.market, one)
            for one in self._venue.defaults.streams[seed.market]
        ):
            self._answer(normaliser.take_trades(symbol, data, seed.ts_recv_ns))
        else:
            self._answer(normaliser.read_trades(symbol, data, seed.ts_recv_ns))

    def _frame(self, seed: Seed, data: bytes) -> None:
        key = seed.market, seed.connection
        take = self._takers.get(key)
        if take is None:
            take = self._takers[key] = self.normalisers[seed.market].taker()
        control = take(data, seed.ts_recv_ns)
        if control is None:
            return
        self.controls[type(control).__name__] += 1
        subscriptions = self._subscriptions[seed.market]
        if isinstance(control, Broken):
            self.connect_anew(key)
        elif isinstance(control, Ack):
            subscriptions.acked(control)
        elif isinstance(control, Subscribed):
            subscriptions.listed(control.streams)
        elif isinstance(control, Refusal):
            subscriptions.declined(control)
        if subscriptions.is_settled:
            self._subscribe(seed.market)

    def connect_anew(self, key: tuple[str, str] | None = None) -> None:
        """Replace one connection, or all."""
        if key is not None:
            self._takers.pop(key, None)
            return
        self._takers.clear()
        for market, normaliser in self.normalisers.items():
            for symbol in self._names[market].values():
                for kind in ("trade", "quote", "book"):
                    normaliser.interrupt(symbol, kind, normaliser.times.newest_ns, "disconnect")
                    normaliser.resume(symbol, kind, normaliser.times.newest_ns)

    def _as_anything(self, normaliser: Normaliser, seed: Seed, symbol: str, data: bytes) -> None:
        self._answer(normaliser.read_trades(symbol, data, seed.ts_recv_ns))
        self._answer(normaliser.read_klines(symbol, data))
        self._answer(self._venue.parse_instruments(seed.market, data))
        sniffed = self._sniffer.sniff(data, "")
        self._sniffer.derived_symbol(sniffed.market or seed.market, sniffed.raw)
        self._sniffer.contract(sniffed.market or seed.market, sniffed.raw)

    def _answer(self, found: Any) -> None:
        """What an answer holds must be as sound as what comes out of the stream."""
        if isinstance(found, Reject):
            self._drop(found.reason, found.detail)
        elif isinstance(found, dict):
            for contract in found.values():
                if not 0 < contract.size < float("inf"):
                    raise Unsound(f"contract {contract}")
        else:
            checked = Soundness(self._venue.name, self._symbols)
            trades = found if isinstance(found, list) else [*found.gaps, *found.trades]
            for message in trades:
                checked.take(message)

    def _emit(self, message: Message) -> None:
        self.sound.take(message)

    def _drop(self, reason: str, _what: object = "") -> None:
        self.reasons[reason] += 1

    # what there is

    def _known(self) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, Contract]]]:
        names: dict[str, dict[str, str]] = {}
        contracts: dict[str, dict[str, Contract]] = {}
        for market in self._venue.markets:
            asked = _Asked(self._venue.name, market)
            reader = self._venue.parser(market, asked, _AnyContract()).reader()
            for seed in self.seeds:
                if seed.market == market and not seed.rest:
                    reader.parse(seed.data, seed.ts_recv_ns)
                elif seed.market == market and seed.raw:
                    asked.get(seed.raw)
            names[market] = dict(asked)
            known = {
                symbol: self._sniffer.contract(market, raw) or Contract(0.1) for raw, symbol in asked.items()
            }
            contracts[market] = known if self._venue.instruments_path(market) else {}
        return {market: found for market, found in names.items() if found}, contracts

    def _seeds(self, folder: Path | None) -> Iterator[Iterator[Seed]]:
        """Samples, and each file."""
        name = self._venue.name
        yield (
            Seed(sample.data, sample.market, "sample", SAMPLE_RECV_NS, sample.rest, sample.raw)
            for sample in EXCHANGES[name]
        )
        if folder is None:
            return
        files = [
            *sorted((folder / name).iterdir()),
            folder / "liquidations" / "frames_2026.jsonl",
            folder / "frames_2026" / "frames.jsonl",
        ]
        yield from (self._of_file(path) for path in files if path.is_file())

    def _of_file(self, path: Path) -> Iterator[Seed]:
        counts: Counter[tuple[str, str]] = Counter()
        market = self._venue.markets[0]
        for recorded in read_recording(path):
            told, _, told_market = recorded.venue.partition("_")
            if told and told != self._venue.name:
                continue
            sniffed = self._sniffer.sniff(recorded.data, recorded.address)
            if recorded.is_rest and not sniffed.rest:
                continue
            market = sniffed.market or (told_market if told_market in self._venue.markets else market)
            counts[market, sniffed.stream_type] += 1
            if counts[market, sniffed.stream_type] > MOST_PER_KIND:
                if counts.total() > 20_000:
                    return
                continue
            yield self._seed(recorded, market, sniffed.rest, sniffed.raw, path.name)

    def _seed(self, recorded: Recorded, market: str, rest: str, raw: str, file: str) -> Seed:
        data = recorded.data if len(recorded.data) < LONG_BYTES else _shortened(recorded.data)
        connection = f"{file} {recorded.connection}"
        return Seed(data, market, connection, recorded.ts_recv_ns or RECV_NS, rest, raw)


def _shortened(data: bytes) -> bytes:
    """The same frame with fewer rows in its lists."""

    def short(value: Any) -> Any:
        if isinstance(value, list):
            return [short(one) for one in value[:SHORT_LIST]]
        return {key: short(one) for key, one in value.items()} if isinstance(value, dict) else value

    return json.dumps(short(json.loads(data)), separators=(",", ":")).encode()
