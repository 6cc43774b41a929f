"""`launcher ps`, `prune` and `status`: all clusters, whatever became of them, and what is left of those that run no more."""

import json
import os
import pty
import signal
import subprocess
import time

from cluster import PATIENCE_S, await_
from launched import LAUNCHER


def listed(state):
    """What ps says, by cluster."""
    return {cluster["name"]: cluster for cluster in json.loads(state.order("ps", "--json"))}


def kill(launcher):
    launcher.signal(signal.SIGKILL)
    launcher.process.wait()


def test_ps_lists_what_runs_has_ended_and_died(state):
    assert "no clusters" in state.order("ps") and json.loads(state.order("ps", "--json")) == []
    first = state.start("--queens", "3", "--drones", "2").await_ready()
    state.start("--name", "kept", "--queens", "1", "--drones", "0").await_ready().end()
    killed = state.start("--name", "lab", "--queens", "1", "--drones", "1").await_ready()
    pids = state.pids("lab")
    kill(killed)
    state.order("pause", "d1", "--cluster", "hive-a")
    state.order("kill", "d2", "--cluster", "hive-a")
    await_(lambda: all(not os.path.exists(f"/proc/{pid}") for pid in pids), "the nodes are gone")

    clusters = listed(state)
    assert list(clusters) == ["hive-a", "kept", "lab"]
    running = clusters["hive-a"]
    assert (running["state"], running["keep"], running["launcher_pid"]) == ("running", False, first.process.pid)
    assert running["queens"] == {"up": 3, "total": 3} and running["drones"] == {"up": 0, "total": 2}
    assert running["leader"] in ("q1", "q2", "q3") and running["term"] >= 1
    assert running["directory"] == state.path("hive-a") and running["created_at_ms"] <= time.time() * 1000
    assert (clusters["kept"]["state"], clusters["lab"]["state"]) == ("ended", "dead")
    assert "leader" not in clusters["lab"] and clusters["lab"]["queens"] == {"up": 0, "total": 1}

    lines = state.order("ps").splitlines()
    assert lines[0].split() == ["CLUSTER", "STATE", "QUEENS", "DRONES", "LEADER", "TERM", "AGE", "DIRECTORY"]
    assert lines[1].split()[:6] == ["hive-a", "running", "3/3", "0/2", running["leader"], str(running["term"])]
    assert lines[2].split()[:6] == ["kept", "ended", "0/1", "0/0", "-", "-"]
    assert lines[3].split()[-1] == state.path("lab")


def test_ps_is_not_held_up_by_a_paused_queen(state):
    state.start("--queens", "1", "--drones", "0").await_ready()
    os.kill(state.pids()[0], signal.SIGSTOP)
    begin = time.monotonic()
    assert listed(state)["hive-a"]["queens"] == {"up": 0, "total": 1}
    assert time.monotonic() - begin < PATIENCE_S / 2


def test_a_damaged_ledger_is_listed_and_can_be_pruned_by_name(state):
    os.makedirs(state.path("broken"))
    with open(state.path("broken", "cluster.json"), "w", encoding="utf-8") as ledger:
        ledger.write("{")
    output = state.run("ps", "--json")
    assert json.loads(output.stdout) == [{"name": "broken", "state": "damaged"}] and "damaged" in output.stderr
    assert "nothing to remove" in state.order("prune")
    assert state.clusters() == ["broken"]
    assert "removed broken" in state.order("prune", "broken", "--yes")
    assert state.clusters() == []


def test_status_tells_what_nodes_were_when_the_launcher_died(state):
    launcher = state.start("--queens", "3", "--drones", "1").await_ready()
    assert "q1 is killed" in state.order("kill", "q1")
    state.order("stop", "d1")
    states = {line.split()[0]: line.split()[2] for line in state.order("status").splitlines()[2:]}
    assert (states["q1"], states["q2"], states["d1"]) == ("killed", "running", "stopped")
    state.order("pause", "q2")
    pids = state.pids()
    kill(launcher)
    await_(lambda: all(not os.path.exists(f"/proc/{pid}") for pid in pids), "the nodes are gone")
    text = state.order("status", status=3)
    assert "is dead" in text and str(launcher.process.pid) in text
    states = {line.split()[0]: line.split()[2] for line in text.splitlines()[2:]}
    assert (states["q1"], states["q2"], states["q3"], states["d1"]) == ("killed", "paused", "running", "stopped")


# ---- prune ----


def test_prune_removes_dead_clusters_that_nobody_named_and_no_others(state):
    running = state.start("--queens", "1", "--drones", "0").await_ready()
    dead = state.start("--queens", "1", "--drones", "0").await_ready()
    state.start("--name", "lab", "--queens", "1", "--drones", "0").await_ready().end()
    kill(dead)
    assert state.order("prune").splitlines() == [f"removed hive-b ({state.path('hive-b')})"]
    assert state.clusters() == ["hive-a", "lab"]
    assert "nothing to remove" in state.order("prune")
    assert running.process.poll() is None and listed(state)["hive-a"]["queens"]["up"] == 1


def test_prune_removes_what_was_kept_only_when_told_twice(state):
    for name in ("lab", "work"):
        state.start("--name", name, "--queens", "1", "--drones", "0").await_ready().end()
    assert "say --yes" in state.order("prune", "--all", status=2)
    assert "say --yes" in state.order("prune", "lab", status=2)
    assert "no cluster named 'other'" in state.order("prune", "other", "--yes", status=5)
    assert state.clusters() == ["lab", "work"]
    assert f"removed lab ({state.path('lab')})" in state.order("prune", "lab", "--yes")
    assert state.clusters() == ["work"]
    assert "removed work" in state.order("prune", "--all", "--yes")
    assert state.clusters() == []


def test_prune_asks_on_a_terminal(state):
    state.start("--name", "lab", "--queens", "1", "--drones", "0").await_ready().end()
    for answer, status, clusters in ((b"n\n", 1, ["lab"]), (b"\n", 1, ["lab"]), (b"y\n", 0, [])):
        screen, terminal = pty.openpty()
        os.write(screen, answer)
        result = subprocess.run([LAUNCHER, "prune", "lab"], env=state.environment, stdin=terminal, capture_output=True,
                                text=True, timeout=PATIENCE_S, check=False)  # fmt: skip
        os.close(terminal)
        os.close(screen)
        assert "Remove it, for good? [y/N]" in result.stdout and state.path("lab") in result.stdout
        assert (result.returncode, state.clusters()) == (status, clusters), result


def test_prune_never_touches_a_cluster_that_runs(state):
    state.start("--queens", "1", "--drones", "0").await_ready()
    state.start("--name", "lab", "--queens", "1", "--drones", "0").await_ready()
    assert "cluster lab runs: end it first" in state.order("prune", "lab", "--yes", status=6)
    assert "nothing to remove" in state.order("prune", "--all", "--yes")
    assert {cluster["queens"]["up"] for cluster in listed(state).values()} == {1}
