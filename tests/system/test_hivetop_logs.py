"""Logs and tasks on the dashboard, as a person reads them while nodes write, die and come back."""

import json
import os
import re
import signal
import time
import urllib.request

from cluster import SLOWNESS, await_


def log_path(cluster, name):
    return cluster.nodes()[name]["log_path"]


def shown_times(terminal):
    """The time stamps on the screen, from the top."""
    return [match[1] for line in terminal.lines() if (match := re.match(r"[qd]\d +(\d\d:\d\d:\d\d\.\d{3}) ", line))]


def test_logs_are_merged_followed_filtered_searched_and_saved(start_local, open_terminal, tmp_path):
    cluster = start_local(queens=3, drones=2)
    terminal = open_terminal(cluster.environment, columns=120, rows=40)
    terminal.start()
    terminal.await_text("QUORUM 3/3")
    leader = terminal.leader()[0]
    terminal.select(leader)
    terminal.press("l")
    terminal.await_text(f"LOG {leader} .* following")
    terminal.await_text("I started mode=QUEEN")
    terminal.await_text("state=LEADER")
    terminal.press("a")
    terminal.await_text("LOG of all 5 nodes")
    terminal.await_text(r"^d1 .* registered")
    assert shown_times(terminal) == sorted(shown_times(terminal)) and len(shown_times(terminal)) > 5

    cluster.signal(leader, signal.SIGKILL)  # the others elect one, while the screen follows
    terminal.await_text(rf"^(?!{leader})q\d .* state=LEADER")
    cluster.launcher("restart", leader)
    pid = cluster.nodes()[leader]["pid"]
    terminal.await_text(rf"^{leader} .* started mode=QUEEN .*pid={pid}")

    terminal.press("f")
    terminal.type("state=leader")
    terminal.await_text(r"^filter .*state=leader")
    await_(lambda: all("LEADER" in line for line in terminal.lines()[2:-1] if line), "only leaders show")
    terminal.press("Enter")
    terminal.press("s", "C-u")
    saved = tmp_path / "saved.log"
    terminal.type(str(saved))
    terminal.press("Enter")
    terminal.await_text(r"\d+ lines saved to")
    lines = saved.read_text().splitlines()
    assert len(lines) >= 2
    assert all(re.fullmatch(r"q\d \d{4}-\d\d-\d\dT[\d:.]+Z info raft state changed state=LEADER .*", line)
               for line in lines)  # fmt: skip
    terminal.press("Escape", "/")
    terminal.type("group founded")
    terminal.press("Enter", "n")
    terminal.await_text(r"\d+ newer")
    terminal.press("G")
    terminal.await_text("following")
    terminal.press("Escape", "Escape")
    terminal.await_text("EVENTS")
    assert not [link for link in open_files(terminal.program()) if link.endswith(".log")]
    terminal.press("q")
    terminal.await_prompt()


def open_files(pid):
    directory = f"/proc/{pid}/fd"
    return [os.readlink(os.path.join(directory, name)) for name in os.listdir(directory)]


def test_a_log_of_gigabytes_opens_at_once_and_one_that_is_cut_replaced_and_removed_is_followed(
        start_local, open_terminal):  # fmt: skip
    cluster = start_local(queens=3, drones=1)
    path = log_path(cluster, "q2")
    os.truncate(path, 5 << 30)  # sparse
    with open(path, "a", encoding="utf-8") as log:
        log.write("\n" + "".join(f"2026-01-01T00:00:00.000Z info line {i} of many\n" for i in range(50000)))
    terminal = open_terminal(cluster.environment, columns=100)
    terminal.start()
    terminal.await_text("QUORUM 3/3")
    terminal.select("q2")
    start = time.monotonic()
    terminal.press("l")
    terminal.await_text("line 49999 of many")
    assert time.monotonic() - start < 2 * SLOWNESS
    with open(f"/proc/{terminal.program()}/statm", encoding="ascii") as file:
        assert int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") < 200 << 20
    terminal.press("g")  # all lines are read back, and some of the hole before them
    terminal.await_text(r" 5\d{4} newer ")
    terminal.press("G", "/")
    terminal.type("line 0 of many")
    terminal.press("Enter")
    terminal.await_text("line 1 of many")
    terminal.press("G")
    terminal.await_text("line 49999 of many")

    os.truncate(path, 0)
    terminal.await_text("--- the log was cut ---")
    os.rename(path, path + ".1")
    with open(path, "w", encoding="utf-8") as log:
        log.write("2026-01-01T00:00:00.000Z warning of the new log\n")
    terminal.await_text("--- a new log ---")
    terminal.await_text("W of the new log")
    os.unlink(path)
    with open(path, "wb") as log:
        log.write(b"\x1b[2J\x00garbage\xff without an end")
    terminal.await_text("garbage. without an end")
    terminal.press("q")
    terminal.await_prompt()


def test_a_large_screen_has_the_end_of_the_selected_nodes_log(start_local, open_terminal):
    cluster = start_local(queens=3, drones=1)
    terminal = open_terminal(cluster.environment, columns=170, rows=50)
    terminal.start()
    terminal.await_text("QUORUM 3/3")
    terminal.select("q1")
    terminal.await_text("LOG q1 ")
    terminal.select("d1")
    terminal.await_text("LOG d1 ")
    terminal.await_text(r"I registered queen=")
    terminal.resize(120, 40)
    await_(lambda: "LOG d1" not in terminal.text(), "the panel is gone")


def test_with_addresses_only_the_screen_says_why_there_are_no_logs(shared, open_terminal):
    terminal = open_terminal()
    terminal.start("--connect", shared.queens[0].address)
    terminal.await_text("QUORUM 3/3")
    terminal.press("l")
    terminal.await_text("There are no log files to read here")
    terminal.press("l")
    terminal.await_text("EVENTS")


def test_thousands_of_tasks_are_listed_and_a_lost_leader_is_told(start_local, open_terminal):
    cluster = start_local(queens=3, drones=2)
    terminal = open_terminal(cluster.environment, columns=100)
    terminal.start()
    terminal.await_text("QUORUM 3/3")
    terminal.press("t")
    terminal.await_text("There are no tasks")
    count = 1200  # more than two pages
    submit(cluster, terminal.leader()[0], count)
    terminal.await_text(rf"TASKS {count} ")
    await_(lambda: len(re.findall("succeeded", terminal.text())) > 10, "they are done")
    assert f"text {count - 1}." in terminal.lines()[3]
    terminal.press("/")
    terminal.type("text 7.")
    terminal.press("Enter")
    terminal.await_text(r"^>task-\d+ +succeeded .*text 7\.")
    terminal.press("Enter")
    terminal.await_text(r"TASK task-\d+ ")
    terminal.await_text("^ text +text 7\\.")
    terminal.press("Escape", "Escape", "f")
    terminal.await_text(rf"TASKS waiting: \d+ of {count}")
    terminal.press("Escape")

    for name in ("q1", "q2", "q3"):
        if name != terminal.leader()[0]:
            cluster.signal(name, signal.SIGKILL)
    terminal.await_text("NO LEADER, this is of", 15 * SLOWNESS)
    assert "succeeded" in terminal.text()
    terminal.press("q")
    terminal.await_prompt()


def submit(cluster, queen, count):
    node = cluster.nodes()[queen]
    path = os.path.join(cluster.environment["XDG_STATE_HOME"], "hive", "hive-a", "token")
    with open(path, encoding="ascii") as file:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {file.read().strip()}"}
    for i in range(count):
        request = urllib.request.Request(f"http://{node['address']}/submit_task",
                                         json.dumps({"text": f"text {i}."}).encode(), headers)  # fmt: skip
        with urllib.request.urlopen(request, timeout=10):
            pass
