"""Clusters in the background: `launcher --detach`, and `launcher attach` without a node, which takes them back."""

import os
import re
import signal
import subprocess
import threading

import pytest

from cluster import PATIENCE_S, await_
from launched import LAUNCHER, STUBBORN
from processes import is_alive, listener


@pytest.fixture
def in_background(state):
    """Ends what tests have put into the background."""
    yield state
    state.end_background()


def launcher_pid(state, cluster="hive-a"):
    return state.ledger(cluster)["launcher"]["pid"]


def test_it_returns_when_the_cluster_is_ready_and_stop_ends_it(in_background):
    state = in_background
    result = state.run("--detach", "--queens", "3", "--drones", "1")
    assert result.returncode == 0, result
    assert re.search(r"ready in \d+ ms: leader q", result.stdout)
    assert "hive-a runs in the background: 'launcher stop --cluster hive-a' ends it" in result.stdout
    ledger = state.ledger()
    assert ledger["running"] and {node["state"] for node in ledger["nodes"]} == {"running"}
    pid = ledger["launcher"]["pid"]
    assert os.getsid(pid) == pid  # no terminal's end can end it
    assert {os.readlink(f"/proc/{pid}/fd/{number}") for number in (1, 2)} == {state.path("hive-a", "logs", "launcher.log")}
    state.order("kill", "d1")
    assert re.search(r"^launcher \S+Z error d1: killed \(pid \d+\)$", state.order("logs", "launcher"), re.MULTILINE)
    assert "hive-a has ended" in state.order("stop")
    assert not is_alive(pid) and state.clusters() == []


def test_its_output_ends_with_it(in_background):
    """A pipe that the launcher is started in is not held open by what stays."""
    command = f"{LAUNCHER} --detach --queens 1 --drones 0 | cat"
    subprocess.run(["sh", "-c", command], env=in_background.environment, timeout=PATIENCE_S, check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    assert in_background.ledger()["running"]


def test_what_goes_wrong_is_said_and_leaves_nothing(in_background):
    state = in_background
    assert "cannot run /nonexistent" in state.refused("--detach", "--hive", "/nonexistent")
    with listener(24999):
        assert "port 24999 of 127.0.0.1 is taken" in state.refused("--detach", "--port-queens", "24999")
    broken = state.script("#!/bin/sh\nexit 7\n")
    result = state.run("--detach", "--queens", "3", "--drones", "0", "--hive", broken)
    assert result.returncode == 1 and "no majority is left" in result.stderr, result
    assert re.search(r"q1 +died \(pid \d+, exit status 7\)", result.stdout)
    assert state.clusters() == []


def test_flags_that_exclude_it_are_refused(in_background):
    for flags, words in ((("--detach", "--top"), "--top needs this terminal"), (("--tmux", "--top"), "leave --top away")):
        result = in_background.run(*flags)
        assert result.returncode == 2 and words in result.stderr and "--help" in result.stderr, result


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_impatient_person_ends_it_while_it_starts(in_background, number):
    state = in_background
    launcher = state.start("--detach", "--queens", "3", "--drones", "0", "--hive", state.script(STUBBORN))
    await_(lambda: os.path.exists(state.path("hive-a", "logs", "q3.log")), "the nodes are started")
    state.await_stubborn("q1", "q2", "q3")
    pid = launcher_pid(state)
    launcher.signal(number)
    launcher.await_text("stopping q1, q2, q3")
    if number != signal.SIGHUP:
        launcher.signal(number)  # the second time by force
        launcher.await_text("killing q1, q2, q3")
    assert launcher.await_end() == 1
    assert not is_alive(pid) and state.clusters() == []


def test_a_named_one_can_be_started_again(in_background):
    state = in_background
    for _ in range(2):
        assert state.run("--detach", "--name", "lab", "--queens", "1", "--drones", "0").returncode == 0
        assert "runs already" in state.refused("--detach", "--name", "lab")
        state.order("stop", "--cluster", "lab")
    assert state.node("q1", "lab")["starts"] == 2


# ---- back into a terminal ----


class Foreground:
    def __init__(self, state):
        self.process = subprocess.Popen([LAUNCHER, "attach"], env=state.environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # fmt: skip
        self.lines = []
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True)
        self.reader.start()

    def await_text(self, pattern):
        await_(lambda: re.search(pattern, "".join(self.lines)), f"'{pattern}' is said")


@pytest.fixture
def foreground(in_background):
    """A cluster in the background that somebody has taken into a terminal."""
    assert in_background.run("--detach", "--queens", "2", "--drones", "1").returncode == 0
    taken = Foreground(in_background)
    yield taken
    taken.process.kill()
    taken.process.wait()


def test_attach_shows_events_and_ctrl_c_ends_the_cluster(in_background, foreground):
    foreground.await_text("Ctrl-C here ends it")
    in_background.order("kill", "d1")
    foreground.await_text("error d1: killed")
    foreground.process.send_signal(signal.SIGINT)
    assert foreground.process.wait(PATIENCE_S) == 0
    foreground.reader.join(PATIENCE_S)
    assert "stopping q1, q2" in "".join(foreground.lines) and "hive-a has ended" in foreground.lines[-1]
    assert in_background.clusters() == []


def test_the_end_of_the_terminal_ends_the_cluster(in_background, foreground):
    foreground.await_text("Ctrl-C here ends it")
    pid = launcher_pid(in_background)
    foreground.process.send_signal(signal.SIGHUP)
    assert foreground.process.wait(PATIENCE_S) == 0
    assert not is_alive(pid) and in_background.clusters() == []


def test_attach_ends_when_the_cluster_does(in_background, foreground):
    foreground.await_text("Ctrl-C here ends it")
    os.kill(launcher_pid(in_background), signal.SIGKILL)
    assert foreground.process.wait(PATIENCE_S) == 0


def test_killing_the_one_who_looks_leaves_the_cluster_alone(in_background, foreground):
    foreground.await_text("Ctrl-C here ends it")
    foreground.process.kill()
    foreground.process.wait()
    assert in_background.ledger()["running"]
