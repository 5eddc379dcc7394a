"""A PostgreSQL of the test's own: in a temporary folder, on a socket of that folder, from Debian's package installed or unpacked in .cache.

Of the package's programs only initdb and postgres are used: createdb, psql and pg_isready belong to another one.
"""
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

UNPACKED = pathlib.Path(__file__).resolve().parents[3] / ".cache" / "postgresql-15"


libpq = ctypes.CDLL("libpq.so.5")
for name in ("PQconnectdb", "PQexec"):
    getattr(libpq, name).restype = ctypes.c_void_p
libpq.PQerrorMessage.restype = ctypes.c_char_p
PING_OK, COMMAND_OK = 0, 1  # of libpq-fe.h


def execute(address, statement):
    connection = ctypes.c_void_p(libpq.PQconnectdb(address.encode()))
    done = ctypes.c_void_p(libpq.PQexec(connection, statement.encode()))
    failed = libpq.PQresultStatus(done) != COMMAND_OK
    message = libpq.PQerrorMessage(connection).decode()
    libpq.PQclear(done)
    libpq.PQfinish(connection)
    if failed:
        raise RuntimeError(f"{statement}: {message}")


def newest(root):
    found = sorted((root / "usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


class Postgres:
    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="shenbi-pg-")
        self.path = pathlib.Path(self.folder.name)
        self.path.chmod(0o755)
        self.user = {}
        if os.geteuid() == 0:  # it refuses to run as root
            self.user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(self.path, "nobody", "nogroup")
        self.programs = newest(pathlib.Path("/")) or self.reachable(UNPACKED)
        self.run("initdb", "-D", self.path / "data", "-U", "shenbi", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync").wait()
        self.process = None
        self.start()
        execute(self.address_of("postgres"), "CREATE DATABASE shenbi")

    def reachable(self, unpacked):
        """The user who is not root may not see root's folders."""
        if not self.user:
            return newest(unpacked)
        for part in ("usr/lib/postgresql", "usr/share/postgresql"):
            shutil.copytree(unpacked / part, self.path / part)
        return newest(self.path)

    def run(self, program, *words):
        with open(self.path / "log", "ab") as log:
            return subprocess.Popen([str(self.programs / program), *map(str, words)], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd="/",
                                    env={**os.environ, "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}, **self.user)

    def start(self):
        self.process = self.run("postgres", "-D", self.path / "data", "-k", self.path, "-c", "listen_addresses=", "-c", "fsync=off")
        while libpq.PQping(self.address_of("postgres").encode()) != PING_OK:
            if self.process.poll() is not None:
                raise RuntimeError((self.path / "log").read_text())
            time.sleep(0.02)

    def stop(self, how=signal.SIGINT):
        """SIGINT ends it in order, SIGQUIT as a crash would."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait()

    def address_of(self, database):
        return f"postgresql://shenbi@/{database}?host={self.path}"

    @property
    def address(self):
        return self.address_of("shenbi")

    def close(self):
        self.stop()
        self.folder.cleanup()
