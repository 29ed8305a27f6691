"""What people and programs ask of a collector of bars, and order of it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from actors.collector.bars import making
from actors.collector.bars.jobs import Cost, Jobs, Order, cost_of, described, limits_of, with_time
from actors.collector.bars.line import Line, Stretch
from actors.collector.bars.memory import MINUTE_NS
from actors.collector.bars.orchestrator import Orchestrator
from actors.collector.bars.settings import RestSettings
from protocol.errors import InvalidRequest
from protocol.instruments import Catalog
from protocol.requests import Request

ANYBODY: Final = "rest"
"""In place of a provider's name: whoever can."""
NEWEST_SWITCHES: Final = 5


class Desk:
    """Answers and orders.

    Args:
        settings: Of the collector.
        orchestrator: What runs.
        jobs: What was ordered.
        catalog: Instruments.
        order: Begins the stretch of a job.
    """

    def __init__(
        self,
        settings: RestSettings,
        orchestrator: Orchestrator,
        jobs: Jobs,
        catalog: Catalog,
        order: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._orchestrator = orchestrator
        self._jobs = jobs
        self._catalog = catalog
        self._order = order

    def answer(self, request: Request, now_ns: int) -> object:
        """One of `rest`, `backfill`, `backfills`, `cancel_backfill`.

        Raises:
            InvalidRequest: it cannot be done; says why.
            UnknownSymbol: an instrument that is not configured.
        """
        match request.op:
            case "backfill":
                return self._backfill(request, now_ns)
            case "backfills":
                return self._backfills()
            case "cancel_backfill":
                return self._cancel(str(request.args.get("job_id", "")))
            case _:
                return {
                    **self._orchestrator.describe(now_ns),
                    "history": self._history(now_ns),
                    **self._backfills(),
                }

    # looking

    def summary(self, now_ns: int) -> dict[str, Any]:
        """For the heartbeat: small however many instruments there are."""
        lines = self._orchestrator.lines.values()
        switches = list(self._orchestrator.outlet.switches)[-NEWEST_SWITCHES:]
        return {
            "providers": {
                name: account.describe(now_ns) for name, account in self._orchestrator.market.accounts.items()
            },
            "instruments": len(lines),
            "stale": sum(line.running is not None and line.running.status == "stale" for line in lines),
            "minutes_missing": sum(line.timeline.holes.missing for line in lines),
            "history": self._history(now_ns),
            "backfills": len(self._jobs.running),
            "switches": [switch._asdict() for switch in switches],
        }

    def connections(self, now_ns: int) -> list[dict[str, Any]]:
        """Each provider: name, url, state."""
        market = self._orchestrator.market
        return [
            {
                "name": name,
                "url": making.settings_of(self._settings, name).url or provider.base_url,
                **market.accounts[name].describe(now_ns),
            }
            for name, provider in market.providers.items()
        ]

    def _history(self, now_ns: int) -> dict[str, Any]:
        """How far the beginnings are loaded."""
        lines = list(self._orchestrator.lines.values())
        loading = [line for line in lines if self._orchestrator.is_loading(line, now_ns)]
        found = {
            "waiting": sum(not line.has_begun for line in lines),
            "loading": len(loading),
            "share": _share(lines, now_ns),
            "minutes": sum(line.own.minutes for line in lines),
            "calls": sum(line.own.calls for line in lines),
        }
        why = sorted({line.own.why for line in loading if line.own.why})
        return {**found, "why": why[:3]}

    # orders

    def _backfill(self, request: Request, now_ns: int) -> dict[str, Any]:
        """Order stretches, one for each symbol; with `dry_run` only their cost."""
        orders = self._orders(request, now_ns)
        costs = self._costs(orders, now_ns)
        found: dict[str, Any] = {"costs": [one._asdict() for one in costs], "jobs": []}
        if request.args.get("dry_run"):
            return found
        for order, cost in zip(orders, costs, strict=True):
            if not cost.provider:
                raise InvalidRequest(
                    f"{order.symbol} has no name at {order.provider or 'any provider that is asked'}"
                )
        for order in orders:
            job = self._jobs.same(order)
            if job is None:
                job = self._jobs.add(order, now_ns)
                self._order(job.job_id)
            found["jobs"].append(job.job_id)
        return found

    def _orders(self, request: Request, now_ns: int) -> list[Order]:
        provider = str(request.args.get("provider", ANYBODY))
        known = self._orchestrator.market.providers
        if provider not in (ANYBODY, *known):
            raise InvalidRequest(
                f"provider {provider!r} is not asked here; there are {', '.join(known)}, or {ANYBODY} for any",
                errors=["provider"],
            )
        from_ns = request.from_ns // MINUTE_NS * MINUTE_NS
        to_ns = min(request.to_ns or now_ns, now_ns) // MINUTE_NS * MINUTE_NS
        if not 0 < from_ns < to_ns:
            raise InvalidRequest(
                "the stretch must begin before it ends, and before now", errors=["from_ns", "to_ns"]
            )
        names = request.symbols or ([request.symbol] if request.symbol else [])
        symbols = [self._catalog.get(name).symbol for name in names]
        strangers = [symbol for symbol in symbols if symbol not in self._orchestrator.lines]
        if strangers or not symbols:
            what = f"{', '.join(strangers)} not collected here" if strangers else "no symbol is named"
            raise InvalidRequest(what, errors=["symbols"])
        return [
            Order(
                symbol, "" if provider == ANYBODY else provider, from_ns, self._end_ns(symbol, from_ns, to_ns)
            )
            for symbol in symbols
        ]

    def _end_ns(self, symbol: str, from_ns: int, to_ns: int) -> int:
        """What has not gone out yet comes by itself.

        Raises:
            InvalidRequest: nothing else was asked for.
        """
        line = self._orchestrator.lines[symbol]
        reached_ns = line.timeline.next_ns if line.has_begun else 0
        if from_ns >= reached_ns:
            raise InvalidRequest(f"{symbol}: minutes from there on come by themselves", errors=["from_ns"])
        return min(to_ns, reached_ns)

    def _costs(self, orders: list[Order], now_ns: int) -> list[Cost]:
        providers = self._orchestrator.market.providers
        costs = []
        for order in orders:
            line = self._orchestrator.lines[order.symbol]
            session = line.timeline.session
            costs.append(cost_of(order, line.standings, line.tier.order, providers, session, now_ns))
        limits = {name: limits_of(self._settings, name, one) for name, one in providers.items()}
        return with_time(costs, limits, self._settings.history_share)

    def _backfills(self) -> dict[str, Any]:
        running = []
        for job_id, job in self._jobs.running.items():
            stretch = self._stretch(job.symbol, job_id)
            if stretch is not None:
                running.append(described(job, stretch))
        return {"running": running, "finished": list(self._jobs.finished.values())}

    def _cancel(self, job_id: str) -> dict[str, str]:
        job = self._jobs.running.get(job_id)
        stretch = self._stretch(job.symbol, job_id) if job is not None else None
        if job is None or stretch is None:
            raise InvalidRequest(f"no backfill {job_id!r} is running", errors=["job_id"])
        self._orchestrator.drop(job.symbol, stretch, "the backfill was cancelled")
        self._jobs.finish(job_id, stretch, "cancelled")
        return {"cancelled": job_id}

    def _stretch(self, symbol: str, job_id: str) -> Stretch | None:
        line = self._orchestrator.lines.get(symbol)
        return next((one for one in line.jobs if one.job_id == job_id), None) if line is not None else None


def _share(lines: list[Line], now_ns: int) -> float:
    """Loaded share of all beginnings that are known."""
    wanted = reached = 0
    for line in lines:
        begin_ns = line.timeline.state.begin_ns
        if begin_ns:
            wanted += max(0, now_ns - begin_ns)
            reached += max(0, min(line.timeline.next_ns, now_ns) - begin_ns)
    return reached / wanted if wanted else 0.0
