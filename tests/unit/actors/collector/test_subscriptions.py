"""What is said to the venue, how fast, and what it answers."""

import json

from actors.collector.subscriptions import Subscriptions
from actors.collector.venues.binance import Binance

S = 1_000_000_000


def subscriptions() -> Subscriptions:
    return Subscriptions(Binance(), "spot", 10.0, 0)


def said(subs: Subscriptions, mono_ns: int = 0) -> list[dict]:
    texts = []
    while (text := subs.next_message(mono_ns)) is not None:
        texts.append(json.loads(text))
    return texts


def test_many_streams_go_into_one_request():
    subs = subscriptions()
    subs.begin([f"s{number}@trade" for number in range(450)])
    requests = said(subs)
    assert [(request["method"], len(request["params"])) for request in requests] == [
        ("SUBSCRIBE", 200), ("SUBSCRIBE", 200), ("SUBSCRIBE", 50),
    ]  # fmt: skip
    assert len({request["id"] for request in requests}) == 3


def test_requests_wait_for_the_budget():
    subs = subscriptions()
    subs.begin([f"s{number}@trade" for number in range(1000)])
    assert len(said(subs)) == 3, "spot allows five a second, pongs included"
    assert len(said(subs, S // 2)) == 1
    assert len(said(subs, 2 * S)) == 1
    assert said(subs, 9 * S) == []


def test_an_answer_makes_streams_active():
    subs = subscriptions()
    subs.begin(["a@trade"])
    (request,) = said(subs)
    assert not subs.is_settled
    assert subs.acked(request["id"]) == ["a@trade"]
    assert (list(subs.active), subs.is_settled) == (["a@trade"], True)
    subs.end(["a@trade"])
    (request,) = said(subs)
    assert request["method"] == "UNSUBSCRIBE"
    assert subs.acked(request["id"]) == []
    assert list(subs.active) == []


def test_a_renewal_ends_before_it_begins():
    subs = subscriptions()
    subs.renew(["a@trade"])
    assert [request["method"] for request in said(subs)] == ["UNSUBSCRIBE", "SUBSCRIBE"]


def test_a_change_of_mind_before_it_was_said():
    subs = subscriptions()
    subs.begin(["a@trade"])
    subs.end(["a@trade"])
    assert [request["method"] for request in said(subs)] == ["UNSUBSCRIBE"]


def test_no_answer_is_overdue():
    subs = subscriptions()
    assert not subs.is_overdue(100 * S)
    subs.begin(["a@trade"])
    said(subs, S)
    assert not subs.is_overdue(11 * S)
    assert subs.is_overdue(11 * S + 1)


def test_a_refusal_names_its_streams():
    subs = subscriptions()
    subs.begin(["a@trade"])
    (request,) = said(subs)
    assert subs.declined(request["id"], "no such stream") == ["a@trade"]
    assert subs.refused == {"a@trade": "no such stream"}
    assert subs.declined(99, "?") == []


def test_a_refusal_without_a_number_is_for_the_oldest_request():
    subs = subscriptions()
    subs.begin(["a@trade"])
    said(subs)
    assert subs.declined(0, "Invalid JSON") == ["a@trade"]
    assert subs.acked(77) == []
