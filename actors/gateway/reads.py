"""Questions of HTTP and WebSocket clients to the hub, and to single actors.

Equal questions at one time are put once. Who asks before the question has left shares its answer; who asks within
`JOIN_NS` after it left does so too, so an answer may have been made before a reader asked, but never by more than that
(`age_s` and `state` are the hub's at `ts_ns`, which every answer carries). Who asks later waits until it has landed and
has the next one, together with all who came meanwhile: of any question one is under way at a time, however slow the
hub is. What comes in one turn of the loop leaves in one `snapshot` where it is short.

A hub that does not answer is asked in the background, once at a time; until it does, readers are refused at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from actors.gateway.reading.flight import Flight
from actors.gateway.reading.kept import Kept
from actors.gateway.reading.packing import is_to_ask_alone, loads, packed, unpacked
from actors.gateway.rendering.blocks import Blocks
from protocol.client.async_asking import AsyncAsker
from protocol.client.patience import Patience, too_long
from protocol.client.questions import Question
from protocol.endpoints import Endpoints
from protocol.errors import HubError, HubTimeout, HubUnreachable, InvalidRequest, Overloaded
from protocol.pushing import MAX_PUSH_BYTES
from protocol.requests import MAX_REQUEST_BYTES, Reply, Request, decode_request, encode_request
from protocol.security.keyring import Keyring

T = TypeVar("T")

JOIN_NS: Final = 5_000_000
MAX_WAITING: Final = 8000
"""Readers that wait at one time; more are refused: the hub is far behind, and memory is not to grow."""
RETRY_AFTER_S: Final = 1.0
PROBE_PAUSE_S: Final = 0.02
_Load = list[tuple[Request, Flight]]


class Reads:
    """Asks; every call raises a `HubError` where there is no answer. Lives in one event loop.

    Args:
        endpoints: Addresses of all actors.
        hubs: Names of the hubs, the first one is asked first.
        timeout_s: Patience with the hub.
        max_waiting: Readers that may wait at one time.
        keyring: Our key, where an actor is on another host.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        hubs: Sequence[str],
        timeout_s: float,
        max_waiting: int = MAX_WAITING,
        keyring: Keyring | None = None,
    ) -> None:
        self._endpoints = endpoints
        self._keyring = keyring
        self._timeout_s = timeout_s
        self._max_waiting = max_waiting
        self._hub = AsyncAsker(Patience([endpoints.query(name) for name in hubs], timeout_s), keyring)
        self._others: dict[tuple[str, float], AsyncAsker] = {}
        self._flights: dict[bytes, Flight] = {}
        self._unsent: list[Flight] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._answered_ns = 0
        self._down_since_ns = 0
        self._is_closed = False
        self.kept = Kept()
        """Encoded answers, for whoever writes them."""
        self.blocks = Blocks()
        """Candles of long answers, for whoever writes those."""
        self.waiting = 0
        """Readers that wait for the hub."""
        self.asked = 0
        """Questions that readers put."""
        self.sent = 0
        """Questions that went to the hub."""

    async def ask(self, request: Request) -> Reply:
        """The hub's reply, whether it is `ok` or a refusal; equal questions at one time are put once.

        Raises:
            HubTimeout, HubUnreachable: there is none.
            Overloaded: too many wait already.
            InvalidRequest: the question is too long.
        """
        self.asked += 1
        if self._down_since_ns:
            raise self._unreachable()
        if self.waiting >= self._max_waiting:
            raise Overloaded(
                f"{self.waiting} questions wait for the hub already; ask again in a second",
                retry_after_s=RETRY_AFTER_S,
            )
        flight = self._flight(request)
        self.waiting += 1
        try:
            return await flight.wait()
        finally:
            self.waiting -= 1

    async def result(self, question: Question[T]) -> T:
        """The hub's answer to a typed question (`protocol.client.questions`).

        Raises:
            HubError: the hub refuses, or does not answer.
        """
        return question.result(await self.ask(question.request))

    def _flight(self, request: Request) -> Flight:
        """What an asker of this moment waits for."""
        key = encode_request(request)
        known = self._flights.get(key)
        if known is not None:
            if not known.sent_ns or time.monotonic_ns() - known.sent_ns <= JOIN_NS:
                return known
            if known.successor is None:
                known.successor = Flight(key, decode_request(key))
            return known.successor
        if len(key) > MAX_REQUEST_BYTES:
            raise too_long(key)
        # a copy: who asks for it writes ids into the question
        flight = self._flights[key] = Flight(key, decode_request(key))
        self._take_off(flight)
        return flight

    def _take_off(self, flight: Flight) -> None:
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._send)
        self._unsent.append(flight)

    def _send(self) -> None:
        """Send what this turn of the loop asked for."""
        unsent, self._unsent = self._unsent, []
        wanted: _Load = []
        for flight in unsent:
            if flight.is_wanted:
                wanted.append((flight.request, flight))
            else:
                self._forget(flight)
        for load in loads(wanted):
            self._start(self._fly(load))

    def _start(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fly(self, load: _Load) -> None:
        """Put one load of questions, and give each its answer."""
        started_ns = time.monotonic_ns()
        for _, flight in load:
            flight.sent_ns = started_ns
        self.sent += 1
        try:
            replies = await self._replies([request for request, _ in load])
        except asyncio.CancelledError:
            for _, flight in load:
                self._end(flight, HubTimeout("the gateway is ending", timeout_s=0.0))
            raise
        except Exception as error:  # noqa: BLE001 - a reader is told, whatever it is
            if isinstance(error, HubTimeout | HubUnreachable) and self._answered_ns < started_ns:
                self._go_down()
            for _, flight in load:
                self._end(flight, error)
            return
        self._answered_ns = time.monotonic_ns()
        for (_, flight), reply in zip(load, replies, strict=True):
            if len(load) > 1 and is_to_ask_alone(reply):
                self._start(self._fly([(flight.request, flight)]))
            else:
                self._land(flight, reply)

    async def _replies(self, requests: Sequence[Request]) -> list[Reply]:
        if len(requests) == 1:
            return [await self._hub.ask(requests[0])]
        return unpacked(await self._hub.ask(packed(requests)), len(requests))

    def _land(self, flight: Flight, reply: Reply) -> None:
        flight.land(reply)
        self._forget(flight)
        successor = flight.successor
        if successor is not None and successor.is_wanted:
            self._flights[flight.key] = successor
            self._take_off(successor)

    def _end(self, flight: Flight, error: Exception) -> None:
        flight.fail(error)
        self._forget(flight)
        if flight.successor is not None:
            flight.successor.fail(error)

    def _forget(self, flight: Flight) -> None:
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]

    def _go_down(self) -> None:
        """The hub does not answer: ask it in the background until it does."""
        if not self._down_since_ns and not self._is_closed:
            self._down_since_ns = time.monotonic_ns()
            self._start(self._probe())

    async def _probe(self) -> None:
        while not self._is_closed:
            try:
                await self._hub.ask(Request(op="ping"))
            except (HubTimeout, HubUnreachable):
                await asyncio.sleep(PROBE_PAUSE_S)
                continue
            except InvalidRequest:  # closed meanwhile
                return
            self._answered_ns = time.monotonic_ns()
            self._down_since_ns = 0
            return

    def _unreachable(self) -> HubError:
        silent_s = (time.monotonic_ns() - self._down_since_ns) / 1e9 + self._timeout_s
        return HubUnreachable(
            f"the hub has not answered for {silent_s:.1f} s; it is asked all the time: ask again in a second "
            "(is it running? tapehub status)",
            endpoints=self._hub.patience.endpoints,
            retry_after_s=RETRY_AFTER_S,
        )

    def status(self) -> dict[str, Any]:
        """Counts, for the heartbeat and the metrics."""
        kept = self.kept
        return {
            "is_hub_answering": not self._down_since_ns,
            "waiting": self.waiting,
            "asked": self.asked,
            "sent": self.sent,
            "kept_bytes": kept.size_bytes + self.blocks.size_bytes,
            "encoded": kept.made,
            "reused": kept.reused,
        }

    async def ask_ctl(self, actor: str, request: Request, timeout_s: float = 0.0) -> Reply:
        """The reply of an actor's control socket."""
        return await self._other(self._endpoints.ctl(actor), timeout_s or self._timeout_s).ask(request)

    async def ask_query(self, actor: str, request: Request, timeout_s: float = 0.0) -> Reply:
        """The reply of an actor's query socket (persistence, journal)."""
        return await self._other(self._endpoints.query(actor), timeout_s or self._timeout_s).ask(request)

    async def ask_ingest(self, actor: str, request: Request, timeout_s: float) -> Reply:
        """The reply of a push receiver; its questions may be long."""
        return await self._other(self._endpoints.ingest(actor), timeout_s, MAX_PUSH_BYTES).ask(request)

    def _other(
        self, endpoint: str, timeout_s: float, max_request_bytes: int = MAX_REQUEST_BYTES
    ) -> AsyncAsker:
        asker = self._others.get((endpoint, timeout_s))
        if asker is None:
            patience = Patience([endpoint], timeout_s, max_request_bytes)
            asker = self._others[endpoint, timeout_s] = AsyncAsker(patience, self._keyring)
        return asker

    def close(self) -> None:
        """Close all sockets; who still waits is refused."""
        self._is_closed = True
        for asker in (self._hub, *self._others.values()):
            asker.close()
