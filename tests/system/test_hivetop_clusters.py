"""The dashboard as a person uses it: on real clusters, with nodes that die, freeze and talk nonsense."""

import re
import signal
import socket
import time

from cluster import SLOWNESS, await_
from strangers import Stranger, stranger
from terminal import REFRESH_S


def test_kill_the_leader_and_watch_the_election(start_local, open_terminal):
    cluster = start_local(queens=5, drones=3)
    terminal = open_terminal(cluster.environment)
    terminal.start()
    terminal.await_text(r"QUORUM 5/5 spare 2  leader q\d t\d+")
    await_(lambda: all("idle" in terminal.row(f"d{i}") for i in (1, 2, 3)), "three drones are there")
    leader, term = terminal.leader()
    pid = cluster.nodes()[leader]["pid"]

    terminal.select(leader)
    terminal.press("K")
    terminal.await_text(rf"Kill {leader} \(pid {pid}\)\?")
    terminal.press("Enter")  # No is what Enter says
    terminal.await_text(f"{leader} was left alone")
    assert cluster.nodes()[leader]["pid"] == pid

    terminal.press("K")
    terminal.await_text(r"\[ No \]")
    terminal.press("y")
    terminal.await_text("x DOWN .* killed by you", 5 * SLOWNESS)
    new_leader, new_term = await_(
        lambda: terminal.leader() if terminal.leader() and terminal.leader()[1] > term else None, "a new leader shows")
    assert new_leader != leader and new_term > term
    terminal.press("e")  # the whole list
    terminal.await_text(rf"{leader} killed by you \(pid {pid}\)")
    terminal.await_text(rf"q\d is a candidate in term {new_term}")
    terminal.await_text(rf"{new_leader} is LEADER of term {new_term}")
    terminal.press("e")
    await_(lambda: terminal.row(new_leader), "the nodes show again")
    assert "* LEADER" in terminal.row(new_leader)
    assert "QUORUM 4/5 spare 1" in terminal.lines()[0]

    terminal.press("R")
    terminal.await_text(rf"Restart {leader} \(not running\)\?")
    terminal.press("y")
    terminal.await_text(rf"{leader} came back \(pid \d+\)")
    await_(lambda: re.search(r"follower .* 0 (q\d|-) ", terminal.row(leader)), "it follows and has caught up")
    terminal.press("q")
    terminal.await_prompt()


def test_a_paused_and_a_dead_node_never_hold_the_dashboard_up(start_local, open_terminal):
    cluster = start_local(queens=5, drones=2)
    terminal = open_terminal(cluster.environment)
    terminal.start()
    terminal.await_text("QUORUM 5/5")
    leader = terminal.leader()[0]
    paused, dead = [name for name in ("q1", "q2", "q3", "q4", "q5") if name != leader][:2]
    cluster.signal(paused, signal.SIGSTOP)
    cluster.signal("d1", signal.SIGSTOP)
    cluster.signal(dead, signal.SIGKILL)
    await_(lambda: "z PAUSED" in terminal.row(paused), f"{paused} is paused")
    await_(lambda: "z PAUSED" in terminal.row("d1"), "d1 is paused")
    await_(lambda: re.search(r"x DOWN .* signal 9", terminal.row(dead)), f"{dead} is dead")
    assert "~" in terminal.row(paused) and "~" in terminal.row(dead)

    delays = []
    for key in "jjjjkkkk" * 3:
        before, start = terminal.selected(), time.monotonic()
        terminal.press(key)
        await_(lambda: terminal.selected() != before, "the selection moves")
        delays.append(time.monotonic() - start)
    assert sorted(delays)[len(delays) // 2] < REFRESH_S * SLOWNESS, delays
    terminal.select(paused)
    terminal.press("P")
    terminal.await_text(f"Resume {paused}")
    terminal.press("n")
    cluster.signal(paused, signal.SIGCONT)
    cluster.signal("d1", signal.SIGCONT)
    await_(lambda: "follower" in terminal.row(paused), f"{paused} goes on")


def test_pause_resume_and_submit(start_local, open_terminal):
    cluster = start_local(queens=3, drones=2)
    terminal = open_terminal(cluster.environment)
    terminal.start()
    terminal.await_text("QUORUM 3/3")
    leader, term = terminal.leader()
    terminal.select(leader)
    terminal.press("P")
    terminal.await_text(rf"Pause {leader} \(pid \d+\)")
    terminal.press("Right", "Enter")
    await_(lambda: "paused by you" in terminal.row(leader), "the old leader is paused")
    await_(lambda: terminal.leader() and terminal.leader()[1] > term, "another one leads")
    terminal.press("P", "y")
    await_(lambda: "follower" in terminal.row(leader), "the old leader follows")
    terminal.await_text(f"{leader} resumed by you")

    terminal.press("S")
    terminal.type("hello from the dashboard")
    terminal.await_text("^text task: hello from the dashboard$")
    terminal.press("Enter")
    terminal.await_text(r"task-\d+ submitted by you")
    await_(lambda: any("done 1" in terminal.row(name) for name in ("d1", "d2")), "a drone has done it")


def test_yes_to_a_dialog_that_is_out_of_date_does_nothing(start_local, open_terminal):
    cluster = start_local(queens=3, drones=1)
    terminal = open_terminal(cluster.environment, rows=50)  # so that the dialog leaves the events to be seen
    terminal.start()
    terminal.await_text("QUORUM 3/3")
    terminal.select("d1")
    old = cluster.nodes()["d1"]["pid"]
    terminal.press("K")
    terminal.await_text(rf"Kill d1 \(pid {old}\)")
    cluster.launcher("restart", "d1")
    new = cluster.nodes()["d1"]["pid"]
    assert new != old
    terminal.await_text(rf"d1 came back \(pid {new}\)")  # and the dialog still names the old one
    terminal.await_text(rf"Kill d1 \(pid {old}\)")
    terminal.press("y")
    terminal.await_text("d1 is another process by now; nothing was done")
    assert cluster.nodes()["d1"]["pid"] == new
    assert cluster.nodes()["d1"]["state"] == "running"


def test_the_end_of_the_launcher_is_shown(start_local, open_terminal):
    cluster = start_local(queens=3, drones=1)
    terminal = open_terminal(cluster.environment)
    terminal.start()
    terminal.await_text("QUORUM 3/3")
    cluster.process.kill()
    terminal.await_text("LAUNCHER GONE")
    terminal.await_text(r"QUORUM LOST 0/3")
    terminal.press("K")
    terminal.await_text("the launcher of this cluster is gone")


# ---- clusters without a launcher ----


def test_one_address_shows_the_whole_cluster_and_actions_say_why_not(start_cluster, open_terminal):
    cluster = start_cluster(queens=3, drones=1)
    cluster.await_leader()
    cluster.await_drones()
    terminal = open_terminal()
    terminal.start("--connect", cluster.queens[1].address)
    terminal.await_text("QUORUM 3/3")
    port = ":" + cluster.drones[0].address.split(":")[1]
    await_(lambda: "idle" in terminal.row(port), "the drone shows")
    for key in "KPR":
        terminal.press(key)
        terminal.await_text("this needs the cluster's launcher")
        terminal.press("j")

    follower = cluster.followers()[0]
    port = ":" + follower.address.split(":")[1]
    follower.pause()
    await_(lambda: re.search(r"\? SILENT .* timed out", terminal.row(port)), "the paused queen is silent")
    terminal.await_text(f"{port} does not answer: timed out after")
    follower.resume()
    await_(lambda: "follower" in terminal.row(port), "it answers again")
    follower.kill()
    await_(lambda: re.search(r"x DOWN .* refused", terminal.row(port)), "the killed queen is down")
    terminal.press("q")
    terminal.await_prompt()


def test_strangers_and_mute_servers_do_no_harm(open_terminal):
    with stranger() as address, socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(1)
        port, silent = ":" + address.split(":")[1], f":{mute.getsockname()[1]}"
        terminal = open_terminal(columns=120)
        terminal.start("--connect", address, "--connect", f"127.0.0.1{silent}", "-d", "0.1")
        await_(lambda: re.search(r"\? SILENT .* no node of H", terminal.row(port)), "the stranger is known as one")
        await_(lambda: re.search(r"\? SILENT .* timed out", terminal.row(silent)), "the mute one is silent")
        seen = Stranger.number
        await_(lambda: Stranger.number > seen + 2 * len(Stranger.ANSWERS), "it was asked in every way")
        assert terminal.lines()[0].startswith("hivetop  QUORUM LOST 0/2")
        terminal.press("q")
        terminal.await_prompt()
