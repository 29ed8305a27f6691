"""A file for a folder of strategies: says something about quotes whenever it may, with all that it sees."""

from __future__ import annotations

from pathlib import Path
from typing import Final

SOURCE: Final = """
from __future__ import annotations

from typing import ClassVar

import msgspec

from protocol.strategy import Idea, Needs, Snapshot


class TalkParams(msgspec.Struct, frozen=True, kw_only=True):
    risk: float = 0.00001


class Talk:
    name: ClassVar[str] = "talk"
    Params: ClassVar[type[TalkParams]] = TalkParams

    def __init__(self, params: TalkParams) -> None:
        self._risk = params.risk
        self.needs = Needs(
            timeframe="1m", bars={"1m": 2, "10s": 3}, features={"1m": ("ema_3",)}, flows={60.0: ()}, each_second=EACH_SECOND
        )

    def evaluate(self, snapshot: Snapshot) -> Idea | str:
        last = snapshot.bars["1m"][-1]
        side = 1 if last.close >= snapshot.features["1m"]["ema_3"] else -1
        entry = snapshot.ask if side > 0 else snapshot.bid
        risk = 1.5 * snapshot.spread + self._risk
        seen = {f"{name}.{n}": bar.close for name, bars in snapshot.bars.items() for n, bar in enumerate(bars)}
        return Idea(side, entry - side * risk, entry + side * self._risk, 0.5, seen | dict(snapshot.flows[60.0]), "talk")


STRATEGIES = (Talk,)
"""


def write_talker(folder: Path, *, each_second: bool = True) -> None:
    """Put it into `strategies` below the folder of a configuration."""
    (folder / "strategies").mkdir(exist_ok=True)
    (folder / "strategies" / "talk.py").write_text(SOURCE.replace("EACH_SECOND", str(each_second)))
