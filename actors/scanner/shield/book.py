"""The rules in force. Pure."""

from __future__ import annotations

import hashlib

import msgspec

from actors.scanner.shield.catalogue import RULES, ShieldFile
from actors.scanner.shield.rule import Rule, RuleSettings, Shared
from actors.scanner.shield.week import Hours


class RuleBook:
    """What a file says, ready to judge.

    Args:
        file: Checked contents; none: no rule at all, every idea passes.
    """

    def __init__(self, file: ShieldFile | None = None) -> None:
        file = file or ShieldFile()
        hours = {name: Hours(one.zone, one.windows, name) for name, one in file.sessions.items()}
        shared = Shared(hours, file.events)
        self.least_score = file.least_score
        self.rules: tuple[Rule, ...] = tuple(
            kind(settings, shared)
            for kind in RULES
            for settings in _several(getattr(file.rules, kind.name))
            if settings.enabled
        )
        self.digest = hashlib.sha256(msgspec.json.encode(file, order="sorted")).hexdigest()[:16]
        """Of everything in force, defaults too; not of comments and the manner of writing."""

    def __repr__(self) -> str:
        return f"RuleBook({len(self.rules)} rules, {self.digest})"


def _several(settings: RuleSettings | tuple[RuleSettings, ...]) -> tuple[RuleSettings, ...]:
    return settings if isinstance(settings, tuple) else (settings,)
