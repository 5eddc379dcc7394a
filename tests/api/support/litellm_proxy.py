"""LiteLLM's own proxy on a free port of this machine: no database, nothing told to its makers, ended by its process id."""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import yaml

from .server import PATIENCE

KEY = "sk-of-the-litellm-proxy-0123456789"
# Without these it fetches prices from the network, and takes what it finds in this machine's environment for accounts.
QUIET = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False", "NO_DOCS": "True", "DISABLE_ADMIN_UI": "True"}


class LiteLlmProxy:
    def __init__(self, models):
        """`models`: by the name that its clients say, what is asked: {"model": "openai/...", "api_base": ..., "api_key": ...}."""
        self.folder = tempfile.TemporaryDirectory(prefix="litellm-proxy-")
        home = pathlib.Path(self.folder.name)
        config = {"model_list": [{"model_name": name, "litellm_params": {"max_retries": 0, **asked}} for name, asked in models.items()],
                  "general_settings": {"master_key": KEY},
                  # Every request is answered by the one upstream that it names, once.
                  "router_settings": {"num_retries": 0, "disable_cooldowns": True},
                  "litellm_settings": {"num_retries": 0, "telemetry": False}}
        (home / "config.yaml").write_text(yaml.safe_dump(config))
        self.log = home / "log"
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL", "TMPDIR")}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([str(pathlib.Path(sys.prefix) / "bin" / "litellm"), "--config", str(home / "config.yaml"), "--host", "127.0.0.1",
                                             "--port", "0", "--telemetry", "False"], env={**kept, **QUIET, "HOME": str(home), "PYTHONUNBUFFERED": "1"},
                                            cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        self.url = None

    def wait_until_ready(self):
        """Seconds, or minutes where the machine has other things to do: for as long as it lives."""
        while not (said := re.search(r"Uvicorn running on (http://127\.0\.0\.1:\d+)", self.log.read_text(errors="replace"))):
            if self.process.poll() is not None:
                raise RuntimeError(f"LiteLLM's proxy did not start:\n{self.log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.05)
        self.url = said[1]
        urllib.request.urlopen(self.url + "/health/liveliness", timeout=PATIENCE).read()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()
