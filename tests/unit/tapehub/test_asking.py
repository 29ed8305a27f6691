import socket
import time
from pathlib import Path

from actors.runtime.clock import SystemClock
from protocol.errors import HubTimeout, HubUnreachable, InvalidRequest
from protocol.requests import Reply, Request
from protocol.transport import Wire
from tapehub.asking import Question, ask_all, data_of, is_listening
from tests.support.false_actor import FalseActor
from tests.support.peers import peers_of


def test_all_are_asked_at_once_and_each_answer_finds_its_question(run_dir: Path) -> None:
    with peers_of(run_dir) as peers, FalseActor(peers.endpoints, "a.1"), FalseActor(peers.endpoints, "b.1"):
        questions = {
            f"{name} {op}": Question(peers.endpoints.ctl(name), Request(op=op))
            for name in ("a.1", "b.1")
            for op in ("status", "last")
        }

        answers = ask_all(peers.wire, questions, 10.0, SystemClock())

    assert {key: type(answer) for key, answer in answers.items()} == dict.fromkeys(questions, Reply)
    assert data_of(answers["a.1 status"])["name"] == "a.1"
    assert data_of(answers["b.1 status"])["name"] == "b.1"


def test_the_dead_the_dumb_and_the_unwilling_are_told_apart(run_dir: Path) -> None:
    with peers_of(run_dir) as peers, FalseActor(peers.endpoints, "a.1"):
        dumb = f"ipc://{run_dir}/dumb"
        peers.wire.responder(dumb)
        stale = run_dir / "stale"
        with socket.socket(socket.AF_UNIX) as once:
            once.bind(str(stale))
        started_s = time.monotonic()

        answers = ask_all(
            peers.wire,
            {
                "dead": Question(f"ipc://{stale}", Request(op="status")),
                "dumb": Question(dumb, Request(op="status")),
                "unwilling": Question(peers.endpoints.ctl("a.1"), Request(op="refuse")),
            },
            0.3,
            SystemClock(),
        )

    assert {key: type(answer) for key, answer in answers.items()} == {
        "dead": HubUnreachable,
        "dumb": HubTimeout,
        "unwilling": InvalidRequest,
    }
    assert data_of(answers["dead"]) is None
    assert time.monotonic() - started_s < 10


def test_a_socket_file_without_its_process_is_not_listening(run_dir: Path) -> None:
    path = run_dir / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        assert is_listening(f"ipc://{path}")

    assert path.exists()
    assert not is_listening(f"ipc://{path}")
    assert not is_listening(f"ipc://{run_dir}/never")
    assert is_listening("tcp://127.0.0.1:1")


def test_asking_closes_what_it_opened(run_dir: Path) -> None:
    with Wire() as wire:
        ask_all(wire, {"x": Question(f"ipc://{run_dir}/x", Request(op="ping"))}, 0.05, SystemClock())
        assert not wire._sockets
