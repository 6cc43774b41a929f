"""What the launcher does with one node: it is watched, killed, paused and restarted, over the verbs and the control socket."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

from cluster import HIVE, PATIENCE_S, await_
from launched import STUBBORN, control
from processes import is_alive, is_stopped


def test_a_node_that_dies_is_reported_with_its_last_words_and_stays_down_until_restarted(state):
    launcher = state.start("--queens", "3", "--drones", "1").await_ready()
    before = state.node("q2")
    os.kill(before["pid"], signal.SIGABRT)
    launcher.await_text(rf"q2 +died \(pid {before['pid']}, SIGABRT.*\); the end of .*/logs/q2\.log:\n    \S")
    # The ledger is written right behind that word.
    dead = await_(lambda: (node := state.node("q2"))["exit_status"] and node, "the ledger tells how it ended")
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

    assert "q1 is killed" in state.order("kill", "q1")
    node = state.node("q1")
    assert not is_alive(pid) and (node["state"], node["exit_status"]) == ("stopped", signal.SIGKILL)
    assert "q1 is killed" in state.order("kill", "q1", status=6)
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
