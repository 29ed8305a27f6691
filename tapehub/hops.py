"""Where the way of one symbol is broken, from what each hop says of itself. Pure.

    venue -> collector -> bus -> aggregator, orderflow, detector -> hub

Each hop is OK, WARN (worth knowing), FAIL (broken), or SKIP (cannot be judged: the hop before or the one who
would know is down). The first FAIL is the place to look at: what stands behind it only repeats it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from protocol.messages import Gap

OK: Final = "OK"
WARN: Final = "WARN"
FAIL: Final = "FAIL"
SKIP: Final = "SKIP"


class Hop(NamedTuple):
    """What is said of one hop."""

    place: str
    """venue, collector, bus, aggregator, orderflow, detector or hub."""
    name: str
    """Venue or actor."""
    status: str
    age_s: float | None
    """Age of its newest message of the symbol, None if it has none."""
    text: str
    fix: str = ""
    """What to do next."""


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """What one actor said, or why it said nothing."""

    name: str
    now_ns: int
    """Its clock when it answered: ages by it do not depend on whose clock is right."""
    error: str = ""
    """Why its `ctl` did not answer; empty if it did."""
    state: str = ""
    newest_ns: int = 0
    """Publication time of its newest message of the symbol, 0 if it never sent one."""
    kinds: tuple[str, ...] = ()
    """Kinds of messages of the symbol that it has sent."""
    missing: int = 0
    """Frames it lost on the bus since it started."""
    beats: int = 0
    """Heartbeats heard of it while listening."""

    @property
    def age_s(self) -> float | None:
        """Age of its newest message of the symbol."""
        return (self.now_ns - self.newest_ns) / 1e9 if self.newest_ns else None


class Collector(Actor, frozen=True, kw_only=True):
    """What a collector said of a symbol."""

    is_connected: bool = False
    """To the market of the symbol."""
    ending: str = ""
    """How its last connection there ended, if it has none now."""
    silent: tuple[str, ...] = ()
    """Streams of the symbol that it takes for dead."""
    is_book_lost: bool = False
    """Its order book is out of step with the venue's, so it is not published."""
    gaps: tuple[Gap, ...] = ()
    """Holes in the symbol's data: the newest one, and all that are open."""


class Limits(NamedTuple):
    """What counts as silent."""

    silent_s: float
    """A symbol without a message for so long."""
    behind_s: float = 5.0
    """A hop whose newest message is so much older than that of the hop before."""


def venue_hop(venue: str, collector: Collector, limits: Limits) -> Hop:
    """Whether the venue sends, as its collector sees it."""
    age_s, logs = collector.age_s, f"tapehub logs {collector.name}"
    if collector.error:
        return Hop("venue", venue, SKIP, None, f"only {collector.name} would know")
    if not collector.is_connected:
        why = f": {collector.ending}" if collector.ending else ""
        return Hop("venue", venue, FAIL, age_s, f"{collector.name} has no connection to it{why}", logs)
    if collector.silent:
        return Hop(
            "venue", venue, FAIL, age_s, f"connected, but {', '.join(collector.silent)} fell silent", logs
        )
    if age_s is None:
        text = "connected, but nothing of this symbol ever came"
        return Hop("venue", venue, FAIL, None, text, "is it listed there, and in the collector's symbols?")
    if age_s > limits.silent_s:
        text = "connected, but silent on this symbol: a quiet market, or a dead stream"
        return Hop("venue", venue, FAIL, age_s, text, f"{logs}; a longer --limit if it is quiet")
    return Hop("venue", venue, OK, age_s, "connected, sends")


def collector_hop(collector: Collector) -> Hop:
    """Whether the collector lives, publishes the symbol, and has no hole open."""
    down = _down("collector", collector)
    if down is not None:
        return down
    name, age_s, logs = collector.name, collector.age_s, f"tapehub logs {collector.name}"
    if age_s is None:
        return Hop(
            "collector",
            name,
            FAIL,
            None,
            "has never published this symbol",
            f"tapehub config show actors.{name}",
        )
    still_open = [gap for gap in collector.gaps if gap.state == "open"]
    if still_open:
        text = f"{_gap_text(still_open[0], collector.now_ns)} is still open"
        return Hop("collector", name, FAIL, age_s, text, logs)
    text = f"publishes {', '.join(collector.kinds)}"
    if collector.is_book_lost:
        text += "; its order book is out of step with the venue's and is fetched anew"
        return Hop("collector", name, WARN, age_s, text, logs)
    if not collector.gaps:
        return Hop("collector", name, OK, age_s, text)
    last = collector.gaps[-1]
    text += f"; {_gap_text(last, collector.now_ns)} is {last.state}"
    return Hop("collector", name, WARN if last.state == "unfillable" else OK, age_s, text)


def _gap_text(gap: Gap, now_ns: int) -> str:
    return f"{gap.kind} gap ({gap.cause}) {max(0.0, (now_ns - gap.from_ts_ns) / 1e9):.0f} s ago"


def bus_hop(collector: Actor, heard: int, gaps: int, listened_s: float, readers: Sequence[Actor]) -> Hop:
    """Whether what the collector publishes arrives: here, and at those who read it."""
    name = f"{collector.name} ->"
    if collector.error:
        return Hop("bus", name, SKIP, None, "nobody publishes")
    if not collector.beats:
        text = f"its control answers, but no heartbeat came in {listened_s:.1f} s"
        return Hop("bus", name, FAIL, None, text, f"tapehub restart {collector.name}")
    text = f"{heard} frames of this symbol in {listened_s:.1f} s"
    if gaps:
        return Hop("bus", name, WARN, None, f"{text}, {gaps} gaps", "tapehub tap TOPIC shows where")
    lost = [f"{reader.name} lost {reader.missing} frames" for reader in readers if reader.missing]
    if lost:
        return Hop("bus", name, WARN, None, f"{text}; since their start {', '.join(lost)}", "tapehub top")
    return Hop("bus", name, OK, None, text)


def aggregator_hop(aggregator: Actor, source: Actor | None, limits: Limits) -> Hop:
    """Whether candles follow what the collector sends."""
    return _follower_hop("aggregator", aggregator, source, limits, ("candles", "a candle"))


def orderflow_hop(orderflow: Actor, source: Actor | None, limits: Limits) -> Hop:
    """Whether order flow follows what the collector sends."""
    return _follower_hop("orderflow", orderflow, source, limits, ("order flow", "order flow"))


def detector_hop(detector: Actor) -> Hop:
    """Whether a detector lives; that it says nothing is the rule."""
    down = _down("detector", detector)
    if down is not None:
        return down
    text = (
        "watches; it has never raised an alert"
        if detector.age_s is None
        else "watches; age of its newest alert"
    )
    return Hop("detector", detector.name, OK, detector.age_s, text)


def _follower_hop(
    place: str, actor: Actor, source: Actor | None, limits: Limits, made: tuple[str, str]
) -> Hop:
    """Whether what an actor makes of a collector's messages (its name, and that of a single one) follows them."""
    down = _down(place, actor)
    if down is not None:
        return down
    name, age_s, (what, one) = actor.name, actor.age_s, made
    source_age_s = source.age_s if source is not None else None
    if source_age_s is None:
        return Hop(place, name, SKIP, age_s, f"gets nothing to build {what} from")
    if age_s is None:
        text = f"has never published {one} of this symbol"
        return Hop(place, name, FAIL, None, text, f"tapehub logs {name}")
    if age_s > source_age_s + limits.behind_s:
        text = f"with its {what} {age_s - source_age_s:.0f} s behind the collector"
        return Hop(place, name, FAIL, age_s, text, f"tapehub logs {name}")
    return Hop(place, name, OK, age_s, f"publishes {what}")


def hub_hop(
    name: str, answers: Sequence[dict[str, Any]], source_age_s: float | None, limits: Limits, error: str = ""
) -> Hop:
    """Whether the hub answers with what the collector sends.

    Args:
        name: The hub.
        answers: For each question that was asked: `what`, then `age_s` and `state`, or `error`.
        source_age_s: Age of the collector's newest message, None if it has none.
        limits: What counts as behind.
        error: Why the hub did not answer at all.
    """
    if error:
        return Hop("hub", name, FAIL, None, error, f"tapehub status; tapehub logs {name}")
    good = [answer for answer in answers if not answer.get("error")]
    if not good:
        text = "; ".join(dict.fromkeys(str(answer["error"]) for answer in answers))
        status = SKIP if source_age_s is None else FAIL
        return Hop("hub", name, status, None, text, "" if status == SKIP else f"tapehub logs {name}")
    age_s = min(float(answer["age_s"]) for answer in good)
    states = ", ".join(f"{answer['what']} {answer['state'] or 'ok'}" for answer in good)
    bad = [f"{answer['what']}: {answer['error']}" for answer in answers if answer.get("error")]
    text = "; ".join([states, *bad])
    if source_age_s is not None and age_s > source_age_s + limits.behind_s:
        behind = f"{age_s - source_age_s:.0f} s behind the collector; {text}"
        return Hop("hub", name, FAIL, age_s, behind, f"tapehub logs {name}")
    if any(answer["state"] in ("stale", "venue_down", "gap_open") for answer in good):
        return Hop("hub", name, FAIL, age_s, text)
    return Hop("hub", name, WARN if bad else OK, age_s, text)


def _down(place: str, actor: Actor) -> Hop | None:
    if actor.error:
        return Hop(place, actor.name, FAIL, None, actor.error, f"tapehub status; tapehub logs {actor.name}")
    if actor.state != "RUNNING":
        return Hop(place, actor.name, FAIL, None, f"is {actor.state}", f"tapehub logs {actor.name}")
    return None


def first_broken(hops: Sequence[Hop]) -> Hop | None:
    """The first FAIL, else None."""
    return next((hop for hop in hops if hop.status == FAIL), None)
