"""The outbox: all or nothing, each message once, whatever is repeated."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from actors.notifier.failures import OutboxError
from actors.notifier.item import Draft, Item, Receipt, key_of
from actors.notifier.outbox import Mute, Outbox
from actors.notifier.tables import SCHEMA_VERSION, VERSION, parse_url
from protocol.errors import ConfigError
from protocol.replay import Position


def draft(subject: str, revision: int = 1, target: str = "desk:1", **more: object) -> Draft:
    row = Draft(
        key_of(target, "signal", subject, revision), "desk", target, "signal", subject, revision, "same", 0, "title",
        f"{subject} {revision}", "{}", False, 1000, 1000,
    )  # fmt: skip
    return row._replace(**more)


def put(outbox: Outbox, *drafts: Draft, following: tuple[Draft, ...] = ()) -> dict[str, int]:
    return outbox.take_in([(drafts, following)], {}, {}, 5)


def the_next(outbox: Outbox, target: str = "desk:1") -> Item:
    item = outbox.next(target, can_edit=True)
    assert item is not None
    return item


def send(outbox: Outbox, message_id: int, target: str = "desk:1") -> Item:
    item = the_next(outbox, target)
    outbox.begin(item, 6)
    outbox.sent(item, Receipt(message_id), 7)
    return item


def test_a_message_is_known_by_its_key(outbox: Outbox) -> None:
    assert put(outbox, draft("a"), draft("b"))["taken"] == 2
    assert put(outbox, draft("b"), draft("c")) == {"taken": 1, "repeated": 1, "deduplicated": 0}
    assert [send(outbox, number).subject for number in (1, 2, 3)] == ["a", "b", "c"]
    assert outbox.next("desk:1", can_edit=True) is None


def test_messages_and_positions_are_stored_together_or_not_at_all(outbox: Outbox, tmp_path: Path) -> None:
    outbox.take_in([([draft("a")], [])], {"scanner.1": Position(1, 5)}, {"fatal:hub.1": 9}, 5)
    with pytest.raises(OutboxError):
        # the last of it cannot be stored
        outbox.take_in([([draft("b"), draft("c", title=None)], [])], {"scanner.1": Position(1, 6)}, {}, 5)
    outbox.close()
    again = Outbox(parse_url("", tmp_path))
    assert again.open() == ({"scanner.1": Position(1, 5)}, {"fatal:hub.1": 9})
    assert the_next(again).subject == "a"
    assert again.counts() == {"desk": {"pending": 1}}
    again.take_in([], {"scanner.1": Position(2, 1)}, {"fatal:hub.1": 0}, 5)
    assert again.open() == ({"scanner.1": Position(2, 1)}, {})


def test_equal_messages_near_each_other_are_one(outbox: Outbox) -> None:
    def at(ts_ns: int, target: str = "desk:1") -> Draft:
        return draft(f"a{ts_ns}", ts_event_ns=ts_ns, dedup_ns=100, target=target)

    found = put(outbox, at(1000), at(1100), at(1101), at(1050, "desk:2"))
    assert found == {"taken": 3, "repeated": 0, "deduplicated": 1}


def test_a_later_revision_changes_the_message_of_the_first(outbox: Outbox) -> None:
    put(outbox, draft("a"), following=(draft("b", 2),))
    send(outbox, 77)
    put(outbox, following=(draft("a", 2), draft("a", 2, "desk:9")))
    item = the_next(outbox)
    assert (item.edit_of, item.is_orphan, item.revision) == (77, False, 2)
    assert outbox.next("desk:9", can_edit=True) is None
    assert outbox.counts() == {"desk": {"sent": 1, "pending": 1}}


def test_a_revision_of_a_message_that_was_never_sent_is_an_orphan(outbox: Outbox) -> None:
    put(outbox, draft("a"))
    outbox.finish(the_next(outbox), "expired", "", 6)
    put(outbox, following=(draft("a", 2),))
    assert the_next(outbox).is_orphan
    item = outbox.next("desk:1", can_edit=False)
    assert item is not None
    assert not item.is_orphan


def test_what_was_being_sent_is_in_doubt_and_knows_where_to_look(outbox: Outbox) -> None:
    put(outbox, draft("a"), draft("b"))
    send(outbox, 40)
    outbox.begin(the_next(outbox), 6)
    item = the_next(outbox)
    assert (item.subject, item.is_in_doubt, item.low_id, item.attempts) == ("b", True, 40, 1)
    outbox.probed(item, 44, 7)
    outbox.begin(item, 8)
    item = the_next(outbox)
    assert (item.low_id, item.probe_id, item.attempts) == (40, 44, 2)
    outbox.sent(item, Receipt(42, litter=(44,), suspect_id=44), 9)
    assert outbox.litter("desk:1") == [44]
    assert outbox.known_ids(["desk:1"], 39, 44) == {40, 42, 44}
    assert outbox.chat("desk:1") == (44, 44)
    outbox.tidied("desk:1", [44])
    outbox.swept("desk:1")
    assert (outbox.litter("desk:1"), outbox.chat("desk:1")) == ([], (44, 0))


def test_what_surely_did_not_arrive_is_pending_again_but_a_doubt_stays_one(outbox: Outbox) -> None:
    put(outbox, draft("a"))
    item = the_next(outbox)
    outbox.begin(item, 6)
    outbox.put_back(item, "429", 7)
    item = the_next(outbox)
    assert not item.is_in_doubt
    outbox.begin(item, 8)
    outbox.note(item, "cut", 9)
    item = the_next(outbox)
    outbox.begin(item, 10)
    outbox.put_back(item, "429", 11)
    assert the_next(outbox).is_in_doubt


def test_a_command_is_obeyed_once_with_everything_it_does(outbox: Outbox) -> None:
    mute = Mute("desk:1", "*", 100)
    assert outbox.obey("desk", 5, draft("reply"), [mute], "", 6)
    assert not outbox.obey("desk", 5, draft("another"), [], "desk:1", 6)
    assert outbox.offset("desk") == 5
    assert outbox.mutes(50) == [mute]
    assert outbox.counts() == {"desk": {"pending": 1}}
    assert outbox.mutes(100) == []
    assert outbox.obey("desk", 6, None, [mute], "", 6)
    assert outbox.obey("desk", 7, None, [], "desk:1", 6)
    assert outbox.mutes(50) == []


def test_what_is_done_with_is_forgotten_and_nothing_else(outbox: Outbox) -> None:
    put(outbox, draft("a"), draft("b"))
    send(outbox, 1)
    assert outbox.forget(7) == 0
    assert outbox.forget(8) == 1
    assert outbox.counts() == {"desk": {"pending": 1}}
    assert outbox.oldest_open_ns() == 1000


def test_a_database_that_cannot_be_used_is_told_without_its_password(tmp_path: Path) -> None:
    url = parse_url("postgresql://me:hunter2@127.0.0.1:1/nothing", tmp_path)
    with pytest.raises(OutboxError) as caught:
        Outbox(url).open()
    assert "hunter2" not in str(caught.value)
    with pytest.raises(ConfigError, match=r"\*\*\*") as refused:
        parse_url("mysql://me:hunter2@host/x", tmp_path)
    assert "hunter2" not in str(refused.value)


def test_tables_of_another_version_are_left_alone(outbox: Outbox, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "db" / "notifier.db") as connection:
        connection.execute(f"UPDATE {VERSION.name} SET version = {SCHEMA_VERSION + 1}")
    connection.close()
    with pytest.raises(OutboxError, match="version"):
        outbox.open()
