"""What only this machine can say of a topology of several hosts, and how actors of others are shown."""

import json
import socket

import pytest

from actors.runtime.keys import folder_of
from actors.runtime.settings import load
from protocol.client.finding import find_endpoints
from protocol.client.following import journal_endpoints, seen_from
from protocol.errors import ConfigError
from protocol.security.key_folder import KeyFolder
from protocol.topology import Host, Topology
from tapehub import key_deeds
from tapehub.checkup import FAIL, OK, of_keys
from tapehub.hosting import faults_of, problems_of_host, reaches
from tapehub.supervision.clocks import cells, clock_rows
from tapehub.supervision.launch import prepare
from tapehub.supervision.roll_call import Answer
from tapehub.supervision.state import overall, rows_of
from tests.support.config import write_config

NOW = 1_700_000_000_000_000_000
ACTORS = {"journal.feed": {}, "collector.binance.1": {}, "journal.compute": {}, "hub.1": {}, "hub.2": {}}
HOSTS = {
    "feed": {"address": "127.0.0.2", "actors": ["journal.feed", "collector.binance.1", "hub.2"]},
    "compute": {"address": "127.0.0.3", "actors": ["journal.compute", "hub.1"]},
}
TOPOLOGY = Topology({name: Host(**row) for name, row in HOSTS.items()}, "compute")


def loaded(run_dir, host="", hosts=None):
    path = write_config(run_dir, ACTORS, hosts=hosts or HOSTS)
    return load(path, (), {"TAPEHUB_HOST": host} if host else {})


def test_each_host_has_its_part_and_all_have_one_digest(run_dir):
    feed, compute = loaded(run_dir, "feed"), loaded(run_dir, "compute")

    assert feed.common.here == ["journal.feed", "collector.binance.1", "hub.2"]
    assert compute.common.here == ["journal.compute", "hub.1"]
    assert feed.digest == compute.digest


def test_a_host_that_does_not_exist_is_a_mistake_with_its_place(run_dir):
    with pytest.raises(ConfigError) as caught:
        loaded(run_dir, "computer")
    (problem,) = caught.value.problems
    assert problem.startswith("environment TAPEHUB_HOST: host: no host 'computer' in this configuration")
    assert problem.endswith("did you mean 'compute'?; there are: feed, compute")


def test_the_variable_means_nothing_where_there_are_no_hosts(run_dir):
    path = write_config(run_dir, ACTORS)
    assert load(path, (), {"TAPEHUB_HOST": "feed"}).common.host == ""


def test_who_starts_a_part_says_which(run_dir):
    (problem,) = problems_of_host(loaded(run_dir))
    assert "which of feed, compute is this" in problem
    assert problems_of_host(loaded(run_dir, "compute")) == []

    elsewhere = {**HOSTS, "compute": {**HOSTS["compute"], "address": "192.0.2.1"}}
    problems = problems_of_host(loaded(run_dir, "compute", elsewhere))
    assert any("192.0.2.1 is no address of this machine" in problem for problem in problems)


def test_addresses_of_the_others_are_tried():
    with socket.socket() as there:
        there.bind(("127.0.0.2", 0))
        there.listen()
        port = there.getsockname()[1]
        hosts = {
            "feed": Host(address="127.0.0.2", port=port - 1, actors=["journal.feed"]),
            "compute": Host(address="127.0.0.3", actors=["journal.compute"]),
        }
        tried = reaches(Topology(hosts, "compute"))
        assert [(one.actor, one.fault) for one in tried] == [("journal.feed", "")]
        assert faults_of(tried) == []
    (fault,) = faults_of(reaches(Topology(hosts, "compute")))
    assert "host feed: nothing answers at 127.0.0.2" in fault


def test_hubs_of_all_hosts_are_found_by_the_run_directory(run_dir):
    here = loaded(run_dir, "compute")
    prepare(here)

    assert find_endpoints(run_dir) == [
        here.common.endpoints.query("hub.1"),
        here.common.endpoints.query("hub.2"),
    ]
    assert find_endpoints(run_dir)[0].startswith("ipc://")
    assert "tcp://127.0.0.2:9710" in find_endpoints(run_dir)[1]
    assert [row["host"] for row in json.loads((run_dir / "hubs.json").read_text())["hubs"]] == [
        "compute",
        "feed",
    ]


def test_a_hub_of_another_host_tells_addresses_that_we_can_reach(run_dir):
    endpoints = loaded(run_dir, "compute").common.endpoints
    rows = {
        name: endpoints.told(name, ["pub", "query"]) for name in ("hub.1", "journal.compute", "journal.feed")
    }

    from_here = seen_from("ipc:///somewhere", rows)
    from_there = seen_from("tcp://127.0.0.3:9706", rows)

    assert from_here["hub.1"]["pub"].startswith("ipc://")
    assert from_there["hub.1"]["pub"] == "tcp://127.0.0.3:9704"
    journals = journal_endpoints(from_there)
    assert journals["hub.1"] == "tcp://127.0.0.3:9702"
    assert journals["journal.feed"] == "tcp://127.0.0.2:9702"


def answer(**status):
    return Answer({"state": "RUNNING", "pid": 11, "uptime_s": 59.5, **status}, NOW - 200_000_000, "RUNNING")


def test_a_host_of_which_nothing_is_heard_is_unreachable():
    answers = {
        "hub.1": answer(),
        "journal.compute": answer(),
        **{name: Answer() for name in HOSTS["feed"]["actors"]},
    }
    rows = rows_of(list(ACTORS), [], {}, answers, NOW, "", TOPOLOGY)

    assert {row.name: row.state for row in rows if row.host == "feed"} == dict.fromkeys(
        ["journal.feed", "collector.binance.1", "hub.2"], "UNREACHABLE"
    )
    assert overall(rows) == "degraded"


def test_an_actor_of_a_host_that_is_heard_is_only_silent():
    answers = {"journal.feed": answer(), "hub.2": Answer(), "collector.binance.1": answer()}
    rows = {row.name: row for row in rows_of(list(ACTORS), [], {}, answers, NOW, "", TOPOLOGY)}

    assert rows["hub.2"].state == "SILENT"
    assert rows["journal.feed"].state == "RUNNING"
    assert rows["journal.feed"].note == ""


def test_the_doctor_names_the_keys_that_are_missing(run_dir):
    assert list(of_keys(loaded(run_dir, "compute"))) == [], "loopback needs none"

    away = loaded(
        run_dir,
        "compute",
        {name: {**row, "address": f"192.0.2.{n}"} for n, (name, row) in enumerate(HOSTS.items(), 1)},
    )
    missing = list(of_keys(away))
    assert len(missing) == len(ACTORS)
    assert all(one.word == FAIL and "`tapehub keys init` makes it" in one.text for one in missing)

    key_deeds.init(KeyFolder(folder_of(away)), away.common.topology, away.common.actors, NOW)
    (found,) = of_keys(away)
    assert (found.word, f"keys of {len(ACTORS)} actors" in found.text) == (OK, True)


def test_an_actor_that_refuses_our_key_says_so():
    refused = Answer()
    refused.refusal = "hub.2 at tcp://10.0.0.2:7010 refuses the key of operator"
    answers = {"journal.feed": answer(), "hub.2": refused}
    rows = {row.name: row for row in rows_of(list(ACTORS), [], {}, answers, NOW, "", TOPOLOGY)}
    assert (rows["hub.2"].state, rows["hub.2"].note) == ("SILENT", f"{refused.refusal}: tapehub keys list")


def test_ages_of_heartbeats_follow_the_measured_clock():
    clocks = {"feed": {"offset_s": -5.0, "uncertainty_s": 0.001, "rtt_s": 0.002}}
    answers = {
        "journal.feed": Answer({"state": "RUNNING"}, NOW - 5_200_000_000, "RUNNING"),
        "journal.compute": answer(of_host="compute", clocks=clocks, clock_limit_s=0.1),
    }
    rows = {row.name: row for row in rows_of(list(ACTORS), [], {}, answers, NOW, "", TOPOLOGY)}
    assert rows["journal.feed"].beat_age_s == pytest.approx(0.2)

    (row,) = clock_rows({name: one.status for name, one in answers.items()})
    assert row.is_wrong
    assert cells(row)[:3] == ["feed", "compute", "-5000.000 ms"]
