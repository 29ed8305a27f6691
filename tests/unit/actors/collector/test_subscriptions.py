"""What is said to the venue, how fast, and what it answers."""

import json

from actors.collector.exchange.subscriptions import Subscriptions
from actors.collector.outcomes import Ack, Refusal
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
    assert subs.acked(Ack(request["id"])) == ["a@trade"]
    assert (list(subs.active), subs.is_settled) == (["a@trade"], True)
    subs.end(["a@trade"])
    (request,) = said(subs)
    assert request["method"] == "UNSUBSCRIBE"
    assert subs.acked(Ack(request["id"])) == []
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
    assert subs.declined(Refusal(request["id"], 2, "no such stream")) == ["a@trade"]
    assert subs.refused == {"a@trade": "no such stream"}
    assert subs.declined(Refusal(99, 1, "?")) == []


def test_a_refusal_without_a_number_is_for_the_oldest_request():
    subs = subscriptions()
    subs.begin(["a@trade"])
    said(subs)
    assert subs.declined(Refusal(0, 3, "Invalid JSON")) == ["a@trade"]
    assert subs.acked(Ack(77)) == []


def test_a_refusal_that_names_the_culprit_lets_the_rest_be_asked_again():
    subs = subscriptions()
    subs.begin(["a@trade", "b@trade", "c@trade"])
    (request,) = said(subs)
    assert subs.declined(Refusal(request["id"], 1, "no b", ("b@trade",))) == ["b@trade"]
    (again,) = said(subs, S)
    assert again["params"] == ["a@trade", "c@trade"]
    assert subs.acked(Ack(again["id"])) == ["a@trade", "c@trade"]
    assert (list(subs.active), subs.refused, subs.is_settled) == (
        ["a@trade", "c@trade"], {"b@trade": "no b"}, True,
    )  # fmt: skip


def test_a_partial_refusal_leaves_the_others_to_their_own_answers():
    subs = subscriptions()
    subs.begin(["a@trade", "b@trade"])
    said(subs)
    assert subs.declined(Refusal(0, 60018, "no b", ("b@trade",), is_partial=True)) == ["b@trade"]
    assert not subs.is_settled
    assert said(subs, S) == []
    assert subs.acked(Ack(streams=("a@trade",))) == ["a@trade"]
    assert subs.is_settled


def test_streams_are_confirmed_one_by_one():
    subs = subscriptions()
    subs.begin(["a@trade", "b@trade"])
    said(subs)
    assert subs.acked(Ack(streams=("b@trade",))) == ["b@trade"]
    assert not subs.is_settled
    assert subs.acked(Ack(streams=("x@trade",))) == [], "nobody asked for it"
    assert subs.acked(Ack(streams=("a@trade",))) == ["a@trade"]
    assert subs.is_settled


def test_a_renewal_is_confirmed_in_the_order_in_which_it_was_asked():
    subs = subscriptions()
    subs.begin(["a@trade"])
    said(subs)
    subs.acked(Ack(streams=("a@trade",)))
    subs.renew(["a@trade"])
    said(subs, S)
    assert subs.acked(Ack(streams=("a@trade",))) == [], "the first answer is to the unsubscription"
    assert list(subs.active) == []
    assert subs.acked(Ack(streams=("a@trade",))) == ["a@trade"]
    assert subs.is_settled


def test_a_list_of_all_that_is_active_answers_what_it_fulfils():
    subs = subscriptions()
    subs.begin(["a@trade", "b@trade"])
    said(subs)
    assert subs.listed({"a@trade"}) == []
    assert subs.listed({"a@trade", "b@trade", "heartbeat"}) == ["a@trade", "b@trade"]
    subs.renew(["b@trade"])
    said(subs, S)
    assert subs.listed({"a@trade"}) == []
    assert list(subs.active) == ["a@trade"]
    assert subs.listed({"a@trade", "b@trade"}) == ["b@trade"]
    assert subs.is_settled


def test_an_answer_to_one_stream_may_mean_that_the_rest_was_not_taken():
    subs = subscriptions()
    subs.begin(["a@trade", "b@trade", "c@trade"])
    said(subs)
    assert subs.acked(Ack(streams=("b@trade",), is_partial=False)) == ["b@trade"]
    (again,) = said(subs, S)
    assert again["params"] == ["a@trade", "c@trade"]
