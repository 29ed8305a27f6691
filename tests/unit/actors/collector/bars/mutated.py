"""Answers of providers that were damaged on the way, and what holds of reading any answer at all."""

import json
import math

from hypothesis import strategies as st

from actors.collector.bars.providers.provider import Answer, Page, Refusal

KINDS = {
    "throttled",
    "bad_symbol",
    "auth",
    "plan",
    "empty",
    "bad_request",
    "wrong_symbol",
    "broken",
    "unavailable",
}
DROPPED = {"null", "off_grid", "repeated", "out_of_range", "impossible"}
FRAGMENTS = (
    None, True, -1, 0, 1, 1.5, 1e308, 10**20, -(10**20), "", "nan", "inf", "1e999", "1_0", "x" * 500, "2026-13-40", "\x00",
    [], [None], {}, {"a": 1}, "2026-11-20 09:55:00", "throttled \N{RIGHT-TO-LEFT OVERRIDE}",
)  # fmt: skip
STATUSES = (200, 204, 302, 400, 401, 403, 404, 408, 414, 422, 429, 500, 503, 999)


def paths(value, here=()):
    """Ways to everything in a JSON value."""
    yield here
    if isinstance(value, dict):
        for key in value:
            yield from paths(value[key], (*here, key))
    elif isinstance(value, list):
        for index in range(min(len(value), 4)):
            yield from paths(value[index], (*here, index))


def changed(value, path, do):
    """A copy with one place changed; `do` gets the container and the key."""
    copy = json.loads(json.dumps(value))
    if not path:
        return do({"": copy}, "")
    place = copy
    for key in path[:-1]:
        place = place[key]
    do(place, path[-1])
    return copy


@st.composite
def damaged(draw, bodies):
    """Bytes: one of the bodies with something wrong in it, or anything."""
    how = draw(st.sampled_from(["anything", "cut", "bytes", "value", "value", "value", "gone", "renamed"]))
    body = draw(st.sampled_from(bodies))
    if how == "anything":
        return draw(st.binary(max_size=200))
    if how == "cut":
        return body[: draw(st.integers(0, len(body)))]
    if how == "bytes":
        at = draw(st.integers(0, len(body) - 1))
        return body[:at] + draw(st.binary(max_size=3)) + body[at + 1 :]
    value = json.loads(body)
    path = draw(st.sampled_from([path for path in paths(value) if path]))
    if how == "value":
        fragment = draw(st.sampled_from(FRAGMENTS))
        return json.dumps(changed(value, path, lambda place, key: place.__setitem__(key, fragment))).encode()
    if how == "gone":
        return json.dumps(changed(value, path, lambda place, key: place.__delitem__(key))).encode()
    return body.replace(str(path[-1]).encode(), draw(st.sampled_from([b"", b"x", b'"', b"1e9999"])))


def answers(bodies, at_ns):
    """Answers of any status with a damaged body."""
    headers = st.dictionaries(
        st.sampled_from(["retry-after", "api-credits-used", "api-credits-left", "content-type"]),
        st.sampled_from(
            ["", "5", "-1", "nan", "1e999", "Thu, 20 Feb 2025 11:47:41 GMT", "Thu, 99 Feb", "9" * 30]
        ),
        max_size=3,
    )
    return st.builds(Answer, st.sampled_from(STATUSES), headers, damaged(bodies), st.just(at_ns))


def check(query, answer, found):
    """What holds of reading any answer."""
    if isinstance(found, Refusal):
        assert found.kind in KINDS
        assert found.text
        assert len(found.text) <= 200
        assert found.text.isprintable()
        assert found.retry_after_s is None or 0 <= found.retry_after_s <= 7 * 86_400
        return
    assert isinstance(found, Page)
    assert found.bars or found.cursor
    starts = [bar.ts_open_ns for bar in found.bars]
    assert starts == sorted(set(starts))
    assert all(query.from_ns <= start < query.to_ns and start % 60_000_000_000 == 0 for start in starts)
    for bar in found.bars:
        prices = (bar.open, bar.high, bar.low, bar.close)
        assert all(math.isfinite(price) and 1e-12 <= price <= 1e15 for price in prices)
        assert bar.volume is None or 0 <= bar.volume <= 1e18
        assert 0 <= bar.count <= 1 << 53
        assert 0 <= bar.vwap <= 1e15
        assert bar.is_running == (bar.ts_open_ns + 60_000_000_000 > answer.at_ns)
    assert set(found.dropped) <= DROPPED
    assert all(count > 0 for count in found.dropped.values())
