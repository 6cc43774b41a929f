"""The launcher: one and what it says, a state directory for several, and clusters of it to look at."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading

from cluster import BUILD, HIVE, PATIENCE_S, SLOWNESS, await_
from processes import free_ports, is_alive
from terminal import run_hivetop

LAUNCHER = os.path.join(BUILD, "bin", "launcher")
READY = r"ready in \d+ ms: leader q\d+, term \d+, \d+ drones?"
ELECTION = f"{150 * SLOWNESS}-{300 * SLOWNESS}"

# Runs as a node that cannot be asked to end.
STUBBORN = f"""#!{sys.executable}
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("stubborn", flush=True)
while True:
    signal.pause()
"""


class Launcher:
    """One launcher and what it says. `program` is a launcher with other programs beside it."""

    def __init__(self, state, *arguments, program=LAUNCHER, terminal=None):
        self.state = state
        self.lines = []
        self.process = subprocess.Popen(
            [program, *arguments],
            stdin=terminal if terminal is not None else subprocess.PIPE,
            stdout=terminal if terminal is not None else subprocess.PIPE,
            stderr=terminal if terminal is not None else subprocess.STDOUT,
            env=state.environment,
            start_new_session=terminal is not None,
        )
        if terminal is None:
            self.reader = threading.Thread(target=self._read, daemon=True)
            self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line.decode())

    @property
    def text(self):
        return "".join(self.lines)

    def await_text(self, pattern):
        try:
            return await_(lambda: re.search(pattern, self.text), f"the launcher says '{pattern}'")
        except AssertionError as error:
            raise AssertionError(f"{error}; it said:\n{self.text}") from None

    def await_ready(self):
        self.await_text(READY)
        return self

    def signal(self, number):
        self.process.send_signal(number)

    def await_end(self):
        """Its exit status."""
        status = self.process.wait(PATIENCE_S)
        self.reader.join(PATIENCE_S)
        return status

    def end(self):
        self.signal(signal.SIGINT)
        return self.await_end()


class State:
    """A state directory of the test's own, and the launchers that were started in it. Its path is short: that of a socket has room
    for 107 bytes."""

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="hive-")
        self.directory = os.path.join(self.home, "hive")
        self.environment = {**os.environ, "XDG_STATE_HOME": self.home}
        self.environment.pop("HIVE_TOKEN", None)
        self.launchers = []

    def start(self, *arguments, **options):
        self.launchers.append(Launcher(self, *arguments, **options))
        return self.launchers[-1]

    def refused(self, *arguments):
        """What a launcher that must not start says."""
        result = self.run(*arguments)
        assert result.returncode == 1, result
        return result.stderr

    def run(self, *arguments, program=LAUNCHER):
        return subprocess.run(
            [program, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def order(self, *arguments, status=0):
        result = self.run(*arguments)
        assert result.returncode == status, result
        return result.stdout + result.stderr

    def path(self, cluster, *parts):
        return os.path.join(self.directory, cluster, *parts)

    def ledger(self, cluster="hive-a"):
        result = self.run("status", "--json", "--cluster", cluster)
        ledger = json.loads(result.stdout)
        assert result.returncode == (0 if ledger["running"] else 3), result
        return ledger

    def node(self, name, cluster="hive-a"):
        return next(node for node in self.ledger(cluster)["nodes"] if node["name"] == name)

    def await_stubborn(self, *nodes, cluster="hive-a"):
        """Until these nodes, which run STUBBORN, have ears closed."""
        for node in nodes:
            log = self.path(cluster, "logs", f"{node}.log")
            await_(lambda: "stubborn" in open(log, encoding="utf-8").read(), f"{node} runs")

    def pids(self, cluster="hive-a"):
        return [node["pid"] for node in self.ledger(cluster)["nodes"] if node["pid"]]

    def clusters(self):
        return sorted(name for name in os.listdir(self.directory) if not name.startswith("."))

    def processes(self):
        """The command lines of all processes, by pid, that name this directory or write into it."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read()
                output = os.readlink(f"/proc/{pid}/fd/1")
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if self.home.encode() in words or output.startswith(self.home):
                found[int(pid)] = words
        return found

    def end_background(self):
        """Ends the clusters whose launchers are nobody's children."""
        for cluster in json.loads(self.run("ps", "--json").stdout):
            pid = cluster.get("launcher_pid")
            if cluster["state"] == "running":
                os.kill(pid, signal.SIGTERM)
            await_(lambda: not pid or not is_alive(pid), "a launcher has ended")  # noqa: B023

    def program_beside(self, **scripts):
        """A copy of the launcher in a directory with the real hive and these scripts."""
        directory = tempfile.mkdtemp(dir=self.home)
        shutil.copy(LAUNCHER, directory)
        os.symlink(HIVE, os.path.join(directory, "hive"))
        for name, text in scripts.items():
            self.script(text, os.path.join(directory, name))
        return os.path.join(directory, "launcher")

    def script(self, text, path=None):
        path = path or os.path.join(self.home, f"script-{len(os.listdir(self.home))}")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o755)
        return path

    def close(self):
        for launcher in self.launchers:
            if launcher.process.poll() is None:
                launcher.process.kill()
                launcher.process.wait()
        shutil.rmtree(self.home)


def control(state, method, path, body=None, cluster="hive-a"):
    """One request over the control socket: (status, JSON)."""
    connection = http.client.HTTPConnection("launcher")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(PATIENCE_S)
    connection.sock.connect(state.path(cluster, "control.sock"))
    connection.request(method, path, body=None if body is None else json.dumps(body))
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


class Local:
    """A cluster of the launcher, to look at it with hivetop."""

    def __init__(self, directory, queens=3, drones=2):
        self.environment = dict(os.environ, XDG_STATE_HOME=str(directory / "state"))
        self.environment.pop("HIVE_CONNECT", None)
        port = free_ports(queens + drones)
        self.log = open(directory / "launcher.log", "w+", encoding="utf-8")  # noqa: SIM115
        self.process = subprocess.Popen(
            [LAUNCHER, "--queens", str(queens), "--drones", str(drones), "--port-queens", str(port), "--port-drones",
             str(port + queens), "--election-timeout", ELECTION, "--heartbeat", str(40 * SLOWNESS)],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=self.environment)  # fmt: skip
        try:
            await_(self.is_ready, "the cluster is ready")
        except AssertionError:
            self.stop()
            raise

    def is_ready(self):
        return "ready in" in self.said()

    def said(self):
        with open(self.log.name, encoding="utf-8") as file:
            return file.read()

    def nodes(self):
        path = os.path.join(self.environment["XDG_STATE_HOME"], "hive", "hive-a", "cluster.json")
        with open(path, encoding="utf-8") as file:
            return {node["name"]: node for node in json.load(file)["nodes"]}

    def signal(self, name, number):
        os.kill(self.nodes()[name]["pid"], number)

    def launcher(self, *arguments):
        subprocess.run([LAUNCHER, *arguments], env=self.environment, check=True, timeout=PATIENCE_S,
                       stdout=subprocess.DEVNULL)  # fmt: skip

    def hivetop(self, *arguments, **options):
        return run_hivetop(*arguments, environment=self.environment, **options)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
