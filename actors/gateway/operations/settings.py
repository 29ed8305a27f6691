"""Settings of what people may look at and do through the gateway. Pure."""

from __future__ import annotations

from typing import Annotated

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class OperationsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of SQL, export and logs."""

    query_timeout_s: Seconds = 25.0
    """Longest time for one SQL query, seconds; keep it below `edge.request_timeout_s`."""
    query_rows: Count = 10_000
    """Most rows that one SQL query may ask for."""
    query_bytes: Count = 33_554_432
    """Longest answer to one SQL query, bytes."""
    query_memory_bytes: Annotated[int, msgspec.Meta(ge=1_073_741_824)] = 2_147_483_648
    """Memory that the process of one SQL query or export may take, bytes of address space."""
    queries_at_once: Count = 2
    """SQL queries at one time; further ones are refused."""
    exports_at_once: Count = 2
    """Exports at one time; further ones are refused."""
    log_bytes: Count = 8_388_608
    """Bytes of log files that are read for one answer, those of all actors together."""
    coverage_s: Seconds = 60.0
    """For how long the coverage of stored candles is kept before it is counted again, seconds."""
