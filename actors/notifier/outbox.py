"""The outbox: what is to be sent, what was, and how far each publisher is in it. Every call is one transaction.

    pending -> sending -> sent | failed | unknown
       |         |-> pending   (it did not arrive, for sure)
       |-> expired | skipped

A message is marked `sending` before the first byte leaves. So after a kill -9 it is known which one may have arrived.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.engine import URL, Connection, RowMapping
from sqlalchemy.exc import SQLAlchemyError

from actors.notifier.failures import OutboxError
from actors.notifier.item import OPEN_STATES, Draft, Item, Receipt
from actors.notifier.tables import (
    CHATS,
    CONDITIONS,
    LITTER,
    METADATA,
    MUTES,
    OFFSETS,
    OUTBOX,
    POSITIONS,
    SCHEMA_VERSION,
    VERSION,
    make_engine,
)
from protocol.replay import Position


class Opened(NamedTuple):
    """What was remembered."""

    positions: dict[str, Position]
    conditions: dict[str, int]
    """What is wrong with the system, and since when (ns)."""


class Chat(NamedTuple):
    """What is known of a chat."""

    known_id: int = 0
    suspect_id: int = 0


class Mute(NamedTuple):
    """What a target does not want to hear."""

    target: str
    pattern: str
    until_ns: int


class Outbox:
    """See the module docstring; safe in threads. Every call raises OutboxError if the database does not do it.

    Args:
        url: Of the database.
        synchronous: Of SQLite, `normal` or `full`.
    """

    def __init__(self, url: URL, synchronous: str = "full") -> None:
        self._url = url
        self._engine = make_engine(url, synchronous)

    def open(self) -> Opened:
        """Make the tables if there are none; returns what is remembered.

        Raises:
            OutboxError: also for tables of another version.
        """
        with self._transaction() as connection:
            METADATA.create_all(connection)
            versions = list(connection.execute(select(VERSION.c.version)).scalars())
            if not versions:
                connection.execute(insert(VERSION).values(version=SCHEMA_VERSION))
            elif versions != [SCHEMA_VERSION]:
                raise OutboxError(f"the outbox has version {versions}, this program writes {SCHEMA_VERSION}")
            rows = connection.execute(select(POSITIONS)).mappings()
            positions = {row["publisher"]: Position(row["epoch"], row["seq"]) for row in rows}
            conditions = connection.execute(select(CONDITIONS)).mappings()
            return Opened(positions, {row["name"]: row["since_ns"] for row in conditions})

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    # what comes in

    def take_in(
        self,
        notes: Sequence[tuple[Sequence[Draft], Sequence[Draft]]],
        positions: Mapping[str, Position],
        conditions: Mapping[str, int],
        now_ns: int,
    ) -> dict[str, int]:
        """Take messages, how far their publishers are in, and what is wrong with the system: all or nothing.

        Args:
            notes: Of each note, in their order: the messages that it may begin, and those that are taken where their target
                has an earlier revision.
            positions: Publisher to its last record that is in it.
            conditions: Condition to since when; 0: it is over.
            now_ns: Wall clock.

        Returns:
            How many were `taken`, `repeated` (known by their key) and `deduplicated`.
        """
        counts = {"taken": 0, "repeated": 0, "deduplicated": 0}
        with self._transaction() as connection:
            for begun, following in notes:
                for draft in begun:
                    counts[self._add(connection, draft, now_ns)] += 1
                for draft in following:
                    if self._has_earlier(connection, draft):
                        counts[self._add(connection, draft._replace(dedup_ns=0), now_ns)] += 1
            self._put_positions(connection, positions)
            for name, since_ns in conditions.items():
                connection.execute(delete(CONDITIONS).where(CONDITIONS.c.name == name))
                if since_ns:
                    connection.execute(insert(CONDITIONS).values(name=name, since_ns=since_ns))
        return counts

    def obey(
        self,
        channel: str,
        update_id: int,
        reply: Draft | None,
        mutes: Sequence[Mute],
        unmuted: str,
        now_ns: int,
    ) -> bool:
        """Note a command as done with what it does, all or nothing; False if it was done before.

        Args:
            channel: Of the bot.
            update_id: The command's number.
            reply: Its answer.
            mutes: What a chat does not want to hear.
            unmuted: Target that wants to hear everything again; empty: none.
            now_ns: Wall clock.
        """
        with self._transaction() as connection:
            if update_id <= self._offset(connection, channel):
                return False
            connection.execute(delete(OFFSETS).where(OFFSETS.c.channel == channel))
            connection.execute(insert(OFFSETS).values(channel=channel, update_id=update_id))
            if unmuted:
                connection.execute(delete(MUTES).where(MUTES.c.target == unmuted))
            for mute in mutes:
                same = (MUTES.c.target == mute.target) & (MUTES.c.pattern == mute.pattern)
                connection.execute(delete(MUTES).where(same))
                connection.execute(insert(MUTES).values(mute._asdict()))
            if reply is not None:
                self._add(connection, reply, now_ns)
            return True

    def offset(self, channel: str) -> int:
        """Number of the newest command that was obeyed; 0: none."""
        with self._transaction() as connection:
            return self._offset(connection, channel)

    def mutes(self, now_ns: int) -> list[Mute]:
        """What is muted now."""
        with self._transaction() as connection:
            connection.execute(delete(MUTES).where(MUTES.c.until_ns <= now_ns))
            rows = connection.execute(select(MUTES).order_by(MUTES.c.target, MUTES.c.pattern)).mappings()
            return [Mute(**row) for row in rows]

    # what goes out

    def next(self, target: str, *, can_edit: bool) -> Item | None:
        """The oldest message to a target that is not done with; None: there is none.

        Args:
            target: To whom.
            can_edit: Whether a later revision changes the message of the first one.
        """
        wanted = (OUTBOX.c.target == target) & OUTBOX.c.state.in_(OPEN_STATES)
        with self._transaction() as connection:
            row = (
                connection.execute(select(OUTBOX).where(wanted).order_by(OUTBOX.c.id).limit(1))
                .mappings()
                .first()
            )
            if row is None:
                return None
            first = None
            if can_edit:
                same = (
                    (OUTBOX.c.target == target)
                    & (OUTBOX.c.subject == row["subject"])
                    & (OUTBOX.c.id < row["id"])
                )
                query = select(OUTBOX.c.message_id).where(same).order_by(OUTBOX.c.id).limit(1)
                first = connection.execute(query).scalar()
            names = [name for name in Item._fields if name in row]
            item = Item(**{name: row[name] for name in names})
            return item._replace(edit_of=first or 0, is_orphan=first == 0)

    def begin(self, item: Item, now_ns: int) -> None:
        """It is about to be sent: from here on it may have arrived."""
        with self._transaction() as connection:
            low = self._chat(connection, item.target).known_id if not item.is_in_doubt else item.low_id
            self._set(
                connection,
                item.id,
                now_ns,
                state="sending",
                attempts=OUTBOX.c.attempts + 1,
                low_id=low,
                error="",
            )

    def sent(self, item: Item, receipt: Receipt, now_ns: int) -> None:
        """It has arrived."""
        with self._transaction() as connection:
            self._set(connection, item.id, now_ns, state="sent", message_id=receipt.message_id, error="")
            self._know(connection, item.target, receipt.message_id, receipt.suspect_id)
            for message_id in receipt.litter:
                self._drop_at(connection, item.target, message_id)

    def finish(self, item: Item, state: str, error: str, now_ns: int) -> None:
        """It is done with and did not arrive: failed, expired, skipped; or unknown."""
        with self._transaction() as connection:
            self._set(connection, item.id, now_ns, state=state, error=error[:500])
            if item.probe_id:
                self._drop_at(connection, item.target, item.probe_id)

    def put_back(self, item: Item, error: str, now_ns: int) -> None:
        """It did not arrive, for sure; whatever was in doubt before stays so."""
        with self._transaction() as connection:
            state = "sending" if item.is_in_doubt else "pending"
            self._set(connection, item.id, now_ns, state=state, error=error[:500])

    def note(self, item: Item, error: str, now_ns: int) -> None:
        """Nobody knows whether it arrived."""
        with self._transaction() as connection:
            self._set(connection, item.id, now_ns, error=error[:500])

    def make_plain(self, item: Item, now_ns: int) -> None:
        """Its markup was refused: it goes without."""
        with self._transaction() as connection:
            self._set(connection, item.id, now_ns, is_plain=True)

    def probed(self, item: Item, probe_id: int, now_ns: int) -> None:
        """The message that marks where to look ends there."""
        with self._transaction() as connection:
            self._set(connection, item.id, now_ns, probe_id=probe_id)
            self._know(connection, item.target, probe_id, 0)

    # a chat's messages

    def chat(self, target: str) -> Chat:
        """What is known of a chat."""
        with self._transaction() as connection:
            return self._chat(connection, target)

    def known_ids(self, targets: Sequence[str], above: int, below: int) -> set[int]:
        """Messages of ours in these chats that are accounted for, between two ids."""
        number = OUTBOX.c.message_id
        within = OUTBOX.c.target.in_(targets) & (number > above) & (number < below)
        with self._transaction() as connection:
            found = set(connection.execute(select(number).where(within)).scalars())
            litter = select(LITTER.c.message_id).where(LITTER.c.target.in_(targets))
            return found | set(connection.execute(litter).scalars())

    def litter(self, target: str) -> list[int]:
        """Messages of ours that must go."""
        with self._transaction() as connection:
            return self._litter(connection, target)

    def tidied(self, target: str, message_ids: Sequence[int]) -> None:
        """They are gone."""
        gone = (LITTER.c.target == target) & LITTER.c.message_id.in_(message_ids)
        with self._transaction() as connection:
            connection.execute(delete(LITTER).where(gone))

    def swept(self, target: str) -> None:
        """Nothing has arrived late, or it is gone."""
        with self._transaction() as connection:
            connection.execute(update(CHATS).where(CHATS.c.target == target).values(suspect_id=0))

    # for people

    def counts(self) -> dict[str, dict[str, int]]:
        """Channel to state to how many messages."""
        query = select(OUTBOX.c.channel, OUTBOX.c.state, func.count()).group_by(
            OUTBOX.c.channel, OUTBOX.c.state
        )
        found: dict[str, dict[str, int]] = {}
        with self._transaction() as connection:
            for channel, state, count in connection.execute(query):
                found.setdefault(channel, {})[state] = count
        return found

    def oldest_open_ns(self) -> int:
        """When the oldest message that is not done with was made; 0: there is none."""
        query = select(func.min(OUTBOX.c.created_ns)).where(OUTBOX.c.state.in_(OPEN_STATES))
        with self._transaction() as connection:
            return int(connection.execute(query).scalar() or 0)

    def forget(self, before_ns: int) -> int:
        """Delete what was done with before; returns how many rows."""
        old = (OUTBOX.c.updated_ns < before_ns) & OUTBOX.c.state.not_in(OPEN_STATES)
        with self._transaction() as connection:
            return connection.execute(delete(OUTBOX).where(old)).rowcount

    # inside a transaction

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as fault:
            text = str(getattr(fault, "orig", None) or fault).replace(self._url.password or "\x00", "***")
            raise OutboxError(f"{type(fault).__name__}: {text}") from None

    def _add(self, connection: Connection, draft: Draft, now_ns: int) -> str:
        if connection.execute(select(OUTBOX.c.id).where(OUTBOX.c.key == draft.key)).first() is not None:
            return "repeated"
        if draft.dedup_ns:
            near = OUTBOX.c.ts_event_ns.between(
                draft.ts_event_ns - draft.dedup_ns, draft.ts_event_ns + draft.dedup_ns
            )
            equal = (OUTBOX.c.target == draft.target) & (OUTBOX.c.dedup == draft.dedup) & near
            if connection.execute(select(OUTBOX.c.id).where(equal).limit(1)).first() is not None:
                return "deduplicated"
        row: dict[str, Any] = draft._asdict()
        del row["dedup_ns"]
        connection.execute(insert(OUTBOX).values(**row, state="pending", updated_ns=now_ns))
        return "taken"

    def _has_earlier(self, connection: Connection, draft: Draft) -> bool:
        same = (OUTBOX.c.target == draft.target) & (OUTBOX.c.subject == draft.subject)
        earlier = select(OUTBOX.c.id).where(same & (OUTBOX.c.revision <= draft.revision)).limit(1)
        return connection.execute(earlier).first() is not None

    def _put_positions(self, connection: Connection, positions: Mapping[str, Position]) -> None:
        for publisher, position in positions.items():
            values = position._asdict()
            mine = POSITIONS.c.publisher == publisher
            if not connection.execute(update(POSITIONS).where(mine).values(values)).rowcount:
                connection.execute(insert(POSITIONS).values(publisher=publisher, **values))

    def _offset(self, connection: Connection, channel: str) -> int:
        query = select(OFFSETS.c.update_id).where(OFFSETS.c.channel == channel)
        return int(connection.execute(query).scalar() or 0)

    def _set(self, connection: Connection, row_id: int, now_ns: int, **values: Any) -> None:
        connection.execute(update(OUTBOX).where(OUTBOX.c.id == row_id).values(updated_ns=now_ns, **values))

    def _chat(self, connection: Connection, target: str) -> Chat:
        row: RowMapping | None = (
            connection.execute(select(CHATS).where(CHATS.c.target == target)).mappings().first()
        )
        return Chat(row["known_id"], row["suspect_id"]) if row is not None else Chat()

    def _know(self, connection: Connection, target: str, message_id: int, suspect_id: int) -> None:
        """A message id was seen in a chat."""
        if not message_id:
            return
        before = self._chat(connection, target)
        connection.execute(delete(CHATS).where(CHATS.c.target == target))
        values = {
            "known_id": max(before.known_id, message_id),
            "suspect_id": min(filter(None, (before.suspect_id, suspect_id)), default=0),
        }
        connection.execute(insert(CHATS).values(target=target, **values))

    def _litter(self, connection: Connection, target: str) -> list[int]:
        return list(
            connection.execute(select(LITTER.c.message_id).where(LITTER.c.target == target)).scalars()
        )

    def _drop_at(self, connection: Connection, target: str, message_id: int) -> None:
        same = (LITTER.c.target == target) & (LITTER.c.message_id == message_id)
        if connection.execute(select(LITTER).where(same)).first() is None:
            connection.execute(insert(LITTER).values(target=target, message_id=message_id))
