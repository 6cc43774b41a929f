"""What can be done from the dashboard, with keys and mouse, on real clusters in a real terminal."""

import json
import re

import pytest

from cluster import SLOWNESS, await_
from launched import ELECTION
from processes import free_ports


def state_of(cluster, name):
    return cluster.nodes()[name]["state"]


def test_marks_menus_palette_and_clipboard(start_local, open_terminal):
    cluster = start_local(queens=3, drones=2)
    terminal = open_terminal(cluster.environment)
    terminal.tmux("set-option", "-s", "set-clipboard", "on")
    terminal.start()
    terminal.await_text(r"QUORUM 3/3 spare 1  leader q\d t\d+")

    terminal.press("/")
    terminal.type("d2")
    await_(lambda: terminal.selected() == "d2", "it finds d2")
    terminal.press("Enter", "y")
    terminal.await_text("the address of d2 went to the clipboard")
    assert terminal.tmux("show-buffer") == cluster.nodes()["d2"]["address"]

    terminal.press("F9")
    terminal.await_text("Send to d2")
    terminal.press("j", "j", "Enter")
    terminal.await_text(r"Pause d2 \(pid \d+\)\?")
    terminal.press("y")
    await_(lambda: "z PAUSED" in terminal.row("d2"), "d2 is paused")
    terminal.press(":")
    terminal.type("pause")
    terminal.await_text("  :pause")
    terminal.press("Enter")
    terminal.await_text(r"Resume d2 \(pid \d+\)\?")
    terminal.press("y")
    await_(lambda: state_of(cluster, "d2") == "running", "d2 goes on")

    terminal.press("X")
    terminal.await_text(r"mark them with the space bar \(0 of 2 are\)")
    terminal.press("g", "Space", "j", "Space")
    terminal.await_text(r"^>q2 +\+")
    assert re.match(r" q1 +\+", terminal.row("q1"))
    terminal.press("X")
    terminal.await_text(r"Cut the link q1 - q2\?")
    terminal.press("Escape")
    terminal.await_text("the link q1 - q2 was left alone")

    terminal.press("T")
    terminal.await_text(r"Terminate q2 \(pid \d+\)\?")
    terminal.press("y")
    terminal.await_text("q2 terminated by you")
    await_(lambda: "x DOWN" in terminal.row("q2") and "ended by you" in terminal.row("q2"), "q2 has ended")
    terminal.press("q")
    terminal.await_prompt()


def test_the_last_majority_is_not_lost_by_a_habit(start_local, open_terminal):
    cluster = start_local(queens=3, drones=0)
    terminal = open_terminal(cluster.environment)
    terminal.start()
    terminal.await_text(r"QUORUM 3/3 spare 1  leader q\d t\d+")
    terminal.press("K")
    terminal.await_text(r"Kill q1 .*\?")
    terminal.press("y")
    terminal.await_text(r"QUORUM 2/3 spare 0  leader q\d")
    terminal.press("j", "K")
    terminal.await_text("The majority is lost with it: 1 of 3 queens stay")
    terminal.press("y", "Enter")
    terminal.await_text("q2 was left alone")
    assert state_of(cluster, "q2") == "running"
    terminal.press("K")
    terminal.await_text("Type q2 and Enter to do it:")
    terminal.type("q2")
    terminal.press("Enter")
    terminal.await_text("QUORUM LOST")
    await_(lambda: state_of(cluster, "q2") == "stopped", "it is ended by order")


def test_the_leadership_is_handed_over_and_nodes_are_added(start_local, open_terminal):
    cluster = start_local(queens=3, drones=1)
    terminal = open_terminal(cluster.environment)
    terminal.start()
    terminal.await_text(r"QUORUM 3/3 spare 1  leader q\d t\d+")
    leader = terminal.leader()[0]
    heir = next(name for name in ("q1", "q2") if name != leader)
    terminal.select(heir)
    terminal.press("L")
    terminal.await_text(rf"Hand the leadership to {heir}\?")
    terminal.press("y")
    terminal.await_text(rf"leader {heir} t\d+", 10 * SLOWNESS)
    terminal.await_text(f"{heir} made the leader by you")

    terminal.press("A")
    terminal.await_text("Add a node")
    terminal.press("Enter")
    terminal.await_text(r"d2 added by you")
    await_(lambda: "idle" in terminal.row("d2"), "d2 works")
    terminal.press("A", "j", "Enter")
    terminal.await_text(r"q4 added by you")
    terminal.await_text("QUORUM 4/4")
    assert cluster.nodes()["q4"]["role"] == "queen"


def test_read_only_refuses_all_that_changes(start_local, open_terminal):
    cluster = start_local(queens=1, drones=1)
    before = cluster.nodes()
    terminal = open_terminal(cluster.environment)
    terminal.start("--readonly")
    terminal.await_text(r"QUORUM 1/1 spare 0  leader q1")
    for key, word in {"S": "Submit", "P": "Pause", "K": "Kill", "F9": "Signal", "A": "Add"}.items():
        terminal.press(key)
        terminal.await_text(f"^{word}: this dashboard is read-only")
    terminal.press("q")
    terminal.await_prompt()
    assert cluster.nodes() == before


def test_another_cluster_can_be_watched(state, open_terminal):
    for name in ("blue", "red"):
        port = free_ports(3)
        state.start("--name", name, "-q", "1", "-d", "1" if name == "red" else "2", "--port-queens", str(port), "--port-drones",
                    str(port + 1), "--election-timeout", ELECTION).await_ready()  # fmt: skip
    terminal = open_terminal(state.environment)
    terminal.start("--cluster", "blue")
    terminal.await_text("^hivetop blue .*leader q1")
    terminal.await_text("DRONES 2/2 up")
    terminal.press("C")
    terminal.await_text("Clusters that run here")
    terminal.await_text("blue +this one")
    terminal.press("j", "Enter")
    terminal.await_text("^hivetop red .*leader q1")
    terminal.await_text("DRONES 1/1 up")
    terminal.press("K")  # what is done is done there
    terminal.await_text(rf"Kill q1 \(pid {json.dumps(state.node('q1', 'red')['pid'])}\)\?")
    terminal.press("Escape", "q")
    terminal.await_prompt()


def test_the_mouse_selects_sorts_and_scrolls(start_local, open_terminal):
    cluster = start_local(queens=3, drones=2)
    terminal = open_terminal(cluster.environment)
    terminal.start()
    terminal.await_text(r"QUORUM 3/3 spare 1  leader q\d t\d+")
    await_(terminal.takes_mouse, "it takes the mouse")
    lines = terminal.lines()
    terminal.point(3, next(i for i, line in enumerate(lines) if line.startswith(" q3")))
    await_(lambda: terminal.selected() == "q3", "q3 is selected")
    terminal.point(3, next(i for i, line in enumerate(lines) if line.startswith(" d1")), button=65)
    await_(lambda: terminal.selected() == "d2", "the wheel goes down")
    terminal.point(3, 1)  # the title by which they are sorted: the other way round
    terminal.await_text(r"^ q3 .*\n q2 .*\n q1 ")
    terminal.press("q")
    terminal.await_prompt()
    assert not terminal.takes_mouse()


@pytest.mark.parametrize("option", ["-M", "--no-mouse"])
def test_without_the_mouse_the_terminal_keeps_it(option, open_terminal):
    terminal = open_terminal()
    terminal.start("--connect", "127.0.0.1:1", option)
    terminal.await_text("QUORUM LOST|NO LEADER")
    assert not terminal.takes_mouse()


def test_a_link_is_cut_and_healed(state, open_terminal):
    port = free_ports(3)
    state.start("-q", "3", "-d", "0", "--port-queens", str(port), "--election-timeout", ELECTION).await_ready()
    terminal = open_terminal(state.environment)
    terminal.start()
    terminal.await_text(r"QUORUM 3/3 spare 1  leader q\d t\d+")
    terminal.press("Space", "j", "Space", "X")
    terminal.await_text(r"Cut the link q1 - q2\?")
    terminal.press("y")
    terminal.await_text("the link q1 - q2 cut by you")
    assert "q1" in state.order("links") and "cut" in state.order("links")

    def offers_to_heal():
        """As soon as the nodes were heard to tell of it."""
        terminal.press("X")
        terminal.await_text(r"(Cut|Heal) the link q1 - q2\?")
        is_known = "Heal the link" in terminal.text()
        if not is_known:
            terminal.press("n")
            terminal.await_text("was left alone")
        return is_known

    await_(offers_to_heal, "X offers to heal the link")
    terminal.press("y")
    terminal.await_text("the link q1 - q2 healed by you")
    assert "cut" not in state.order("links")
    terminal.press("q")
    terminal.await_prompt()


def test_the_mouse_is_let_go_while_it_is_stopped(open_terminal):
    terminal = open_terminal()
    terminal.start("--connect", "127.0.0.1:1")
    terminal.await_text("NO LEADER")
    await_(terminal.takes_mouse, "it takes the mouse")
    terminal.press("C-z")
    await_(lambda: not terminal.takes_mouse(), "it lets the mouse go")
    terminal.await_text("Stopped")
    terminal.press("fg", "Enter")
    await_(terminal.takes_mouse, "it takes the mouse again")
    terminal.press("q")
    terminal.await_prompt()
    assert not terminal.takes_mouse()
