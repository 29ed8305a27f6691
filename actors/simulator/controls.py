"""What tests and people can tell the simulator to do, through its `ctl` socket. Each operation reads `args`."""

from __future__ import annotations

import binascii
import functools
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from actors.simulator.channels import envelope, frame_of, text_frame
from actors.simulator.faults import ENDLESS, FAULTS, Faults, Rule
from actors.simulator.feed import Feed, Key, keys_of
from actors.simulator.payloads import shutdown_notice
from actors.simulator.refusals import MOST_S, Refusal
from actors.simulator.scenario import DEEDS, AnyDeed
from actors.simulator.server import Server
from actors.simulator.truth import MOST_ROWS
from protocol.errors import InvalidRequest, UnknownSymbol
from protocol.instruments import Catalog

NS: Final = 1_000_000_000

T = TypeVar("T")


class _Args(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Arguments of one operation."""


class _Rate(_Args):
    per_s: Annotated[float, Meta(ge=0, le=10_000_000)]


class _Which(_Args):
    symbol: str = ""
    market: str = ""
    depth: Annotated[int, Meta(ge=1, le=5_000)] = 5


class _Trades(_Args):
    symbol: str
    market: str = ""
    kind: Literal["trade", "aggTrade"] = "trade"
    from_id: Annotated[int, Meta(ge=0)] = 0
    to_id: Annotated[int, Meta(ge=0)] = ENDLESS
    limit: Annotated[int, Meta(ge=1, le=MOST_ROWS)] = MOST_ROWS


class _Outage(_Args):
    seconds: Annotated[float, Meta(gt=0, le=MOST_S)]
    path: str = ""
    status: Annotated[int, Meta(ge=400, le=599)] = 503


class _Freeze(_Args):
    symbol: str = ""
    market: str = ""
    seconds: Annotated[float, Meta(ge=0, le=MOST_S)] = 0.0
    lose: bool = False


class _Disconnect(_Args):
    path: str = ""
    abrupt: bool = True
    code: Annotated[int, Meta(ge=1000, le=4999)] = 1001
    reason: str = "going away"


class _Notice(_Args):
    path: str = ""


class _Skew(_Args):
    ms: Annotated[int, Meta(ge=-(10**12), le=10**12)]


class _Inject(_Args):
    path: str = ""
    text: str = ""
    hex: str = ""
    size_bytes: Annotated[int, Meta(ge=0, le=256 * 1024 * 1024)] = 0
    opcode: Literal["text", "binary"] = "text"


class Controls:
    """The operations; `Simulator` documents them."""

    def __init__(self, feed: Feed, server: Server, faults: Faults, catalog: Catalog) -> None:
        self._feed = feed
        self._server = server
        self._faults = faults
        self._catalog = catalog
        self._thaws: list[tuple[int, list[Key]]] = []
        self._operations: dict[str, Callable[[dict[str, Any]], object]] = {
            "rate": self._rate,
            "freeze": self._freeze,
            "thaw": self._thaw,
            "disconnect": self._disconnect,
            "refuse": self._refuse,
            "shutdown_notice": self._shutdown_notice,
            "inject": self._inject,
            "skew": self._skew,
            "outage": self._outage,
            "calm": self._calm,
            "truth": self._truth,
            "truth_trades": self._truth_trades,
            "start": self._start,
            "port": lambda _args: self._server.port,
            **{name: functools.partial(self._act, kind) for name, kind in DEEDS.items()},
        }
        self._now_ns = 0

    @property
    def names(self) -> list[str]:
        """Every operation."""
        return [*self._operations, *FAULTS]

    def run(self, operation: str, args: dict[str, Any]) -> object:
        """Do one operation; returns what to answer.

        Raises:
            InvalidRequest: the arguments are wrong.
            UnknownSymbol: no such instrument here.
        """
        if operation in FAULTS:
            return self._fault(operation, args)
        return self._operations[operation](args)

    def tick(self, now_ns: int) -> None:
        """Let frozen instruments go on when their time is over."""
        self._now_ns = now_ns
        self._faults.tick(now_ns)
        for thaw in [thaw for thaw in self._thaws if thaw[0] <= now_ns]:
            self._thaws.remove(thaw)
            self._release(thaw[1])

    def _keys(self, symbol: str, market: str) -> list[Key]:
        """Instruments named canonically or as the venue does; all of a market, or all, where none is named."""
        found = keys_of(self._feed.instruments(), self._catalog, symbol, market)
        if not found:
            raise UnknownSymbol(f"the simulator has no instrument {market}:{symbol}", symbol=symbol)
        return found

    def _fault(self, fault: str, args: dict[str, Any]) -> object:
        rule = _convert(args, Rule)
        if rule.symbol:
            keys = self._keys(rule.symbol, rule.market)
            rule.symbol = keys[0][1]
            rule.market = keys[0][0] if len(keys) == 1 else rule.market
        self._faults.add(fault, rule, self._now_ns)
        return self._faults.status()

    def _rate(self, args: dict[str, Any]) -> object:
        self._feed.set_rate(_convert(args, _Rate).per_s)
        return self._feed.status()

    def _freeze(self, args: dict[str, Any]) -> object:
        wanted = _convert(args, _Freeze)
        keys = self._keys(wanted.symbol, wanted.market)
        if wanted.lose:
            for market, symbol in keys:
                self._faults.add("drop", Rule(n=ENDLESS, market=market, symbol=symbol))
        else:
            self._feed.freeze(keys, is_frozen=True)
        if wanted.seconds:
            self._thaws.append((self._now_ns + round(wanted.seconds * NS), keys))
        return {"frozen": [f"{market}:{symbol}" for market, symbol in keys]}

    def _thaw(self, args: dict[str, Any]) -> object:
        wanted = _convert(args, _Which)
        keys = self._keys(wanted.symbol, wanted.market)
        self._release(keys)
        return {"thawed": [f"{market}:{symbol}" for market, symbol in keys]}

    def _release(self, keys: list[Key]) -> None:
        self._feed.freeze(keys, is_frozen=False)
        self._faults.release(keys)

    def _disconnect(self, args: dict[str, Any]) -> object:
        wanted = _convert(args, _Disconnect)
        ended = self._server.disconnect(
            wanted.path, is_abrupt=wanted.abrupt, code=wanted.code, reason=wanted.reason
        )
        return {"disconnected": ended}

    def _refuse(self, args: dict[str, Any]) -> object:
        self._server.refusals.add(_convert(args, Refusal))
        return {"waiting": [msgspec.structs.asdict(waiting) for waiting in self._server.refusals.waiting]}

    def _outage(self, args: dict[str, Any]) -> object:
        """End all stream connections, and refuse handshakes and REST requests for so long."""
        wanted = _convert(args, _Outage)
        for what in ("ws", "rest"):
            self._server.refusals.add(
                Refusal(seconds=wanted.seconds, status=wanted.status, what=what, path=wanted.path)
            )
        return {"disconnected": self._server.disconnect(wanted.path)}

    def _calm(self, args: dict[str, Any]) -> object:
        """Take back every fault, refusal and freeze."""
        _convert(args, _Args)
        self._faults.clear()
        self._server.refusals.clear()
        self._thaws.clear()
        self._feed.freeze(self._feed.instruments(), is_frozen=False)
        return self._faults.status()

    def _shutdown_notice(self, args: dict[str, Any]) -> object:
        path = _convert(args, _Notice).path
        body = shutdown_notice(self._feed.venue_ms()).encode()
        raw, combined = text_frame(body), text_frame(envelope("!serverShutdown", body))
        clients = self._server.sessions(path)
        for client in clients:
            if client.session is not None:
                client.put(combined if client.session.is_combined else raw)
        self._server.flush()
        return {"told": len(clients)}

    def _inject(self, args: dict[str, Any]) -> object:
        wanted = _convert(args, _Inject)
        try:
            body = bytes.fromhex(wanted.hex) if wanted.hex else wanted.text.encode()
        except (ValueError, binascii.Error) as fault:
            raise InvalidRequest(f"hex: {fault}", errors=[str(fault)]) from fault
        body = body.ljust(wanted.size_bytes, b" ")
        return {"told": self._server.inject(frame_of(body, is_text=wanted.opcode == "text"), wanted.path)}

    def _skew(self, args: dict[str, Any]) -> object:
        self._feed.set_skew(_convert(args, _Skew).ms)
        return {"venue_ms": self._feed.venue_ms()}

    def _truth(self, args: dict[str, Any]) -> object:
        wanted = _convert(args, _Which)
        keys = self._keys(wanted.symbol, wanted.market)
        return [self._feed.truth(key, wanted.depth) for key in keys]

    def _key(self, symbol: str, market: str) -> Key:
        keys = self._keys(symbol, market)
        if len(keys) > 1:
            raise InvalidRequest(f"{symbol or 'every symbol'} is in several markets: name one of them")
        return keys[0]

    def _act(self, kind: type[AnyDeed], args: dict[str, Any]) -> object:
        deed = _convert(args, kind)
        return self._feed.act(self._key(deed.symbol, deed.market), deed)

    def _truth_trades(self, args: dict[str, Any]) -> object:
        wanted = _convert(args, _Trades)
        key = self._key(wanted.symbol, wanted.market)
        return self._feed.truth_trades(key, wanted.kind, wanted.from_id, wanted.to_id, wanted.limit)

    def _start(self, args: dict[str, Any]) -> object:
        _convert(args, _Args)
        self._feed.start()
        return self._feed.status()


def _convert(args: dict[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(args, kind)
    except msgspec.ValidationError as fault:
        raise InvalidRequest(f"args: {fault}", errors=[str(fault)]) from fault
