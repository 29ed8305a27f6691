"""A stream's frames joined to the hub's memory and made good from the journal, without a socket."""

from __future__ import annotations

import msgspec

from protocol.client.following import Following, journal_endpoint
from protocol.client.joining import Missing
from protocol.messages import Beat
from protocol.replay import DATA, END, Fetched, Position, fetch_request
from protocol.requests import Reply, raw
from tests.unit.actors.hub.samples import Pen
from tests.unit.protocol.client.test_joining import NAME, PUBLISHER, frames, ids, tail

SECOND_NS = 1_000_000_000


def beat(seq: int, epoch: int = 1):
    pen = Pen(PUBLISHER, epoch)
    pen.writer.seq = seq
    return pen.beat(Beat(PUBLISHER, epoch, seq, 0, 0, 0, 0, "RUNNING"))


def reply(fetched: Fetched) -> Reply:
    return Reply(id=1, ok=True, data=msgspec.Raw(raw(fetched)))


def stream(can_pull: bool = True) -> tuple[Following, list[Missing]]:
    told: list[Missing] = []
    return Following("trade.binance.*", told.append, can_pull=can_pull), told


def test_a_lost_frame_is_asked_for_and_comes_in_its_place():
    sent = frames([1] * 6)
    following, told = stream()
    following.begin([tail(sent, 2, 10)])
    for frame in (beat(2), sent[2], sent[4]):
        following.hear(frame, SECOND_NS)

    assert ids([*following.messages()]) == [0, 1, 2]
    assert following.is_behind
    ((publisher, request),) = following.questions(SECOND_NS)
    wanted = ("trade.binance.", f"mark.{PUBLISHER}\0")
    assert request == fetch_request(PUBLISHER, Position(1, 3), prefixes=wanted)
    assert following.questions(SECOND_NS) == []
    blob = b"".join(frame.data for frame in sent[3:5])
    following.answered(publisher, reply(Fetched(DATA, 1, 4, 5, 0, blob)), SECOND_NS)
    ((publisher, _),) = following.questions(SECOND_NS)
    following.answered(publisher, reply(Fetched(END, 1, 6, 5, 0)), SECOND_NS)
    following.work(SECOND_NS)
    following.hear(sent[5], SECOND_NS)

    assert ids([*following.messages()]) == [3, 4, 5]
    assert told == []
    assert not following.is_behind


def test_a_server_that_answers_nothing_or_nonsense_is_given_up_and_the_loss_told():
    sent = frames([1] * 4)
    following, told = stream()
    for frame in (beat(0), sent[0], sent[2]):
        following.hear(frame, SECOND_NS)
    answers = [None, Reply(id=1, ok=False, code="no_data"), Reply(id=1, ok=True, data=msgspec.Raw(b"\x01"))]
    now_ns = SECOND_NS
    while following.is_behind:
        now_ns += 2 * SECOND_NS
        ((publisher, _),) = following.questions(now_ns)
        following.answered(publisher, answers.pop(0), now_ns)
        following.work(now_ns)

    assert ids([*following.messages()]) == [0, 2]
    assert told == [Missing(NAME, PUBLISHER, 1, 2, 2)]


def test_without_a_journal_server_every_loss_is_told_at_once():
    sent = frames([1] * 3)
    following, told = stream(can_pull=False)
    for frame in (beat(0), sent[0], sent[2]):
        following.hear(frame, SECOND_NS)

    assert ids([*following.messages()]) == [0, 2]
    assert told == [Missing(NAME, PUBLISHER, 1, 2, 2)]
    assert following.questions(SECOND_NS) == []


def test_a_loss_is_told_between_the_messages_on_both_sides_of_it():
    sent = frames([1] * 5)
    said: list[object] = []
    following = Following("trade.", lambda missing: said.append(missing.first_topic_seq), can_pull=False)
    for frame in (sent[0], sent[2], sent[4]):
        following.hear(frame, SECOND_NS)
    said.extend(ids([message]) for message in following.messages())

    assert said == [[0], 2, [2], 4, [4]]


def test_where_the_journal_server_answers():
    here = {"pub": "ipc:///run/sock/journal.1.pub", "is_alive": True}

    assert journal_endpoint({"hub.1": here}) == ""
    assert journal_endpoint({"journal.1": here}) == "ipc:///run/sock/journal.1.query"
    assert journal_endpoint({"journal.1": here | {"query": "tcp://127.0.0.1:7"}}) == "tcp://127.0.0.1:7"
    assert journal_endpoint({"journal.1": {"pub": "tcp://127.0.0.1:6", "is_alive": True}}) == ""
