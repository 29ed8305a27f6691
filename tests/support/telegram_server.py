"""A local server that speaks the Bot API: strict as the real one, faulty on demand, and it knows what each chat shows.

Written from the public description of the API, not from our client: MarkdownV2 is parsed here anew.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Literal

Fault = Literal["", "429", "500", "500 after", "slow", "cut", "cut after"]
"""What becomes of a request: 429 and 500 (before and after it was obeyed), an answer that comes too late, no answer at all
(before and after it was obeyed)."""
BOT_ID: Final = 1
_NO_BODY: Final = (b"", "")
_RESERVED: Final = "_*[]()~`>#+-=|{}.!"
_PAIRS: Final = ("__", "||", "*", "_", "~")
_FIRST_PRIVATE: Final = 100


class BadRequest(Exception):
    """A 400 with its words."""


def shown_text(text: str, parse_mode: str | None) -> str:
    """What a person reads of a message.

    Raises:
        BadRequest: its markup is wrong, it is empty or too long.
    """
    found = _parsed(text) if parse_mode == "MarkdownV2" else text
    if not found.strip():
        raise BadRequest("Bad Request: message text is empty")
    if len(found.encode("utf-16-le")) // 2 > 4096:
        raise BadRequest("Bad Request: message is too long")
    return found


def _parsed(text: str) -> str:
    """MarkdownV2 without its markup; every reserved character that is neither escaped nor markup is refused."""
    found: list[str] = []
    open_signs: list[tuple[str, int]] = []
    at = 0
    while at < len(text):
        char = text[at]
        inside = open_signs[-1][0] if open_signs else ""
        if char == "\\" and at + 1 < len(text) and 1 <= ord(text[at + 1]) <= 126:
            found.append(text[at + 1])
            at += 2
            continue
        if inside in ("`", "```"):
            if text.startswith(inside, at):
                open_signs.pop()
                at += len(inside)
            elif char == "`":
                raise BadRequest(
                    f"Bad Request: can't parse entities: Can't find end of code at byte offset {at}"
                )
            else:
                found.append(char)
                at += 1
            continue
        sign = next((one for one in ("```", "`", *_PAIRS) if text.startswith(one, at)), "")
        if sign:
            if sign == inside:
                open_signs.pop()
            elif sign in [one for one, _ in open_signs]:
                raise BadRequest(f"Bad Request: can't parse entities: wrong nesting at byte offset {at}")
            else:
                open_signs.append((sign, len("".join(found))))
            at += len(sign)
        elif char in _RESERVED:
            words = f"Character '{char}' is reserved and must be escaped with the preceding '\\'"
            raise BadRequest(f"Bad Request: can't parse entities: {words}")
        else:
            found.append(char)
            at += 1
    if open_signs:
        raise BadRequest(
            f"Bad Request: can't parse entities: Can't find end of the entity at byte offset {open_signs[-1][1]}"
        )
    return "".join(found)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that was killed is nothing to tell."""


class Shown:
    """One message in a chat."""

    def __init__(self, message_id: int, sender: int, text: str, *, is_silent: bool) -> None:
        self.message_id = message_id
        self.sender = sender
        self.text = text
        self.is_silent = is_silent
        self.history = [text]
        """Every text it had."""


class TelegramServer:
    """Lives in threads of the test; close it at the end.

    Args:
        token: Of its only bot.
        slow_s: How long a late answer takes: longer than the client's patience.
        retry_after_s: What a 429 asks for.
    """

    def __init__(self, token: str = "123:SECRET", slow_s: float = 1.0, retry_after_s: int = 1) -> None:
        self.token = token
        self.fault: Callable[[str, dict[str, Any]], Fault] = lambda _method, _arguments: ""
        """Decides over each request."""
        self.blocked: set[int] = set()
        """Chats that have blocked the bot."""
        self.channels: set[int] = set()
        """Chats that are channels: there the bot may change what others wrote."""
        self.requests: list[tuple[float, str, int]] = []
        """Time, method and chat of everything that was asked."""
        self.twice_seen: list[tuple[int, str]] = []
        """Chat and text of every message that stood there twice at any moment."""
        self.counts: dict[str, int] = {}
        self._slow_s = slow_s
        self._retry_after_s = retry_after_s
        self._chats: dict[int, dict[int, Shown]] = {}
        self._next_id: dict[int, int] = {}
        self._private_id = _FIRST_PRIVATE
        self._updates: list[dict[str, Any]] = []
        self._lock = threading.Condition()
        self._closing = threading.Event()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # an answer in pieces would wait for an acknowledgement in between
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                owner.serve(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def texts(self, chat: int) -> list[str]:
        """What the bot's messages in a chat say, from the top."""
        with self._lock:
            shown = self._chats.get(chat, {})
            return [shown[key].text for key in sorted(shown) if shown[key].sender == BOT_ID]

    def shown(self, chat: int) -> list[Shown]:
        """Everything in a chat, from the top."""
        with self._lock:
            found = self._chats.get(chat, {})
            return [found[key] for key in sorted(found)]

    def say(self, chat: int, text: str, user: int = 7, date: int | None = None) -> int:
        """A person writes something; returns the number of the message."""
        with self._lock:
            message = self._add(chat, user, text, is_silent=False)
            row = {
                "message_id": message.message_id,
                "from": {"id": user, "is_bot": False, "first_name": "P"},
                "chat": self._chat_row(chat),
                "date": round(time.time()) if date is None else date,
                "text": text,
            }
            self._updates.append({"update_id": len(self._updates) + 1, "message": row})
            self._lock.notify_all()
            return message.message_id

    def close(self) -> None:
        """End it; every connection is cut."""
        self._closing.set()
        with self._lock:
            self._lock.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def __enter__(self) -> TelegramServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # requests

    def serve(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        """Answer one request, or do not."""
        body = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        prefix, _, method = handler.path.rpartition("/")
        if prefix != f"/bot{self.token}":
            self._answer(handler, 401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
            return
        arguments: dict[str, Any] = json.loads(body or b"{}")
        fault: Fault = ""
        with self._lock:
            self.requests.append((time.monotonic(), method, _number(arguments.get("chat_id", 0))))
            fault = self.fault(method, arguments)
            self.counts[fault or "ok"] = self.counts.get(fault or "ok", 0) + 1
        if fault == "cut":
            self._cut(handler)
        elif fault == "429":
            after = self._retry_after_s
            row = {"error_code": 429, "description": f"Too Many Requests: retry after {after}"}
            self._answer(handler, 429, {"ok": False, **row, "parameters": {"retry_after": after}})
        elif fault == "500":
            self._internal(handler)
        else:
            status, answer = self._obeyed(method, arguments)
            if fault == "slow":
                self._closing.wait(self._slow_s)
            if fault == "500 after":
                self._internal(handler)
            elif fault == "cut after":
                self._cut(handler)
            else:
                self._answer(handler, status, answer)

    def _obeyed(self, method: str, arguments: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        try:
            with self._lock:
                match method:
                    case "sendMessage":
                        return 200, {"ok": True, "result": self._send(arguments)}
                    case "editMessageText":
                        return 200, {"ok": True, "result": self._edit(arguments)}
                    case "deleteMessage":
                        return 200, {"ok": True, "result": self._delete(arguments)}
                    case "getUpdates":
                        return 200, {"ok": True, "result": self._get_updates(arguments)}
                    case "getMe":
                        return 200, {"ok": True, "result": {"id": BOT_ID, "is_bot": True, "first_name": "B"}}
            return 404, {"ok": False, "error_code": 404, "description": "Not Found"}
        except BadRequest as fault:
            code = 403 if str(fault).startswith("Forbidden") else 400
            return code, {"ok": False, "error_code": code, "description": str(fault)}

    def _send(self, arguments: dict[str, Any]) -> dict[str, Any]:
        chat = self._chat_of(arguments)
        text = shown_text(arguments.get("text", ""), arguments.get("parse_mode"))
        message = self._add(chat, BOT_ID, text, is_silent=bool(arguments.get("disable_notification")))
        self._note_twice(chat, text)
        return self._row(chat, message)

    def _edit(self, arguments: dict[str, Any]) -> dict[str, Any]:
        chat = self._chat_of(arguments)
        message = self._chats.get(chat, {}).get(arguments["message_id"])
        text = shown_text(arguments.get("text", ""), arguments.get("parse_mode"))
        if message is None:
            raise BadRequest("Bad Request: message to edit not found")
        if message.sender != BOT_ID and chat not in self.channels:
            raise BadRequest("Bad Request: message can't be edited")
        if message.text == text:
            raise BadRequest(
                "Bad Request: message is not modified: specified new message content and reply markup are exactly the same"
                " as a current content and reply markup of the message"
            )
        message.text = text
        message.history.append(text)
        self._note_twice(chat, text)
        return self._row(chat, message)

    def _delete(self, arguments: dict[str, Any]) -> bool:
        chat = self._chat_of(arguments)
        if self._chats.get(chat, {}).pop(arguments["message_id"], None) is None:
            raise BadRequest("Bad Request: message to delete not found")
        return True

    def _get_updates(self, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        offset = int(arguments.get("offset", 0))
        self._lock.wait_for(
            lambda: self._closing.is_set() or any(row["update_id"] >= offset for row in self._updates),
            float(arguments.get("timeout", 0)),
        )
        return [row for row in self._updates if row["update_id"] >= offset]

    def _chat_of(self, arguments: dict[str, Any]) -> int:
        chat = _number(arguments.get("chat_id", 0))
        if not chat:
            raise BadRequest("Bad Request: chat not found")
        if chat in self.blocked:
            raise BadRequest("Forbidden: bot was blocked by the user")
        return chat

    def _add(self, chat: int, sender: int, text: str, *, is_silent: bool) -> Shown:
        """Private chats share one sequence of numbers, groups have their own; both only grow."""
        if chat > 0:
            self._private_id += 1
            number = self._private_id
        else:
            number = self._next_id[chat] = self._next_id.get(chat, 0) + 1
        message = Shown(number, sender, text, is_silent=is_silent)
        self._chats.setdefault(chat, {})[number] = message
        return message

    def _note_twice(self, chat: int, text: str) -> None:
        same = [one for one in self._chats[chat].values() if one.sender == BOT_ID and one.text == text]
        if len(same) > 1 and len(text) > 1:
            self.twice_seen.append((chat, text))

    def _chat_row(self, chat: int) -> dict[str, Any]:
        kind = "channel" if chat in self.channels else "private" if chat > 0 else "supergroup"
        return {"id": chat, "type": kind}

    def _row(self, chat: int, message: Shown) -> dict[str, Any]:
        return {
            "message_id": message.message_id,
            "chat": self._chat_row(chat),
            "date": round(time.time()),
            "text": message.text,
        }

    # answers

    def _internal(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        self._answer(handler, 500, {"ok": False, "error_code": 500, "description": "Internal Server Error"})

    def _answer(self, handler: http.server.BaseHTTPRequestHandler, status: int, row: dict[str, Any]) -> None:
        body = json.dumps(row).encode()
        try:
            handler.send_response(status)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
            handler.wfile.flush()
        except OSError:
            handler.close_connection = True  # it did not wait

    def _cut(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        with contextlib.suppress(OSError):
            handler.connection.shutdown(socket.SHUT_RDWR)


def _number(chat: Any) -> int:
    try:
        return int(chat)
    except (TypeError, ValueError):
        return 0
