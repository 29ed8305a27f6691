"""The `ctl` socket of every actor: ping, status, last, log_level, stacks, stop, and what the actor adds."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import sys
from typing import TYPE_CHECKING, Any, Final

import msgspec

from actors.runtime.logging import LEVELS
from protocol.errors import HubError, InvalidRequest
from protocol.requests import Reply, Request, decode_request, encode_reply, error_reply, raw
from protocol.transport import Envelope, remove_stale_socket

if TYPE_CHECKING:
    from actors.runtime.actor import Actor

BASE_OPS: Final = ("ping", "status", "last", "log_level", "stacks", "stop")
MAX_LAST_BYTES: Final = 8 * 1024 * 1024


class Control:
    """Answers control requests of one actor."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        self._rates: dict[str, float | None] = {}
        self._rates_at_ns = 0
        endpoint = actor.endpoints.binds(actor.name, "ctl")
        remove_stale_socket(endpoint)
        self._responder = actor.wire.responder(endpoint, purpose="ctl")
        actor.serve(self._responder, self._on_message, is_urgent=False)

    def rates(self) -> dict[str, float | None]:
        """Counts as they are now; rates and lags, measured over at least a second whoever asks how often."""
        now_ns = self._actor.clock.mono_ns()
        if now_ns - self._rates_at_ns >= 900_000_000:
            self._rates = self._actor.vitals.report(now_ns)
            self._rates_at_ns = now_ns
        vitals = self._actor.vitals
        return {**self._rates, "frames_in": vitals.frames_in, "frames_out": vitals.frames_out}

    def unknown(self, request: Request) -> HubError:
        """The refusal of an operation that this actor does not have."""
        return InvalidRequest(
            f"{self._actor.name} does not know the operation {request.op!r}; every actor has {', '.join(BASE_OPS)}",
            op=request.op,
        )

    def _on_message(self, envelope: Envelope, body: bytes) -> None:
        self._responder.reply(envelope, encode_reply(self._reply(body)))

    def _reply(self, body: bytes) -> Reply:
        actor, request_id = self._actor, 0
        try:
            request = decode_request(body)
            request_id = request.id
            answer = self._answer(request)
        except HubError as refusal:
            actor.counters["requests_refused"] += 1
            return error_reply(request_id, refusal, actor.name, actor.publisher.epoch)
        if isinstance(answer, Reply):
            return msgspec.structs.replace(answer, id=request_id)
        return Reply(
            id=request_id,
            ok=True,
            publisher=actor.name,
            epoch=actor.publisher.epoch,
            seq=actor.publisher.seq,
            ts_ns=actor.clock.now_ns(),
            data=raw(answer),
        )

    def _answer(self, request: Request) -> object:
        actor = self._actor
        match request.op:
            case "ping":
                return "pong"
            case "status":
                return actor.status()
            case "last":
                return self._last_frames(request.topic)
            case "log_level":
                return self._set_log_level(str(request.args.get("level", "")))
            case "stacks":
                faulthandler.dump_traceback(sys.stderr, all_threads=True)
                return "stacks of all threads are in the log"
            case "stop":
                actor.stop()
                return "draining"
            case _:
                return actor.on_request(request)

    def _last_frames(self, prefix: str) -> list[bytes]:
        """Last frame of each topic that starts so, in the order the topics were first used, at most 8 MiB."""
        found: list[bytes] = []
        size_bytes = 0
        self._actor.publisher.flush()  # nobody may know of a frame that is not in the journal
        for topic, frame in self._actor.publisher.last.items():
            if topic.startswith(prefix):
                size_bytes += len(frame)
                if size_bytes > MAX_LAST_BYTES:
                    break
                found.append(frame)
        return found

    def _set_log_level(self, level: str) -> dict[str, Any]:
        with contextlib.suppress(KeyError):
            logging.getLogger().setLevel(LEVELS[level.lower()])
            return {"level": level.lower()}
        raise InvalidRequest(f"level {level!r} is none of {', '.join(LEVELS)}", errors=[level])
