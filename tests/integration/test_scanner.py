"""The scanner as a process behind real candles and order flow: what is said live is what `tapehub scan` says of the same data."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.collector.recorded.decoders import decoder_of
from protocol.codec import decode_events
from protocol.instruments import Catalog, Instrument
from protocol.journal.reader import JournalReader, Outcome
from protocol.messages import Quote, Signal, Watermark
from protocol.record import Frame, RecordKind, parse_frames
from protocol.topics import mark_topic
from tapehub.cli.scan import SETTLED_S
from tapehub.playing import CollectorFrames
from tests.support.config import write_config
from tests.support.journalled_source import JournalledSource
from tests.support.peers import Peers, peers_of
from tests.support.process import ActorProcess
from tests.support.talking_strategy import write_talker
from tests.support.tapehub_command import run
from tests.support.wait import until

COLLECTOR, SCANNER = "collector.fx.1", "scanner.1"
RECORDING = "fx/histdata_eurusd_ticks_20200101.csv.gz"
TICKS = 2000
SYMBOLS = {
    "EUR_USD": {
        "session": "fx",
        "bars_from": "quote",
        "pip_size": 0.0001,
        "base": "EUR",
        "quote": "USD",
        "venues": {"fx": "spot:EURUSD"},
    }
}


@pytest.fixture
def peers(run_dir: Path) -> Iterator[Peers]:
    with peers_of(run_dir) as found:
        yield found


@pytest.fixture
def config(run_dir: Path) -> Path:
    write_talker(run_dir)
    candles = {"timeframes": ["1s", "10s", "1m"], "indicators": ["ema(3)"], "indicator_timeframes": ["1m"]}
    talk = {"talk": {"expires_s": 300, "cooldown_s": 5}}
    patience = {"give_up_s": 2_000_000, "max_wait_s": 60, "quote_ttl_s": 60, "snap_interval_s": 2}
    actors: dict[str, dict[str, Any]] = {
        "journal.1": {},
        COLLECTOR: {"venue": "push"},
        "aggregator.1": {**candles, "open_interval_s": 3600},
        "orderflow.1": {"footprint_timeframes": []},
        SCANNER: {"strategies": talk, "watch_s": 0.05, **patience},
    }
    return write_config(run_dir, actors, SYMBOLS, heartbeat_s=0.05)


class Played:
    """A collector that publishes a part of a recording, as often as it is asked to go on."""

    def __init__(self, peers: Peers, run_dir: Path, path: Path) -> None:
        self.run_dir = run_dir
        self.source = JournalledSource(peers.wire, run_dir, peers.endpoints.pub(COLLECTOR), COLLECTOR)
        catalog = Catalog([Instrument(symbol="EUR_USD", session="fx", bars_from="quote")])
        messages = decoder_of("fx", catalog).messages(path)
        frames = CollectorFrames("fx")
        self.frames = [
            frame
            for message in messages
            for frame in frames.take(msgspec.structs.replace(message, venue="fx"))
        ]  # type: ignore[call-overload]
        self.frames += frames.end(lambda ts_ns: ts_ns + round(SETTLED_S * 1e9))
        self._at = 0

    def play(self, share: float) -> None:
        """Up to a share of the whole."""
        until_at = round(share * len(self.frames))
        for frame in self.frames[self._at : until_at]:
            self.source.send(frame.topic, *decode_events(frame), kind=frame.kind)
        self._at = until_at
        self.source.beat()


def part_of(path: Path, folder: Path) -> Path:
    """The first ticks of a recording, as a recording."""
    found = folder / path.name
    with gzip.open(path, "rt") as whole, gzip.open(found, "wt") as part:
        part.writelines(itertools.islice(whole, TICKS))
    return found


def journalled(run_dir: Path, name: str) -> Iterator[Frame]:
    """Every frame in a journal, of all lives of its publisher."""
    reader = JournalReader(run_dir / "journal" / name, name)
    for epoch in reader.epochs():
        seq = 1
        while (chunk := reader.read(epoch, seq)).outcome is Outcome.DATA:
            yield from parse_frames(chunk.frames)
            seq = chunk.last + 1


def told(run_dir: Path) -> list[Signal]:
    return [
        signal
        for frame in journalled(run_dir, SCANNER)
        if frame.topic.startswith("signal.")
        for signal in decode_events(frame)
    ]


def memories(run_dir: Path) -> int:
    return sum(frame.kind == RecordKind.SNAP for frame in journalled(run_dir, SCANNER))


def scanned(path: Path, config: Path, run_dir: Path) -> list[dict[str, Any]]:
    result = run(
        "--config", config, "scan", path, "--venue", "fx", "--as", "fx", "--json", cwd=run_dir, deadline_s=60
    )
    assert result.code == 0, result.err
    return result.rows


@pytest.mark.recording
def test_live_is_played_and_a_kill_loses_and_doubles_nothing(
    run_dir: Path, config: Path, peers: Peers, recording: Callable[[str], Path]
) -> None:
    path = part_of(recording(RECORDING), run_dir)
    expected = scanned(path, config, run_dir)
    assert len(expected) > 40
    assert {row["state"] for row in expected} >= {"open", "target", "stopped", "expired"}
    played = Played(peers, run_dir, path)
    others = ("journal", "journal.1"), ("aggregator", "aggregator.1"), ("orderflow", "orderflow.1")
    with (
        ActorProcess(*others[0], config),
        ActorProcess(*others[1], config),
        ActorProcess(*others[2], config),
    ):
        with ActorProcess("scanner", SCANNER, config) as process:
            played.play(0.4)
            until(lambda: played.source.beat() or len(told(run_dir)) > 10, 40, "the first signals")
            remembered = memories(run_dir)
            until(lambda: played.source.beat() or memories(run_dir) > remembered, 40.0, "a memory")
            before = len(told(run_dir))
            played.play(0.6)
            until(
                lambda: played.source.beat() or len(told(run_dir)) > before, 20, "signals behind the memory"
            )
            process.kill()
        played.play(0.8)
        with ActorProcess("scanner", SCANNER, config) as process:
            played.play(1.0)
            until(lambda: played.source.beat() or len(told(run_dir)) >= len(expected), 40, "all signals")
            status = msgspec.msgpack.decode(peers.ask(SCANNER, "status").data)
            why = msgspec.msgpack.decode(peers.ask(SCANNER, "why").data)
            assert process.stop() == 0
    played.source.close()

    found = told(run_dir)
    rows = [msgspec.json.decode(msgspec.json.encode({"type": "signal", **one.to_dict()})) for one in found]
    assert rows == expected
    assert len({(one.signal_id, one.revision) for one in found}) == len(found)
    assert status["counters"].get("markets_late", 0) == 0
    assert [row["strategy"] for row in why] == ["talk"]


def test_candles_that_never_come_are_waited_for_once(run_dir: Path, config: Path, peers: Peers) -> None:
    """There is no aggregator: the round is held up for `max_wait_s` of our clock, then it goes on."""
    config.write_text(config.read_text().replace("max_wait_s: 60", "max_wait_s: 0.2"))
    source = JournalledSource(peers.wire, run_dir, peers.endpoints.pub(COLLECTOR), COLLECTOR)
    start_ns = 1_700_000_100 * 10**9
    with ActorProcess("journal", "journal.1", config), ActorProcess("scanner", SCANNER, config) as process:
        for quarter in range(4 * 70):
            at_ns = start_ns + quarter * 10**9 // 4
            source.send("quote.fx.EUR_USD", Quote("EUR_USD", "fx", at_ns, at_ns, 1.1, 1.2, 1.0, 1.0))
            source.send(
                mark_topic(COLLECTOR),
                Watermark(COLLECTOR, "fx", at_ns, is_connected=True),
                kind=RecordKind.TIME,
            )

        def given_up() -> Any:
            source.beat()
            reply = peers.ask(SCANNER, "status")
            return reply.ok and msgspec.msgpack.decode(reply.data)["counters"].get("rounds", 0) == 69

        until(given_up, 30, "all rounds")
        why = msgspec.msgpack.decode(peers.ask(SCANNER, "why").data)
        assert [row["why"].partition(":")[0] for row in why] == ["late"]
        status = msgspec.msgpack.decode(peers.ask(SCANNER, "status").data)
        assert 1 <= status["counters"]["markets_late"] <= 10
        assert process.stop() == 0
    source.close()


def test_reload_of_rules_and_what_is_wrong_with_them(run_dir: Path, config: Path, peers: Peers) -> None:
    file = run_dir / "shield.yaml"
    with ActorProcess("journal", "journal.1", config), ActorProcess("scanner", SCANNER, config) as process:
        until(lambda: peers.ask(SCANNER, "status").ok, 40.0, "the scanner")
        file.write_text("rules:\n  spread: {max_pips: 2}\n")
        assert peers.ask(SCANNER, "reload").ok
        file.write_text("rules:\n  spred: {max_pips: 2}\n")
        reply = peers.ask(SCANNER, "reload")
        assert not reply.ok
        assert "shield.yaml:2" in reply.message
        assert process.stop() == 0


def test_it_does_not_start_with_a_broken_strategy(run_dir: Path, config: Path) -> None:
    (run_dir / "strategies" / "broken.py").write_text("x = 1\nraise ValueError('not today')\n")
    with ActorProcess("scanner", SCANNER, config) as process:
        assert process.wait(40) == 78
        assert "broken.py:2: cannot be loaded: ValueError: not today" in process.stderr_text
