"""What wrong inputs are given to: each target takes one at a time and says what became of it."""

from __future__ import annotations

import abc
from random import Random
from typing import Final

import msgspec

from actors.runtime.settings import load
from protocol.errors import ConfigError, HubError
from protocol.record import RecordKind
from protocol.replay import Fetched
from protocol.requests import Reply, decode_reply, encode_reply, raw
from scripts.mutations import Mutator
from scripts.socket_fuzz.frames import FrameMutator, Head, sealed
from scripts.socket_fuzz.market import Market, Said
from scripts.socket_fuzz.questions import questions_for, results
from scripts.socket_fuzz.stage import STEP_NS, Stage, Topology
from scripts.socket_fuzz.trees import ODD_TEXTS, TreeMutator
from scripts.socket_fuzz.watching import unwatched

GOOD_SHARE: Final = 0.3
TURN_EVERY: Final = 50
REWIND_EVERY: Final = 300
RENEW_EVERY: Final = 25_000
CODES: Final = frozenset(
    ("internal", "unknown_symbol", "no_data", "stale_data", "invalid_request", "timeout", "unreachable", "overloaded",
     "protocol_mismatch", "unauthorized", "rate_limited", "not_found", "forbidden", "too_large")
)  # fmt: skip
EPOCH: Final = 1_790_000_000


class Wrong(AssertionError):
    """It did not raise, but what it did is wrong all the same."""


class Target(abc.ABC):
    """Base: takes inputs until told to stop.

    Args:
        random: Decides everything.
    """

    name = ""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.input: bytes = b""
        """The last one, for the report."""
        self.taken = 0

    @abc.abstractmethod
    def one(self) -> str:
        """Take one input, good or wrong; returns `accepted` or the known error. Whatever it raises is a crash."""

    def renew(self) -> None:  # noqa: B027 - most keep nothing
        """After a crash: as a new process."""

    def close(self) -> None:  # noqa: B027 - most have nothing
        """Give everything back."""


class StageTarget(Target):
    """An actor."""

    def __init__(self, random: Random, topology: Topology, actor: str) -> None:
        super().__init__(random)
        self.stage = Stage(actor, topology)

    def pass_time(self) -> None:
        """The clock goes on, timers fire."""
        stage = self.stage
        self.taken += 1
        stage.clock.turn(STEP_NS)
        if self.taken % RENEW_EVERY == 0:
            with unwatched():
                self.renew()
        elif self.taken % TURN_EVERY == 0:
            self.settle()

    def settle(self) -> None:
        """What the loop does between inputs."""
        self.stage.turn()

    def renew(self) -> None:
        """See `Target`."""
        self.stage.renew()

    def close(self) -> None:
        """See `Target`."""
        self.stage.close()


class BusTarget(StageTarget):
    """Frames of all publishers that an actor hears."""

    def __init__(self, random: Random, topology: Topology, actor: str) -> None:
        super().__init__(random, topology, actor)
        self.name = f"bus {actor}"
        self._heard = frozenset(self.stage.inputs)
        self._market = Market(random, self.stage.clock.now_ns)
        self._mutator = FrameMutator(random, sorted(self._heard))
        self._seqs: dict[str, int] = {}
        self._epoch = EPOCH

    def one(self) -> str:
        """See `Target`."""
        self.pass_time()
        stage, said = self.stage, self._market.say(self._heard)
        head = self._head(said)
        is_good = self.random.random() < GOOD_SHARE
        data = self.input = (
            sealed(head, said.payload) if is_good else self._mutator.mutate(head, said.payload)
        )
        stage.drops.clear()
        source, intake = stage.inputs[said.publisher]
        stage.fed[said.publisher].frames.append(data)
        if not intake.is_paused:
            source.take(1)
            intake.after_take(source)
        else:
            stage.fed[said.publisher].frames.clear()
        return stage.drops[0] if stage.drops else "accepted"

    def _head(self, said: Said) -> Head:
        seq = self._seqs.get(said.publisher, 0)
        if said.kind != RecordKind.HEARTBEAT:
            seq = self._seqs[said.publisher] = seq + 1
        return Head(
            said.topic.encode(), said.kind, said.schema, said.publisher, self._epoch, seq, seq,
            self.stage.clock.now_ns(), said.flags,
        )  # fmt: skip

    def settle(self) -> None:
        """See `StageTarget`."""
        super().settle()
        if self.taken % REWIND_EVERY == 0:
            self.stage.rewind()

    def renew(self) -> None:
        """See `Target`."""
        super().renew()
        self._epoch += 1
        self._seqs.clear()


class RequestTarget(StageTarget):
    """Questions to one socket of an actor: its `ctl`, or its `query` or `ingest`."""

    def __init__(self, random: Random, topology: Topology, actor: str, kind: str) -> None:
        super().__init__(random, topology, actor)
        self.name = f"{kind} {actor}"
        self._is_ctl = kind == "ctl"
        self._asked = questions_for(actor, kind, random)
        self._trees = TreeMutator(random)
        self._bytes = Mutator(random, is_text=False)
        self._feed_market()

    def _feed_market(self) -> None:
        """Something to ask about."""
        stage = self.stage
        market = Market(self.random, stage.clock.now_ns)
        heard = frozenset(stage.inputs)
        seqs: dict[str, int] = {}
        for _ in range(400 if heard else 0):
            said = market.say(heard)
            if said.kind in (RecordKind.EPOCH, RecordKind.SNAP, RecordKind.CLEAN_STOP):
                continue
            seqs[said.publisher] = seqs.get(said.publisher, 0) + (said.kind != RecordKind.HEARTBEAT)
            seq = seqs[said.publisher]
            head = Head(
                said.topic.encode(),
                said.kind,
                said.schema,
                said.publisher,
                EPOCH,
                seq,
                seq,
                stage.clock.now_ns(),
                said.flags,
            )
            stage.clock.turn(STEP_NS)
            source, intake = stage.inputs[said.publisher]
            if not intake.is_paused:
                stage.fed[said.publisher].frames.append(sealed(head, said.payload))
                source.take(1)
        stage.clock.turn(10**9)
        stage.turn()
        stage.turn()

    def one(self) -> str:
        """See `Target`."""
        self.pass_time()
        stage, random = self.stage, self.random
        good = random.choice(self._asked)
        chance = random.random()
        if chance < GOOD_SHARE / 2:
            body = good
        else:
            body = self._trees.mutate(good) if chance < 0.9 else self._bytes.mutate(good)
        self.input = body
        stage.replies.clear()
        _, handler = stage.responders[0 if self._is_ctl else -1]
        if len(body) > 64 * 1024 and self._is_ctl:
            body = body[: 64 * 1024]  # the socket lets no more through
        handler([b"asker", b""], body)
        if not stage.replies:
            stage.turn()  # asked in a thread
        if len(stage.replies) != 1:
            raise Wrong(f"{len(stage.replies)} answers to one question")
        reply = decode_reply(stage.replies[0].body)
        if not reply.ok and reply.code not in CODES:
            raise Wrong(f"code {reply.code!r}")
        if not reply.ok and (not reply.message or len(reply.message) > 2000):
            raise Wrong("a refusal without words, or with thousands")
        return "accepted" if reply.ok else f"({reply.code})"

    def renew(self) -> None:
        """See `Target`."""
        super().renew()
        self._feed_market()


class RepliesTarget(Target):
    """Answers of a wrong hub to the engines' client, of a wrong journal server or store to those who ask them."""

    name = "replies client"

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self._trees = TreeMutator(random)
        self._bytes = Mutator(random, is_text=False)
        self._results = results(random)

    def one(self) -> str:
        """See `Target`."""
        self.taken += 1
        random = self.random
        make, data = random.choice(self._results)
        chance = random.random()
        if chance < 0.75:
            data = self._trees.mutate(data)
            reply = Reply(id=1, ok=True, state="fresh", age_s=0.1, asked=3, data=msgspec.Raw(data))
            body = encode_reply(reply)
        else:
            body = encode_reply(Reply(id=1, ok=True, state="fresh", age_s=0.1, data=msgspec.Raw(data)))
            body = self._trees.mutate(body) if chance < 0.9 else self._bytes.mutate(body)
        self.input = body
        try:
            value = make(decode_reply(body))
            if hasattr(value, "to_dict"):
                value.to_dict()
        except HubError as refusal:
            return f"({refusal.code})"
        return "accepted"


class FetchTarget(BusTarget):
    """Answers of a wrong journal server to an actor that asked for frames."""

    def __init__(self, random: Random, topology: Topology, actor: str) -> None:
        super().__init__(random, topology, actor)
        self.name = f"fetch {actor}"
        self._trees = TreeMutator(random)

    def one(self) -> str:
        """See `Target`."""
        self.pass_time()
        stage, random = self.stage, self.random
        publisher = random.choice(sorted(self._heard))
        source, intake = stage.inputs[publisher]
        frames = b""
        first = self._seqs.get(publisher, 0) + 1
        for _ in range(random.randrange(4)):
            said = self._market.say(frozenset((publisher,)))
            if said.kind != RecordKind.HEARTBEAT:
                is_good = random.random() < 0.7
                frames += (
                    sealed(self._head(said), said.payload)
                    if is_good
                    else self._mutator.mutate(self._head(said), said.payload)
                )
        last = self._seqs.get(publisher, 0)
        outcome = random.choice(("data", "data", "data", "end", "corrupt", "expired", "unknown"))
        found = Fetched(outcome, self._epoch, first, last, random.choice((0, 0, self._epoch + 1)), frames)
        data = bytes(raw(found))
        if random.random() > GOOD_SHARE:
            data = self._trees.mutate(data)
        self.input = data
        stage.drops.clear()
        try:
            reply = decode_reply(encode_reply(Reply(id=1, ok=True, data=msgspec.Raw(data))))
        except HubError as refusal:
            return f"({refusal.code})"
        source.consumer._pull()
        source.consumer.request(stage.clock.mono_ns())
        intake._on_fetched(source, intake._generation, reply)
        for _ in range(3):
            if source.consumer.has_work:
                source.work(128)
        return stage.drops[0] if stage.drops else "accepted"


class ConfigTarget(Target):
    """Settings laid over a configuration: from the command line, from the environment, in the file itself."""

    name = "config load"

    def __init__(self, random: Random, topology: Topology) -> None:
        super().__init__(random)
        self._path = topology.config
        self._copy = topology.run_dir / "wrong.yaml"
        self._text = self._path.read_bytes()
        self._mutator = Mutator(random)
        self._keys = (
            "log_level", "bus.high_water_mark", "actors.hub.1.bar_window", "actors.gateway.1.edge.tokens", "journal.sync_s",
            "actors.gateway.1.port", "actors.nobody.1", "run_dir", "actors.persistence.1.keep_days", "",
        )  # fmt: skip

    def one(self) -> str:
        """See `Target`."""
        self.taken += 1
        random = self.random
        values = (
            *ODD_TEXTS,
            "5",
            "-1",
            "1e400",
            "{a: 1}",
            "[1, 2",
            "!!python/object:x",
            "${HOME}",
            "${file:/etc/hostname}",
            "*a",
            "&a [*a]",
        )
        setting = f"{random.choice(self._keys)}={random.choice(values)}"
        variables: dict[str, str] = {}
        path, overrides = self._path, [setting]
        chance = random.random()
        if chance < 0.3:
            name = setting.partition("=")[0].upper().replace(".1.", "_1__").replace(".", "__")
            variables, overrides = {f"TAPEHUB__{name}": random.choice(values)}, []
        elif chance < 0.6:
            text = self._mutator.mutate(self._text)
            self._copy.write_bytes(text)
            path, overrides, setting = self._copy, [], repr(text)
        self.input = repr((overrides, variables, setting)).encode()
        try:
            load(path, overrides, variables)
        except ConfigError as refusal:
            if not refusal.problems:
                raise Wrong("a refusal without words") from None
            return "(config)"
        return "accepted"
