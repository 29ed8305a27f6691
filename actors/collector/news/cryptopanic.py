"""Posts of CryptoPanic's API. Pure.

Shapes: `{"results": [post, ...]}` with posts of 2018 (`slug`, `domain`, no `kind`), of 2026 (`currencies`) and of the
developer plan v2 (`instruments`); one bare post is read too, since recordings hold such. Everything but a title may be
missing; `published_at` is ISO 8601. Votes are not published: a headline has no field for them.
"""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec

from actors.collector.news.item import Item, UnreadableNews
from actors.collector.news.settings import CryptopanicSettings
from actors.collector.news.times import ns_of
from protocol.errors import DECODE_ERRORS

SPONSORED: Final = "sponsored"
"""Kind of a post that is an advertisement."""
_Id = Annotated[int, msgspec.Meta(ge=0)] | str | None


class _Code(msgspec.Struct, gc=False):
    code: str = ""


class _Post(msgspec.Struct, gc=False):
    id: _Id = None
    title: str | None = None
    kind: str | None = None
    url: str | None = None
    original_url: str | None = None
    published_at: str | None = None
    created_at: str | None = None
    currencies: list[_Code] | None = None
    instruments: list[_Code] | None = None


class _Page(msgspec.Struct, gc=False):
    results: list[msgspec.Raw] | None = None


_page: Final = msgspec.json.Decoder(_Page)
_post: Final = msgspec.json.Decoder(_Post)


class Posts(msgspec.Struct, frozen=True):
    """What one answer holds."""

    items: list[Item]
    sponsored: int = 0
    """Advertisements, which are left out."""
    unreadable: int = 0
    """Posts of another shape, which are left out."""


def request_url(settings: CryptopanicSettings) -> str:
    """Address to ask for the newest posts; it holds the token, so nobody may see it."""
    query = {"auth_token": settings.token, "public": "true"}
    if settings.currencies:
        query["currencies"] = ",".join(settings.currencies)
    if settings.kind:
        query["kind"] = settings.kind
    if settings.filter:
        query["filter"] = settings.filter
    parts = urlsplit(settings.url)
    joined = "&".join(part for part in (parts.query, urlencode(query)) if part)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, joined, ""))


def parse_posts(body: bytes) -> Posts:
    """Posts of one answer, in its order.

    Raises:
        UnreadableNews: it is no JSON of this API.
    """
    try:
        rows = _page.decode(body).results
        if rows is None:  # then it should be one post
            if not _post.decode(body).title:
                raise UnreadableNews("no_posts", "neither results nor a title")
            rows = [msgspec.Raw(body)]
    except DECODE_ERRORS as fault:
        raise UnreadableNews("not_json", str(fault)) from fault
    items: list[Item] = []
    sponsored = unreadable = 0
    for row in rows:
        try:
            post = _post.decode(row)
        except DECODE_ERRORS:
            unreadable += 1
            continue
        if post.kind == SPONSORED:
            sponsored += 1
        elif not post.title:
            unreadable += 1
        else:
            items.append(_item(post))
    return Posts(items, sponsored, unreadable)


def _item(post: _Post) -> Item:
    codes = [row.code for row in (post.currencies or []) + (post.instruments or []) if row.code]
    return Item(
        news_id="" if post.id is None else str(post.id),
        title=post.title or "",
        url=post.url or post.original_url or "",
        published_ns=ns_of(post.published_at or "") or ns_of(post.created_at or ""),
        codes=tuple(dict.fromkeys(codes)),
    )
