"""A real `shenbi serve` for the tests: a free port, a data folder of its own that borrows the pulled models, ended by its process id."""
import contextlib
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

SHENBI = os.environ.get("SHENBI", str(pathlib.Path(__file__).resolve().parents[3] / "build" / "release" / "shenbi"))
MODEL = "gemma3:270m"
PATIENCE = 120


def data_folder():
    if home := os.environ.get("SHENBI_HOME"):
        return pathlib.Path(home)
    return pathlib.Path(os.environ.get("XDG_DATA_HOME", pathlib.Path.home() / ".local" / "share")) / "shenbi"


class Server:
    def __init__(self, *arguments, models=(MODEL,), home=None, patience=5, ready=True, environment=None, speculate="off"):
        """`speculate`: off, since the answers that tests hold open repeat themselves, and would end many times as soon; None: as it is."""
        self.folder = None if home else tempfile.TemporaryDirectory(prefix="shenbi-api-")
        self.home = pathlib.Path(home or self.folder.name)
        for part in ("models", "blobs"):
            if not (self.home / part).exists() and (data_folder() / part).is_dir():
                (self.home / part).symlink_to((data_folder() / part).resolve())
        self.log = open(self.home / "server.log", "ab")
        command = [SHENBI, "serve", "--port", "0", "--patience", str(patience), *(f"--model={m}" for m in models), *map(str, arguments),
                   *(["--speculate", speculate] if speculate else [])]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True,
                                        env={**os.environ, "SHENBI_HOME": str(self.home), **(environment or {})})
        self.url = self.process.stdout.readline().strip()
        if not self.url.startswith("http"):
            raise RuntimeError(f"the server did not start: {(self.home / 'server.log').read_text()}")
        if ready:
            self.wait_until_ready()

    def wait_until_ready(self):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return urllib.request.urlopen(self.url + "/ready", timeout=PATIENCE).read()
            except urllib.error.HTTPError as error:
                if error.code != 503 or time.monotonic() > end:
                    raise
                time.sleep(0.02)

    def metrics(self):
        return urllib.request.urlopen(self.url + "/metrics", timeout=PATIENCE).read().decode()

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(timeout=PATIENCE)
        self.process.stdout.close()
        self.log.close()
        if self.folder:
            self.folder.cleanup()
        return self.process.returncode


@contextlib.contextmanager
def serving(*arguments, **options):
    server = Server(*arguments, **options)
    try:
        yield server
    finally:
        server.stop()
