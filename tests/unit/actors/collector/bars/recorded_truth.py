"""Summaries of recorded answers with bars, compared with what was computed of the files independently."""

import fnmatch
from datetime import datetime
from zoneinfo import ZoneInfo

from tests.support import data

FOLDERS = ("yahoo", "alphavantage", "twelvedata", "polygon")
S = 1_000_000_000


def check(name, summary):
    """Compare a file's summary with its truth."""
    found = next((check_of for pattern, check_of in CHECKS.items() if fnmatch.fnmatch(name, pattern)), None)
    assert found is not None, f"{name}: add a line to CHECKS"
    found(data.truth(name, "rest_and_misc"), summary)


def local_ns(text, zone):
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * S


def only_symbol(truth, summary):
    """The one symbol of a file of which every row is a bar."""
    (found,) = summary["symbols"].values()
    assert found["bars"] == truth.get("n", truth.get("bars"))
    assert (summary["rejects"], summary["ignored"]) == ({}, {})
    return found


def check_yahoo(truth, summary):
    (told,) = summary["answers"]
    for key in ("gmtoffset", "granularity", "currency", "events"):
        assert told[key] == truth[key], key
    assert (truth["error"], sum(truth["nulls"].values())) == (None, summary["ignored"].get("null", 0))
    if truth["timestamp_key_missing"]:
        assert (summary["rejects"], truth["bars"]) == ({"empty": 1}, 0)
        return
    found = only_symbol(truth, summary)
    assert f"/chart/{found['venue_symbol']}?" in truth["url"]
    assert found["last_close"] == truth["last_close"]
    assert [found["first_ts_ns"], found["last_ts_ns"]] == [truth["first_ts"] * S, truth["last_ts"] * S]


def check_alphavantage(truth, summary):
    found = only_symbol(truth, summary)
    zone = ZoneInfo(truth["meta"].get("6. Time Zone", "UTC"))
    assert found["first_ts_ns"] == local_ns(truth["oldest"], zone)
    assert found["last_ts_ns"] == local_ns(truth["newest"], zone)
    assert found["has_volume"] == ("5. volume" in truth["fields"])
    assert summary["answers"][0]["meta"] == truth["meta"]
    assert truth["series_key"].endswith(f"({found['timeframe']}in)")


def check_alphavantage_csv(truth, summary):
    """The times in it are the ends of minutes."""
    found = only_symbol(truth, summary)
    zone = ZoneInfo("America/New_York")
    assert (found["volume"], truth["duplicates"]) == (truth["volume"], 0)
    assert found["first_ts_ns"] + 60 * S == local_ns(truth["oldest"], zone)
    assert found["last_ts_ns"] + 60 * S == local_ns(truth["newest"], zone)


def check_twelvedata(truth, summary):
    found = only_symbol(truth, summary)
    zone = ZoneInfo(summary["answers"][0]["exchange_timezone"] or "UTC")
    is_newest_first = truth["order"] == "newest first"
    first_ns = local_ns(truth["first"]["datetime"], zone)
    assert found["last_ts_ns" if is_newest_first else "first_ts_ns"] == first_ns
    assert not is_newest_first or found["last_close"] == float(truth["first"]["close"])
    assert found["has_volume"] == truth["volume_key"]


def check_twelvedata_errors(truth, summary):
    assert not truth
    assert summary["by_kind"] == {}
    assert [answer["is"] for answer in summary["answers"]] == ["auth", "throttled", "bad_symbol", "plan"]


def check_polygon(truth, summary):
    found = only_symbol(truth, summary)
    assert summary["answers"][0]["status"] == truth["status"]
    if truth["volume_equals_n"]:  # updates of a quote: counted, and no volume
        assert (found["count"], found["has_volume"]) == (truth["volume"], False)
    else:
        assert (found["volume"], found["has_volume"]) == (truth["volume"], True)


CHECKS = {
    "yahoo/*.json": check_yahoo,
    "alphavantage/*.csv.gz": check_alphavantage_csv,
    "alphavantage/*.json": check_alphavantage,
    "twelvedata/errors.jsonl": check_twelvedata_errors,
    "twelvedata/*.json": check_twelvedata,
    "polygon/*.json": check_polygon,
}
"""Pattern to what is known of such files; the first one that fits counts."""
