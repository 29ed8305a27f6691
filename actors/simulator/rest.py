"""REST front: paths, weights, limits and the venue's errors; what the answers hold, a backend knows. Pure.

/spot/api/v3/<endpoint>   /usdm/fapi/v1/<endpoint>   /coinm/dapi/v1/<endpoint>
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl

import msgspec

_BASES: Final = {
    "/spot/api/v3/": "spot",
    "/usdm/fapi/v1/": "usdm",
    "/coinm/dapi/v1/": "coinm",
}
_WEIGHTS: Final = {
    "spot": {"ping": 1, "time": 1, "exchangeInfo": 20, "trades": 25, "historicalTrades": 25, "aggTrades": 4, "klines": 2},
    "usdm": {"ping": 1, "time": 1, "exchangeInfo": 1, "trades": 5, "historicalTrades": 200, "aggTrades": 20},
}  # fmt: skip
_SPOT_DEPTH_WEIGHTS: Final = ((100, 5), (500, 25), (1000, 50), (5000, 250))
_FUTURES_DEPTH_WEIGHTS: Final = ((50, 2), (100, 5), (500, 10), (1000, 20))
_FUTURES_KLINES_WEIGHTS: Final = ((99, 1), (499, 2), (1000, 5), (1500, 10))
_MINUTE_NS: Final = 60_000_000_000

Params = Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @staticmethod
    def of(value: Any) -> Answer:
        """An answer of status 200 with a value as JSON."""
        return Answer(msgspec.json.encode(value))

    @staticmethod
    def error(code: int, message: str, status: int = 400) -> Answer:
        """The venue's error body."""
        return Answer(msgspec.json.encode({"code": code, "msg": message}), status)

    @staticmethod
    def refused(status: int, retry_after_s: int = 0) -> Answer:
        """Turned away, rate limited or banned."""
        answer = Answer.error(-1003, "Too many requests.", status)
        headers = {"Retry-After": str(retry_after_s)} if retry_after_s else {}
        return dataclasses.replace(answer, headers=headers)


Respond = Callable[[Answer], None]

INVALID_SYMBOL: Final = Answer.error(-1121, "Invalid symbol.")
INVALID_INTERVAL: Final = Answer.error(-1120, "Invalid interval.")
NOT_FOUND: Final = Answer(b'{"code":-1000,"msg":"Not found."}', 404)
UNAVAILABLE: Final = Answer.error(
    -1001, "Internal error; unable to process your request. Please try again.", 503
)


def missing(name: str) -> Answer:
    """A parameter that is needed was not sent."""
    return Answer.error(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def malformed(name: str) -> Answer:
    """A parameter is not what it should be."""
    return Answer.error(-1130, f"Data sent for parameter '{name}' is not valid.")


class Backend(Protocol):
    """Who knows what the answers hold."""

    def answer(self, market: str, endpoint: str, params: Params, respond: Respond) -> None:
        """Answer one request, now or later."""


class Rest:
    """Counts weights and hands requests to the backend."""

    def __init__(
        self, backend: Backend, weight_limits: Mapping[str, int], mono_ns: Callable[[], int]
    ) -> None:
        """Serve REST; `weight_limits` is per minute and market."""
        self._backend = backend
        self._limits = weight_limits
        self._mono_ns = mono_ns
        self._minute = 0
        self._used: dict[str, int] = {}

    def answer(self, target: str, respond: Respond) -> None:
        """Answer the request target of a GET."""
        path, _, query = target.partition("?")
        for base, market in _BASES.items():
            if path.startswith(base):
                endpoint = path.removeprefix(base)
                params = dict(parse_qsl(query, keep_blank_values=True))
                return self._weigh(market, endpoint, params, respond)
        return respond(NOT_FOUND)

    def _weigh(self, market: str, endpoint: str, params: Params, respond: Respond) -> None:
        weight = weight_of(market, endpoint, params)
        if weight is None:
            return respond(NOT_FOUND)
        now_ns = self._mono_ns()
        if now_ns // _MINUTE_NS != self._minute:
            self._minute = now_ns // _MINUTE_NS
            self._used.clear()
        used = self._used[market] = self._used.get(market, 0) + weight
        headers = {"X-MBX-USED-WEIGHT-1M": str(used)}
        if used > self._limits[market]:
            left_s = 60 - now_ns % _MINUTE_NS // 1_000_000_000
            return respond(with_headers(Answer.refused(429, left_s), headers))
        return self._backend.answer(
            market, endpoint, params, lambda answer: respond(with_headers(answer, headers))
        )


def with_headers(answer: Answer, headers: Mapping[str, str]) -> Answer:
    """The same answer with more headers."""
    return dataclasses.replace(answer, headers={**answer.headers, **headers})


def weight_of(market: str, endpoint: str, params: Params) -> int | None:
    """Weight of a request; None if there is no such endpoint."""
    is_spot = market == "spot"
    if endpoint == "depth":
        table = _SPOT_DEPTH_WEIGHTS if is_spot else _FUTURES_DEPTH_WEIGHTS
    elif endpoint == "klines" and not is_spot:
        table = _FUTURES_KLINES_WEIGHTS
    else:
        return _WEIGHTS["spot" if is_spot else "usdm"].get(endpoint)
    wanted = number_of(params, "limit", 100 if is_spot else 500) or 0
    return next((weight for most, weight in table if wanted <= most), table[-1][1])


def number_of(params: Params, name: str, default: int) -> int | None:
    """A whole number among the parameters; None if it is malformed."""
    text = params.get(name)
    if text is None:
        return default
    return int(text) if text.isdecimal() and len(text) < 19 else None
