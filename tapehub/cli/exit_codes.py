"""What the exit code of every command means."""

from typing import Final

OK: Final = 0
FAILURE: Final = 1
USAGE: Final = 2
DEGRADED: Final = 3
UNREACHABLE: Final = 4
NO_DATA: Final = 5
TIMEOUT: Final = 6
GAPS: Final = 7
BAD_CONFIG: Final = 78
INTERRUPTED: Final = 130

MEANING: Final = {
    OK: "done",
    FAILURE: "failed",
    USAGE: "the command line is wrong",
    DEGRADED: "not everything runs as it should",
    UNREACHABLE: "nothing runs, or nobody answers",
    NO_DATA: "unknown symbol, or no data yet",
    TIMEOUT: "no answer in time",
    GAPS: "gaps found",
    BAD_CONFIG: "the configuration is wrong",
    INTERRUPTED: "ended by Ctrl-C",
}
