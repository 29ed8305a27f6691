"""The smallest actor, for tests of the runtime: `python -m tests.support.probe --name probe.1 --config FILE`.

It echoes trades back as `trade.echo.<SYMBOL>`, and misbehaves on request.
"""

from __future__ import annotations

import threading
from typing import Any

import msgspec

from actors.runtime.actor import Actor
from actors.runtime.main import main
from protocol.codec import decode_events
from protocol.errors import NoData
from protocol.messages import Trade
from protocol.record import Frame
from protocol.requests import Request
from protocol.topics import market_topic


class ProbeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the probe."""

    drain_wait_s: float = 0.0
    """How long draining takes."""


class Probe(Actor):
    """Echoes trades; hangs, raises and works in threads when told to."""

    kind = "probe"
    Settings = ProbeSettings

    def setup(self) -> None:
        self.answers: list[Any] = []
        self.consume(self.on_trade, ["source"], ["trade."])

    def on_trade(self, frame: Frame) -> None:
        trades = decode_events(frame)
        self.counters["trades_received"] += len(trades)
        if any(trade.price == 13.0 for trade in trades):
            raise ZeroDivisionError("a bug of ours")
        for trade in trades:
            echo: Trade = msgspec.structs.replace(trade, venue="echo")
            self.publish(market_topic("trade", "echo", trade.symbol), [echo])

    def on_request(self, request: Request) -> object:
        match request.op:
            case "hang":
                threading.Event().wait(request.args["seconds"])
            case "fail":
                raise ZeroDivisionError("a bug of ours")
            case "refuse":
                raise NoData("nothing here", symbol=request.symbol)
            case "work":
                self.submit(lambda: request.args["value"] * 2, self.answers.append)
            case "answers":
                return [repr(answer) for answer in self.answers]
            case _:
                return super().on_request(request)
        return "done"

    def detail(self) -> dict[str, Any]:
        return {"answers": len(self.answers)}

    def drain(self) -> None:
        if self.settings.drain_wait_s:
            threading.Event().wait(self.settings.drain_wait_s)
        self.log.info("drained")


if __name__ == "__main__":
    main(Probe)
