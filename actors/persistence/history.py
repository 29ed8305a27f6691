"""From the bytes of a question about what is stored to the bytes of an answer. No socket and no clock of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from actors.persistence.bar_reads import newest_bar, read_bars
from actors.persistence.event_reads import newest_ns, read_events
from actors.persistence.figures import coverage, size
from actors.persistence.ranges import Range
from actors.persistence.reader import Instrument, Moment, Reader
from actors.persistence.warm_windows import MAX_PAGE_BYTES, newest_of, windows_after
from protocol.errors import HubError, InvalidRequest, NoData
from protocol.history import HISTORY_KINDS, NEWEST, OLDEST, SERIES_KINDS, PageEnd, Sizes, bar_data
from protocol.messages import SESSION
from protocol.requests import Reply, Request, decode_request, encode_reply, error_reply, operation_of, raw
from protocol.sessions import timeframe_ns

PAGE_ROWS: Final = 20_000
"""Rows of a page where none or more are asked for: 2 MB of candles."""
MOST_ROWS: Final = 10**9
"""More of anything is not asked for in earnest; a database takes no number beyond 64 bits."""
DEFAULT_TIMEFRAME: Final = "1m"
LATEST_KINDS: Final = ("quote", "trade")


class HistoryServer:
    """Answers `history`, `windows`, `latest`, `coverage` and `size`; safe in threads, since each answer reads in its own transaction.

    Args:
        reader: Of the store; None: there is no database to read, and every answer says so.
        name: Who answers, for the replies.
        epoch: Epoch of the answering process.
        now_ns: Wall clock.
    """

    def __init__(self, reader: Reader | None, name: str, epoch: int, now_ns: Callable[[], int]) -> None:
        self._reader = reader
        self._name = name
        self._epoch = epoch
        self._now_ns = now_ns
        self._operations: dict[str, Callable[[Moment, Request], Reply]] = {
            "history": self._history,
            "windows": self._windows,
            "latest": self._latest,
            "coverage": self._coverage,
            "size": self._size,
        }

    def answer(self, body: bytes) -> bytes:
        """Answer one question; whatever is wrong with it, or with the database, is said in the reply."""
        request_id = 0
        try:
            request = decode_request(body)
            request_id = request.id
            reply = self._answered(request)
        except HubError as refusal:
            reply = error_reply(request_id, refusal)
        return encode_reply(
            msgspec.structs.replace(
                reply, id=request_id, publisher=self._name, epoch=self._epoch, ts_ns=self._now_ns()
            )
        )

    def _answered(self, request: Request) -> Reply:
        operation = operation_of(request, self._operations, "this program", self._now_ns())
        if self._reader is None:
            raise NoData(f"{self._name} keeps no database (its setting `database` is none)")
        with self._reader.moment() as moment:
            return operation(moment, request)

    def _history(self, moment: Moment, request: Request) -> Reply:
        """One page of a range; `details` is a `PageEnd`. No rows is an answer, an instrument never seen is not."""
        kind = request.kind or "bar"
        if kind not in HISTORY_KINDS:
            raise InvalidRequest(
                f"no history of kind {kind[:40]!r}; there is {', '.join(HISTORY_KINDS)}", errors=["kind"]
            )
        wanted = _range_of(request)
        if kind == "bar":
            return self._bars(moment, request, wanted)
        timeframe = ""
        if kind in SERIES_KINDS:
            timeframe = request.timeframe or DEFAULT_TIMEFRAME
            if timeframe != SESSION:
                _length_ns(timeframe)
        instrument = _instrument_of(moment, request, lambda one: newest_ns(moment, kind, one, timeframe))
        page = read_events(moment, kind, instrument, wanted, timeframe)
        end = PageEnd(page.cursor, newest_ns(moment, kind, instrument, timeframe))
        covered = (page.times[0], page.times[-1] + 1) if page.times else (0, 0)
        return _reply(request, raw(page.events), end, covered)

    def _bars(self, moment: Moment, request: Request, wanted: Range) -> Reply:
        timeframe = request.timeframe or DEFAULT_TIMEFRAME
        length_ns = _length_ns(timeframe)

        def newest(one: Instrument) -> int:
            found = newest_bar(moment, one, timeframe)
            return found.ts_open_ns if found else 0

        instrument = _instrument_of(moment, request, newest)
        page = read_bars(moment, instrument, timeframe, wanted)
        data = bar_data(instrument.symbol, instrument.venue, timeframe, page.sources, page.rows)
        end = PageEnd(page.cursor, newest(instrument))
        return _reply(request, raw(data), end, page.covered(length_ns))

    def _windows(self, moment: Moment, request: Request) -> Reply:
        """A page of what a hub starts with."""
        sizes = Sizes(*(_count(request, name) for name in Sizes._fields))
        max_bytes = min(_count(request, "max_bytes") or MAX_PAGE_BYTES, MAX_PAGE_BYTES)
        return Reply(
            id=0, ok=True, data=raw(windows_after(moment, sizes, _text(request, "cursor"), max_bytes))
        )

    def _latest(self, moment: Moment, request: Request) -> Reply:
        """The newest quote or trade of each instrument, or of those of one symbol or venue."""
        kind = request.kind or "quote"
        if kind not in LATEST_KINDS:
            raise InvalidRequest(
                f"no latest {kind[:40]!r}; there is {', '.join(LATEST_KINDS)}", errors=["kind"]
            )
        names = moment.publishers()
        found = [
            newest_of(moment, kind, one, names) for one in moment.instruments(request.symbol, request.venue)
        ]
        return Reply(id=0, ok=True, data=raw([one for one in found if one is not None]))

    def _coverage(self, moment: Moment, request: Request) -> Reply:
        """Candles of each series by day from `from_ns` on, and how many of them are complete."""
        timeframe = request.timeframe or DEFAULT_TIMEFRAME
        _length_ns(timeframe)
        return Reply(id=0, ok=True, data=raw(coverage(moment, timeframe, request.from_ns)))

    def _size(self, moment: Moment, _request: Request) -> Reply:
        """Bytes of the database."""
        return Reply(id=0, ok=True, data=raw(size(moment)))


def _reply(request: Request, data: msgspec.Raw, end: PageEnd, covered: tuple[int, int]) -> Reply:
    return Reply(
        id=0,
        ok=True,
        asked=request.n,
        covered_from_ns=covered[0],
        covered_to_ns=covered[1],
        data=data,
        details=msgspec.structs.asdict(end),
    )


def _range_of(request: Request) -> Range:
    if request.n < 0:
        raise InvalidRequest("n is a count, 0 or more", errors=[f"n: {request.n}"])
    order = _text(request, "order") or NEWEST
    if order not in (NEWEST, OLDEST):
        raise InvalidRequest(f"order is {NEWEST} or {OLDEST}", errors=[f"args.order: {order[:40]!r}"])
    return Range(
        request.from_ns,
        request.to_ns,
        min(request.n or PAGE_ROWS, PAGE_ROWS),
        order == NEWEST,
        _text(request, "cursor"),
    )


def _instrument_of(moment: Moment, request: Request, newest: Callable[[Instrument], int]) -> Instrument:
    """The instrument asked for; without a venue the one with the newest row."""
    if not request.symbol:
        raise InvalidRequest("the request names no symbol", errors=["symbol: missing"])
    found = moment.instruments(request.symbol, request.venue)
    if not found:
        at = f" at {request.venue}" if request.venue else ""
        raise NoData(f"nothing of {request.symbol}{at} is stored", symbol=request.symbol)
    return found[0] if len(found) == 1 else max(found, key=newest)


def _length_ns(timeframe: str) -> int:
    if len(timeframe) > 16:
        raise InvalidRequest("the timeframe is too long for one", errors=["timeframe: too long"])
    try:
        return timeframe_ns(timeframe)
    except ValueError as fault:
        raise InvalidRequest(str(fault), errors=[f"timeframe: {timeframe!r}"]) from fault


def _count(request: Request, name: str) -> int:
    value: Any = request.args.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_ROWS:
        raise InvalidRequest(f"{name} is a count, 0 to {MOST_ROWS}", errors=[f"args.{name}: {value!r}"])
    return value


def _text(request: Request, name: str) -> str:
    value: Any = request.args.get(name, "")
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} is a text", errors=[f"args.{name}: {value!r}"])
    return value
