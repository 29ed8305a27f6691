"""One push of HTTP up to the receiver, which is played: whose it is, what refuses it, what its sender is told."""

from __future__ import annotations

import asyncio
import collections
import types
from collections.abc import Callable
from typing import Any

import httpx2
import msgspec
import pytest
from fastapi import FastAPI

from actors.gateway.edge.guard import CALLER
from actors.gateway.edge.tokens import EVERYBODY, Caller
from actors.gateway.pushing.routes import router_of
from actors.gateway.pushing.settings import PushingSettings
from protocol.errors import HubTimeout, Overloaded
from protocol.messages import Beat
from protocol.pushing import Push, Pushed, Untaken, push_of
from protocol.requests import Reply, error_reply, raw

TOKEN = Caller("mt5", frozenset(("push",)), "mt5")
TICK = b'{"symbol": "EURUSD", "bid": 1.1, "ask": 1.2, "time": 1795176000}\x00'
NAME = "collector.push.1"


def result(accepted: int = 1, duplicates: int = 0, rejected: int = 0) -> Pushed:
    items = [Untaken(index, "bad_price", "bid 0 is not a positive number") for index in range(rejected)]
    return Pushed(accepted, duplicates, rejected, items, 1, 7200)


class World:
    """A gateway's part with everything around it played."""

    def __init__(
        self, answer: Callable[[Push], Pushed] | Exception = lambda _: result(), **settings: Any
    ) -> None:
        self.pushes: list[Push] = []
        self.counters: collections.Counter[str] = collections.Counter()
        self.is_alive = True
        self.caller = EVERYBODY
        self.actors: dict[str, dict[str, Any]] = {NAME: {}}
        self.mono_ns = 0
        self._answer = answer
        self._settings = PushingSettings(**settings)

    async def ask_ingest(self, actor: str, request: Any, timeout_s: float) -> Reply:
        assert (actor, timeout_s) == (NAME, self._settings.timeout_s)
        push = push_of(request)
        self.pushes.append(push)
        if isinstance(self._answer, HubTimeout):
            raise self._answer
        if isinstance(self._answer, Overloaded):
            return error_reply(1, self._answer)
        assert callable(self._answer)
        return Reply(id=1, ok=True, data=raw(self._answer(push)))

    def _context(self) -> Any:
        beat = Beat(NAME, 1, 1, 1, 0, 0, 0, "RUNNING")
        fleet = types.SimpleNamespace(
            publishers=lambda: [types.SimpleNamespace(name=NAME, beat=beat)],
            is_alive=lambda _publisher, _mono_ns: self.is_alive,
        )
        return types.SimpleNamespace(
            settings=types.SimpleNamespace(pushing=self._settings),
            common=types.SimpleNamespace(actors=self.actors),
            clock=types.SimpleNamespace(mono_ns=lambda: self.mono_ns),
            counters=self.counters, fleet=fleet, reads=self,
        )  # fmt: skip

    def post(self, *bodies: bytes, path: str = "/api/v1/push", **headers: str) -> list[httpx2.Response]:
        """Post one after the other."""
        app = FastAPI()
        app.include_router(router_of(self._context()))

        async def with_caller(scope: Any, receive: Any, send: Any) -> None:
            scope[CALLER] = self.caller
            await app(scope, receive, send)

        async def talk() -> list[httpx2.Response]:
            transport = httpx2.ASGITransport(app=with_caller)
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            async with httpx2.AsyncClient(transport=transport, base_url="http://gateway") as client:
                return [await client.post(path, content=body, headers=named) for body in bodies]

        return asyncio.run(talk())


@pytest.mark.parametrize("path", ["/api/v1/push", "/market-data"])
def test_the_body_goes_on_as_it_came_and_the_verdict_comes_back(path):
    world = World()
    (answer,) = world.post(TICK, path=path, x_source="mt5", x_gmt_offset="7200", content_type="text/plain")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert world.pushes == [Push(TICK, "text/plain", "mt5", 7200.0)]
    assert msgspec.json.decode(answer.content) == {
        "accepted": 1, "duplicates": 0, "rejected": 0, "items": [], "server_time_ns": 1, "gmt_offset_s": 7200,
    }  # fmt: skip


def test_the_query_may_name_the_source_and_nobody_has_to():
    world = World()
    world.post(TICK, path="/api/v1/push?source=desk")
    world.post(TICK)
    assert [push.source for push in world.pushes] == ["desk", ""]


def test_a_tokens_source_cannot_be_overridden():
    world = World()
    world.caller = TOKEN
    (own,) = world.post(TICK, x_source="mt5")
    (other,) = world.post(TICK, x_source="desk")
    (query,) = world.post(TICK, path="/api/v1/push?source=desk")
    assert [own.status_code, other.status_code, query.status_code] == [200, 403, 403]
    assert msgspec.json.decode(other.content)["code"] == "forbidden"
    assert [push.source for push in world.pushes] == ["mt5"]


def test_a_source_that_is_no_name_is_refused():
    (answer,) = World().post(TICK, x_source="MT 5")
    assert answer.status_code == 400


def test_partly_accepted_is_200_and_nothing_accepted_is_422_with_the_same_items():
    (partly,) = World(lambda _: result(1, 0, 1)).post(TICK)
    assert (partly.status_code, msgspec.json.decode(partly.content)["items"][0]["code"]) == (200, "bad_price")
    (repeated,) = World(lambda _: result(0, 1, 1)).post(TICK)
    assert repeated.status_code == 200
    (empty,) = World(lambda _: result(0, 0, 0)).post(b"[]")
    assert empty.status_code == 200
    (none,) = World(lambda _: result(0, 0, 2)).post(TICK)
    problem = msgspec.json.decode(none.content)
    assert (none.status_code, none.headers["content-type"]) == (422, "application/problem+json")
    assert (problem["code"], problem["rejected"], len(problem["items"])) == ("unprocessable", 2, 2)


def test_too_long_is_413_whatever_the_header_says():
    world = World(max_body_bytes=1024)
    long = b'["' + b"x" * 2000 + b'"]'
    assert world.post(long)[0].status_code == 413
    assert not world.pushes


def test_compressed_is_415():
    assert World().post(TICK, content_encoding="gzip")[0].status_code == 415


def test_too_fast_is_429_and_says_when():
    world = World(requests_per_s=0.5, request_burst=1)
    first, second = world.post(TICK, TICK, x_source="mt5")
    assert (first.status_code, second.status_code) == (200, 429)
    assert second.headers["retry-after"] == "2"
    assert len(world.pushes) == 1


def test_a_receiver_that_is_down_is_503_and_nothing_is_sent():
    world = World()
    world.is_alive = False
    (answer,) = world.post(TICK)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "nothing was accepted" in msgspec.json.decode(answer.content)["detail"]
    world.actors = {}
    assert "add collector.push.1" in world.post(TICK)[0].text
    assert not world.pushes


def test_no_answer_is_504_and_says_that_a_repeat_is_safe():
    (answer,) = World(HubTimeout("late")).post(TICK)
    assert answer.status_code == 504
    assert "send the same again" in msgspec.json.decode(answer.content)["detail"]


def test_a_full_disk_is_503():
    (answer,) = World(Overloaded("the disk is full", retry_after_s=1)).post(TICK)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
