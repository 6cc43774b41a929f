"""The launcher with the dashboard in front (--top)."""

import os
import pty
import re
import signal
import threading
import time

from cluster import PATIENCE_S, await_
from launched import READY, STUBBORN


def test_top_without_a_terminal_prints_one_frame_and_ends(state):
    program = state.program_beside(hivetop='#!/bin/sh\necho "frame of $*"\n')
    result = state.run("--queens", "3", "--drones", "1", "--top", program=program)
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
