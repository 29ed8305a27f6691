"""A provider is taken down and comes back: `tapehub status` shows its breaker open, half open and closed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tapehub.cli import context
from tests.support.providers.faults import Fault
from tests.support.rest_system import COLLECTOR, PLENTY, RestSystem
from tests.support.wait import until
from tests.unit.tapehub.calls import call

IMPATIENT = {
    "refresh_s": 0.2,
    "settle_s": 0.0,
    "cycle_s": 0.1,
    "breaker_failures": 2,
    "breaker_open_s": 0.4,
    "breaker_cap_s": 0.8,
}
SLOW_S = 4.0
"""The trial takes so long: time enough to see it."""
Status = Callable[[], Any]


@pytest.fixture
def system(run_dir: Path) -> Iterator[RestSystem]:
    with RestSystem(
        run_dir, {"yahoo": PLENTY, "twelvedata": PLENTY}, symbols=("BTC_USD",), rest=IMPATIENT
    ) as found:
        yield found
    context.use(context.Context())


@pytest.fixture
def status(system: RestSystem, capsys: pytest.CaptureFixture[str]) -> Status:
    def ask() -> Any:
        result = call(capsys, "--config", str(system.config), "status", "--json")
        assert result.code == 0, "an open breaker is not degraded"
        return msgspec.json.decode(result.out)

    return ask


def test_a_breaker_opens_tries_and_closes(
    system: RestSystem, status: Status, capsys: pytest.CaptureFixture[str]
) -> None:
    def row(provider: str) -> Any:
        return next(one for one in status()["providers"] if one["provider"] == provider)

    def once(state: str) -> Any:
        found: dict[str, Any] = {}

        def look() -> bool:
            found.update(row("yahoo"))
            return bool(found["state"] == state)

        until(look, 40.0, f"yahoo {state}")
        return found

    assert once("closed")["collector"] == COLLECTOR
    system.server.add(Fault("yahoo", "error", status=503))
    opened = once("open")
    assert (opened["failures"] >= 2, opened["endpoints"]) == (True, {"chart": "open"})
    assert "503" in opened["reason"]
    until(lambda: status()["rest"][COLLECTOR]["connected"], 40.0, "the other provider to deliver")
    assert row("twelvedata")["state"] == "closed"
    note = next(one["note"] for one in status()["actors"] if one["name"] == COLLECTOR)
    assert note.startswith("yahoo breaker ")

    shown = call(capsys, "--config", str(system.config), "status").out
    assert f"{COLLECTOR}: 1 instrument: " in shown
    lines = {line.split()[0]: line.split() for line in shown.splitlines() if line}
    assert lines["PROVIDER"] == ["PROVIDER", "STATE", "CALLS", "NEXT", "FAILURES", "REASON"]
    assert lines["twelvedata"][1] == "closed"

    system.server.world.script.faults[:] = [
        Fault("yahoo", "slow", pause_s=SLOW_S)
    ]  # at once: the next one is the trial
    assert once("half_open")["endpoints"] == {"chart": "half_open"}
    system.server.clear()
    assert once("closed")["failures"] == 0
    assert not next(one["note"] for one in status()["actors"] if one["name"] == COLLECTOR).startswith("yahoo")
