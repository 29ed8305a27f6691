"""Pages of the past: every row once, whatever is stored meanwhile, and what a client may keep."""

from __future__ import annotations

import base64
import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.gateway.api import pages
from actors.gateway.api.cursors import MOST_GIVEN, Cursor, cursor_of, marks_of, text_of
from actors.gateway.api.pages import Wanted
from protocol.errors import HubUnreachable, InvalidRequest
from tests.unit.actors.gateway.api.desk import Desk
from tests.unit.actors.gateway.api.filling import BARS, MINUTE, TRADES
from tests.unit.actors.hub.samples import BASE_NS, MINUTE_NS, bar, flow, gap, sweep, trade

PATH = "/api/v1"
LONGEST_NS = 900_000_000_000


def all_pages(desk: Desk, path: str, between: Any = None) -> list[list[dict[str, Any]]]:
    """Rows of each page, following `Link`; `between` is called behind each."""
    found: list[list[dict[str, Any]]] = []
    at = path
    while at:
        answer = desk.get(at)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        found.append(body["data"])
        assert body["has_more"] is ("link" in answer.headers)
        at = answer.headers["link"].split(">")[0][1:] if body["has_more"] else ""
        assert len(found) < 500
        if between is not None:
            between(len(found))
    return found


def ids(found: list[list[dict[str, Any]]], *, is_older: bool = True) -> list[Any]:
    ordered = found[::-1] if is_older else found
    return [row["trade_id"] for page in ordered for row in page]


def publish_trades(desk: Desk, times: list[int]) -> None:
    for number, offset in enumerate(times):
        desk.publish(TRADES, trade(number, recv_ns=BASE_NS + offset), is_stored=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=6)
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=45),
    st.integers(1, 9),
    st.sampled_from(["live", "to", "from"]),
)
def test_every_trade_comes_once_however_many_share_a_moment(
    desk: Desk, steps: list[int], limit: int, way: str
) -> None:
    desk.begin()
    times = [sum(steps[: place + 1]) for place in range(len(steps))]
    publish_trades(desk, times)
    query = {"live": "", "to": f"&to_ns={BASE_NS + 1000}", "from": "&from_ns=1"}[way]
    found = all_pages(desk, f"{PATH}/trades/BTC_USDT?limit={limit}{query}")
    assert ids(found, is_older=way != "from") == list(range(len(times)))
    assert all(len(page) <= limit for page in found)


@pytest.mark.parametrize("query", ["", "&from_ns=1"])
def test_candles_page_by_page_over_window_and_store(desk: Desk, query: str) -> None:
    for number in range(50):
        desk.publish(BARS, bar(MINUTE - 50 + number), is_stored=True)
    found = all_pages(desk, f"{PATH}/bars/BTC_USDT?limit=7{query}")
    opened = [row["ts_open_ns"] // MINUTE_NS for page in (found if query else found[::-1]) for row in page]
    assert opened == list(range(MINUTE - 50, MINUTE))


def test_rows_stored_meanwhile_move_nothing(desk: Desk) -> None:
    publish_trades(desk, [number // 4 * 10 for number in range(40)])

    def between(page: int) -> None:
        late = trade(100 + page, recv_ns=BASE_NS + 5 - page)
        desk.publish(TRADES, late, is_stored=True, is_heard=False)
        desk.publish(TRADES, trade(200 + page, recv_ns=BASE_NS + 10_000 + page), is_stored=True)

    found = ids(all_pages(desk, f"{PATH}/trades/BTC_USDT?limit=6&to_ns={BASE_NS + 1000}", between))
    assert [one for one in found if one < 100] == list(range(40))
    assert len(found) == len(set(found))
    assert not [one for one in found if one >= 200]


def test_rows_stored_at_the_very_moment_of_a_page_end_come_with_the_next(desk: Desk) -> None:
    publish_trades(desk, [0] * 9)
    path = f"{PATH}/trades/BTC_USDT?limit=4&to_ns={BASE_NS + 5}"
    first = desk.get(path)
    desk.publish(TRADES, trade(50, recv_ns=BASE_NS), is_stored=True, is_heard=False)
    rest = all_pages(desk, first.headers["link"].split(">")[0][1:])
    assert sorted(ids([first.json()["data"], *rest])) == [*range(9), 50]


def test_a_moment_with_more_rows_than_a_cursor_names_is_not_cut(desk: Desk) -> None:
    count = MOST_GIVEN + 60
    desk.publish(TRADES, *[trade(number) for number in range(count)], is_stored=True)
    publish_trades(desk, [-5, -4])
    found = all_pages(desk, f"{PATH}/trades/BTC_USDT?limit={MOST_GIVEN + 20}&to_ns={BASE_NS + 5}")
    assert [len(page) for page in found] == [count, 2]


def test_order_flow_of_one_window_is_found_among_others(desk: Desk) -> None:
    for number in range(30):
        at_ns = (
            BASE_NS // LONGEST_NS + number
        ) * LONGEST_NS  # of each window only those back to back are stored
        desk.publish("flow.binance.BTC_USDT", *(flow(window, at_ns, delta=number) for window in (60, 300, 900)), is_stored=True)  # fmt: skip
    found = all_pages(desk, f"{PATH}/orderflow/BTC_USDT/history?window_s=300&limit=4")
    assert [row["values"]["delta"] for page in found[::-1] for row in page] == list(range(30))
    assert {row["window_s"] for page in found for row in page} == {300}


@pytest.mark.parametrize("kind", ["sweep", "gap"])
def test_other_kinds_have_pages_too(desk: Desk, kind: str) -> None:
    for number in range(9):
        if kind == "sweep":
            desk.publish("sweep.binance.BTC_USDT", sweep(BASE_NS + number // 3, count=number), is_stored=True)
        else:
            made = gap(f"g{number}", "filled", from_ts_ns=BASE_NS + number // 3, to_ts_ns=BASE_NS + 9)
            desk.publish("gap.binance.BTC_USDT", made, is_stored=True)
    found = all_pages(desk, f"{PATH}/history/BTC_USDT?kind={kind}&limit=2")
    assert len([row for page in found for row in page]) == 9
    assert len({str(row) for page in found for row in page}) == 9


def test_the_pages_stay_at_the_venue_of_the_first(desk: Desk) -> None:
    for number in range(8):
        desk.publish("bar.okx.BTC_USDT.1m", bar(MINUTE - 20 + number, venue="okx"), is_stored=True)
    first = desk.get(f"{PATH}/bars/BTC_USDT?limit=4")
    for number in range(8):
        desk.publish(BARS, bar(MINUTE - 20 + number), is_stored=True)
    rest = all_pages(desk, first.headers["link"].split(">")[0][1:])
    assert {row["venue"] for page in rest for row in page} == {"okx"}


def test_what_is_over_may_be_kept_and_is_not_sent_again(desk: Desk) -> None:
    for number in range(10):
        desk.publish(BARS, bar(MINUTE - 10 + number), is_stored=True)
    path = f"{PATH}/bars/BTC_USDT?from_ns={(MINUTE - 9) * MINUTE_NS}&to_ns={(MINUTE - 5) * MINUTE_NS}"
    first = desk.get(path)
    assert first.headers["cache-control"] == "private, max-age=300"
    tag = first.headers["etag"]
    desk.hub.clock.advance(1)
    again = desk.get(path, headers={"if-none-match": f'"other", {tag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert desk.get(f"{path}&layout=columns", headers={"if-none-match": tag}).status_code == 200
    desk.publish(BARS, bar(MINUTE - 7, close=3.0, revision=2), is_stored=True)
    revised = desk.get(path, headers={"if-none-match": tag})
    assert revised.status_code == 200
    assert revised.headers["etag"] != tag


def test_what_still_changes_is_not_kept(desk: Desk) -> None:
    desk.publish(BARS, bar(MINUTE - 2), bar(MINUTE - 1, status="open", revision=0), is_stored=True)
    opened = f"{PATH}/bars/BTC_USDT?to_ns={BASE_NS}"
    for path in (f"{PATH}/bars/BTC_USDT", opened, f"{PATH}/bars/BTC_USDT?from_ns=1"):
        answer = desk.get(path)
        assert answer.headers["cache-control"] == "no-store", path
        assert "etag" not in answer.headers


def test_a_store_that_is_down_is_told_and_not_kept(desk: Desk) -> None:
    for number in range(50):
        desk.publish(BARS, bar(MINUTE - 50 + number), is_stored=True)
    desk.store_fault = HubUnreachable("the store is down")
    answer = desk.get(f"{PATH}/bars/BTC_USDT?to_ns={BASE_NS}&limit=40")
    body = answer.json()
    assert 20 <= len(body["data"]) < 40
    assert "the store is down" in body["missing"][0]["reason"]
    assert body["has_more"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-data-missing"] == "1"
    desk.store_fault = None
    rest = all_pages(desk, answer.headers["link"].split(">")[0][1:])
    assert len(rest[0]) + len(body["data"]) == 50


@pytest.mark.parametrize(
    "text", ["nonsense", "AAAA", "", "l" * 3001, text_of(Cursor(1, "trade", "v", True, 5))]
)
def test_a_cursor_of_somebody_else_is_refused(desk: Desk, text: str) -> None:
    with pytest.raises(InvalidRequest):
        cursor_of(text, "bar")
    if text:
        answer = desk.get(f"{PATH}/bars/BTC_USDT?cursor={text}")
        assert answer.status_code == 400
        assert answer.json()["code"] == "invalid_request"


@given(st.binary(max_size=60))
def test_any_bytes_are_a_cursor_or_are_refused(noise: bytes) -> None:
    text = base64.urlsafe_b64encode(noise).rstrip(b"=").decode()
    with contextlib.suppress(InvalidRequest):
        assert text_of(cursor_of(text, "bar"))


def test_a_cursor_survives_its_text() -> None:
    made = Cursor(1, "trade", "binance", False, 5, marks_of([trade(1), trade(2)]))
    assert cursor_of(text_of(made), "trade") == made
    assert len(made.marks) == 2


def test_the_last_moment_of_all_can_be_a_cursor() -> None:
    last_ns = 2**63 - 1
    wanted = Wanted("trade", "BTC_USDT", cursor=Cursor(1, "trade", "v", True, last_ns))
    assert pages.question_of(wanted).to_ns == last_ns
