"""Which rules there are, and the type of `shield.yaml` that follows. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from actors.scanner.shield.events import Event
from actors.scanner.shield.rule import Rule, Share
from actors.scanner.shield.rules.exposure import Exposure, ExposureSettings
from actors.scanner.shield.rules.news import News, NewsSettings
from actors.scanner.shield.rules.quality import Quality, QualitySettings
from actors.scanner.shield.rules.spread import Spread, SpreadSettings
from actors.scanner.shield.rules.time_of_week import TimeOfWeek, TimeOfWeekSettings
from actors.scanner.shield.rules.volatility import Volatility, VolatilitySettings
from actors.scanner.shield.week import Session

RULES: Final[tuple[type[Rule], ...]] = (Exposure, News, Quality, Spread, TimeOfWeek, Volatility)
"""By name."""


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rule's name to its settings, once or in a list; a rule that is not named is not in force."""

    exposure: ExposureSettings | tuple[ExposureSettings, ...] = ()
    news: NewsSettings | tuple[NewsSettings, ...] = ()
    quality: QualitySettings | tuple[QualitySettings, ...] = ()
    spread: SpreadSettings | tuple[SpreadSettings, ...] = ()
    time_of_week: TimeOfWeekSettings | tuple[TimeOfWeekSettings, ...] = ()
    volatility: VolatilitySettings | tuple[VolatilitySettings, ...] = ()


class ShieldFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Contents of `shield.yaml`."""

    sessions: dict[str, Session] = {}
    """Windows of the week with a name."""
    events: tuple[Event, ...] = ()
    """The calendar."""
    least_score: Share = 0.0
    """An idea with a lower score is vetoed."""
    rules: Rules = Rules()
