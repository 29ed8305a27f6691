"""What holds for a streaming session whatever happens: never two sockets, never stuck, every update once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from actors.collector.ig import tlcp
from actors.collector.ig.actions import Alarm, Close, Deliver, Down, Open, Send, Ticket, Up
from actors.collector.ig.phases import State
from tests.unit.actors.collector.ig.session_rig import WANTED, Rig, S

_LINES = st.sampled_from(
    ["WSOK", "CONOK,S1,50000,5000,*", "CONOK,S2,5,50,h", "CONERR,1,x", "CONERR,4,x", "CONERR,5,x", "CONERR,20,x",
     "CONERR,-1,x", "CONERR,65,x", "END,31,x", "END,48,x", "LOOP,0", "LOOP,2000", "SYNC,5", "SYNC,900", "PROBE",
     "SUBOK,1,1,2", "SUBOK,2,1,2", "U,1,1,a|b", "U,1,1,|c", "U,2,1,a|b", "U,1,1,a|b|c", "U,1,2,a|b", "UNSUB,1",
     "REQERR,1,21,x", "REQERR,2,20,x", "ERROR,67,x", "PROG,0", "PROG,1", "PROG,7", "CS,1,1", "OV,1,1,3", "EOS,1,1",
     "junk", "U,x", "CONF,1,unlimited,filtered"],
)  # fmt: skip
_STEPS = st.one_of(
    _LINES.map(lambda line: ("line", line)),
    st.sampled_from(
        ["open", "close", "ticket", "restart", "stale", "start", "renew", "stop", "add", "remove"]
    ).map(lambda name: (name, "")),
    st.sampled_from([0.1, 1.0, 9.0, 25.0, 400.0]).map(lambda seconds: ("wait", seconds)),
)


class Checker:
    """The owner's side: it holds the rules that the session must keep."""

    def __init__(self, rig):
        self.rig, self.socket, self.is_up = rig, "none", False

    def take(self, actions):
        for action in actions:
            match action:
                case Open():
                    assert self.socket == "none", "two sockets"
                    self.socket = "opening"
                case Close():
                    assert self.socket != "none", "nothing to close"
                    self.socket = "none"
                case Send():
                    assert self.socket == "open", "nowhere to send"
                case Up():
                    assert not self.is_up
                    self.is_up = True
                case Down():
                    assert self.is_up
                    self.is_up = False
                case Deliver(key=key, values=values):
                    assert self.is_up, "data while it is down"
                    assert key in self.rig.session.items.wanted
                    assert len(values) == 2

    def step(self, name, what):
        rig, session = self.rig, self.rig.session
        match name:
            case "line" if self.socket == "open":
                self.take(session.on_line(tlcp.parse(what), rig.now))
            case "open" if self.socket == "opening":
                self.socket = "open"
                self.take(session.on_opened(rig.now))
            case "close" if self.socket != "none":
                self.socket = "none"
                self.take(session.on_closed("reset", rig.now))
            case "ticket" if session.state is State.LOGGING_IN:
                self.take(session.on_ticket(Ticket("A", "p", "https://push.example", rig.now), rig.now))
            case "restart" | "stale":
                self.take(session.restart("wish", rig.now, is_login_stale=name == "stale"))
            case "start":
                self.take(session.start(rig.now))
            case "stop":
                self.take(session.stop())
            case "renew":
                self.take(session.renew("E", rig.now))
            case "add":
                self.take(session.subscribe("F", WANTED, rig.now))
            case "remove":
                self.take(session.unsubscribe("F"))
            case "wait":
                self.wait(what)

    def wait(self, seconds):
        """As the feed does: a look now and then."""
        rig = self.rig
        for _ in range(8):
            rig.now += round(seconds * S / 8)
            self.take(rig.session.on_time(rig.now))


@settings(max_examples=250, deadline=None)
@given(st.booleans(), st.lists(_STEPS, max_size=60))
def test_whatever_happens_the_rules_hold_and_it_comes_back(is_begun, steps):
    """One socket at most, nothing sent where there is none, up and down in turns, and a good server ends it well."""
    rig = Rig(jitter=0.5)
    rig.session.subscribe("E", WANTED, rig.now)
    checker = Checker(rig)
    begun = [("ticket", ""), ("open", ""), ("line", "WSOK"), ("line", "CONOK,S1,50000,5000,*")] * is_begun
    for name, what in [("start", ""), *begun, *steps]:
        checker.step(name, what)
        assert checker.is_up == rig.session.is_up
    if rig.session.state is State.STOPPED:
        checker.step("stale", "")
    checker.step("start", "")
    for _ in range(4000):
        if rig.session.is_up and rig.session.state is State.STREAMING:
            break
        match rig.session.state:
            case State.LOGGING_IN:
                checker.step("ticket", "")
            case State.CONNECTING:
                checker.step("open", "")
            case State.GREETING:
                checker.step("line", "WSOK")
            case State.BEGINNING:
                checker.step("line", "CONOK,S9,50000,5000,*")
            case State.STREAMING:
                checker.step("line", "PROG,0")
            case _:
                checker.wait(2.0)
    else:
        raise AssertionError(f"stuck in {rig.session.state}")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_with_recovery_every_update_comes_out_once(data):
    """A server that remembers; sockets break anywhere, also with notifications that never arrived."""
    rig = Rig(jitter=0.0).streaming()
    log = ["SUBOK,1,1,2", "CONF,1,unlimited,filtered"]
    arrived = len(log)
    for number in range(1, 40):
        log.append(f"U,1,1,{number}|")
        if data.draw(st.booleans()):
            rig.line(*log[arrived:])
            arrived = len(log)
        if not data.draw(st.integers(0, 4)):
            rig.closed()
            rig.wait(0.25)
            rig.opened()
            (bind,) = rig.line("WSOK")
            asked = int(bind.text.partition("recovery_from=")[2].partition("&")[0])
            assert asked == arrived
            begin = data.draw(st.integers(0, asked))
            rig.line("CONOK,S1,50000,5000,*", f"PROG,{begin}", *log[begin:])
            arrived = len(log)
    rig.line(*log[arrived:])
    numbers = [int(action.values[0]) for action in rig.done if isinstance(action, Deliver)]
    assert numbers == list(range(1, 40))


_FRAME = b"U,1,1,1.1|1.2\r\nPROBE\r\nSYNC,14\r\nSUBOK,1,1,2\r\nU,1,1,|%E2%82%AC\r\nREQERR,1,21,x\r\nLOOP,10\r\nEND,48,x\r\n"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(_FRAME) - 1), st.binary(max_size=3)), min_size=1, max_size=4))
def test_mutated_frames_never_raise(changes):
    frame = bytearray(_FRAME)
    for at, put in changes:
        frame[at : at + 1] = put
    rig = Rig().streaming()
    rig.line(*tlcp.lines(bytes(frame)))
    rig.wait(30.0)
    reasons = {action.reason for action in rig.done if isinstance(action, Alarm)}
    assert reasons <= {
        "invalid_tlcp_line",
        "invalid_update",
        "ig_behind",
        "ig_session_refused",
        "ig_login_refused",
        "ig_updates_lost",
    }
