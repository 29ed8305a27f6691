"""The store against a real TimescaleDB: Debian trixie with PostgreSQL 17 and its TimescaleDB, in a folder.

    ./scripts/test-timescale [--folder DIR] [--mirror URL]

The folder (about 500 MB) is filled once by debootstrap and used again. The server in it listens on 127.0.0.1 with
a password, on a free port, and ends with the script; its data directory is made anew each time. Needs root, for
debootstrap and chroot.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg

from tests.support.paths import ROOT, free_port

MIRROR: Final = "http://deb.debian.org/debian"
PACKAGES: Final = ("postgresql-17", "postgresql-17-timescaledb")
SUITE: Final = "trixie"
TESTS: Final = "tests/integration/test_postgres_store.py"
_BIN: Final = "/usr/lib/postgresql/17/bin"
_DATA: Final = "/srv/tapehub-test"
_SETTINGS: Final = {
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    "dynamic_shared_memory_type": "mmap",  # a bare folder has no /dev/shm
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
}


def say(text: str) -> None:
    """Progress, on stderr."""
    print(f"% {text}", file=sys.stderr, flush=True)


def fill(folder: Path, mirror: str) -> None:
    """Put Debian with PostgreSQL and TimescaleDB into a folder, unless it is there."""
    if (folder / "usr/lib/postgresql/17/lib/timescaledb.so").exists():
        say(f"{folder} has it already")
        return
    say(f"debootstrap {SUITE} into {folder}: some minutes")
    folder.mkdir(parents=True, exist_ok=True)
    log = folder.with_suffix(".log")
    command = [
        "debootstrap",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        SUITE,
        str(folder),
        mirror,
    ]
    with log.open("w") as out:
        done = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        sys.exit(
            f"error: debootstrap ended with {done.returncode}; see {log}\ntry: --mirror URL, or an empty --folder"
        )


def inside(folder: Path, *words: str) -> list[str]:
    """A command that runs in the folder as the user of the server."""
    return ["chroot", "--userspec=postgres:postgres", str(folder), *words]


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """URL of a running server, with the extension in every database that is made there."""
    data = folder / _DATA.lstrip("/")
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    shutil.chown(data, *_owner(folder))
    password, port = secrets.token_hex(12), free_port()
    secret = folder / "srv/password"
    secret.write_text(password)
    secret.chmod(0o644)
    options = (
        "-U",
        "postgres",
        "-A",
        "scram-sha-256",
        "--pwfile=/srv/password",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
    )
    subprocess.run(
        inside(folder, f"{_BIN}/initdb", "-D", _DATA, *options), check=True, stdout=subprocess.DEVNULL
    )
    secret.unlink()
    with (data / "postgresql.auto.conf").open("a") as conf:
        conf.writelines(f"{name} = '{value}'\n" for name, value in {**_SETTINGS, "port": port}.items())
    log = folder / "srv/server.log"
    with log.open("w") as out:
        process = subprocess.Popen(inside(folder, f"{_BIN}/postgres", "-D", _DATA), stdout=out, stderr=out)
    url = f"postgresql://postgres:{password}@127.0.0.1:{port}"
    try:
        with await_server(url, process, log) as admin:
            admin.execute("CREATE EXTENSION timescaledb")
            version, licence, of_server = admin.execute(
                "SELECT extversion, current_setting('timescaledb.license'), current_setting('server_version') "
                "FROM pg_extension WHERE extname = 'timescaledb'"
            ).fetchone() or ("?", "?", "?")
        say(f"PostgreSQL {of_server}, TimescaleDB {version}, licence {licence}")
        yield f"{url}/postgres"
    finally:
        process.send_signal(signal.SIGINT)  # ends its sessions too
        process.wait(30)


def await_server(url: str, process: subprocess.Popen[bytes], log: Path) -> psycopg.Connection:
    """Connect to the template of all databases as soon as the server lets us in."""
    while True:
        if process.poll() is not None:
            sys.exit(f"error: the server ended with {process.returncode}:\n{log.read_text()[-2000:]}")
        try:
            return psycopg.connect(f"{url}/template1", autocommit=True, connect_timeout=5)
        except psycopg.OperationalError:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)


def _owner(folder: Path) -> tuple[int, int]:
    """Numbers of the user `postgres` inside the folder."""
    for line in (folder / "etc/passwd").read_text().splitlines():
        name, _, uid, gid, *_ = line.split(":")
        if name == "postgres":
            return int(uid), int(gid)
    sys.exit(f"error: {folder} has no user postgres\ntry: remove the folder and run this again")


def main() -> int:
    """Fill, start, test; pytest's exit code."""
    parser = argparse.ArgumentParser(prog="scripts/test-timescale", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "var" / "trixie", help="where Debian goes (kept)"
    )
    parser.add_argument("--mirror", default=MIRROR, help="Debian mirror")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("error: debootstrap and chroot need root\ntry: sudo ./scripts/test-timescale")
    is_filled = (arguments.folder / "usr/lib/postgresql").exists()
    if not is_filled and shutil.which("debootstrap") is None:
        sys.exit("error: debootstrap is not installed\ntry: apt install debootstrap")
    fill(arguments.folder.resolve(), arguments.mirror)
    with server(arguments.folder.resolve()) as url:
        environment = {**os.environ, "TAPEHUB_TEST_POSTGRES": url, "TAPEHUB_TEST_TIMESCALE": "1"}
        command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", TESTS]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
