"""How the launcher starts clusters: fast, under names and on ports of their own, and not where it cannot work."""

import http.client
import json
import os
import re
import signal
import socket
import stat
import time

import pytest

from cluster import PATIENCE_S, SLOWNESS, hive
from processes import is_alive, listener


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
    assert "'launcher --name lab' starts it again" in state.order("status", status=3)
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
    said = state.order("stop", status=3)
    assert "no cluster" in said and "--connect" not in said
