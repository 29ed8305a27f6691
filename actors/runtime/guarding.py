"""An actor's watch over who comes in: refusals are counted and logged, keys looked at again, and without a guard it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from actors.runtime.keys import keyring_of
from protocol.transport import Empty, Envelope, Publisher, Responder, Wire

if TYPE_CHECKING:
    from actors.runtime.actor import Actor
    from actors.runtime.settings import Loaded

LOOK_S: Final = 0.25
"""Seconds between two looks at keys and connections: a revoked key hears nothing that is sent later."""


def wire_of(loaded: Loaded, name: str) -> Wire:
    """The sockets of an actor, with its key where others than this machine reach it.

    Raises:
        ConfigError: exit 78, its key is missing, or others can read it.
    """
    common = loaded.common
    return Wire(common.bus.high_water_mark, keyring_of(loaded, name), common.key_limits)


class Subscriptions(Responder):
    """Judges who wants to hear what, whenever somebody does: to the loop it looks like questions."""

    def __init__(self, publisher: Publisher) -> None:
        super().__init__(publisher.socket)
        self._publisher = publisher

    def receive(self) -> NoReturn:
        """Judge those that have arrived.

        Raises:
            Empty: always, there is nothing to answer.
        """
        self._publisher.subscriptions()
        raise Empty


class Guarding:
    """Looks after the sockets of one actor that others reach; where nobody does there is nothing to do.

    Args:
        actor: Whose.
    """

    def __init__(self, actor: Actor) -> None:
        self._actor = actor
        if actor.wire.keyring is None:
            return
        actor.every(LOOK_S, self.look)
        if actor.wire.guard is not None:
            actor.serve(Subscriptions(actor.publisher), _nothing, is_urgent=False)

    def look(self) -> None:
        """See to refusals, keys and connections.

        Raises:
            GuardDied: nobody judges any more who comes in.
        """
        actor = self._actor
        actor.wire.tend()
        if actor.wire.guard is not None:
            for reason, what in actor.wire.guard.notes():
                actor.drop(reason, what)

    def detail(self) -> dict[str, Any]:
        """For the status."""
        guard = self._actor.wire.guard
        return {"guard": guard.status()} if guard is not None else {}


def _nothing(_envelope: Envelope, _body: bytes) -> None:
    """There are no questions on the publisher's socket."""
