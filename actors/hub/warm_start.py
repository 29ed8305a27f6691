"""How a hub that starts gets its windows back: pages of what is stored, and the positions where the bus goes on.

The loop goes on answering engines meanwhile; a page is taken over between two questions. Without an answer the hub
goes on as it is and asks again until the store has reached what was heard first: then the older part of the windows
is filled in.
"""

from __future__ import annotations

from collections.abc import Callable

from actors.hub.filling import Filling
from actors.hub.settings import HubSettings
from actors.hub.store import Store
from protocol.errors import HubError, error_from_code
from protocol.history import Sizes, Windows, decode_windows, windows_request
from protocol.replay import Position
from protocol.requests import Reply, Request

Answer = Reply | Exception
Ask = Callable[[Request, float, Callable[[Answer], None]], None]
"""Ask the persistence actor without waiting: (question, patience in seconds, what to do with the answer)."""
Done = Callable[[dict[str, Position]], None]


class WarmStart:
    """Fills the hub's store from the database, once.

    Args:
        store: Where the rows go.
        settings: Sizes of the windows, and patience.
        ask: Asks the persistence actor; None: there is none in the topology.
        drop: Counts and logs what cannot be used.
        mono_ns: Monotonic clock.
    """

    def __init__(
        self,
        store: Store,
        settings: HubSettings,
        ask: Ask | None,
        drop: Callable[[str, object], None],
        mono_ns: Callable[[], int],
    ) -> None:
        self._store = store
        self._filling = Filling(store)
        self._settings = settings
        self._ask = ask
        self._drop = drop
        self._mono_ns = mono_ns
        self._done: Done | None = None
        self._positions: dict[str, Position] | None = None
        """Those of the first page of a pass; None: none has come."""
        self._pass = 0
        """Counts passes and their ends: an answer that comes later belongs to none."""
        self._due_ns = 0
        """When to begin the next pass; 0: none is planned."""
        self.state = "cold"
        """cold: not all that is stored was taken over (yet); filling; warm: every window reaches back into the store."""

    def warm(self, done: Done) -> None:
        """Fill the windows, then call `done` once with the positions that they reach up to.

        Reading every publisher on from there leaves no hole, and nothing counts twice. The positions are empty
        where nothing is stored or nobody answers in time; then the hub is cold and hears what comes from now on.
        """
        self._done = done
        if self._ask is None:
            self._settle({})
        else:
            self._begin(self._settings.warm_timeout_s)

    def tick(self) -> None:
        """Ask again when that is due; call it periodically."""
        if self._due_ns and self._mono_ns() >= self._due_ns:
            self._due_ns = 0
            assert self._ask is not None
            self._ask(windows_request(Sizes()), self._settings.ask_timeout_s, self._on_probe)

    def _on_probe(self, answer: Answer) -> None:
        """Only a store that has reached what we heard first is worth its windows: else they would end in a hole."""
        try:
            positions = _page_of(answer).positions
        except HubError as fault:
            self._drop("no_stored_windows", fault)
            self._plan()
            return
        if positions and self._store.is_reached(positions):
            self._begin(self._settings.ask_timeout_s)
        else:
            self._plan()

    def _plan(self) -> None:
        self._due_ns = self._mono_ns() + round(self._settings.warm_retry_s * 1e9)

    def _begin(self, patience_s: float) -> None:
        self._pass += 1
        self._positions = None
        self._page("", patience_s)

    def _page(self, cursor: str, patience_s: float) -> None:
        assert self._ask is not None
        settings = self._settings
        sizes = Sizes(
            bars=settings.bar_window,
            trades=settings.trade_window,
            gaps=settings.gap_window,
            series=settings.series_window,
            lists=settings.event_window,
        )
        question = windows_request(sizes, cursor, settings.max_reply_bytes // 2)
        current = self._pass
        self._ask(question, patience_s, lambda answer: self._on_page(current, answer))

    def _on_page(self, of_pass: int, answer: Answer) -> None:
        if of_pass != self._pass:
            return  # of a pass that was given up
        try:
            page = _page_of(answer)
            if self._positions is None:
                self._positions = page.positions
            self.state = "filling"
            if page.cursor:
                self._page(
                    page.cursor, self._settings.ask_timeout_s
                )  # it is read while this one is taken over
            self._filling.take(page)
        except HubError as fault:
            self._drop("no_stored_windows", fault)
            self._finish(is_whole=False)
            return
        if not page.cursor:
            self._finish(is_whole=bool(page.positions))

    def _finish(self, *, is_whole: bool) -> None:
        """The pass is over: go on from the positions it began with, and ask again unless all was there."""
        self._pass += 1
        self.state = "warm" if is_whole else "cold"
        if not is_whole:
            self._plan()
        self._settle(self._positions or {})

    def _settle(self, positions: dict[str, Position]) -> None:
        done, self._done = self._done, None
        if done is not None:
            if positions:
                self._store.expect_again()
            done(positions)

    def counters(self) -> dict[str, int]:
        """For the heartbeat."""
        return {"candles_from_store": self._filling.bars, "topics_from_store": self._filling.topics}


def _page_of(answer: Answer) -> Windows:
    """The page in an answer.

    Raises:
        HubError: it is a refusal, or none came; anything else is our own bug in the background thread.
    """
    if isinstance(answer, Exception):
        raise answer
    if not answer.ok:
        raise error_from_code(answer.code, answer.message, answer.details)
    return decode_windows(answer)
