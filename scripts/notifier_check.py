"""Signals to several chats of a Telegram-like server that answers 429, 500, too late or not at all, while the notifier is killed
again and again: what does each chat show in the end?

A third of the kills comes while the server holds a request that it will obey, a third while it holds one that it will not,
the others at any moment. People write into the chats meanwhile. Every fifth signal has a second revision, which changes
its message.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from tests.support.notifier_world import NotifierWorld, signal_of, telegram_channel
from tests.support.paths import short_folder
from tests.support.telegram_server import BOT_ID, Fault, TelegramServer
from tests.support.wait import until

CHATS: Final = (101, 102, -1003, 104, -1005, 106)
FAULTS: Final[tuple[Fault, ...]] = ("429", "500", "500 after", "slow", "cut", "cut after")
FAULT_SHARE: Final = 0.12
REVISED: Final = 5
"""Each so many-th signal has a second revision."""
_NUMBER: Final = re.compile(r"no\. (\d{5})")
END_S: Final = 300.0


class Trouble:
    """Decides over the server's requests, and kills the notifier in the middle of one.

    Args:
        seed: Decides everything but the moments.
    """

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.fell = threading.Event()
        """The notifier was killed."""
        self.is_on = True
        self._after = -1
        self._fault: Fault = ""
        self._pid = 0

    def arm(self, pid: int, after: int, fault: Fault) -> None:
        """Kill a process at the so many-th request from now; `fault` says what becomes of that request."""
        self.fell.clear()
        self._pid, self._fault, self._after = pid, fault, after

    def strike(self) -> None:
        """Kill it now, if the moment has not come."""
        if self._after >= 0:
            self._after = -1
            os.kill(self._pid, signal.SIGKILL)
            self.fell.set()

    def __call__(self, method: str, _arguments: dict[str, Any]) -> Fault:
        """What becomes of a request."""
        if method == "getUpdates":
            return ""
        if self._after == 0:
            self.strike()
            return self._fault
        self._after -= self._after > 0
        is_bad = self.is_on and self.draw.random() < FAULT_SHARE
        return self.draw.choice(FAULTS) if is_bad else ""


class Check:
    """One run.

    Args:
        messages: Signals.
        chats: Chats, each of which gets all of them.
        kills: Kills.
        seed: Decides faults and kills.
        say: Told how far it is.
    """

    def __init__(self, messages: int, chats: int, kills: int, seed: int, say: Callable[[str], None]) -> None:
        self._messages = messages
        self._chats = CHATS[:chats]
        self._kills = kills
        self._trouble = Trouble(seed)
        self._say = say
        self._told = 0
        self._spoken: dict[int, list[str]] = {chat: [] for chat in self._chats}
        self._kinds: Counter[str] = Counter()

    def run(self) -> dict[str, Any]:
        """Everything; returns what the chats show."""
        started_s = time.monotonic()
        with short_folder() as run_dir, TelegramServer(slow_s=0.8) as server:
            server.fault = self._trouble
            channel = telegram_channel(server, self._chats)
            with NotifierWorld(run_dir, {"desk": channel}, server=server) as world:
                for kill in range(self._kills):
                    self._one_life(world, server, kill)
                self._say("the last life")
                world.start(is_awaited=False)
                self._tell(world, self._messages - self._told)
                try:
                    until(lambda: self._is_done(server), END_S, "every message in every chat")
                    self._trouble.is_on = False
                except AssertionError as fault:
                    print(fault, world.notifier.report(), sep="\n", file=sys.stderr)
                else:
                    self._wait_until_idle(world)
                status = world.status()
                world.notifier.stop()
            return self._verdict(server, status, time.monotonic() - started_s)

    def _one_life(self, world: NotifierWorld, server: TelegramServer, kill: int) -> None:
        draw = self._trouble.draw
        process = world.start(is_awaited=False)
        how: Fault | str = ("cut after", "cut", "any")[kill % 3]
        self._kinds[how] += 1
        after = draw.randrange(1, 30)
        fault: Fault = "cut after" if how == "cut after" else "cut" if how == "cut" else ""
        self._trouble.arm(process.pid, after if how != "any" else 1_000_000, fault)
        seen = len(server.requests)
        self._tell(world, self._messages // (self._kills + 1))
        for chat in self._chats:
            text = f"somebody's words {kill}"
            server.say(chat, text)
            self._spoken[chat].append(text)
        if how == "any":
            until(lambda: len(server.requests) - seen >= after, END_S, "requests of this life")
            self._trouble.fell.wait(draw.uniform(0.0, 0.05))
            self._trouble.strike()
        elif not self._trouble.fell.wait(30):
            self._trouble.strike()  # everything was sent before the moment came
            self._kinds["late"] += 1
        process.wait()
        self._say(f"kill {kill + 1} of {self._kills} ({how}), {len(server.requests)} requests")

    def _tell(self, world: NotifierWorld, count: int) -> None:
        for _ in range(count):
            number = self._told
            world.tell(signal_of(number))
            if number % REVISED == 0 and number:
                world.tell(signal_of(number - 1, revision=2, state="target"))
            self._told += 1

    def _is_done(self, server: TelegramServer) -> bool:
        return all(len(set(self._numbers(server, chat))) >= self._messages for chat in self._chats)

    def _wait_until_idle(self, world: NotifierWorld) -> None:
        """Nothing is pending any more, and nothing has been asked for a while."""

        def is_idle() -> bool:
            status = world.status()
            return status.get("pending") == 0 and status.get("sent", 0) > 0

        until(is_idle, 60.0, "an empty outbox")
        # the outbox is counted each two seconds, and marks are taken away after the last message
        self._trouble.fell.clear()
        self._trouble.fell.wait(6.0)

    def _numbers(self, server: TelegramServer, chat: int) -> list[int]:
        return _numbers(server.texts(chat))

    def _verdict(self, server: TelegramServer, status: dict[str, Any], seconds: float) -> dict[str, Any]:
        lost = doubled = disordered = leftovers = unchanged = touched = 0
        for chat in self._chats:
            numbers = self._numbers(server, chat)
            lost += self._messages - len(set(numbers))
            doubled += len(numbers) - len(set(numbers))
            disordered += sum(after < before for before, after in itertools.pairwise(numbers))
            texts = server.texts(chat)
            leftovers += len(texts) - len(numbers)
            heads = {number: text.partition("\n")[0] for text in texts for number in _numbers([text])}
            revised = range(REVISED - 1, self._messages - 1, REVISED)
            unchanged += sum(not heads.get(number, "target").endswith("target") for number in revised)
            words = [one.text for one in server.shown(chat) if one.sender != BOT_ID]
            touched += words != self._spoken[chat]
        found = {
            "lost": lost,
            "doubled": doubled,
            "out_of_order": disordered,
            "leftovers": leftovers,
            "revisions_missing": unchanged,
            "chats_with_words_touched": touched,
        }
        return {
            "ok": not any(found.values()),
            **found,
            "twice_for_a_moment": len(server.twice_seen),
            "messages": self._messages,
            "chats": len(self._chats),
            "kills": dict(self._kinds),
            "requests": len(server.requests),
            "faults": dict(sorted(server.counts.items())),
            "seconds": round(seconds, 1),
            "states": {key: status.get(key) for key in ("sent", "failed", "expired", "unknown", "skipped")},
        }


def _numbers(texts: list[str]) -> list[int]:
    """Numbers of the signals that messages tell of."""
    return [int(match[1]) for text in texts if (match := _NUMBER.search(text))]


def main() -> int:
    """Exit 0 only if nothing is lost, doubled, out of order, left over or touched."""
    parser = argparse.ArgumentParser(prog="scripts/notifier-check", description=__doc__.partition("\n\n")[0])
    parser.add_argument("--messages", type=int, default=300, help="signals; default 300")
    parser.add_argument("--chats", type=int, default=3, choices=range(1, 7), help="default 3")
    parser.add_argument("--kills", type=int, default=20, help="default 20")
    parser.add_argument("--seed", type=int, default=1, help="decides faults and kills; default 1")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    arguments = parser.parse_args()

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    check = Check(arguments.messages, arguments.chats, arguments.kills, arguments.seed, say)
    document = check.run()
    if arguments.json:
        print(json.dumps(document, indent=2))
    else:
        print("\n".join(f"{key:28}{value}" for key, value in document.items()))
    return 0 if document["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
