"""Data with holes, an old quote, or a target that is not worth its stop. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from actors.scanner.shield.judged import Candidate, Surroundings
from actors.scanner.shield.rule import (
    Finding,
    NotNegative,
    Positive,
    Rule,
    RuleSettings,
    Share,
    against,
    settled,
)


class QualitySettings(RuleSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an idea must rest on."""

    least_coverage: Share = 0.95
    """Lowest coverage of the candles used; 0: not looked at."""
    max_quote_age_s: Positive = 5.0
    """Oldest quote, seconds of venue time."""
    least_reward_risk: NotNegative = 1.0
    """Distance to the target over distance to the stop; 0: not looked at."""


class Quality(Rule):
    """Three looks."""

    name = "quality"
    Settings = QualitySettings

    def findings(self, candidate: Candidate, surroundings: Surroundings) -> Iterator[Finding]:  # noqa: ARG002
        """At most one for each look."""
        settings: QualitySettings = self.settings
        if settings.least_coverage:
            coverage = settled(candidate.coverage)
            if math.isnan(coverage):
                yield Finding("the coverage is not known", is_unknown=True)
            elif coverage < settings.least_coverage:
                yield Finding(f"coverage {against(coverage, 'below', settings.least_coverage)}")
        if math.isnan(candidate.quote_age_s):
            yield Finding("the quote's age is not known", is_unknown=True)
        elif candidate.quote_age_s > settings.max_quote_age_s:
            yield Finding(
                f"quote age {against(candidate.quote_age_s, 'above', settings.max_quote_age_s, 's')}"
            )
        if settings.least_reward_risk:
            risk = (candidate.entry - candidate.stop) * candidate.side
            reward = (candidate.target - candidate.entry) * candidate.side
            if not (0 < risk < math.inf and math.isfinite(reward)):
                yield Finding("no risk to measure the reward by", is_unknown=True)
            elif (ratio := settled(reward / risk)) < settings.least_reward_risk:
                yield Finding(f"reward/risk {against(ratio, 'below', settings.least_reward_risk)}")
