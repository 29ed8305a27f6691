"""`tapehub backfill`: minutes of the REST providers, and history bought from a vendor, its price told first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tapehub.cli import exit_codes, refill, refill_status
from tapehub.cli.context import current
from tapehub.cli.failures import Failure
from tapehub.cli.options import AsJson, usage
from tapehub.cli.output import print_json, print_table, say

if TYPE_CHECKING:
    from tapehub.backfilling import Lot


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        help="History: minutes from the REST providers, files from a vendor at a price that is told first.",
        no_args_is_help=True,
    )
    refill.register(group)
    refill_status.register(group)
    group.command("databento")(databento)
    app.add_typer(group, name="backfill")


def databento(
    symbols: Annotated[
        list[str],
        typer.Argument(
            metavar="SYMBOL...", help="Of symbols.yaml, or Databento's: 6EZ6, 6E.v.1, glbx:6E.FUT."
        ),
    ],
    schema: Annotated[
        str, typer.Option("--schema", metavar="S", help="trades, mbp-1, mbp-10, mbo, ohlcv-1m, ...")
    ],
    start: Annotated[str, typer.Option("--start", metavar="T", help="2026-11-02 or 2026-11-02T14:00Z.")],
    end: Annotated[
        str, typer.Option("--end", metavar="T", help="The same, not included; or how long: 1h, 1d.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Where files go.", show_default="<run_dir>/dbn"),
    ] = None,
    max_cost_usd: Annotated[
        float | None,
        typer.Option(
            "--max-cost", metavar="USD", min=0, help="Spend up to this.", show_default="backfill_max_cost_usd"
        ),
    ] = None,
    is_confirmed: Annotated[bool, typer.Option("--yes", help="Spend more than the limit.")] = False,
    as_json: AsJson = False,
) -> None:
    """DBN files of Databento's history; a file that is there already is not paid for again.

    The cost is asked (which is free) and told before anything is fetched. Beyond the limit nothing is fetched
    without --yes: exit code 1. The key is that of the configuration, or DATABENTO_API_KEY.

      tapehub backfill databento 6E.FUT --schema trades --start 2026-11-02 --end 1d

      tapehub backfill databento ES.FUT NQ.FUT --schema mbp-1 --start 2026-11-02T14:30Z --end 30m --max-cost 20

      tapehub decode databento var/dbn/FILE --summary
    """
    from actors.collector.databento.history import HistoryError
    from tapehub import backfilling

    loaded = current().loaded
    start_ns, end_ns = usage(lambda text: backfilling.span_of(text, end), start)
    settings = backfilling.settings_of(loaded)
    limit_usd = settings.backfill_max_cost_usd if max_cost_usd is None else max_cost_usd
    folder = out or current().run_dir / "dbn"
    orders = usage(
        lambda names: backfilling.orders_of(loaded, settings, names, schema, start_ns, end_ns), symbols
    )
    key = backfilling.key_of(settings)
    if not key:
        raise Failure(
            "there is no key for Databento", "export DATABENTO_API_KEY=db-...", exit_codes.BAD_CONFIG
        )
    try:
        purchase = backfilling.Purchase(key, settings.history_gateway, folder, orders)
        lots = purchase.priced()
        if not as_json:
            _say_prices(lots)
        cost_usd = sum(lot.cost_usd for lot in lots)
        if cost_usd > limit_usd and not is_confirmed:
            if as_json:
                _print_json(lots, limit_usd)
            raise Failure(
                f"{cost_usd:.2f} USD is more than the limit of {limit_usd:.2f} USD: nothing was fetched",
                "--yes to spend it, --max-cost USD for another limit, or ask for less",
            )
        for lot in lots:
            if not lot.path:
                lot.path = str(purchase.fetch(lot))
                lot.is_new = True
            if not as_json:
                say(f"{lot.path}" + ("" if lot.is_new else "  (was there already)"))
    except HistoryError as fault:
        raise Failure(
            f"Databento: {backfilling.without_key(str(fault), key)}", "tapehub doctor --live --only databento"
        ) from None
    if as_json:
        _print_json(lots, limit_usd)


def _say_prices(lots: list[Lot]) -> None:
    rows = [
        [
            lot.order.dataset,
            lot.order.schema,
            ",".join(lot.order.symbols),
            f"{lot.records:,}",
            f"{lot.size_bytes / 1e6:,.1f}",
            f"{lot.cost_usd:.2f}",
        ]
        for lot in lots
    ]
    right = ("RECORDS", "MB", "USD")
    print_table(["DATASET", "SCHEMA", "SYMBOLS", *right], rows, right)
    say(f"cost: {sum(lot.cost_usd for lot in lots):.2f} USD")


def _print_json(lots: list[Lot], limit_usd: float) -> None:
    print_json(
        {
            "cost_usd": sum(lot.cost_usd for lot in lots),
            "limit_usd": limit_usd,
            "files": [lot.to_dict() for lot in lots],
        }
    )
