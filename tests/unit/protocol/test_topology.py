"""Who runs where, and at which address others reach it."""

from protocol.topology import Host, Topology

HOSTS = {
    "feed": Host(address="10.0.0.1", actors=["journal.feed", "collector.binance.1"]),
    "compute": Host(
        address="compute.lan",
        listen="10.0.0.2",
        port=9000,
        actors=["journal.compute", "hub.1"],
        ports={"hub.1": 7000},
    ),
}
ACTORS = ["journal.feed", "collector.binance.1", "journal.compute", "hub.1"]


def test_without_hosts_everything_is_here():
    alone = Topology()

    assert alone.is_here("hub.1")
    assert alone.address("hub.1", "pub") == ""
    assert alone.listening("hub.1", "pub") == ""
    assert alone.server_of("hub.1", ["journal.1", "hub.1"]) == "journal.1"


def test_ports_follow_from_the_place_in_the_list_or_are_pinned():
    topology = Topology(HOSTS, "feed")

    assert topology.address("journal.feed", "pub") == "tcp://10.0.0.1:9700"
    assert topology.address("collector.binance.1", "query") == "tcp://10.0.0.1:9706"
    assert topology.address("hub.1", "query") == "tcp://compute.lan:7002"


def test_a_host_may_listen_at_another_address_than_others_reach():
    assert Topology(HOSTS, "compute").listening("hub.1", "ctl") == "tcp://10.0.0.2:7001"


def test_one_host_alone_listens_for_nobody():
    assert Topology({"feed": HOSTS["feed"]}, "feed").listening("journal.feed", "pub") == ""


def test_a_journal_is_served_by_its_own_host():
    topology = Topology(HOSTS, "compute")

    assert topology.server_of("collector.binance.1", ACTORS) == "journal.feed"
    assert topology.server_of("hub.1", ACTORS) == "journal.compute"
    assert topology.server_of("unknown.1", ACTORS) == ""


def test_those_of_this_host_are_nearest():
    assert Topology(HOSTS, "compute").nearest(ACTORS) == [*ACTORS[2:], *ACTORS[:2]]
    assert Topology(HOSTS).nearest(ACTORS) == ACTORS
    assert not Topology(HOSTS).is_here("hub.1")
