"""Who stores what, where several persistence actors divide the kinds."""

from protocol.stores import problems_of_stores, store_of, stores

SPLIT = {
    "hub.1": {},
    "persistence.1": {"kinds": ["trade", "quote"], "database": "sqlite:////ticks"},
    "persistence.2": {"kinds": ["bar", "gap"]},
}


def test_each_kind_has_its_store():
    assert stores(SPLIT) == ["persistence.1", "persistence.2"]
    assert [store_of(SPLIT, kind) for kind in ("quote", "bar")] == ["persistence.1", "persistence.2"]
    assert store_of(SPLIT, "news") == "persistence.1", "who has nothing of it says so"
    assert store_of({"hub.1": {}}, "bar") == ""


def test_who_writes_files_alone_is_not_asked():
    actors = {"persistence.1": {"database": "none"}, "persistence.2": {"kinds": ["bar"]}}
    assert store_of(actors, "bar") == store_of(actors, "trade") == "persistence.2"
    assert store_of({"persistence.1": {"database": "none"}}, "bar") == "persistence.1"


def test_one_store_alone_or_a_clean_division_is_in_order():
    assert not problems_of_stores(SPLIT)
    assert not problems_of_stores({"persistence.1": {"parquet": True}})


def test_everything_that_two_stores_share_is_named():
    both = {"persistence.1": {"parquet": "true"}, "persistence.2": {"kinds": ["bar"], "parquet": True}}
    database, kind, parquet = problems_of_stores(both)
    assert database.startswith("actors.persistence.2.database: the same as that of persistence.1")
    assert kind == "actors.persistence.2.kinds: bar is stored by persistence.1 already; name it once"
    assert parquet.startswith("actors.persistence.2.parquet: persistence.1 writes Parquet files already")
