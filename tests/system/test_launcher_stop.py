"""How clusters of the launcher end: when they are told to, and when it is killed. They leave nothing behind."""

import json
import os
import re
import signal
import subprocess
import time

from cluster import await_
from launched import STUBBORN
from processes import is_alive


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


def test_the_verb_stop_says_whom_it_waits_for_too(state):
    launcher = state.start("--queens", "2", "--drones", "0", "--hive", state.script(STUBBORN))
    state.await_stubborn("q1", "q2")
    said = state.order("stop")
    assert "waiting for q1, q2 (1 s)" in said and "waiting for q1, q2 (4 s)" in said and "hive-a has ended" in said
    assert launcher.await_end() == 0


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
    assert {node["name"]: node["was"] for node in ledger["nodes"]} == {
        "q1": "paused", "q2": "running", "q3": "running", "d1": "paused", "d2": "running"}  # fmt: skip
    said = state.order("status", status=3)
    assert "is dead" in said and re.search("q1 +queen +paused", said) and re.search("q2 +queen +running", said)
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
