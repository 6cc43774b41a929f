"""`launcher logs` and `launcher attach NODE`: what nodes say, as one log and one at a time."""

import os
import pty
import re
import shutil
import signal
import subprocess
import threading
import time

import pytest

from cluster import PATIENCE_S, await_
from launched import LAUNCHER

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture
def follow(state):
    """follow("-f", …): a verb that goes on printing; its lines are collected."""
    processes = []

    def start(*arguments, verb="logs"):
        process = subprocess.Popen([LAUNCHER, verb, *arguments], env=state.environment, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # fmt: skip
        process.said = []
        process.reader = threading.Thread(target=lambda: process.said.extend(process.stdout), daemon=True)
        process.reader.start()
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()


def await_line(process, pattern):
    try:
        await_(lambda: re.search(pattern, "".join(process.said), re.MULTILINE), f"'{pattern}' is said")
    except AssertionError as error:
        raise AssertionError(f"{error}:\n{''.join(process.said)}") from None


def append(state, name, text, cluster="hive-a"):
    with open(state.path(cluster, "logs", f"{name}.log"), "a", encoding="utf-8") as log:
        log.write(text)


def logs_of(state, **texts):
    """A kept cluster whose nodes have said exactly this."""
    launcher = state.start("--name", "lab", "--queens", "2", "--drones", "1").await_ready()
    assert launcher.end() == 0
    for name in ("q1", "q2", "d1"):
        with open(state.path("lab", "logs", f"{name}.log"), "w", encoding="utf-8") as log:
            log.write(texts.get(name, ""))


def at(seconds):
    return f"2026-01-31T12:00:{seconds:06.3f}Z"


def test_lines_of_all_nodes_are_put_in_order_by_time(state):
    logs_of(
        state,
        q1=f"{at(1)} info one\n{at(4)} info four\n",
        q2=f"{at(2)} info two\n   of a stack\n   more of it\n{at(5)} error five\n",
        d1=f'{{"time":"{at(3)}","level":"info","event":"three"}}\n{at(5)} info last',
    )
    assert state.order("logs").splitlines() == [
        f"q1 {at(1)} info one",
        f"q2 {at(2)} info two",
        "q2    of a stack",
        "q2    more of it",
        f'd1 {{"time":"{at(3)}","level":"info","event":"three"}}',
        f"q1 {at(4)} info four",
        f"q2 {at(5)} error five",
        f"d1 {at(5)} info last",
    ]
    assert state.order("logs", "-n", "3").splitlines() == [
        f"q1 {at(4)} info four",
        f"q2 {at(5)} error five",
        f"d1 {at(5)} info last",
    ]
    assert state.order("logs", "--lines", "1", "q1").splitlines() == [f"q1 {at(4)} info four"]
    assert state.order("logs", "-n0") == ""
    assert [line.split()[0] for line in state.order("logs", "q1", "d1").splitlines()] == ["q1", "d1", "q1", "d1"]


def test_since_leaves_out_what_is_older(state):
    logs_of(state, q1=f"{at(1)} info long ago\n{time.strftime('%Y-%m-%dT%H:%M:%S.000Z', time.gmtime())} info now\n")
    assert "long ago" in state.order("logs")
    assert state.order("logs", "--since", "10m").split()[2:] == ["info", "now"]


def test_what_could_move_the_cursor_is_not_printed(state):
    logs_of(state, q1=f"{at(1)} info \x1b[2J\x07 \u009b2J grün \tend\n")
    assert state.order("logs") == f"q1 {at(1)} info ?[2J? ??2J grün  end\n"


def test_a_line_that_never_ends_is_divided(state):
    logs_of(state, q1=f"{at(1)} info " + "x" * 600_000 + "\n", q2=f"{at(2)} info short\n")
    lines = state.order("logs").splitlines()
    assert len(lines) >= 3 and max(map(len, lines)) < 300_000
    assert sum(line.count("x") for line in lines) == 600_000 and lines[-1] == f"q2 {at(2)} info short"


def test_a_node_that_is_not_there_is_named(state):
    logs_of(state)
    assert "no node 'q9' in cluster lab" in state.order("logs", "q9", status=5)
    assert "does not run" in state.order("attach", "q1", status=3)
    assert "no cluster named 'other'" in state.order("logs", "--cluster", "other", status=3)


def test_follow_shows_what_comes_also_from_new_nodes_until_the_end(state, follow):
    state.start("--queens", "1", "--drones", "1").await_ready()
    process = follow("-f")
    await_line(process, r"^d1 .* registered")
    append(state, "q1", f"{at(1)} info first half")
    append(state, "d1", f"{at(1)} info whole\n")
    await_line(process, "^d1 .* info whole$")
    assert "first half" not in "".join(process.said)
    append(state, "q1", ", second half\n")
    await_line(process, "^q1 .* info first half, second half$")
    state.order("add", "drone")
    await_line(process, "^d2 .* registered")
    state.order("remove", "d1")
    append(state, "q1", f"{at(2)} info still here\n")
    await_line(process, "still here")
    state.order("stop")
    assert process.wait(PATIENCE_S) == 0
    process.reader.join(PATIENCE_S)
    assert re.search(rf"^q1 {TIME} info stopped$", "".join(process.said), re.MULTILINE)
    assert "hive-a has ended" in process.said[-1]


def test_follow_goes_on_in_a_log_that_was_emptied_or_replaced(state, follow):
    state.start("--queens", "1", "--drones", "0").await_ready()
    process = follow("--follow", "q1")
    await_line(process, "^q1 .* started")
    log = state.path("hive-a", "logs", "q1.log")
    os.truncate(log, 0)
    append(state, "q1", f"{at(1)} info anew\n")
    await_line(process, "^q1 .* info anew$")
    os.rename(log, log + ".1")
    append(state, "q1", f"{at(2)} info in another file\n")
    await_line(process, "^q1 .* info in another file$")
    assert len(re.findall("info anew", "".join(process.said))) == 1


def test_follow_ends_when_the_cluster_is_removed_or_killed(state, follow):
    launcher = state.start("--queens", "1", "--drones", "0").await_ready()
    process = follow("-f")
    await_line(process, "^q1 ")
    launcher.signal(signal.SIGKILL)
    launcher.process.wait()
    shutil.rmtree(state.path("hive-a"))
    assert process.wait(PATIENCE_S) == 0


def test_follow_ends_when_nobody_reads_any_more(state):
    state.start("--queens", "1", "--drones", "0").await_ready()
    with subprocess.Popen([LAUNCHER, "logs", "-f"], env=state.environment, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith(b"q1 ")
        process.stdout.close()
        assert process.wait(PATIENCE_S) in (0, -signal.SIGPIPE)


def on_terminal(state, *arguments, **variables):
    """What a verb writes to a terminal."""
    screen, terminal = pty.openpty()
    environment = {**state.environment, "TERM": "xterm", **variables}
    environment = {name: value for name, value in environment.items() if value is not None}
    subprocess.run([LAUNCHER, *arguments], env=environment, stdout=terminal, timeout=PATIENCE_S, check=True)
    os.close(terminal)
    output = b""
    try:
        while data := os.read(screen, 65536):
            output += data
    except OSError:
        pass
    os.close(screen)
    return output.decode()


def test_terminals_get_colours_and_pipes_none(state):
    logs_of(state, q1=f"{at(1)} error bad\n", d1=f"{at(2)} info fine\n")
    assert "\x1b" not in state.order("logs")
    coloured = on_terminal(state, "logs", NO_COLOR=None)
    names = re.findall(r"(\x1b\[\d+m)(q1|d1)\x1b\[0m ", coloured)
    assert [name for _, name in names] == ["q1", "d1"] and names[0][0] != names[1][0]
    assert "\x1b[31m error bad\x1b[0m" in coloured
    assert "\x1b" not in on_terminal(state, "logs", NO_COLOR="1")
    assert "\x1b" not in on_terminal(state, "logs", NO_COLOR=None, TERM="dumb")


def test_attach_follows_one_node_and_leaves_it_alone(state, follow):
    state.start("--queens", "1", "--drones", "2").await_ready()
    process = follow("d1", verb="attach")
    await_line(process, r"registered(.|\n)*^-- d1 is running \(pid \d+\), http://")
    state.order("pause", "d1")
    await_line(process, "^-- d1 is paused")
    state.order("kill", "d1")
    await_line(process, "^-- d1 is killed$")
    state.order("restart", "d1")
    await_line(process, r"^-- d1 is killed(.|\n)*^-- d1 is running")
    await_line(process, rf"^-- d1 is killed(.|\n)*^{TIME} info started")
    assert "q1 " not in "".join(process.said) and "d2" not in "".join(process.said)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == -signal.SIGINT
    assert state.node("d1")["state"] == "running"
    again = follow("d1", verb="attach")
    await_line(again, "^-- d1 is running")
    state.order("remove", "d1")
    assert again.wait(PATIENCE_S) == 0
    again.reader.join(PATIENCE_S)
    assert "-- d1 is removed\n" in again.said
