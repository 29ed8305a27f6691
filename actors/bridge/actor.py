"""The bridge: mirrors chosen topics, byte for byte, into a NATS JetStream stream. Wiring."""

from __future__ import annotations

import os
from typing import Any, Final

from actors.bridge.checks import check
from actors.bridge.journals import Journals
from actors.bridge.keeper import Keeper
from actors.bridge.opening import Opening
from actors.bridge.settings import BridgeSettings
from actors.runtime.actor import Actor
from actors.runtime.intake import Intake
from actors.runtime.settings import Loaded

TICK_S: Final = 0.05


class Bridge(Actor):
    """Mirrors chosen topics into a NATS JetStream stream, for those who must cross regions or fan out to thousands."""

    kind = "bridge"
    Settings = BridgeSettings

    def __init__(self, name: str, loaded: Loaded) -> None:
        super().__init__(name, loaded)
        self._checked = check(f"actors.{name}", self.settings, loaded.folder, os.environ)

    def setup(self) -> None:
        """Hear everybody, and connect in a thread."""
        self.keeper = Keeper(self, self._opening, list(self.settings.topics))
        self.every(TICK_S, self.keeper.tick)

    def _opening(self, intake: Intake) -> Opening:
        journals = Journals(self.endpoints, self.common.actors, self.wire.keyring)
        asked = journals if journals and self.common.bus.replay else None
        return Opening(self.name, self.settings, self._checked, list(intake.inputs), asked)

    def drain(self) -> None:
        """Have the stream confirm what is left."""
        self.keeper.finish()

    def detail(self) -> dict[str, Any]:
        """How far the mirror is."""
        return {"mirror": self.keeper.detail()}
