"""Several publishers of the same thing: who of them can vouch for it, and what none of them has seen. Pure.

Two collectors of one venue send the same trades, quotes and books. Whoever hears both takes the first copy of each
message (protocol/first_copy.py) and needs one answer to three questions: whose word on the venue's time counts, whom
to follow where copies cannot be told apart, and which time nobody has seen. A publisher vouches for what it sends up
to its newest watermark, its gaps left out. One that stands still while another goes on has lapsed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from protocol.messages import Gap

LAPSE_NS: Final = 2_000_000_000
"""So far behind another one, in venue time, a publisher has lapsed."""
MARGIN_NS: Final = 1_000_000_000
"""What happened so shortly before the last watermark of one that died may not have been read by it."""
OPEN_STATES: Final = ("open", "filling")

Span = tuple[int, int]


SILENT: Final = "silent"
"""Its watermarks stand still: it has died, or is held up; what it sends then follows on."""
MUTE: Final = "mute"
"""Its watermarks go on without the events that another one has sent: it does not collect this any more."""


class Feeder(msgspec.Struct, array_like=True):
    """One publisher of something."""

    event_ns: int = 0
    """Newest event of it."""
    mark_ns: int = 0
    """Newest watermark of it."""
    owed_ns: int = 0
    """First event of another one that it has not sent; 0: none."""
    is_connected: bool = True
    lapse: str = ""
    """Why it does not count now: silent or mute; empty: it counts."""
    gaps: dict[str, str] = {}
    """Gaps that are open: id to kind."""

    @property
    def vouched_ns(self) -> int:
        """Venue time up to which it has surely sent what there was."""
        return self.owed_ns or max(self.event_ns, self.mark_ns - MARGIN_NS)

    @property
    def is_fit(self) -> bool:
        """Whether its word counts."""
        return self.is_connected and not self.lapse


class Lapse(NamedTuple):
    """What a publisher has not seen because it stood still."""

    publisher: str
    from_ns: int
    """Where it begins; 0: it is over."""
    to_ns: int = 0
    """Where it has ended; 0: nothing was missed after all."""


class Feeders:
    """The publishers of one symbol at one venue, from the second one on.

    Args:
        state: What is remembered of each.
    """

    def __init__(self, state: dict[str, Feeder] | None = None) -> None:
        self.state = state if state is not None else {}
        self.lapses: list[Lapse] = []
        """What has begun and ended since this was taken last."""

    def add(self, publisher: str) -> Feeder:
        """Take note of a publisher."""
        return self.state.setdefault(publisher, Feeder())

    def heard(self, publisher: str, ts_ns: int) -> None:
        """It has sent events, the newest of this time."""
        for name, feeder in self.state.items():
            if name != publisher:
                if not feeder.owed_ns and ts_ns > feeder.event_ns:
                    feeder.owed_ns = ts_ns
                continue
            feeder.event_ns = max(feeder.event_ns, ts_ns)
            if feeder.owed_ns <= feeder.event_ns:
                feeder.owed_ns = 0

    def mark(self, publisher: str, ts_ns: int, *, is_connected: bool) -> bool:
        """Take a watermark; whether it counts: that of one that is fit, or anybody's where none is."""
        mine = self.add(publisher)
        mine.mark_ns, mine.is_connected = max(mine.mark_ns, ts_ns), is_connected
        connected = [feeder.mark_ns for feeder in self.state.values() if feeder.is_connected]
        front_ns = max(connected, default=mine.mark_ns)
        for name, feeder in self.state.items():
            if feeder.mark_ns:
                self._judge(name, feeder, front_ns)
        return mine.is_fit or not self.is_connected

    def _judge(self, name: str, feeder: Feeder, front_ns: int) -> None:
        now = ""
        if front_ns - feeder.mark_ns > LAPSE_NS:
            now = SILENT
        elif feeder.owed_ns and feeder.mark_ns - feeder.owed_ns > LAPSE_NS:
            now = MUTE
        before, feeder.lapse = feeder.lapse, now
        if now and not before:
            self.lapses.append(Lapse(name, feeder.vouched_ns))
        elif before and not now:
            self.lapses.append(Lapse(name, 0, feeder.event_ns if before == MUTE else 0))

    def gap(self, publisher: str, gap: Gap) -> None:
        """Take an entry of its gap ledger."""
        gaps = self.add(publisher).gaps
        if gap.state in OPEN_STATES and not gap.to_ts_ns:
            gaps[gap.gap_id] = gap.kind
        else:
            gaps.pop(gap.gap_id, None)

    def restart(self, publisher: str) -> int:
        """It has begun a new epoch: not fit until its first watermark says so; returns what it had vouched for."""
        before = self.add(publisher)
        self.state[publisher] = Feeder(is_connected=False)
        return before.vouched_ns

    def is_fit(self, publisher: str, kind: str) -> bool:
        """Whether what it sends of a kind can be current."""
        feeder = self.state.get(publisher)
        return feeder is not None and feeder.is_fit and kind not in feeder.gaps.values()

    def goes_on_without(self, publisher: str, kind: str) -> bool:
        """Whether another one is fit."""
        return any(name != publisher and self.is_fit(name, kind) for name in self.state)

    def follow(self, leader: str, kind: str) -> str:
        """Whom to follow: the one that is followed as long as it is fit, else another that is."""
        if self.is_fit(leader, kind):
            return leader
        return next((name for name in self.state if self.is_fit(name, kind)), leader)

    @property
    def is_connected(self) -> bool:
        """Whether any of them is fit."""
        return any(feeder.is_fit for feeder in self.state.values())


def merged(spans: Iterable[Span]) -> list[Span]:
    """Spans in order of time, those that touch as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return found


def common(lists: Sequence[list[Span]]) -> list[Span]:
    """What is in every one of these lists of merged spans; nothing where there is no list."""
    found = lists[0] if lists else []
    for other in lists[1:]:
        both: list[Span] = []
        here, there = 0, 0
        while here < len(found) and there < len(other):
            start, end = max(found[here][0], other[there][0]), min(found[here][1], other[there][1])
            if start < end:
                both.append((start, end))
            if found[here][1] < other[there][1]:
                here += 1
            else:
                there += 1
        found = both
    return found
