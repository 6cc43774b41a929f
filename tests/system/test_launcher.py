"""The launcher as a person uses it: on a terminal, over its sub-commands, and when it is killed."""

import http.client
import json
import os
import pty
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

import pytest

from cluster import BUILD, HIVE, PATIENCE_S, SLOWNESS, await_, hive

LAUNCHER = os.path.join(BUILD, "bin", "launcher")
READY = r"ready in \d+ ms: leader q\d+, term \d+, \d+ drones?"


def is_alive(pid):
    """True where the process runs; a zombie does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def is_stopped(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rsplit(")", 1)[1].split()[0] == "T"


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

    def run(self, *arguments):
        return subprocess.run(
            [LAUNCHER, *arguments],
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
        return json.loads(self.order("status", "--json", "--cluster", cluster))

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


@pytest.fixture
def state():
    state = State()
    yield state
    state.close()


# Runs as a node that cannot be asked to end.
STUBBORN = f"""#!{sys.executable}
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("stubborn", flush=True)
while True:
    signal.pause()
"""


def listener(port):
    """A socket that listens on the port of 127.0.0.1."""
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    taken.bind(("127.0.0.1", port))
    taken.listen()
    return taken


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


# ---- start and end ----


def test_five_queens_and_three_drones_are_ready_within_a_second(state):
    took_ms = []
    while not took_ms or (took_ms[-1] >= 1000 * SLOWNESS and len(took_ms) < 3):  # a busy machine gets a second chance
        begin = time.monotonic()
        launcher = state.start()
        launcher.await_text(r"ready in \d+ ms: leader q[1-5], term \d+, 3 drones")
        took_ms.append((time.monotonic() - begin) * 1000)
        assert int(re.search(r"ready in (\d+) ms", launcher.text)[1]) <= took_ms[-1]
        assert launcher.end() == 0
    assert took_ms[-1] < 1000 * SLOWNESS, took_ms


def test_the_ledger_tells_the_truth(state):
    launcher = state.start("--queens", "5", "--drones", "3").await_ready()
    ledger = state.ledger()
    assert ledger["running"] and not ledger["keep"] and ledger["launcher"]["pid"] == launcher.process.pid
    assert [node["name"] for node in ledger["nodes"]] == ["q1", "q2", "q3", "q4", "q5", "d1", "d2", "d3"]
    for node in ledger["nodes"]:
        assert node["state"] == "running" and node["starts"] == 1 and is_alive(node["pid"])
        assert f"http://{node['address']}" in launcher.text
        connection = http.client.HTTPConnection(node["address"], timeout=PATIENCE_S)
        connection.request("GET", "/healthz")
        assert json.loads(connection.getresponse().read())["pid"] == node["pid"]
    with open(state.path("hive-a", "token"), encoding="utf-8") as token:
        assert re.fullmatch("[0-9a-f]{64}", token.read())
    assert stat.S_IMODE(os.stat(state.path("hive-a", "token")).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(state.path("hive-a", "control.sock")).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(state.path("hive-a")).st_mode) == 0o700


def test_ctrl_c_ends_drones_then_queens_and_leaves_nothing(state):
    launcher = state.start("--queens", "3", "--drones", "2").await_ready()
    pids = state.pids()
    assert launcher.end() == 0
    stopped = re.findall(r"  (\w\d) +stopped", launcher.text)
    assert sorted(stopped[:2]) == ["d1", "d2"] and sorted(stopped[2:]) == ["q1", "q2", "q3"], launcher.text
    assert "stopping d1, d2, q1, q2, q3" in launcher.text
    assert not [pid for pid in pids if is_alive(pid)]
    assert state.clusters() == []


def test_nodes_that_do_not_end_are_named_each_second_and_killed_after_five(state):
    launcher = state.start("--queens", "2", "--drones", "0", "--hive", state.script(STUBBORN))
    state.await_stubborn("q1", "q2")
    pids = state.pids()
    os.kill(pids[0], signal.SIGSTOP)
    launcher.await_text("q1 +paused from elsewhere")
    assert launcher.end() == 0
    for second in range(1, 5):
        assert f"waiting for q1, q2 ({second} s)" in launcher.text
    for node in ("q1", "q2"):
        assert re.search(rf"{node} +did not end within 5 s: killing it", launcher.text)
        assert re.search(rf"{node} +killed", launcher.text)
    assert not [pid for pid in pids if is_alive(pid)]


def test_a_second_ctrl_c_kills_at_once(state):
    launcher = state.start("--queens", "2", "--drones", "1", "--hive", state.script(STUBBORN))
    state.await_stubborn("q1", "q2", "d1")
    launcher.signal(signal.SIGINT)
    launcher.await_text("stopping d1, q1, q2")
    begin = time.monotonic()
    assert launcher.end() == 0
    assert time.monotonic() - begin < 4
    assert "killing d1, q1, q2" in launcher.text and "did not end" not in launcher.text
    assert state.clusters() == []


def test_sigterm_and_stop_end_it_as_well(state):
    launcher = state.start("--queens", "1", "--drones", "0").await_ready()
    launcher.signal(signal.SIGTERM)
    assert launcher.await_end() == 0
    launcher = state.start("--queens", "1", "--drones", "0").await_ready()
    assert "hive-a has ended" in state.order("stop")
    assert launcher.await_end() == 0
    assert state.clusters() == []


def test_kill_9_of_the_launcher_takes_all_nodes_along_and_the_next_start_cleans_up(state):
    launcher = state.start("--queens", "3", "--drones", "2").await_ready()
    state.order("pause", "q1")
    state.order("pause", "d1")
    pids = state.pids()
    assert len(pids) == 5 and all(is_alive(pid) for pid in pids)
    launcher.signal(signal.SIGKILL)
    launcher.process.wait()
    await_(lambda: not any(is_alive(pid) for pid in pids), "all nodes are gone", seconds=1)

    ledger = state.ledger()
    assert not ledger["running"] and {node["state"] for node in ledger["nodes"]} == {"dead"}
    assert "is dead" in state.order("status")
    assert "does not run" in state.order("stop", "--cluster", "hive-a", status=3)

    again = state.start("--queens", "1", "--drones", "0").await_ready()
    assert f"removed what was left of hive-a, whose launcher (process {launcher.process.pid}) died" in again.text
    assert state.clusters() == ["hive-a"] and len(state.ledger()["nodes"]) == 1
    assert again.end() == 0


def test_nodes_that_outlived_their_launcher_are_named(state):
    launcher = state.start("--queens", "1", "--drones", "0").await_ready()
    launcher.signal(signal.SIGKILL)
    launcher.process.wait()
    with subprocess.Popen(["sleep", "600"]) as survivor:
        try:
            with open(state.path("hive-a", "cluster.json"), encoding="utf-8") as file:
                ledger = json.load(file)
            with open(f"/proc/{survivor.pid}/stat", encoding="utf-8") as file:
                started_at = int(file.read().rsplit(")", 1)[1].split()[19])
            ledger["nodes"][0].update(pid=survivor.pid, started_at=started_at)
            with open(state.path("hive-a", "cluster.json"), "w", encoding="utf-8") as file:
                json.dump(ledger, file)
            assert f"kill -9 {survivor.pid}" in state.refused()
        finally:
            survivor.kill()
    assert state.start("--queens", "1", "--drones", "0").await_ready().end() == 0


# ---- one node ----


def test_a_node_that_dies_is_reported_with_its_last_words_and_stays_down_until_restarted(state):
    launcher = state.start("--queens", "3", "--drones", "1").await_ready()
    before = state.node("q2")
    os.kill(before["pid"], signal.SIGABRT)
    launcher.await_text(rf"q2 +died \(pid {before['pid']}, SIGABRT.*\); the end of .*/logs/q2\.log:\n    \S")
    dead = state.node("q2")
    assert (dead["state"], dead["pid"], dead["exit_status"] & 0x7F) == ("dead", 0, signal.SIGABRT)
    assert "q2 is running" in state.order("restart", "q2")
    after = state.node("q2")
    assert (after["state"], after["address"], after["starts"]) == ("running", before["address"], 2)
    assert after["pid"] != before["pid"] and is_alive(after["pid"])
    launcher.await_text(r"q2 +ready after \d+ ms")


def test_kill_stop_pause_resume_and_restart(state):
    state.start("--queens", "3", "--drones", "1").await_ready()
    pid = state.node("q1")["pid"]

    assert f"q1 is paused (pid {pid})" in state.order("pause", "q1")
    assert is_stopped(pid) and state.node("q1")["state"] == "paused"
    assert "q1 is paused" in state.order("pause", "q1", status=6)
    assert f"q1 is running (pid {pid})" in state.order("resume", "q1")
    assert not is_stopped(pid) and state.node("q1")["state"] == "running"
    assert "q1 is running" in state.order("resume", "q1", status=6)

    assert "q1 is stopped" in state.order("kill", "q1")
    node = state.node("q1")
    assert not is_alive(pid) and (node["state"], node["exit_status"]) == ("stopped", signal.SIGKILL)
    assert "q1 is stopped" in state.order("kill", "q1", status=6)
    assert "q1 is running" in state.order("restart", "q1")

    pid = state.node("q1")["pid"]
    state.order("pause", "q1")
    assert "q1 is stopped" in state.order("stop", "q1")
    node = state.node("q1")
    assert not is_alive(pid) and (node["state"], node["exit_status"]) == ("stopped", 0)

    assert "no node 'q9'" in state.order("kill", "q9", status=5)
    assert "did you mean 'kill'" in state.order("kil", "q1", status=2)
    assert "NODE" in state.order("kill", status=2)


def test_nodes_leave_no_zombies(state):
    launcher = state.start("--queens", "3", "--drones", "0").await_ready()
    state.order("kill", "q1")
    os.kill(state.node("q2")["pid"], signal.SIGKILL)
    launcher.await_text("q2 +died")
    with open(f"/proc/{launcher.process.pid}/task/{launcher.process.pid}/children", encoding="utf-8") as children:
        assert children.read().split() == [str(state.node("q3")["pid"])]


def test_a_node_inherits_nothing_of_its_launcher(state):
    script = state.script(
        f"""#!{sys.executable}
import json, os
fds = {{fd: os.readlink(f"/proc/self/fd/{{fd}}") for fd in range(256) if os.path.exists(f"/proc/self/fd/{{fd}}")}}
print(json.dumps([os.getpid(), os.getpgrp(), fds, open("/proc/self/status").read()]))
raise SystemExit(3)
"""
    )
    before = signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # the launcher inherits that
    launcher = state.start("--queens", "1", "--drones", "0", "--hive", script)
    signal.signal(signal.SIGUSR2, before)
    launcher.await_text(r"q1 +died \(pid \d+, exit status 3\)")
    log = state.path("hive-a", "logs", "q1.log")
    with open(log, encoding="utf-8") as file:
        pid, group, descriptors, status = json.load(file)
    assert pid == group
    assert descriptors == {"0": "/dev/null", "1": log, "2": log}
    assert int(re.search(r"SigBlk:\s+(\w+)", status)[1], 16) == 0
    assert not int(re.search(r"SigIgn:\s+(\w+)", status)[1], 16) & 1 << signal.SIGUSR2 - 1


def test_the_control_socket_hits_the_process_that_was_meant_or_none(state):
    state.start("--queens", "1", "--drones", "1").await_ready()
    status, ledger = control(state, "GET", "/cluster")
    with open(state.path("hive-a", "cluster.json"), encoding="utf-8") as file:
        assert status == 200 and ledger == json.load(file)
    node = next(node for node in ledger["nodes"] if node["name"] == "d1")
    meant = {"pid": node["pid"], "started_at": node["started_at"]}
    for wrong in (meant | {"pid": node["pid"] + 1}, meant | {"started_at": node["started_at"] + 1}):
        status, problem = control(state, "POST", "/nodes/d1/kill", wrong)
        assert status == 409 and problem["status"] == 409 and "d1" in problem["detail"]
    assert is_alive(node["pid"])
    assert control(state, "POST", "/nodes/d1/kill", {"pid": "x"})[0] == 400
    assert control(state, "POST", "/nodes/d1/explode")[0] == 404
    assert control(state, "GET", "/nodes/d1/kill")[0] == 405
    status, answer = control(state, "POST", "/nodes/d1/kill", meant)
    assert status == 200 and answer["result"] == "OK" and answer["node"]["state"] == "stopped"
    assert not is_alive(node["pid"])
    status, answer = control(state, "POST", "/nodes/d1/restart")
    assert status == 200 and answer["node"]["state"] == "running" and answer["node"]["address"] == node["address"]


def test_a_kill_overtakes_a_stop_that_takes_long(state):
    launcher = state.start("--queens", "1", "--drones", "0", "--hive", state.script(STUBBORN))
    state.await_stubborn("q1")
    answers = []
    restart = threading.Thread(target=lambda: answers.append(control(state, "POST", "/nodes/q1/restart")))
    restart.start()
    await_(lambda: control(state, "POST", "/nodes/q1/pause")[0] == 409, "the restart has begun")
    begin = time.monotonic()
    assert control(state, "POST", "/nodes/q1/kill")[0] == 200
    assert time.monotonic() - begin < 4
    restart.join(PATIENCE_S)
    assert answers[0][0] == 409, answers
    assert launcher.process.poll() is None


def test_somebody_elses_queen_on_its_port_is_not_taken_for_the_node(state):
    state.start("--queens", "3", "--drones", "0").await_ready()
    address = state.node("q1")["address"]
    state.order("kill", "q1")
    arguments = ["--queen", "--listen", address, "--data-dir", os.path.join(state.home, "other")]
    other = subprocess.Popen([HIVE, *arguments], stderr=subprocess.DEVNULL)
    try:
        await_(lambda: socket.create_connection(address.split(":")).close() is None, "the other queen listens")
        assert "q1 died meanwhile" in state.order("restart", "q1", status=1)
        assert state.node("q1")["state"] == "dead"
    finally:
        other.kill()
        other.wait()
    assert "q1 is running" in state.order("restart", "q1")


def test_a_restart_that_fails_says_so(state):
    script = state.script(f'#!/bin/sh\n[ -e {state.home}/broken ] && exit 1\nexec {HIVE} "$@"\n')
    state.start("--queens", "1", "--drones", "0", "--hive", script).await_ready()
    with open(os.path.join(state.home, "broken"), "w", encoding="utf-8"):
        assert "q1 died meanwhile; its log: " in state.order("restart", "q1", status=1)
    os.remove(os.path.join(state.home, "broken"))
    assert "q1 is running" in state.order("restart", "q1")


# ---- names and ports ----


def test_two_clusters_get_names_and_ports_of_their_own(state):
    first = state.start("--queens", "3", "--drones", "1")
    second = state.start("--queens", "3", "--drones", "1")
    first.await_ready()
    second.await_ready()
    assert state.clusters() == ["hive-a", "hive-b"]
    addresses = [node["address"] for name in state.clusters() for node in state.ledger(name)["nodes"]]
    assert len(set(addresses)) == 8
    assert "hive-a, hive-b" in state.order("status", status=2)
    assert "hive-a, hive-b" in state.order("kill", "q1", status=2)
    state.order("stop", "--cluster", "hive-a")
    assert "cluster hive-b runs" in state.order("status")
    assert state.start("--queens", "1", "--drones", "0").await_ready().text.startswith("cluster hive-a ")


def test_the_port_of_a_node_that_is_down_stays_its_own(state):
    state.start("--queens", "1", "--drones", "0").await_ready()
    address = state.node("q1")["address"]
    state.order("kill", "q1")
    state.start("--queens", "1", "--drones", "0").await_ready()
    assert state.node("q1", "hive-b")["address"] != address
    assert "q1 is running" in state.order("restart", "q1", "--cluster", "hive-a")


def test_taken_ports_are_passed_over_unless_they_were_asked_for(state):
    try:
        taken = listener(8080)
    except OSError:
        taken = socket.socket()  # somebody else listens there: just as well
    with taken:
        launcher = state.start("--queens", "1", "--drones", "0").await_ready()
        assert int(state.node("q1")["address"].rsplit(":", 1)[1]) > 8080
        assert launcher.end() == 0
        assert "port 8080 of 127.0.0.1 is taken" in state.refused("--port-queens", "8080")
        assert "port 8080 of 127.0.0.1 is taken" in state.refused("--port-drones", "8080")
        assert state.clusters() == []


# ---- clusters with a name ----


def test_a_named_cluster_keeps_nodes_ports_and_data(state):
    launcher = state.start("--name", "lab", "--queens", "3", "--drones", "1").await_ready()
    first = state.ledger("lab")
    assert first["keep"]
    assert hive("put", "--cluster", "lab", "greeting", "hello", environment=state.environment).returncode == 0
    refusal = state.refused("--name", "lab")
    assert str(launcher.process.pid) in refusal and "lab" in refusal
    assert launcher.end() == 0 and "its data is kept" in launcher.text

    ended = state.ledger("lab")
    assert not ended["running"] and {node["state"] for node in ended["nodes"]} == {"stopped"}
    assert "'launcher --name lab' starts it again" in state.order("status")
    assert "3 queens and 1 drones" in state.refused("--name", "lab", "--queens", "5")

    launcher = state.start("--name", "lab").await_ready()
    second = state.ledger("lab")
    assert [(n["name"], n["address"]) for n in second["nodes"]] == [(n["name"], n["address"]) for n in first["nodes"]]
    assert [node["starts"] for node in second["nodes"]] == [2, 2, 2, 2]
    assert hive("get", "--cluster", "lab", "greeting", environment=state.environment).stdout == b"hello"

    launcher.signal(signal.SIGKILL)  # a crash keeps it, too
    launcher.process.wait()
    launcher = state.start("--name", "lab").await_ready()
    assert "was not ended cleanly" in launcher.text
    assert hive("get", "--cluster", "lab", "greeting", environment=state.environment).stdout == b"hello"
    assert launcher.end() == 0


def test_a_named_cluster_whose_port_is_taken_does_not_start(state):
    assert state.start("--name", "lab", "--queens", "1", "--drones", "0").await_ready().end() == 0
    port = int(state.node("q1", "lab")["address"].rsplit(":", 1)[1])
    with listener(port):
        refusal = state.refused("--name", "lab")
        assert f"port {port} of q1" in refusal and "lab" in refusal
    assert state.start("--name", "lab").await_ready().end() == 0


# ---- wrong from the start ----


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--hive", "/nonexistent/hive"), "cannot run /nonexistent/hive: No such file or directory"),
        (("--hive", __file__), "cannot run"),
        (("--name", "../x"), "is no name for a cluster"),
        (("--name", "x" * 64), "is no name for a cluster"),
    ],
)
def test_what_cannot_work_is_said_and_leaves_nothing(state, arguments, message):
    assert message in state.refused(*arguments)
    assert not os.path.exists(state.directory) or state.clusters() == []


def test_a_program_that_cannot_be_executed_is_named(state):
    broken = state.script("#!/nonexistent/interpreter\n")
    launcher = state.start("--queens", "2", "--drones", "1", "--hive", broken)
    assert launcher.await_end() == 1
    assert f"launcher: cannot run {broken}: No such file or directory" in launcher.text
    assert state.clusters() == []


def test_a_state_directory_too_long_for_a_socket_is_refused(state):
    state.environment["XDG_STATE_HOME"] = os.path.join(state.home, "x" * 100)
    assert "set XDG_STATE_HOME to a shorter directory" in state.refused()


def test_usage_errors(state):
    for arguments in (("--queens", "0"), ("--queens", "x"), ("--drones", "-1"), ("--port-queens", "70000"), ("--bogus",)):
        result = state.run(*arguments)
        assert result.returncode == 2 and "--help" in result.stderr, result
    assert "no cluster" in state.order("status", status=3)
    assert "no cluster" in state.order("stop", status=3)


# ---- with the dashboard ----


def test_top_without_a_terminal_prints_one_frame_and_ends(state):
    program = state.program_beside(hivetop='#!/bin/sh\necho "frame of $*"\n')
    result = subprocess.run(
        [program, "--queens", "3", "--drones", "1", "--top"],
        env=state.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert result.returncode == 0, result
    assert result.stdout == "frame of --cluster hive-a --once\n"
    assert re.search(READY, result.stderr) and "hive-a has ended" in result.stderr
    assert state.clusters() == []


def test_top_shows_the_real_cluster(state):
    result = state.run("--queens", "3", "--drones", "1", "--top")
    assert result.returncode == 0, result
    for name in ("hive-a", "q1", "q2", "q3", "d1", "LEADER"):
        assert name in result.stdout


def test_top_left_with_ctrl_c_is_left(state):
    program = state.program_beside(hivetop="#!/bin/sh\nkill -INT $$\n")
    launcher = state.start("--queens", "1", "--drones", "0", "--top", program=program)
    assert launcher.await_end() == 0, launcher.text
    assert state.clusters() == []


def test_top_that_hangs_does_not_hold_up_the_end(state):
    program = state.program_beside(hivetop=STUBBORN)
    launcher = state.start("--queens", "1", "--drones", "0", "--top", program=program)
    launcher.await_text("stubborn")
    assert launcher.end() == 0  # after the grace time
    launcher = state.start("--queens", "1", "--drones", "0", "--top", program=program)
    launcher.await_text("stubborn")
    begin = time.monotonic()
    launcher.signal(signal.SIGINT)
    launcher.await_text("stopping q1")
    assert launcher.end() == 0
    assert time.monotonic() - begin < 4


def test_top_that_fails_fails_the_launcher(state):
    program = state.program_beside(hivetop="#!/bin/sh\nexit 4\n")
    launcher = state.start("--queens", "1", "--drones", "0", "--top", program=program)
    assert launcher.await_end() == 1
    assert "hivetop ended with status 4" in launcher.text and state.clusters() == []


def test_top_on_a_terminal_has_it_alone_until_it_is_left(state):
    program = state.program_beside(
        hivetop="#!/bin/sh\ntrap 'exit 1' INT\nstty -echo\necho top $*\nread key\necho left with $key\n"
    )
    screen, terminal = pty.openpty()
    launcher = state.start("--queens", "1", "--drones", "0", "--top", program=program, terminal=terminal)
    os.close(terminal)
    shown = []

    def read():
        while True:
            try:
                data = os.read(screen, 4096)
            except OSError:
                return
            shown.append(data.decode())

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    await_(lambda: "top --cluster hive-a" in "".join(shown), "hivetop is on the terminal")
    log = state.path("hive-a", "logs", "launcher.log")
    await_(lambda: os.path.exists(log) and re.search(READY, open(log, encoding="utf-8").read()), "events go to the log")
    assert "ready in" not in "".join(shown)
    os.write(screen, b"q\n")
    assert launcher.process.wait(PATIENCE_S) == 0
    reader.join(PATIENCE_S)
    after = "".join(shown).split("left with q")[1]
    assert re.search("stopping.*q1", after) and "hive-a has ended" in after
    assert state.clusters() == []
    os.close(screen)
