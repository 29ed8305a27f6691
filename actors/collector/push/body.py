"""The body of a push to its items, whatever shape and encoding it has. Pure.

    {...}   [{...}, ...]   {"ticks": [...], "bars": [...]}   {"data": [...]}      JSON, or the same in msgpack

Terminals leave the Content-Type out, or say what is not so, and MetaTrader ends a text with a zero byte: what the first
byte says decides. A map may say `source` and `gmt_offset` for all of its items.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from protocol.errors import DECODE_ERRORS, InvalidRequest

LISTS: Final = ("ticks", "bars", "data")
_JSON_BEGINS: Final = b"{["
_BLANK: Final = b" \t\r\n\x00"
_BOM: Final = b"\xef\xbb\xbf"
_json: Final = msgspec.json.Decoder()
_msgpack: Final = msgspec.msgpack.Decoder()


class Body(NamedTuple):
    """Items as they were sent, and what holds for all of them."""

    items: list[Any]
    source: str = ""
    gmt_offset_s: Any = None


def body_of(data: bytes, media: str, max_items: int) -> Body:
    """Read a body.

    Args:
        data: It.
        media: Its Content-Type, for what the first byte does not tell.
        max_items: A longer list is refused whole.

    Raises:
        InvalidRequest: it is neither JSON nor msgpack, or holds no list of items.
    """
    found = _decoded(data, media)
    if isinstance(found, dict):
        parts = [found[name] for name in LISTS if isinstance(found.get(name), list | dict)]
        if any(isinstance(part, list) for part in parts):  # a map beside a list is one item
            lists = [part if isinstance(part, list) else [part] for part in parts]
            items = lists[0] if len(lists) == 1 else [item for one in lists for item in one]
            source = found.get("source")
            body = Body(items, source if isinstance(source, str) else "", offset_in(found))
        else:
            body = Body([found])
    elif isinstance(found, list):
        body = Body(found)
    else:
        raise InvalidRequest("the body is neither an item nor a list of items", errors=["body"])
    if len(body.items) > max_items:
        text = f"{len(body.items)} items in one request, at most {max_items}: send them in several"
        raise InvalidRequest(text, errors=["items: too many"], too_large=True)
    return body


def offset_in(item: dict[str, Any]) -> Any:
    """What an item or a map of items says of its clock; None: nothing."""
    said = item.get("gmt_offset")
    return item.get("gmt_offset_s") if said is None else said


def _decoded(data: bytes, media: str) -> Any:
    text = data.removeprefix(_BOM).lstrip(_BLANK)
    is_json = text[:1] in (b"{", b"[") if text else True
    try:
        if is_json and "msgpack" not in media:
            return _json.decode(text.rstrip(_BLANK))
        return _msgpack.decode(data)
    except DECODE_ERRORS as fault:
        if is_json and "msgpack" in media:  # it says so, and is not
            return _decoded(data, "")
        what = "JSON" if is_json else "JSON or msgpack"
        raise InvalidRequest(f"the body is not {what}: {fault}", errors=[str(fault)]) from fault
