"""Real sockets: who has which key hears what and is answered what, now, after a revocation and through a rotation."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import zmq

from protocol.client import AsyncHub, Hub
from protocol.errors import ConfigError, HubTimeout, Unauthorized
from protocol.requests import Request
from protocol.security.key_files import SecretKey
from protocol.security.limits import Limits
from protocol.transport import Empty, Subscriber, Wire
from protocol.transport.connections import MAX_UNFINISHED_BYTES, Connections
from protocol.transport.curve import new_pair
from protocol.transport.zap import Zap
from tests.support.wait import until
from tests.unit.protocol.security.doors import FRAME, NAME, OTHER, Doors
from tests.unit.protocol.security.rig import Keys

DEADLINE_S = 40.0


@pytest.fixture
def keys(run_dir: Path) -> Keys:
    keys = Keys(run_dir / "keys")
    keys.add(NAME)
    keys.add("desk", "query", "subscribe", topics=["quote."])
    keys.add("mt5", "publish")
    return keys


@pytest.fixture
def doors(keys: Keys, run_dir: Path) -> Iterator[Doors]:
    with Doors(keys.ring(NAME), str(run_dir)) as doors:
        yield doors


def heard(subscriber: Subscriber) -> set[bytes]:
    """Topics that have come, all taken."""
    found = set()
    with contextlib.suppress(Empty):
        while True:
            found.add(subscriber.receive_raw().partition(b"\x00")[0])
    return found


def is_heard(subscriber: Subscriber) -> Callable[[], bool]:
    return lambda: bool(heard(subscriber))


def test_what_the_key_allows_is_answered_and_nothing_else(doors: Doors, keys: Keys) -> None:
    with Wire(keyring=keys.ring("desk")) as wire, Wire(keyring=keys.ring("mt5")) as other:
        assert wire.requester(doors.query).ask(Request(op="tick"), DEADLINE_S).ok
        refused = wire.requester(doors.query).ask(Request(op="clear_all"), DEADLINE_S)
        assert refused.code == "unauthorized"
        assert "clear_all" in refused.message
        assert other.requester(doors.query).ask(Request(op="tick"), DEADLINE_S).code == "unauthorized"
    assert doors.asked == ["tick"], "what is refused is not even decoded"
    until(lambda: "auth_role" in doors.reasons(), DEADLINE_S, "it is logged")


def test_only_allowed_topics_are_heard(doors: Doors, keys: Keys, run_dir: Path) -> None:
    with Wire(keyring=keys.ring("desk")) as wire, Wire() as here:
        ear = wire.subscriber([doors.pub], [b"quote.", b"trade.", b""])
        own = here.subscriber([f"ipc://{run_dir}/p"], [b""])
        until(is_heard(ear), DEADLINE_S, "its own topic comes")
        until(lambda: "auth_topic" in doors.reasons(), DEADLINE_S, "the others are refused, and logged")
        assert heard(ear) <= {FRAME.partition(b"\x00")[0]}
        until(
            lambda: OTHER.partition(b"\x00")[0] in heard(own),
            DEADLINE_S,
            "this machine hears everything, without a key",
        )


def test_without_a_key_nobody_gets_in(doors: Doors) -> None:
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    socket.connect(doors.query.partition("@")[2])
    socket.send_multipart((b"", b"\x81\xa2op\xa4tick"))
    until(lambda: "auth_handshake" in doors.reasons(), DEADLINE_S, "it is logged")
    assert not socket.poll(100)
    socket.close()
    context.term()
    assert doors.asked == []
    with Wire() as wire, pytest.raises(Unauthorized, match="TAPEHUB_KEY"):
        wire.requester(doors.query)


@pytest.mark.parametrize("is_revoked", [False, True])
def test_an_unknown_and_a_revoked_key_are_told_so(
    doors: Doors, keys: Keys, run_dir: Path, is_revoked: bool
) -> None:
    if is_revoked:
        key = keys.folder.public("desk")
        keys.folder.save_public(msgspec.structs.replace(key, revoked="now"))
        until(lambda: doors.ring.find(key.public) is None, DEADLINE_S, "the server has seen it")
        ring = keys.ring("desk")
    else:
        elsewhere = Keys(run_dir / "elsewhere")
        elsewhere.add("stranger", "admin")
        elsewhere.folder.save_public(keys.folder.public(NAME))
        ring = elsewhere.ring("stranger")
    with Wire(keyring=ring) as wire, pytest.raises(Unauthorized, match="refuses the key"):
        wire.requester(doors.query).ask(Request(op="tick"), DEADLINE_S)
    until(
        lambda: ("auth_revoked" if is_revoked else "auth_unknown") in doors.reasons(),
        DEADLINE_S,
        "it is logged",
    )


def test_clients_raise_unauthorized_and_not_a_timeout(doors: Doors, keys: Keys) -> None:
    key = keys.folder.public("desk")
    path = keys.folder.secret_path("desk")
    with Wire(keyring=keys.ring("desk")) as wire:
        until(is_heard(wire.subscriber([doors.pub], [b"quote."])), DEADLINE_S, "it is let in")
        keys.folder.save_public(msgspec.structs.replace(key, revoked="now"))
        until(lambda: "auth_cut" in doors.reasons(), DEADLINE_S, "the server knows of the revocation")

    async def asked() -> None:
        async with AsyncHub(doors.query, key=path, timeout_s=4.0) as hub:
            await hub.ping()

    with Hub(doors.query, key=path, timeout_s=4.0) as hub, pytest.raises(Unauthorized, match="refuses"):
        hub.ping()
    with pytest.raises(Unauthorized, match="refuses"):
        asyncio.run(asked())


def test_the_wrong_server_is_not_talked_to(doors: Doors, keys: Keys, run_dir: Path) -> None:
    public, _ = new_pair()
    elsewhere = Keys(run_dir / "elsewhere")
    elsewhere.folder.save_secret("desk", keys.folder.secret("desk"))
    elsewhere.folder.save_public(keys.folder.public("desk"))
    elsewhere.folder.save_public(msgspec.structs.replace(keys.folder.public(NAME), public=public))
    with Wire(keyring=elsewhere.ring("desk")) as wire, pytest.raises(Unauthorized, match="none of the keys"):
        wire.requester(doors.query).ask(Request(op="tick"), DEADLINE_S)


def test_a_revocation_reaches_open_connections_and_a_pardon_brings_them_back(
    doors: Doors, keys: Keys
) -> None:
    key = keys.folder.public("desk")
    with Wire(keyring=keys.ring("desk")) as wire:
        ear, requester = wire.subscriber([doors.pub], [b"quote."]), wire.requester(doors.query)
        until(is_heard(ear), DEADLINE_S, "it hears")
        assert requester.ask(Request(op="tick"), DEADLINE_S).ok
        keys.folder.save_public(msgspec.structs.replace(key, revoked="now"))
        until(lambda: "auth_cut" in doors.reasons(), DEADLINE_S, "the connection is cut")
        heard(ear)
        asked = len(doors.asked)
        with pytest.raises((Unauthorized, HubTimeout)):
            wire.requester(doors.query).ask(Request(op="tick"), 2.0)
        assert not heard(ear), "and it hears nothing more"
        assert len(doors.asked) == asked
        keys.folder.save_public(key)
        until(is_heard(ear), DEADLINE_S, "the deaf socket was remade")
        assert wire.requester(doors.query).ask(Request(op="tick"), DEADLINE_S).ok


def rotate(keys: Keys, name: str) -> None:
    key, secret = keys.folder.public(name), keys.folder.secret(name)
    public, fresh = new_pair()
    keys.folder.save_public(msgspec.structs.replace(key, public=public, previous=key.public))
    keys.folder.save_secret(name, SecretKey(secret=fresh, previous=secret.secret))


def finish(keys: Keys, name: str) -> None:
    keys.folder.save_public(msgspec.structs.replace(keys.folder.public(name), previous=""))


def test_a_server_and_a_client_are_rotated_while_both_go_on(doors: Doors, keys: Keys) -> None:
    with (
        Wire(keyring=keys.ring("desk")) as wire,
        Hub(doors.query, key=keys.folder.secret_path("desk"), timeout_s=8.0) as hub,
    ):
        ear = wire.subscriber([doors.pub], [b"quote."])
        until(is_heard(ear), DEADLINE_S, "it hears")
        hub.ping()
        for name in (NAME, "desk"):
            rotate(keys, name)
            hub.ping()
            heard(ear)
            until(is_heard(ear), DEADLINE_S, f"it hears through the rotation of {name}")
            finish(keys, name)
            until(lambda: not doors.ring.now.publics[NAME].previous, DEADLINE_S, "the server has seen it")
            heard(ear)
            until(is_heard(ear), DEADLINE_S, f"and after the end of that of {name}")
            hub.ping()
    assert "auth_bind" not in doors.reasons()


def test_too_many_requests_are_refused_before_they_are_decoded(keys: Keys, run_dir: Path) -> None:
    limits = Limits(requests_per_s=0.01, request_burst=3)
    with Doors(keys.ring(NAME), str(run_dir), limits) as doors, Wire(keyring=keys.ring("desk")) as wire:
        requester = wire.requester(doors.query)
        codes = [requester.ask(Request(op="tick"), DEADLINE_S).code for _ in range(5)]
        assert codes == ["", "", "", "overloaded", "overloaded"]
        assert doors.asked == ["tick"] * 3
        with Wire() as here:
            own = here.requester(f"ipc://{run_dir}/q")
            assert all(own.ask(Request(op="tick"), DEADLINE_S).ok for _ in range(10)), (
                "no limit on this machine"
            )


def test_who_subscribes_to_too_much_is_cut(keys: Keys, run_dir: Path) -> None:
    limits = Limits(subscriptions=5)
    with Doors(keys.ring(NAME), str(run_dir), limits) as doors, Wire(keyring=keys.ring("desk")) as wire:
        wire.subscriber([doors.pub], [f"quote.{number}".encode() for number in range(9)])
        until(lambda: any("5 subscriptions" in what for _, what in doors.notes), DEADLINE_S, "it is cut")


def test_one_message_without_end_is_overdue(monkeypatch: pytest.MonkeyPatch) -> None:
    received = [0]
    monkeypatch.setattr("protocol.transport.connections._received_bytes", lambda _fd: received[0])
    with connected() as connections:
        one = next(iter(connections.by_fd.values()))
        received[0] = MAX_UNFINISHED_BYTES
        assert not connections.overdue()
        one.messages += 1
        received[0] *= 2
        assert not connections.overdue(), "it has ended a message"
        received[0] += MAX_UNFINISHED_BYTES + 1
        assert connections.overdue() == [(one, "sent 64 MiB of one message")]


def test_when_nobody_judges_any_more_nobody_gets_in_and_the_guard_says_so(
    doors: Doors, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(*_: object) -> list[bytes]:
        raise zmq.ContextTerminated  # ends the thread without a word

    monkeypatch.setattr(Zap, "answer", end)
    with Wire(keyring=keys.ring("desk")) as wire:
        requester = wire.requester(doors.query)
        with pytest.raises((HubTimeout, Unauthorized)):
            requester.ask(Request(op="tick"), 1.0)
    until(lambda: doors.died is not None, DEADLINE_S, "the loop is told")
    assert doors.asked == []


def test_a_fault_of_the_judge_is_a_refusal(keys: Keys) -> None:
    context = zmq.Context()
    zap = Zap(context, keys.ring(NAME))
    for question in ([], [b""], [b"1.0", b"7", b"tapehub", b"x", b"", b"CURVE", b"short"], [b"x"] * 9):
        assert zap.answer(question)[2] == b"400"
    assert zap.answer([b"1.0", b"7", b"tapehub", b"x", b"", b"NULL"])[2] == b"400", "a stranger without a key"
    assert zap.answer([b"1.0", b"7", b"local", b"x", b"", b"NULL"])[2] == b"200"
    context.term()
    until(lambda: not zap.is_alive, DEADLINE_S, "it ends with its context")


def test_nothing_is_bound_for_others_without_a_key(keys: Keys) -> None:
    with Wire() as wire, pytest.raises(ConfigError, match="keys init"):
        wire.responder("tcp://0.0.0.0:*")
    keys.folder.secret_path(NAME).unlink()
    with Wire(keyring=keys.ring(NAME)) as wire, pytest.raises(ConfigError, match="no secret key"):
        wire.publisher("tcp://0.0.0.0:*", NAME, 1, lambda: 1)


@contextlib.contextmanager
def connected() -> Iterator[Connections]:
    """The connections of a socket with one peer."""
    context = zmq.Context()
    socket, peer = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    connections = Connections(context, socket)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    peer.linger = 0
    peer.connect(f"tcp://127.0.0.1:{port}")
    try:
        until(lambda: bool(connections.take_events() or connections.by_fd), DEADLINE_S, "it is seen")
        yield connections
    finally:
        peer.close()
        connections.close()
        socket.close()
        context.term()


def test_a_connection_that_is_another_one_now_is_not_cut() -> None:
    with connected() as connections:
        one = next(iter(connections.by_fd.values()))
        real, one.peer = one.peer, ("127.0.0.1", 1)
        assert not connections.cut(one)
        one.peer = real
        assert connections.cut(one)


def test_fail_over_between_hubs_with_keys_of_their_own(doors: Doors, keys: Keys, run_dir: Path) -> None:
    keys.add("hub.2")
    gone = "hub.2@tcp://127.0.0.1:1"
    with Hub([gone, doors.query], key=keys.folder.secret_path("desk"), timeout_s=8.0) as hub:
        hub.ping()
    assert doors.asked == ["ping"] * len(doors.asked)
