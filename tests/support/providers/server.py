"""The four providers over HTTP: one port of 127.0.0.1 for each, and one more to command them from elsewhere."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tests.support.providers.delivering import deliver
from tests.support.providers.door import Door, QuietHandler
from tests.support.providers.faults import Fault
from tests.support.providers.voice import TEST_KEY
from tests.support.providers.world import PROVIDERS, World

CONTROL: Final = "control"
_LOOK_S: Final = 0.02
"""Between two looks at who refuses connections."""


class ProviderServer:
    """Use as a context manager; `urls` are the base addresses for the settings of the collector.

    Args:
        world: Who answers; its `start_ns` is on the clock of calls.
        now_ns: Clock of the market: what providers think the time is.
        at_ns: Clock of calls and faults.
        port: Of the first provider, the others behind it; 0: any that are free.
    """

    def __init__(
        self,
        world: World,
        *,
        now_ns: Callable[[], int] = time.time_ns,
        at_ns: Callable[[], int] = time.time_ns,
        port: int = 0,
    ) -> None:
        self.world = world
        self.connections: Counter[str] = Counter()
        """Provider to the connections that were ever opened: fewer than calls where they are pooled."""
        self.ended = threading.Event()
        """Set at the end: an answer that drips or hangs waits on it."""
        self._now_ns = now_ns
        self._at_ns = at_ns
        self._changed = threading.Lock()
        names = (*PROVIDERS, CONTROL)
        self._doors = {
            name: Door(_handler(self, name), port + n if port else 0) for n, name in enumerate(names)
        }
        self._watch = threading.Thread(target=self._look, daemon=True)

    @property
    def urls(self) -> dict[str, str]:
        """Provider to its base address."""
        return {name: self._doors[name].url for name in PROVIDERS}

    @property
    def control_url(self) -> str:
        """GET `/report`; POST `/faults` adds a list of them, DELETE `/faults` ends all."""
        return self._doors[CONTROL].url

    def settings(self, limits: Mapping[str, Iterable[tuple[int, float]]] = {}) -> dict[str, dict[str, Any]]:
        """Part `providers` of the settings of a collector that asks here."""
        return settings_of(self.urls, limits)

    def add(self, *faults: Fault) -> None:
        """Misbehave from now on; `from_s` counts from the start of the world."""
        self.world.add(*faults)
        self._open_and_close()

    def clear(self) -> None:
        """Behave."""
        self.world.clear()
        self._open_and_close()

    def since_start_s(self) -> float:
        """Time of faults, seconds."""
        return (self._at_ns() - self.world.start_ns) / 1e9

    def report(self) -> dict[str, Any]:
        """What the providers saw."""
        found = self.world.report()
        for name, part in found.items():
            part["connections"] = self.connections[name]
        return found

    def __enter__(self) -> ProviderServer:
        for door in self._doors.values():
            door.open()
        self._open_and_close()
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self._watch.join()
        for door in self._doors.values():
            door.end()

    def _look(self) -> None:
        while not self.ended.wait(_LOOK_S):
            self._open_and_close()

    def _open_and_close(self) -> None:
        """Close the doors of those who refuse connections, and open them again."""
        with self._changed:
            if self.ended.is_set():
                return
            at_s = self.since_start_s()
            for name in PROVIDERS:
                door, is_refusing = self._doors[name], self.world.script.is_refusing(name, at_s)
                if is_refusing and door.is_open:
                    door.close()
                elif not is_refusing and not door.is_open:
                    door.open()

    def _answer(self, provider: str, handler: QuietHandler) -> None:
        parts = urlsplit(handler.path)
        params = dict(parse_qsl(parts.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        now_ns, at_ns = self._now_ns(), self._at_ns()
        delivery = self.world.answer(provider, parts.path, params, headers, now_ns, at_ns)
        deliver(handler, delivery, headers, self.ended)

    def _obey(self, method: str, handler: QuietHandler) -> Any:
        size = int(handler.headers.get("Content-Length", "0"))
        body = handler.rfile.read(size)
        match method, urlsplit(handler.path).path:
            case "GET", "/":
                return self.urls
            case "GET", "/report":
                return self.report() | {"since_start_s": self.since_start_s()}
            case "POST", "/faults":
                self.add(*msgspec.json.decode(body, type=list[Fault]))
            case "DELETE", "/faults":
                self.clear()
            case _:
                return None
        return {"faults": self.world.script.faults}


def settings_of(
    urls: Mapping[str, str], limits: Mapping[str, Iterable[tuple[int, float]]] = {}
) -> dict[str, dict[str, Any]]:
    """Part `providers` of the settings of a collector: addresses, keys, and limits where they are given."""
    return {
        name: {
            "url": url,
            "key": "" if name == "yahoo" else TEST_KEY,
            "limits": [{"calls": calls, "per_s": per_s} for calls, per_s in limits.get(name, ())],
        }
        for name, url in urls.items()
    }


def _handler(server: ProviderServer, name: str) -> type[QuietHandler]:
    class Handler(QuietHandler):
        """Answers as one provider does, or obeys."""

        def setup(self) -> None:
            """Another connection."""
            server.connections[name] += 1
            super().setup()

        def do_GET(self) -> None:
            """One answer."""
            if name == CONTROL:
                self._obey()
            else:
                server._answer(name, self)

        def do_POST(self) -> None:
            """One command."""
            self._obey()

        def do_DELETE(self) -> None:
            """One command."""
            self._obey()

        def _obey(self) -> None:
            try:
                found = server._obey(self.command, self) if name == CONTROL else None
                status = 404 if found is None else 200
            except (msgspec.DecodeError, ValueError) as fault:
                status, found = 400, {"error": str(fault)}
            self.send_whole(status, {"Content-Type": "application/json"}, msgspec.json.encode(found))

    return Handler
