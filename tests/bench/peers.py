"""Who tapehub is measured beside: which of them this machine has, in which version, and why the others are left out."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from typing import Final, NamedTuple

import psycopg

from tests.bench.report import say

SERVER: Final = os.environ.get("TAPEHUB_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432/postgres")
"""PostgreSQL: the one server that is not started for a run."""
SBIN: Final = "/usr/sbin:/usr/local/sbin"
"""Where Debian puts servers; not on everybody's path."""


class Peer(NamedTuple):
    """One of them."""

    name: str
    version: str
    """Of server and client."""
    missing: str
    """What is not here, and how to have it; empty: all is."""

    @property
    def is_here(self) -> bool:
        """Whether it can be run; where not, that is said."""
        if self.missing:
            say(f"  without {self.name}: {self.missing}")
        return not self.missing


def binary(name: str) -> str:
    """Path of a program, empty if there is none."""
    return shutil.which(name) or shutil.which(name, path=SBIN) or ""


def redis() -> Peer:
    """A Redis server of our own, and redis-py."""
    return _peer("Redis", "redis-server", "redis", "apt-get install redis-server")


def nats() -> Peer:
    """A NATS server of our own, and nats-py."""
    return _peer("NATS", "nats-server", "nats-py", "apt-get install nats-server")


def c_compiler() -> Peer:
    """What the bare loopback is written in."""
    found = binary("cc")
    return Peer(
        "C", _first_line([found, "--version"]) if found else "", "" if found else "no C compiler (cc)"
    )


def postgres() -> Peer:
    """The server at `SERVER`, with a login that may create databases."""
    try:
        with psycopg.connect(SERVER, connect_timeout=5) as connection:
            version = connection.info.parameter_status("server_version") or "?"
    except psycopg.OperationalError as error:
        return Peer("PostgreSQL", "", f"{str(error).partition(chr(10))[0]} ($TAPEHUB_TEST_POSTGRES)")
    return Peer("PostgreSQL", f"{version.split()[0]}, psycopg {psycopg.__version__}", "")


def all_of_them() -> list[Peer]:
    """Every one that can be missing."""
    return [redis(), nats(), postgres(), c_compiler(), _talib()]


def facts(found: Sequence[Peer]) -> dict[str, str]:
    """Name to version, or to why it is left out."""
    return {one.name: one.version if not one.missing else f"left out: {one.missing}" for one in found}


def _talib() -> Peer:
    there = importlib.util.find_spec("talib") is not None
    missing = "" if there else "not installed (requirements-dev.txt)"
    return Peer("TA-Lib", importlib.metadata.version("ta-lib") if there else "", missing)


def _peer(name: str, server: str, package: str, how: str) -> Peer:
    program = binary(server)
    try:
        client = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        client = ""
    lacks = [*([] if program else [f"no {server} ({how})"]), *([] if client else [f"no {package}"])]
    if lacks:
        return Peer(name, "", ", ".join(lacks))
    number = re.search(r"\d+(\.\d+)+", _first_line([program, "--version"]))
    return Peer(name, f"{number[0] if number else '?'}, {package} {client}", "")


def _first_line(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).partition("\n")[0].strip()
