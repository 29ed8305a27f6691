"""A journal server as a process: frames over its socket while they are written, and after their publisher is gone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from protocol.replay import (
    MAX_FETCH_BYTES,
    Fetched,
    JournalStatus,
    Position,
    ack_request,
    decode_fetched,
    decode_status,
    fetch_request,
    status_request,
)
from protocol.requests import Reply, Request
from tests.support.config import write_config
from tests.support.peers import Peers, peers_of
from tests.support.process import ActorProcess
from tests.support.wait import until
from tests.unit.protocol.journal.rig import NAME, frames_of, split, write, writer_in

DEADLINE_S = 40.0
SERVER = "journal.1"


@pytest.fixture
def peers(run_dir: Path) -> Iterator[Peers]:
    with peers_of(run_dir) as found:
        yield found


def config_of(run_dir: Path, **settings) -> Path:
    return write_config(run_dir, {SERVER: settings, NAME: {}}, heartbeat_s=0.05)


class Asker:
    """One connection to the server."""

    def __init__(self, peers: Peers) -> None:
        self.requester = peers.wire.requester(peers.endpoints.query(SERVER))

    def ask(self, request: Request) -> Reply:
        return self.requester.ask(request, DEADLINE_S)

    def fetch(self, epoch: int, from_seq: int, *prefixes: str, max_bytes: int = MAX_FETCH_BYTES) -> Fetched:
        request = fetch_request(NAME, Position(epoch, from_seq - 1), max_bytes, prefixes)
        return decode_fetched(self.ask(request))

    def status(self) -> JournalStatus:
        return decode_status(self.ask(status_request(NAME)))


def test_following_a_publisher_to_its_end_and_into_its_next_life(run_dir, peers):
    folder = run_dir / "journal" / NAME
    frames = frames_of(9, [200] * 900)
    writer = writer_in(folder, 9, max_bytes=60_000)
    with ActorProcess(
        "journal", SERVER, config_of(run_dir, seal_after_s=0.001, housekeeping_s=0.01)
    ) as server:
        asker, found = Asker(peers), []
        for start in range(0, 900, 30):
            writer.append(frames[start : start + 30])
            while (fetched := asker.fetch(9, len(found) + 1)).outcome == "data":
                assert fetched.next_epoch == 0
                found += split(fetched.frames)
            assert (fetched.outcome, fetched.first, fetched.last) == ("end", len(found) + 1, len(found))
            assert found == frames[: start + 30]
        writer.close()
        write(folder, 12, frames_of(12, [5] * 3))
        assert asker.fetch(9, 901).next_epoch == 12
        assert [extent.last for extent in asker.status().extents] == [900, 3]

        assert asker.ask(ack_request("persistence.1", NAME, Position(9, 900))).ok
        server.kill()
    with ActorProcess("journal", SERVER, run_dir / "tapehub.yaml") as server:
        asker = Asker(peers)
        assert asker.status().acks == {"persistence.1": (9, 900)}
        assert split(asker.fetch(12, 1).frames) == frames_of(12, [5] * 3)
        quotes, seq = [], 1
        while (fetched := asker.fetch(9, seq, "quote.")).outcome == "data":
            quotes += split(fetched.frames)
            seq = fetched.last + 1
        assert quotes == [frame for frame in frames if frame.startswith(b"quote.")]
        assert server.stop() == 0


def test_segments_are_sealed_and_expire_while_they_are_read(run_dir, peers):
    folder = run_dir / "journal" / NAME
    frames = frames_of(9, [200] * 2_000)
    write(folder, 9, frames, batch=20, max_bytes=60_000)
    write(folder, 12, frames_of(12, [5] * 3))
    settings = {"seal_after_s": 0.001, "housekeeping_s": 0.02, "min_age_s": 0.001}
    with ActorProcess("journal", SERVER, config_of(run_dir, **settings)) as server:
        asker, found = Asker(peers), []
        while (fetched := asker.fetch(9, len(found) + 1, max_bytes=5_000)).outcome == "data":
            found += split(fetched.frames)
        assert found == frames
        told = until(lambda: sealed_all(peers), DEADLINE_S, "all but the newest to be sealed")
        assert told["ratio"] > 1
        assert told["records"] == 2_003
        assert split(asker.fetch(9, 1_500, max_bytes=5_000).frames)[0] == frames[1_499]
        assert asker.ask(ack_request("persistence.1", NAME, Position(12, 1))).ok
        until(lambda: asker.fetch(9, 1_500).outcome == "expired", DEADLINE_S, "what was stored to expire")
        assert asker.fetch(9, 1_500).next_epoch == 12
        assert asker.fetch(12, 1).last == 3
        assert server.stop() == 0


def test_a_disk_that_fills_up_is_an_alarm(run_dir, peers):
    settings = {"disk_warn": 1e-9, "disk_low": 1e-9, "housekeeping_s": 0.02}
    with ActorProcess("journal", SERVER, config_of(run_dir, **settings)) as server:
        state = until(lambda: status_of(peers).get("disk"), DEADLINE_S, "the first round")
        kept = bytes(peers.ask(SERVER, "last", topic="alert.journal.DISK").data)
        assert state in ("low", "critical")
        assert b"journal_disk" in kept
        assert server.stop() == 0


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"consumers": ["../x"]}, "consumer's name"),
        ({"disk_low": 0.99}, "must not fall"),
        ({"zstd_level": 99}, "zstd_level"),
    ],
)
def test_wrong_settings_are_named(run_dir, settings, text):
    with ActorProcess("journal", SERVER, config_of(run_dir, **settings)) as server:
        assert server.wait() == 78
        assert text in server.stderr_text


def test_rude_askers_do_not_disturb_others(run_dir, peers):
    write(run_dir / "journal" / NAME, 9, frames_of(9, [1_000] * 2_000))
    with ActorProcess("journal", SERVER, config_of(run_dir)) as server:
        rude, asker = Asker(peers), Asker(peers)
        asker.fetch(9, 1)
        for _ in range(200):  # and never reads an answer
            rude.requester.send(fetch_request(NAME, Position(9, 0)))
            rude.requester.socket.send_multipart([b"", b"\xc1 rubbish"])
        for name in ("../../etc", NAME + "/acks", "unheard.1"):
            assert asker.ask(fetch_request(name, Position(9, 0))).code == "no_data"
        assert asker.fetch(9, 2_000).last == 2_000
        until(lambda: refused(peers) == 200, DEADLINE_S, "the rubbish to be counted")
        assert server.stop() == 0


def status_of(peers: Peers) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.msgpack.decode(peers.ask(SERVER, "status").data)
    return found


def sealed_all(peers: Peers) -> dict[str, Any]:
    told = status_of(peers)
    counters, journal = told["counters"], told.get("journals", {}).get(NAME, {"segments": 0})
    return journal if 0 < journal["segments"] == counters.get("sealed", 0) + 1 else {}


def refused(peers: Peers) -> int:
    return int(status_of(peers)["counters"].get("refused_invalid_request", 0))
