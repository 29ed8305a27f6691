"""What goes wrong with the system is told once, and its end once."""

from __future__ import annotations

from actors.notifier.operators import Change, Operators, Sight
from actors.notifier.settings import OperatorSettings
from protocol.codec import encode_events
from protocol.fleet import Fleet
from protocol.messages import Beat, Watermark
from protocol.record import FrameWriter, RecordKind, parse_frame
from protocol.topics import beat_topic, mark_topic

NS = 1_000_000_000
SETTINGS = OperatorSettings(down_after_s=10.0, venue_after_s=5.0, disk_free_bytes=1000)
COLLECTOR = "collector.binance.1"


class Scene:
    """A system of two actors, one of which feeds a venue, played on a clock of its own."""

    def __init__(self, *, open_: dict[str, int] | None = None) -> None:
        self.fleet = Fleet(3.0)
        self.operators = Operators(SETTINGS, ["hub.1", COLLECTOR], 0, "/run")
        self.operators.open = dict(open_ or {})
        self.beating = {"hub.1", COLLECTOR}
        self.is_connected = True
        self.free: int | None = 5000
        self.fatal: tuple[str, ...] = ()
        self.is_asked = True

    def look(self, second: float) -> list[tuple[str, str, str]]:
        """Rule, symbol and state of what is told."""
        mono_ns = round(second * NS)
        for name in sorted(self.beating):
            build = FrameWriter(name, 1)
            beat = Beat(name, 1, 0, 0, 0, 0, mono_ns, "RUNNING")
            self.fleet.on_beat(
                parse_frame(build.build_beat(beat_topic(name), Beat.SCHEMA, encode_events([beat]), 1)),
                mono_ns,
            )
            if name == COLLECTOR:
                mark = Watermark(name, "binance", mono_ns, self.is_connected)
                frame = build.build(
                    mark_topic(name), Watermark.SCHEMA, encode_events([mark]), 1, RecordKind.TIME
                )
                self.fleet.on_mark(parse_frame(frame), mono_ns)
        sight = Sight(self.fleet, self.free, self.fatal, self.is_asked)
        changes: list[Change] = self.operators.look(sight, mono_ns, mono_ns)
        return [(one.note.rule, one.note.symbol, one.note.state) for one in changes]

    def play(self, first: int, last: int) -> list[tuple[str, str, str]]:
        return [told for second in range(first, last) for told in self.look(second)]


def test_where_all_is_well_nothing_is_told() -> None:
    assert Scene().play(0, 60) == []


def test_an_actor_that_is_down_and_back_again_each_time() -> None:
    scene = Scene()
    told = scene.play(0, 5)
    scene.beating = {COLLECTOR}
    told += scene.play(5, 14)
    assert told == []
    assert scene.play(14, 40) == [("actor_down", "hub.1", "begun")]
    scene.beating = {"hub.1", COLLECTOR}
    assert scene.play(40, 50) == [("actor_down", "hub.1", "over")]
    scene.beating = {COLLECTOR}
    assert scene.play(50, 80) == [("actor_down", "hub.1", "begun")]


def test_an_actor_that_was_never_there_is_down() -> None:
    scene = Scene()
    scene.beating = {COLLECTOR}
    assert scene.play(0, 30) == [("actor_down", "hub.1", "begun")]


def test_a_venue_is_down_only_while_its_collector_lives() -> None:
    scene = Scene()
    scene.play(0, 3)
    scene.is_connected = False
    assert scene.play(3, 8) == []
    assert scene.play(8, 20) == [("venue_down", "binance", "begun")]
    scene.is_connected = True
    assert scene.play(20, 22) == [("venue_down", "binance", "over")]
    scene.beating = {"hub.1"}
    assert ("actor_down", COLLECTOR, "begun") in scene.play(22, 60)


def test_a_venue_that_is_back_in_time_is_not_told() -> None:
    scene = Scene()
    told = []
    for second in range(60):
        scene.is_connected = second % 5 != 0
        told += scene.look(second)
    assert told == []


def test_a_disk_has_room_again_well_above_the_limit() -> None:
    scene = Scene()
    scene.free = 999
    assert scene.play(0, 5) == [("disk_low", "/run", "begun")]
    scene.free = 1100
    assert scene.play(5, 10) == []
    scene.free = 1250
    assert scene.play(10, 15) == [("disk_low", "/run", "over")]
    scene.free = None
    assert scene.play(15, 20) == []


def test_fatal_is_over_only_when_supervisord_says_so() -> None:
    scene = Scene()
    scene.fatal = ("hub.1",)
    assert scene.play(0, 3) == [("fatal", "hub.1", "begun")]
    scene.fatal, scene.is_asked = (), False
    assert scene.play(3, 6) == []
    scene.is_asked = True
    assert scene.play(6, 9) == [("fatal", "hub.1", "over")]


def test_after_a_restart_what_was_told_is_not_told_again_and_its_end_is() -> None:
    scene = Scene(open_={"actor_down:hub.1": 1, "venue_down:binance": 1})
    scene.beating = {COLLECTOR}
    scene.is_connected = False
    assert scene.play(0, 30) == []
    scene.beating, scene.is_connected = {"hub.1", COLLECTOR}, True
    assert sorted(scene.play(30, 35)) == [("actor_down", "hub.1", "over"), ("venue_down", "binance", "over")]


def test_each_occurrence_is_a_message_of_its_own() -> None:
    scene = Scene()
    subjects = []
    for start in (0, 100):
        scene.beating = {"hub.1", COLLECTOR}
        scene.look(start)
        scene.beating = {COLLECTOR}
        sight_ns = (start + 20) * NS
        subjects += [one.note.subject for one in scene.operators.look(Sight(scene.fleet), sight_ns, sight_ns)]
        scene.operators.open.clear()
    assert len(subjects) == len(set(subjects)) >= 2
