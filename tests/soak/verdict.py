"""From measurements to a table: what grows, what was lost, what restarted, and why. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tests.chaos.checks import Check
from tests.soak.sampling import Sample
from tests.soak.slopes import HOUR_S, Slope, quantile, slope_of

REMEMBERS: Final = ("simulator.1",)
"""Actors that are there to remember everything: their memory grows, and decides nothing."""
SLACK_MIB: Final = 8.0
"""Growth in an hour, or in the whole of a shorter run, that is noise: a cache that fills."""
SLACK_SHARE: Final = 0.05
"""Of the mean, an hour."""
SLACK_FDS: Final = 4.0
"""As SLACK_MIB: a file that is just being rotated."""
SLACK_P99_SHARE: Final = 0.25
RATE_SHARE: Final = 0.95


class Reading(msgspec.Struct, frozen=True):
    """What the engine saw in one interval."""

    at_s: float
    reads: int
    p50_s: float
    p99_s: float


class Soak(msgspec.Struct, kw_only=True):
    """Everything a run has brought."""

    settings: dict[str, Any]
    samples: dict[str, list[Sample]]
    """By actor, after warm-up."""
    readings: list[Reading]
    errors: dict[str, int]
    """What the engine was refused, by code."""
    seconds: float
    events: int
    """Orders that the simulator made after warm-up."""
    skipped_ms: int
    restarts: dict[str, str]
    """Actor to how often it was started anew, and why."""
    tails: dict[str, str]
    """The end of the log of each of them."""
    troubles: list[str]
    checks: list[Check]
    machine: dict[str, Any] = {}

    @property
    def rate_per_s(self) -> float:
        """Orders a second that there really were."""
        return self.events / self.seconds if self.seconds else 0.0


class Line(msgspec.Struct, frozen=True):
    """One line of the table of slopes."""

    actor: str
    what: str
    slope: Slope
    slack: float
    verdict: str
    """flat, GROWS, vague (too short to say), told (decides nothing)."""


def lines_of(soak: Soak) -> list[Line]:
    """Memory, files and threads of each actor, and the engine's latency."""
    found = []
    hours = min(1.0, max(soak.seconds, 1.0) / HOUR_S)
    for actor, samples in soak.samples.items():
        times = [one.at_s for one in samples]
        has_pss = all(one.pss_mib for one in samples)
        memory = slope_of(times, [one.pss_mib if has_pss else one.rss_mib for one in samples])
        found.append(
            _line(
                actor,
                "PSS MiB" if has_pss else "RSS MiB",
                memory,
                max(SLACK_MIB / hours, SLACK_SHARE * memory.mean),
            )
        )
        found.append(
            _line(actor, "fds", slope_of(times, [float(one.fds) for one in samples]), SLACK_FDS / hours)
        )
        found.append(
            _line(
                actor, "threads", slope_of(times, [float(one.threads) for one in samples]), SLACK_FDS / hours
            )
        )
    p99 = slope_of([one.at_s for one in soak.readings], [one.p99_s * 1000 for one in soak.readings])
    found.append(_line("engine", "read p99 ms", p99, SLACK_P99_SHARE * p99.mean / hours))
    return found


def _line(actor: str, what: str, slope: Slope, slack: float) -> Line:
    if actor in REMEMBERS and what.endswith("MiB"):
        verdict = "told"
    elif slope.grows(slack):
        verdict = "GROWS"
    else:
        verdict = "vague" if slope.is_vague(slack) else "flat"
    return Line(actor, what, slope, slack, verdict)


def faults_of(soak: Soak) -> list[str]:
    """What is wrong with the run; empty: it is passed."""
    found = [f"{line.actor} {line.what} grows" for line in lines_of(soak) if line.verdict == "GROWS"]
    found += [f"{actor} was started anew: {why}" for actor, why in soak.restarts.items()]
    found += soak.troubles
    found += [f"{check.what}: lost {check.lost}, doubled {check.doubled}, wrong {check.wrong}"
              for check in soak.checks if check.is_fatal and not check.is_clean]  # fmt: skip
    wanted = float(soak.settings["rate_per_s"])
    if soak.rate_per_s < RATE_SHARE * wanted:
        found.append(
            f"this machine made {soak.rate_per_s:,.0f} events a second of {wanted:,.0f}: ask for fewer, or a larger machine"
        )
    refused = {code: count for code, count in soak.errors.items() if code != "no_data"}
    if refused:
        found.append(f"the engine was refused: {refused}")
    return found


def text_of(soak: Soak) -> str:
    """For people."""
    lines = [
        f"{soak.seconds / 60:.1f} minutes after warm-up, {soak.rate_per_s:,.0f} events/s, {soak.machine}",
        "",
    ]
    lines.append(f"{'ACTOR':22}{'WHAT':14}{'MEAN':>10}{'PER HOUR':>12}{'95 % INTERVAL':>24}  VERDICT")
    for line in lines_of(soak):
        slope = line.slope
        interval = f"{slope.low:+.2f} … {slope.high:+.2f}" if slope.is_known else "too few"
        lines.append(
            f"{line.actor:22}{line.what:14}{slope.mean:>10.2f}{slope.per_hour:>+12.2f}{interval:>24}  {line.verdict}"
        )
    lines += ["", f"{'ACTOR':22}{'CPU %':>8}{'US/EVENT':>10}{'LAG P99 MAX':>14}{'WAITING MAX':>13}"]
    for actor, samples in soak.samples.items():
        cpu = _cpu_share(samples)
        per_event = cpu / soak.rate_per_s * 1e6 if soak.rate_per_s else 0.0
        lag, waiting = max(one.lag_p99_s for one in samples), max(one.waiting for one in samples)
        lines.append(f"{actor:22}{100 * cpu:>8.1f}{per_event:>10.2f}{lag * 1000:>11.1f} ms{waiting:>13,}")
    p50, p99 = ([getattr(one, name) * 1000 for one in soak.readings] for name in ("p50_s", "p99_s"))
    reads = sum(one.reads for one in soak.readings)
    lines += ["", (f"engine: {reads:,} reads, p50 {quantile(p50, 0.5):.2f} ms, p99 {quantile(p99, 0.5):.2f} ms (worst interval "
              f"{max(p99, default=0.0):.2f} ms), refused {soak.errors or 'nothing'}")]  # fmt: skip
    lines += ["", f"{'COMPARED':26}{'EXPECTED':>12}{'LOST':>8}{'DOUBLED':>9}{'WRONG':>8}"]
    for check in soak.checks:
        lines.append(
            f"{check.what:26}{check.expected:>12,}{check.lost:>8,}{check.doubled:>9,}{check.wrong:>8,}  {check.note}"
        )
        lines += [f"    {one}" for one in check.examples[:3]]
    lines += [f"\nthe end of {actor}'s log:\n{tail}" for actor, tail in soak.tails.items()]
    faults = faults_of(soak)
    vague = sum(line.verdict == "vague" for line in lines_of(soak))
    lines += ["", *(f"FAULT: {fault}" for fault in faults)]
    lines.append(
        f"{'FAILED' if faults else 'PASSED'}: {len(faults)} faults"
        + (f", {vague} slopes too short to say" if vague else "")
    )
    return "\n".join(lines)


def document_of(soak: Soak) -> dict[str, Any]:
    """As JSON."""
    rows = [
        {
            "actor": line.actor,
            "what": line.what,
            **line.slope._asdict(),
            "slack_per_hour": line.slack,
            "verdict": line.verdict,
        }
        for line in lines_of(soak)
    ]
    return {
        "settings": soak.settings, "machine": soak.machine, "seconds": soak.seconds, "rate_per_s": soak.rate_per_s, "slopes": rows,
        "cpu_share": {actor: _cpu_share(samples) for actor, samples in soak.samples.items()},
        "checks": msgspec.to_builtins(soak.checks), "restarts": soak.restarts, "troubles": soak.troubles, "errors": soak.errors,
        "faults": faults_of(soak), "passed": not faults_of(soak),
    }  # fmt: skip


def _cpu_share(samples: Sequence[Sample]) -> float:
    """Share of one core."""
    same = [one for one in samples if one.pid == samples[-1].pid]
    took_s = same[-1].at_s - same[0].at_s
    return (same[-1].cpu_s - same[0].cpu_s) / took_s if took_s else 0.0
