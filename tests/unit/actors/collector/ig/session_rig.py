"""A streaming session with its time, for tests: what it is told, and everything it wanted."""

from actors.collector.backoff import Backoff
from actors.collector.ig import tlcp
from actors.collector.ig.actions import LogIn, Open, Send, Ticket, Up
from actors.collector.ig.phases import Timing
from actors.collector.ig.session import Session

S = 1_000_000_000
WANTED = tlcp.Subscription("MERGE", "PRICE:A:E", "BID ASK", "Pricing")
URL = "wss://push.example/lightstreamer"


class Rig:
    """A session, its time, and everything it wanted."""

    def __init__(self, jitter=1.0):
        self.session = Session(Timing(30.0, 10.0, 20.0, 1800.0), Backoff(1.0, 60.0, lambda: jitter))
        self.now = 100 * S
        self.done = []

    def take(self, actions):
        self.done += actions
        return actions

    def line(self, *lines):
        return [
            action for line in lines for action in self.take(self.session.on_line(tlcp.parse(line), self.now))
        ]

    def wait(self, seconds):
        """Let time pass, looking as often as the feed does."""
        found = []
        end = self.now + round(seconds * S)
        while self.now < end:
            self.now = min(end, self.now + S // 4)
            found += self.take(self.session.on_time(self.now))
        return found

    def login(self, password="CST-a|XST-b"):
        return self.take(
            self.session.on_ticket(Ticket("A", password, "https://push.example", self.now), self.now)
        )

    def opened(self):
        return self.take(self.session.on_opened(self.now))

    def closed(self, reason="reset"):
        return self.take(self.session.on_closed(reason, self.now))

    def streaming(self, link="*"):
        """With one item, subscribed and confirmed."""
        self.take(self.session.subscribe("E", WANTED, self.now))
        assert self.take(self.session.start(self.now)) == [LogIn("start")]
        assert self.login() == [Open(URL)]
        assert self.opened() == [Send("wsok")]
        (create,) = self.line("WSOK")
        assert create.text.startswith("create_session\r\nLS_user=A&LS_password=CST-a%7CXST-b&")
        up, add = self.line(f"CONOK,S1,50000,5000,{link}")
        assert up == Up(is_same=False)
        assert "LS_op=add&LS_subId=1&" in add.text
        self.line("SUBOK,1,1,2", "CONF,1,unlimited,filtered")
        return self
