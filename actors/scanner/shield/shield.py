"""Judges an idea by all rules. Pure.

The score begins at 1; each finding multiplies it by 1 minus its rule's penalty. A veto makes it 0. So a further rule
never raises it, and the order of rules does not matter: factors are multiplied from the smallest on.
"""

from __future__ import annotations

import math

from actors.scanner.shield.book import RuleBook
from actors.scanner.shield.judged import Candidate, Decision, Surroundings
from actors.scanner.shield.rule import Reason, against


class Shield:
    """A function of its arguments and the rules; it remembers nothing.

    Args:
        book: Rules in force.
    """

    def __init__(self, book: RuleBook) -> None:
        self.book = book

    def judge(self, candidate: Candidate, surroundings: Surroundings) -> Decision:
        """Ask every rule; a veto does not keep the others from saying theirs."""
        reasons = [reason for rule in self.book.rules for reason in rule.reasons(candidate, surroundings)]
        factors = sorted(1.0 - reason.penalty for reason in reasons if not reason.is_veto)
        score = round(math.prod(factors, start=1.0), 6)
        if score < self.book.least_score:
            text = f"score: {against(score, 'below', self.book.least_score)} (veto)"
            reasons.append(Reason(text, is_veto=True, penalty=1.0))
        reasons.sort(key=lambda reason: (not reason.is_veto, -reason.penalty, reason.text))
        is_vetoed = any(reason.is_veto for reason in reasons)
        return Decision(is_vetoed, 0.0 if is_vetoed else score, [reason.text for reason in reasons])
