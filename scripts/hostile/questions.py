"""Peers that speak the wire's protocol and mean harm: bombs of msgpack, questions too long, subscribers that never read."""

from __future__ import annotations

import threading
from random import Random
from typing import Final

from protocol.errors import HubError
from protocol.requests import MAX_REQUEST_BYTES, Request, decode_reply, encode_request
from protocol.transport import Channel, Empty, Wire
from scripts.hostile.attack import Attack, is_time
from scripts.hostile.system import HostileSystem
from scripts.socket_fuzz.questions import hub_questions
from scripts.socket_fuzz.trees import BOMBS, TreeMutator

PATIENCE_MS: Final = 5000
SLOW: Final = 30
UNREAD: Final = 20


def _asked(
    system: HostileSystem, random: Random, until_s: float, bodies: list[bytes]
) -> tuple[int, int, int]:
    """Put these to all who answer; (sent, refused, unanswered)."""
    sent = refused = unanswered = 0
    with Wire() as wire:
        channels = {address: Channel(wire, address) for address in system.asked()}
        while is_time(until_s):
            address = random.choice(list(channels))
            sent += 1
            try:
                refused += not decode_reply(channels[address].ask(random.choice(bodies), PATIENCE_MS)).ok
            except (Empty, HubError):
                unanswered += 1
                channels[address].close()
                channels[address] = Channel(wire, address)
    return sent, refused, unanswered


def bombs(system: HostileSystem, random: Random, until_s: float) -> str:
    """Short questions that claim to be large, and deep ones."""
    found = [bomb[:MAX_REQUEST_BYTES] for bomb in BOMBS]
    found += [b"\x82\xa2op\xa4ping\xa4args" + bomb[: MAX_REQUEST_BYTES - 100] for bomb in BOMBS]
    sent, refused, unanswered = _asked(system, random, until_s, found)
    return f"{sent} bombs, {refused} refused, {unanswered} unanswered"


def mutated(system: HostileSystem, random: Random, until_s: float) -> str:
    """Good questions with wrong parts."""
    trees = TreeMutator(random)
    good = [encode_request(one) for one in hub_questions() if one.op != "clear"]
    bodies = [
        one
        for one in (trees.mutate(random.choice(good)) for _ in range(3000))
        if len(one) <= MAX_REQUEST_BYTES
    ]
    sent, refused, unanswered = _asked(system, random, until_s, bodies)
    return f"{sent} wrong questions, {refused} refused, {unanswered} unanswered"


def oversized(system: HostileSystem, random: Random, until_s: float) -> str:
    """Longer than any socket takes: it hangs up. In between one that is as long as it may be."""
    long = encode_request(Request(op="ping", topic="A" * (MAX_REQUEST_BYTES * 40)))
    fits = encode_request(Request(op="ping", topic="A" * (MAX_REQUEST_BYTES - 200)))
    sent = 0
    with Wire() as wire:
        pause = threading.Event()
        while is_time(until_s):
            channel = Channel(wire, random.choice(system.asked()))
            try:
                channel.send(long if sent % 2 else fits)
                channel.wait(100)
            except Empty:
                pass
            finally:
                channel.close()
            sent += 1
            pause.wait(0.005)
    return f"{sent} questions of {len(long):,} and {len(fits):,} bytes"


def flood(system: HostileSystem, random: Random, until_s: float) -> str:
    """Ask for much, and never read an answer."""
    bodies = [
        encode_request(Request(op="candles", symbol="BTC_USDT", timeframe="1s", n=0)),
        encode_request(Request(op="status")),
    ]
    sent = 0
    with Wire() as wire:
        channels = [Channel(wire, system.endpoints.query("hub.1")) for _ in range(UNREAD)]
        pause = threading.Event()
        while is_time(until_s):
            for channel in channels:
                try:
                    channel.send(random.choice(bodies))
                    sent += 1
                except Empty:
                    pass
            pause.wait(0.005)
    return f"{sent} questions of {UNREAD} clients that read no answer"


def slow_subscribers(system: HostileSystem, _random: Random, until_s: float) -> str:
    """Hear everything and read nothing; some want thousands of topics."""
    addresses = [system.endpoints.pub(name) for name in system.names]
    with Wire(1000) as wire:
        for number in range(SLOW):
            topics = [b""] if number % 3 else [b"trade.%d." % index for index in range(2000)]
            wire.subscriber(addresses, topics)
        pause = threading.Event()
        while is_time(until_s):
            pause.wait(0.1)
    return (
        f"{SLOW} subscribers of all {len(addresses)} publishers that never read, 2000 topics each of a third"
    )


ATTACKS: Final = (
    Attack("msgpack bombs", bombs), Attack("wrong questions", mutated), Attack("oversized questions", oversized),
    Attack("unread answers", flood), Attack("slow subscribers", slow_subscribers),
)  # fmt: skip
