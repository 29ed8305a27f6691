"""Alert rules and dashboard: Prometheus and Grafana would load them, and nothing in them is dead."""

from __future__ import annotations

import functools
import itertools
import json
import re
from typing import Any

import promql_parser
import pytest
import yaml

from actors.gateway.metrics.catalogue import ALIASES, FAMILIES
from tests.support.paths import ROOT
from tests.unit.actors.gateway.metrics.fleet_world import full_world
from tests.unit.config.promql import Reader, Wrong

FOLDER = ROOT / "config" / "examples"
PROMETHEUS, RULES = FOLDER / "prometheus" / "prometheus.yml", FOLDER / "prometheus" / "tapehub-rules.yml"
DASHBOARD = FOLDER / "grafana" / "tapehub.json"
VARIABLES = {"$__rate_interval": "5m", "$job": "tapehub", "$actor": "hub.1"}
FUNCTIONS = {"humanize", "humanizeDuration", "humanizePercentage"}
ROWS = ["Overview", "Actors", "Venues and gaps", "Storage", "Edge"]


class Strict(yaml.SafeLoader):
    """Refuses a key that stands twice, as Prometheus does."""


def _mapping(loader: Strict, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [key.value for key, _ in node.value]
    assert len(keys) == len(set(keys)), f"{node.start_mark}: a key stands twice: {keys}"
    return loader.construct_mapping(node, deep=True)


Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load(path: Any) -> Any:
    return yaml.load(path.read_text(), Strict)


@functools.cache
def scraped() -> tuple[dict[str, frozenset[str]], frozenset[str]]:
    """Sample name to its labels, of all kinds of actors; and the counters among them."""
    values = full_world().scrape()
    labels = {name: frozenset(key for row in rows for key, _ in row) for name, rows in values.items()}
    grows = re.compile("_(total|bucket|count|sum)$")
    return labels, frozenset(name for name in labels if grows.search(name))


def reader() -> Reader:
    return Reader(*scraped())


def alerts() -> list[dict[str, Any]]:
    return [rule for group in load(RULES)["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def plain(expr: str) -> str:
    for name, value in VARIABLES.items():
        expr = expr.replace(name, value)
    assert "$" not in expr, f"a variable that is not there: {expr}"
    return expr


def test_every_metric_of_the_catalogue_is_on_the_page_of_a_full_fleet() -> None:
    labels, _ = scraped()
    for family in FAMILIES.values():
        names = [family.name + end for end in ("_bucket", "_sum", "_count")]
        for name in names if family.kind == "histogram" else [family.name]:
            extra = {"le"} if name.endswith("_bucket") else set()
            assert labels[name] == {*family.labels, *extra}, name


@pytest.mark.parametrize(
    "expr",
    [
        "tapehub_actors_up == 0",
        'tapehub_actor_up{name="hub.1"}',
        "sum by (venue) (tapehub_actor_up)",
        "rate(tapehub_actor_up[5m])",
        "max_over_time(tapehub_dropped_total[5m])",
        "histogram_quantile(0.9, rate(tapehub_dropped_total[5m]))",
        "tapehub_actor_up / tapehub_gaps_open",
        "tapehub_actor_up and on (venue) tapehub_gaps_open",
    ],
)
def test_a_dead_expression_is_found(expr: str) -> None:
    with pytest.raises(Wrong):
        reader().labels_of(expr)


@pytest.mark.parametrize("expr", ["rat(tapehub_actor_up[5m])", "sum(tapehub_actor_up", "tapehub_actor_up >"])
def test_what_is_no_promql_is_found(expr: str) -> None:
    with pytest.raises(ValueError, match=r"unknown|unclosed|invalid|unexpected"):
        reader().labels_of(expr)


def test_the_rules_have_the_structure_that_prometheus_loads() -> None:
    document = load(RULES)
    assert set(document) == {"groups"}
    assert len({group["name"] for group in document["groups"]}) == len(document["groups"])
    for group in document["groups"]:
        assert set(group) <= {"name", "interval", "rules"}
    names = [rule["alert"] for rule in alerts()]
    assert len(names) == len(set(names)) >= 20
    for rule in alerts():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, rule["alert"]
        assert re.fullmatch(r"Tapehub[A-Z]\w+", rule["alert"])
        promql_parser.parse_duration(rule.get("for", "1s"))
        assert rule["labels"].keys() == {"severity"}
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"].keys() == {"summary", "description"}


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: str(rule["alert"]))
def test_a_rule_can_fire_and_says_what_to_do(rule: dict[str, Any]) -> None:
    labels = reader().labels_of(rule["expr"])
    for text in rule["annotations"].values():
        for inner in re.findall(r"\{\{(.*?)\}\}", text):
            what, *function = (part.strip() for part in inner.split("|"))
            assert what == "$value" or what.removeprefix("$labels.") in labels, f"{inner}: only {labels}"
            assert set(function) <= FUNCTIONS
    commands = re.findall(r"`(tapehub [a-z]+(?: [a-z]+)?)", rule["annotations"]["description"])
    known = re.findall(r"^### (.+)$", (ROOT / "docs" / "commands.md").read_text(), re.MULTILINE)
    assert commands, "no command to go on with"
    for command in commands:
        assert command in known or command.rsplit(" ", 1)[0] in known, command


def test_prometheus_finds_rules_and_gateway() -> None:
    document = load(PROMETHEUS)
    assert set(document) == {"global", "rule_files", "scrape_configs"}
    assert [PROMETHEUS.parent / name for name in document["rule_files"]] == [RULES]
    (job,) = document["scrape_configs"]
    assert job["metrics_path"] == "/metrics"
    assert f'job="{job["job_name"]}"' in RULES.read_text(), "the rule about the gateway itself names the job"


def test_the_dashboard_is_one_that_grafana_loads() -> None:
    document = json.loads(DASHBOARD.read_text())
    assert document["schemaVersion"] >= 41
    assert "id" not in document, "an id belongs to one Grafana"
    variables = {one["name"]: one for one in document["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    assert [panel["title"] for panel in panels() if panel["type"] == "row"] == ROWS
    assert len({panel["id"] for panel in panels()}) == len(panels())
    assert len({panel["title"] for panel in panels()}) == len(panels())
    cells = [
        cell
        for panel in panels()
        for cell in itertools.product(
            range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"]),
            range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"]),
        )
    ]
    assert len(cells) == len(set(cells)), "two panels lie over each other"
    assert max(x for x, _ in cells) == 23
    for variable in list(variables.values())[1:]:
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
        assert found, variable["name"]
        assert found[2] in reader().labels_of(plain(found[1]))


@pytest.mark.parametrize(
    "panel",
    [panel for panel in panels() if panel["type"] != "row"],
    ids=lambda panel: str(panel["title"]).replace(" ", "-"),
)
def test_a_panel_shows_something(panel: dict[str, Any]) -> None:
    assert panel["type"] in ("stat", "timeseries", "state-timeline")
    assert panel["description"]
    source = {"type": "prometheus", "uid": "${datasource}"}
    assert panel["datasource"] == source
    assert panel["targets"]
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    for target in panel["targets"]:
        assert target["datasource"] == source
        labels = reader().labels_of(plain(target["expr"]))
        for name in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
            assert name in labels, f"{target['expr']}: {name} is none of {sorted(labels)}"


def test_what_is_measured_is_watched() -> None:
    found = reader()
    for expr in [rule["expr"] for rule in alerts()] + [
        target["expr"] for panel in panels() for target in panel.get("targets", [])
    ]:
        found.labels_of(plain(expr))
    shown = {re.sub("_(bucket|sum|count)$", "", name) for name in found.used}
    idle = {name for name in FAMILIES if name not in shown and name not in ALIASES}
    assert idle == {
        "tapehub_actor_info", "tapehub_bridge_bytes_total", "tapehub_bridge_failures_total",
        "tapehub_bridge_messages_total", "tapehub_bridge_unconfirmed_messages", "tapehub_build_info", "tapehub_events_total", "tapehub_breaker_failures",
        "tapehub_db_batches_total", "tapehub_db_waiting_rows", "tapehub_journal_lost_frames_total",
        "tapehub_journal_quarantine_bytes", "tapehub_journal_records", "tapehub_journal_segments",
        "tapehub_journal_unsynced_records", "tapehub_venue_silent_seconds",
    }  # fmt: skip
