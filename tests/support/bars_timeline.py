"""One timeline under any order of what providers say, with the reason of every minute checked. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

import msgspec
from hypothesis import strategies as st

from actors.collector.bars.candidate import Candidate
from actors.collector.bars.memory import MINUTE_NS, LineState
from actors.collector.bars.providers.provider import ProviderBar
from actors.collector.bars.timeline import Minute, Timeline
from protocol.messages import Bar
from protocol.sessions import Session
from tests.support.bars_laws import Laws

SYMBOL: Final = "EUR_USD"
VOICES: Final = ("amber", "beryl", "coral")
QUIET: Final = 2
"""Minutes in a row that one provider's word is enough for when it is late."""
WHY: Final = ("disconnect", "nobody answered")


def bar(start_ns: int, price: float = 1.0, volume: float | None = None) -> ProviderBar:
    """A minute that went from `price` up a little."""
    return ProviderBar(start_ns, price, price * 1.002, price * 0.999, price * 1.001, volume, 3)


def candidate(start_ns: int, provider: str = "amber", price: float = 1.0) -> Candidate:
    """A closed minute of a provider."""
    return Candidate(bar(start_ns, price), provider, start_ns + 2 * MINUTE_NS)


class Step(NamedTuple):
    """Something that happens to a timeline; minutes are indexes of its grid."""

    what: Literal["offer", "miss", "release", "restart", "give_up"]
    provider: str = ""
    minutes: tuple[int, ...] = ()
    price: float = 1.0


def steps(count: int, most: int = 25) -> st.SearchStrategy[list[Step]]:
    """Any order of them over a grid of so many minutes."""
    minutes = st.lists(st.integers(0, count - 1), max_size=5).map(tuple)
    provider = st.sampled_from(VOICES)
    price = st.sampled_from((1.0, 1.5, 2.0))
    spent = st.lists(st.integers(0, count), min_size=2, max_size=2).map(tuple)
    nobody, price_of_none = st.just(""), st.just(1.0)
    one = st.one_of(
        st.builds(Step, st.just("offer"), provider, minutes, price),
        st.builds(Step, st.just("miss"), provider, minutes, price_of_none),
        st.builds(Step, st.just("release"), nobody, spent, price_of_none),
        st.builds(Step, st.just("restart"), nobody, st.just(()), price_of_none),
        st.builds(Step, st.just("give_up"), nobody, spent, price_of_none),
    )
    return st.lists(one, max_size=most)


class _Question(NamedTuple):
    """Whether a minute is quiet, as it was asked and answered."""

    next_ns: int
    """Next minute to go out then."""
    run: int
    names: frozenset[str]
    is_late: bool
    answer: bool


class TimelineRig:
    """Plays steps, and checks every minute that goes out.

    Args:
        session: Of the instrument.
        grid: Starts of the minutes that steps speak of, in order; the last step speaks of all.
        begin_ns: Of the timeline.
        state: Go on with this.
        laws: Go on with these: what was written before was checked by them.
    """

    def __init__(
        self,
        session: Session,
        grid: Sequence[int],
        begin_ns: int,
        state: LineState | None = None,
        laws: Laws | None = None,
    ) -> None:
        self.session = session
        self.grid = [*grid, grid[-1] + MINUTE_NS]
        self.state = state if state is not None else LineState(begin_ns=begin_ns)
        self.laws = laws or Laws(session, begin_ns, self.state.until_ns)
        self.sent: list[Minute] = []
        """Everything that went out."""
        self.restarts: list[int] = []
        """How many messages had gone out at each start."""
        self._epoch = 0 if laws is None else 1000
        self._offered: dict[int, Candidate] = {}
        self._missed: dict[int, set[str]] = {}
        self._behind = 0
        """Minutes without a bar in a row that went out last."""
        self._calls: list[_Question] = []
        self._start()

    def play(self, step: Step) -> None:
        """One step."""
        starts = [self.grid[at] for at in step.minutes]
        match step.what:
            case "offer":
                self.offer([candidate(start_ns, step.provider, step.price) for start_ns in starts])
            case "miss":
                self.miss(step.provider, starts)
            case "release":
                self.release(max(starts), min(starts))
            case "restart":
                self.restart()
            case "give_up":
                self._take(self.timeline.holes.give_up(starts[0], "nobody had it for long"))

    def offer(self, found: Iterable[Candidate]) -> None:
        """What comes of it is revisions alone, and of every minute that was missing."""
        found = list(found)
        missing = {start_ns for start_ns in self.laws.missing if start_ns in self.timeline.holes}
        for one in found:
            if one.bar.ts_open_ns >= self.timeline.next_ns:
                self._offered.setdefault(one.bar.ts_open_ns, one)
        told = self.timeline.offer(found)
        assert all(one.revision > 1 for one in told if isinstance(one, Bar))
        self._take(told)
        came = missing & {one.bar.ts_open_ns for one in found}
        assert came.isdisjoint(self.laws.missing), "what was missing has come, and is not told"

    def miss(self, provider: str, starts: Iterable[int]) -> None:
        """A provider has no bar of these."""
        starts = list(starts)
        for start_ns in starts:
            if start_ns >= self.timeline.next_ns or start_ns in self.timeline.holes:
                self._missed.setdefault(start_ns, set()).add(provider)
        self.timeline.miss(provider, starts)

    def release(self, until_ns: int, deadline_ns: int) -> None:
        """Every minute has a reason to go out as it does, and the first that stays has one to stay."""
        self._calls.clear()
        first_ns, missing = self.timeline.next_ns, set(self.laws.missing)
        told = self.timeline.release(until_ns, deadline_ns, self._is_enough, lambda: WHY, deadline_ns)
        for one in told:
            if isinstance(one, Bar):
                self._justify(one, until_ns, deadline_ns)
        self._take(told)
        next_ns = self.timeline.next_ns
        assert next_ns >= first_ns
        if next_ns < until_ns:
            assert next_ns not in self._offered, "it is there, and does not go out"
            is_begun = bool(self.laws.newest)
            assert not is_begun or next_ns + MINUTE_NS > deadline_ns, "it is late, and does not go out"
        for start_ns in missing:
            if len(self._missed.get(start_ns, ())) > 1 and start_ns in self.timeline.holes:
                raise AssertionError("two say that nothing was, and it is still a gap")

    def restart(self) -> None:
        """The process ends, and another one goes on with the bytes of what it remembered."""
        self.state = msgspec.msgpack.decode(msgspec.msgpack.encode(self.state), type=LineState)
        self._offered.clear()
        self._missed.clear()
        self._start()

    def finish(self) -> None:
        """The time for all of it is over."""
        self.release(self.grid[-1], self.grid[-1] + MINUTE_NS)

    def _start(self) -> None:
        self._epoch += 1
        self.laws.restarted()
        self.restarts.append(len(self.sent))
        self._behind = 0
        for one in reversed(self.state.recent):
            if one.status == "closed":
                break
            self._behind += 1
        prefix = f"test-{self._epoch}-{SYMBOL}"
        self.timeline = Timeline(SYMBOL, self.session, prefix, self.state, QUIET + 1)
        self._take(self.timeline.holes.resume())

    def _take(self, told: Iterable[Minute]) -> None:
        told = list(told)
        self.sent += told
        self.laws.take_all(told)

    def _is_enough(self, run: int, names: frozenset[str], is_late: bool) -> bool:
        found = len(names) > 1 or (is_late and run <= QUIET)
        self._calls.append(_Question(self.timeline.next_ns, run, names, is_late, found))
        return found

    def _justify(self, one: Bar, until_ns: int, deadline_ns: int) -> None:
        start_ns, is_first = one.ts_open_ns, one.revision == 1
        names, run = frozenset(self._missed.get(start_ns, ())), self._run(start_ns)
        offered = self._offered.pop(start_ns, None)
        self._missed.pop(start_ns, None)
        assert start_ns < until_ns or not is_first
        is_late = start_ns + MINUTE_NS <= deadline_ns
        self._behind = (self._behind + 1 if one.status != "closed" else 0) if is_first else self._behind
        if one.status == "closed":
            assert offered is not None
            assert (one.source, one.close) == (offered.provider, offered.bar.close)
            return
        assert offered is None, "a provider has it"
        calls = [one for one in self._calls if one.names == names]
        if not is_first:
            assert any(call.answer for call in calls), "not enough say so"
            return
        question = next((call for call in calls if call.next_ns == start_ns), None)
        if question is not None:
            assert question.is_late == is_late
            assert min(question.run, QUIET + 1) == min(run, QUIET + 1)
        if one.status == "gap":
            assert is_late, "a gap before its time"
            assert one.reason == WHY[1]
            assert question.answer is False if question else not names
        else:
            assert one.reason == f"no bar at {', '.join(sorted(names))}"
            assert question is not None
            assert question.answer, "not enough say so"

    def _run(self, start_ns: int) -> int:
        """Minutes without a bar in a row, of which this is one."""
        count = self._behind
        while self._missed.get(start_ns) and start_ns not in self._offered:
            count += 1
            start_ns = self.session.next_open_ns(start_ns + MINUTE_NS)
        return count
