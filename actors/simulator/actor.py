"""The venue simulator as an actor: wiring only."""

from __future__ import annotations

import errno
from typing import Any, ClassVar, Final

from actors.runtime.actor import Actor
from actors.simulator.channels import Channels
from actors.simulator.controls import Controls
from actors.simulator.faults import Faults
from actors.simulator.feed import feed_of
from actors.simulator.rest import Rest
from actors.simulator.server import Server
from actors.simulator.settings import SimulatorSettings
from protocol.errors import StartError
from protocol.requests import Request

EXIT_UNAVAILABLE: Final = 69
SWEEP_S: Final = 0.25


class Simulator(Actor):
    """Speaks Binance's stream and REST protocols on loopback, over a generated market or a recording.

    `ws://HOST:PORT/spot/stream`, `/usdm/public/stream`, `/usdm/market/stream`; REST under `/spot/api/v3/`
    and `/usdm/fapi/v1/`. Beyond what every actor has, `ctl` understands, all in `args`:

        port                                             the TCP port
        rate            per_s                            events per second; of a recording: its speed
        start                                            play at once, whoever has subscribed
        drop            n seconds every stream kind symbol market
                                                         the next n events (or those of so many seconds; one in
                                                         `every` of them) are lost, their ids were used
        duplicate       the same                         ... are sent twice
        reorder         the same                         ... are swapped with the one behind them
        freeze          symbol market seconds lose       nothing happens (lose: happens, but is not sent)
        thaw            symbol market                    end of a freeze
        disconnect      path abrupt code reason          end stream connections
        refuse          n seconds status retry_after_s what path
                                                         turn away the next n handshakes (what: ws), REST requests
                                                         (rest) or connections (tcp), or all for so many seconds
        outage          seconds path status              disconnect, and refuse ws and rest for so long
        calm                                             take back every fault, refusal and freeze
        shutdown_notice path                             announce a shutdown, as the venue does
        inject          path text hex size_bytes opcode  send any frame
        skew            ms                               put the venue's clock wrong
        print           symbol market notional side      one large trade; it moves no price
        sweep           symbol market levels side        one market order that takes so many levels
        liquidations    symbol market count notional side seconds
                                                         a cascade of forced orders, with their trades
        surge           symbol market factor seconds     so many times the volume
        truth           symbol market depth              what really happened, per instrument
        truth_trades    symbol market kind from_id to_id limit
                                                         everything that traded, by id, in pages; as long as it is
                                                         kept (setting history_trades)

    An empty `symbol`, `path`... means all of them; `symbol` is canonical or the venue's name.
    """

    kind: ClassVar[str] = "simulator"
    Settings = SimulatorSettings

    def setup(self) -> None:
        """Open feed and port."""
        settings: SimulatorSettings = self.settings
        mono_ns = self.clock.mono_ns
        self._feed = feed_of(settings, self.catalog, self.clock.now_ns(), mono_ns())
        self._faults = Faults()
        self._channels = Channels(self._feed, self._faults)
        futures = settings.futures_weight_per_min
        limits = {"spot": settings.spot_weight_per_min, "usdm": futures, "coinm": futures}
        rest = Rest(self._feed, limits, mono_ns)
        self._server = Server(self, settings, self._channels, rest, mono_ns, self.counters)
        try:
            self._server.listen()
        except OSError as fault:
            where = f"{settings.host}:{settings.port}"
            hint = " (is another simulator running?)" if fault.errno == errno.EADDRINUSE else ""
            raise StartError(f"cannot listen on {where}: {fault.strerror}{hint}", EXIT_UNAVAILABLE) from fault
        self._controls = Controls(self._feed, self._server, self._faults, self.catalog)
        self.log.info("listening on http://%s:%d", settings.host, self._server.port)
        self.every(settings.tick_s, self._tick)
        self.every(SWEEP_S, self._server.sweep)

    def _tick(self) -> None:
        now_ns = self.clock.mono_ns()
        self._controls.tick(now_ns)
        self._feed.advance(now_ns)
        self._server.flush()

    def on_request(self, request: Request) -> object:
        """Answer a control operation; see the class."""
        if request.op in self._controls.names:
            return self._controls.run(request.op, request.args)
        return super().on_request(request)

    def detail(self) -> dict[str, Any]:
        """Port, feed and connections."""
        server = self._server
        clients = server.sessions()
        return {
            "port": server.port,
            "feed": self._feed.status(),
            "events_sent": self._channels.events_sent,
            "connections": len(clients),
            "streams": sum(len(client.session.names) for client in clients if client.session),
            "queued_bytes": sum(client.queued_bytes for client in clients),
            "faults": self._faults.status(),
        }

    def drain(self) -> None:
        """End every connection and give the port back."""
        self._server.close()
