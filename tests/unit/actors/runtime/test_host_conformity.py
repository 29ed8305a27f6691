"""Every mistake in a topology of several hosts at once, each at its place."""

import copy

import pytest

from actors.runtime.host_conformity import host_faults

GOOD = {
    "hosts": {
        "feed": {"address": "10.0.0.1", "actors": ["journal.feed", "collector.binance.1"]},
        "compute": {
            "address": "10.0.0.2",
            "actors": ["journal.compute", "aggregator.1", "hub.1", "gateway.1"],
        },
    },
    "actors": {
        name: {}
        for name in (
            "journal.feed",
            "collector.binance.1",
            "journal.compute",
            "aggregator.1",
            "hub.1",
            "gateway.1",
        )
    },
}


def found(**changes):
    """Faults after changes of `hosts.<host>.<key>`, written `host__key=value`."""
    data = copy.deepcopy(GOOD)
    for name, value in changes.items():
        host, _, key = name.partition("__")
        data["hosts"].setdefault(host, {"address": "10.0.0.9"})[key] = value
    return [(".".join(map(str, fault.path)), fault.text) for fault in host_faults(data)]


def test_a_good_one_has_none():
    assert found() == []


def test_a_topology_without_hosts_has_none():
    assert list(host_faults({"actors": {"hub.1": {}}})) == []


def test_a_host_that_is_not_there():
    faults = list(host_faults({**GOOD, "host": "computer"}))
    assert [fault.path for fault in faults] == [("host",)]
    assert "did you mean 'compute'" in faults[0].text
    assert "there is no `hosts`" in next(host_faults({"host": "x", "actors": {}})).text


def test_an_actor_is_on_one_host():
    twice = found(
        compute__actors=["journal.compute", "aggregator.1", "hub.1", "gateway.1", "collector.binance.1"]
    )
    assert [path for path, _ in twice] == ["hosts.compute.actors.4"]
    assert "on host feed already" in twice[0][1]

    nowhere = found(feed__actors=["journal.feed"])
    assert nowhere[0][0] == "actors.collector.binance.1"
    assert "runs on no host" in nowhere[0][1]

    unknown = found(feed__actors=["journal.feed", "collector.binance.1", "colector.okx.1"])
    assert "no actor 'colector.okx.1'" in unknown[0][1]


def test_each_host_serves_its_journals():
    faults = found(
        compute__actors=["aggregator.1", "hub.1", "gateway.1"],
        feed__actors=["journal.feed", "journal.compute", "collector.binance.1"],
    )
    assert [path for path, text in faults if "journal" in text] == [
        "hosts.feed.actors",
        "hosts.compute.actors",
    ]


def test_shards_of_one_kind_are_together():
    data = copy.deepcopy(GOOD)
    data["actors"]["aggregator.2"] = {}
    data["hosts"]["feed"]["actors"].append("aggregator.2")
    (fault,) = host_faults(data)
    assert fault.path == ("hosts", "feed", "actors", 2) or "aggregator" in fault.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"feed__ports": {"collector.binance.1": 9702}}, "9702 is one of journal.feed"),
        ({"compute__ports": {"hub.1": 9798}}, "9800 is one of hub.1"),
        ({"compute__address": "10.0.0.1"}, "9700 is one of journal.feed at 10.0.0.1"),
        ({"feed__port": 65_530}, "there are 65535"),
        ({"feed__ports": {"hub.1": 9000}}, "hub.1 does not run on feed"),
    ],
)
def test_ports_that_clash(changes, words):
    texts = [text for _, text in found(**changes)]
    assert any(words in text for text in texts), texts


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"feed__address": "0.0.0.0"}, "no address that others can reach"),
        ({"feed__address": "feed.lan"}, "say with `listen`"),
        ({"feed__listen": "eth0"}, "expected an IPv4 address"),
        ({"Fe_ed__address": "10.0.0.3"}, "a host's name is"),
    ],
)
def test_addresses_that_are_none(changes, words):
    texts = [text for _, text in found(**changes)]
    assert any(words in text for text in texts), texts


def test_what_is_of_the_wrong_type_is_told_by_the_schema():
    assert found(feed__port="x") == []
