"""The version, in one place for every process."""

from typing import Final

VERSION: Final = "0.1.0"
