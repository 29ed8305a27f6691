"""What becomes of a signal: its stop or target is touched, or its time is over. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from actors.scanner.market import Touch
from protocol.messages import BUY, Signal


def ended(signal: Signal, touches: Iterable[Touch], ts_ns: int) -> Signal | None:
    """The revision that ends an open signal; None: it goes on.

    A position is left at the price that is touched: one that was bought at the bid. A stop is left at that price, which
    may be worse than the stop; a target at the target, as a resting order would be. Of one quote that is behind both,
    which cannot be, the stop counts.

    Args:
        signal: The newest revision, open.
        touches: Quotes since it was looked at last, oldest first.
        ts_ns: Venue time up to which they go.
    """
    for at_ns, bid, ask in touches:
        if at_ns <= signal.ts_opened_ns:
            continue
        if at_ns >= signal.ts_expires_ns:
            break
        price = bid if signal.side == BUY else ask
        if signal.side * (price - signal.stop) <= 0:
            return _with(signal, "stopped", at_ns, price)
        if signal.side * (price - signal.target) >= 0:
            return _with(signal, "target", at_ns, signal.target)
    if ts_ns >= signal.ts_expires_ns:
        return _with(signal, "expired", signal.ts_expires_ns, 0.0)
    return None


def cancelled(signal: Signal, ts_ns: int) -> Signal:
    """The revision that ends an open signal because nobody looks after it any more."""
    return _with(signal, "cancelled", ts_ns, 0.0)


def _with(signal: Signal, state: str, ts_event_ns: int, exit_price: float) -> Signal:
    return replace(
        signal, revision=signal.revision + 1, state=state, ts_event_ns=ts_event_ns, exit_price=exit_price
    )
