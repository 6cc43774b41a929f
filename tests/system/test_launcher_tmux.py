"""`launcher --tmux`: hivetop and every node in a pane of its own."""

import os
import re
import shutil
import signal
import subprocess

import pytest

from cluster import PATIENCE_S, await_
from launched import LAUNCHER
from processes import is_alive

NODES = ("--queens", "3", "--drones", "2")


class Tmux:
    """A server of tmux of the test's own, which the launcher takes for the user's."""

    def __init__(self, state):
        self.state = state
        for name in ("TMUX", "TMUX_PANE"):
            state.environment.pop(name, None)
        state.environment["TMUX_TMPDIR"] = state.home
        state.environment["TERM"] = "xterm-256color"

    def run(self, *arguments):
        return subprocess.run(["tmux", *arguments], env=self.state.environment, timeout=PATIENCE_S, check=False,
                              capture_output=True, text=True)  # fmt: skip

    def lines(self, *arguments):
        return self.run(*arguments).stdout.splitlines()

    def windows(self):
        return self.lines("list-windows", "-a", "-F", "#{session_name}:#{window_name}")

    def panes(self, window="cluster"):
        """The panes' titles, by place."""
        places = (line.split(" ", 2) for line in
                  self.lines("list-panes", "-a", "-F", "#{window_name} #{pane_top},#{pane_left} #{pane_title}"))  # fmt: skip
        return {tuple(map(int, place.split(","))): title for name, place, title in places if name == window}

    def titles(self):
        return {title for window in {line.split(":")[1] for line in self.windows()} for title in self.panes(window).values()}

    def text(self, title):
        panes = (line.split(" ", 1) for line in self.lines("list-panes", "-a", "-F", "#{pane_id} #{pane_title}"))
        return next((self.run("capture-pane", "-p", "-J", "-t", pane).stdout for pane, name in panes if name == title), "")


@pytest.fixture
def tmux(state):
    tmux = Tmux(state)
    yield tmux
    state.end_background()
    tmux.run("kill-server")


def start(tmux, *arguments):
    """The pid of the launcher in the background."""
    result = tmux.state.run("--tmux", *arguments)
    assert result.returncode == 0 and "in a session of tmux: 'tmux attach -t " in result.stdout, result
    return tmux.state.ledger(tmux.state.clusters()[-1])["launcher"]["pid"]


def test_hivetop_is_on_top_and_every_node_has_a_pane(tmux):
    start(tmux, *NODES)
    assert tmux.windows() == ["hive-a:cluster", "hive-a:d2", "hive-a:launcher"]
    panes = tmux.panes()
    assert panes[min(panes)] == "hivetop" and set(panes.values()) == {"hivetop", "q1", "q2", "q3", "d1"}
    assert set(tmux.panes("d2").values()) == {"d2"}
    await_(lambda: re.search("hivetop hive-a +QUORUM 3/3", tmux.text("hivetop")), "hivetop shows the cluster")
    await_(lambda: "-- q2 is running" in tmux.text("q2"), "q2's pane shows its log")
    tmux.state.order("kill", "q2")
    await_(lambda: "-- q2 is killed" in tmux.text("q2"), "q2's pane tells of its end")
    await_(lambda: "error q2: killed" in tmux.text("launcher: Ctrl-C ends the cluster"), "so does the launcher's window")
    assert tmux.lines("show-options", "-gwv", "pane-border-status") == ["off"]  # the user's own windows are as they were


def test_the_cluster_ends_with_the_session(tmux):
    pid = start(tmux, *NODES)
    tmux.run("kill-session", "-t", "=hive-a")
    await_(lambda: not is_alive(pid), "the launcher has ended")
    assert tmux.state.clusters() == []


def test_the_session_ends_with_the_cluster(tmux):
    tmux.run("new-session", "-d", "-s", "mine")
    pid = start(tmux, *NODES)
    assert "hive-a has ended" in tmux.state.order("stop")
    await_(lambda: [name for name in tmux.windows() if "hive" in name] == [], "its windows are closed")
    assert not is_alive(pid) and len(tmux.windows()) == 1
    pid = start(tmux, *NODES)
    os.kill(pid, signal.SIGKILL)
    await_(lambda: [name for name in tmux.windows() if "hive" in name] == [], "its windows are closed")
    assert len(tmux.windows()) == 1


def test_ctrl_c_in_the_launchers_window_ends_the_cluster(tmux):
    pid = start(tmux, "--queens", "1", "--drones", "0")
    await_(lambda: "Ctrl-C here ends it" in tmux.text("launcher: Ctrl-C ends the cluster"), "the window is there")
    tmux.run("send-keys", "-t", "=hive-a:launcher", "C-c")
    await_(lambda: not is_alive(pid) and not tmux.windows(), "cluster and session have ended")
    assert tmux.state.clusters() == []


def test_a_session_whose_name_is_taken_gets_another_one(tmux):
    tmux.run("new-session", "-d", "-s", "lab_1")
    start(tmux, "--name", "lab.1", "--queens", "1", "--drones", "0")
    assert {name.split(":")[0] for name in tmux.windows()} == {"lab_1", "lab_1-2"}
    assert "q1" in tmux.titles()


def test_many_nodes_get_several_windows(tmux):
    start(tmux, "--queens", "3", "--drones", "20")
    nodes = {f"q{number}" for number in range(1, 4)} | {f"d{number}" for number in range(1, 21)}
    assert tmux.titles() == nodes | {"hivetop", "launcher: Ctrl-C ends the cluster"}
    assert tmux.windows() == [f"hive-a:{name}" for name in ("cluster", "d2-d9", "d10-d17", "d18-d20", "launcher")]
    heights = tmux.lines("list-panes", "-a", "-F", "#{pane_height}")
    assert min(map(int, heights)) >= 4


def test_nodes_that_come_and_go_get_and_lose_their_panes(tmux):
    start(tmux, "--queens", "1", "--drones", "1")
    tmux.state.order("add", "drone", "2")
    await_(lambda: {"d2", "d3"} <= tmux.titles(), "the new nodes have panes")
    await_(lambda: "-- d3 is running" in tmux.text("d3"), "with their logs")
    assert set(tmux.panes("d2").values()) == {"d2", "d3"}
    tmux.state.order("remove", "d1")
    tmux.state.order("remove", "d3")
    await_(lambda: tmux.titles() == {"hivetop", "q1", "d2", "launcher: Ctrl-C ends the cluster"}, "theirs are closed")
    tmux.state.order("add", "drone")
    await_(lambda: "d3" in tmux.titles(), "a name that comes again gets a pane again")


def test_inside_of_tmux_it_takes_windows_of_that_session(tmux):
    tmux.run("new-session", "-d", "-s", "mine", "-x", "120", "-y", "40", "sh")
    tmux.run("send-keys", "-t", "=mine:", f"{LAUNCHER} --tmux --queens 1 --drones 1; echo status $?", "Enter")
    await_(lambda: "launcher" in " ".join(tmux.windows()), "the windows are there")
    await_(lambda: "mine:hive-a" in tmux.windows()[1:2] and len(tmux.windows()) == 3, "three windows in one session")
    await_(lambda: "status 0" in tmux.run("capture-pane", "-p", "-t", "=mine:0").stdout, "the launcher is done")
    assert set(tmux.panes("hive-a").values()) == {"hivetop", "q1", "d1"}
    tmux.state.order("stop")
    await_(lambda: len(tmux.windows()) == 1, "its windows are closed, and the other one stays")


def test_on_a_terminal_the_session_is_shown_until_it_is_left(tmux, open_terminal):
    outer = {name: value for name, value in tmux.state.environment.items() if name != "TMUX_TMPDIR"}
    terminal = open_terminal(outer, columns=100, rows=30)  # of another server
    terminal.type(f"export TMUX_TMPDIR={tmux.state.home}; unset TMUX")
    terminal.press("Enter")
    terminal.type(f"{LAUNCHER} --tmux --queens 1 --drones 1; echo status $?")
    terminal.press("Enter")
    terminal.await_text("hivetop hive-a")
    tmux.run("detach-client", "-s", "=hive-a")
    terminal.await_text("hive-a goes on: 'tmux attach -t hive-a' shows it again")
    terminal.await_text("status 0")
    assert tmux.state.ledger()["running"]
    terminal.type("tmux attach -t hive-a")
    terminal.press("Enter")
    terminal.await_text("hivetop hive-a")
    tmux.state.order("stop")
    terminal.await_text("exited")


def test_without_tmux_it_says_what_to_do(state, tmp_path):
    for program in ("env", "sh"):
        os.symlink(shutil.which(program), tmp_path / program)
    state.environment["PATH"] = str(tmp_path)
    assert "--tmux needs tmux, which is not there: install it" in state.refused("--tmux")
    assert not os.path.exists(state.directory)


def test_a_tmux_that_fails_leaves_no_cluster(state, tmp_path):
    state.script('#!/bin/sh\n[ "$1" = -V ] || { echo no server today; exit 1; }\n', tmp_path / "tmux")
    state.environment["PATH"] = f"{tmp_path}:{state.environment['PATH']}"
    state.environment.pop("TMUX", None)
    assert "no server today" in state.refused("--tmux", "--queens", "1", "--drones", "0")
    assert state.clusters() == []
