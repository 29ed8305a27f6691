"""Everything known about one epic: its scale, its state, its newest quote. Raw fields in, quotes out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from actors.collector.ig import prices, tlcp
from actors.collector.ig.updates import Values
from protocol.messages import Quote
from protocol.sessions import Session

PRICE_FIELDS: Final = ("BIDPRICE1", "ASKPRICE1", "TIMESTAMP", "DLG_FLAG", "BIDSIZE1", "ASKSIZE1")
PLAIN_PRICE_FIELDS: Final = PRICE_FIELDS[:4]
"""Without sizes: one field that the server does not know makes it refuse them all."""
CHART_FIELDS: Final = ("BID", "OFR", "UTM")
_STATE: Final = "DLG_FLAG"


class EpicTape:
    """State of one epic.

    Args:
        venue: For quotes.
        symbol: Canonical symbol.
        epic: IG's name.
        scale: Its divisor.
        calendar: When it trades.
        pip: Size of a pip, in quote currency.
    """

    def __init__(
        self, venue: str, symbol: str, epic: str, scale: prices.Scale, calendar: Session, pip: float
    ) -> None:
        self.symbol, self.epic, self.scale, self.calendar, self.pip = symbol, epic, scale, calendar, pip
        self.fields: Sequence[str] = ()
        self.updates = 0
        self.state = ""
        """`DLG_FLAG` of the newest update; empty where there is none (CHART)."""
        self.newest_ns = 0
        """Event time of the newest quote, also one of the process before."""
        self.last: Quote | None = None
        self.is_interrupted = False
        """Its quotes have stopped and the end of that is not announced."""
        self.is_recoverable = False
        """... and if the session is recovered, nothing of them is lost."""
        self.was_silent = False
        """It was subscribed to anew because nothing came; what comes next tells whether something was missed."""
        self.hint_due_ns = 0
        self._venue = venue

    @property
    def is_closed_by_venue(self) -> bool:
        """Whether IG says that nobody trades it now."""
        return self.state in prices.NOT_DEALING

    @property
    def spread_pips(self) -> float | None:
        """Of the newest quote, in pips."""
        last = self.last
        return None if last is None else prices.spread_pips(last.bid, last.ask, self.pip)

    def subscription(self, item: str, account: str) -> tlcp.Subscription:
        """What to subscribe to: an item of the kind that is set."""
        if item == "CHART":
            self.fields = CHART_FIELDS
            return tlcp.Subscription("DISTINCT", f"CHART:{self.epic}:TICK", " ".join(CHART_FIELDS))
        self.fields = self.fields or PRICE_FIELDS
        group = f"PRICE:{account}:{self.epic}"
        return tlcp.Subscription("MERGE", group, " ".join(self.fields), "Pricing")

    def take(self, values: Values, ts_recv_ns: int) -> Quote | str:
        """One update as a quote, or why it is none: a reason from a fixed list; empty: nothing to say."""
        self.updates += 1
        row = dict(zip(self.fields, values, strict=True))
        if _STATE in row:
            self.state = (row[_STATE] or "").strip()
            if self.state not in prices.DEALING:
                return "" if self.state in prices.NOT_DEALING else "ig_state_unknown"
        bid_text, ask_text, time_text = values[0], values[1], values[2]
        if not bid_text or not ask_text:  # one side is not quoted now
            return ""
        bid, ask = prices.number(bid_text), prices.number(ask_text)
        if not bid or not ask:
            return "invalid_price"
        ts_event_ns = prices.time_ns(time_text)
        if ts_event_ns is None:
            if time_text:
                return "invalid_time"
            ts_event_ns = ts_recv_ns
        if ts_event_ns < self.newest_ns:
            return "stale_quote"
        real = self.scale.real(bid, ask)
        if isinstance(real, str):
            return real
        sizes = prices.number(row.get("BIDSIZE1")) or 0.0, prices.number(row.get("ASKSIZE1")) or 0.0
        quote = Quote(self.symbol, self._venue, ts_event_ns, ts_recv_ns, *real, *sizes)
        return "" if self._is_repeated(quote) else quote

    def _is_repeated(self, quote: Quote) -> bool:
        """Whether it is the newest one once more, as in the snapshot of a new session."""
        last = self.last
        return last is not None and (
            (last.ts_event_ns, last.bid, last.ask, last.bid_size, last.ask_size)
            == (quote.ts_event_ns, quote.bid, quote.ask, quote.bid_size, quote.ask_size)
        )

    def keep(self, quote: Quote) -> None:
        """It was published."""
        self.last = quote
        self.newest_ns = quote.ts_event_ns
