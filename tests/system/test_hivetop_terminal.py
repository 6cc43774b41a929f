"""The dashboard and its terminal: every size and kind, how it is left behind, stopped, and not read."""

import os
import re
import signal
import time

import pytest

from cluster import PATIENCE_S, SLOWNESS, await_
from processes import is_alive
from strangers import Stranger, stranger
from terminal import HIVETOP, RawTerminal


def test_every_size_is_fine_while_it_runs(start_local, open_terminal):
    cluster = start_local(queens=5, drones=3)
    terminal = open_terminal(cluster.environment)
    terminal.start("-d", "20")  # so that only the resize can be the cause
    terminal.await_text("QUORUM 5/5")

    def is_drawn(columns, rows):
        lines = terminal.lines()
        has_footer = "?Help" in lines[rows - 1] if len(lines) >= rows else False
        return has_footer and "leader" in lines[0] and terminal.selected() == "q1"

    for columns, rows in [(160, 50), (40, 10), (80, 24), (60, 15), (200, 60), (40, 8)]:
        terminal.resize(columns, rows)
        await_(lambda: is_drawn(columns, rows), f"the screen fills {columns}x{rows}")
    terminal.resize(20, 5)
    await_(lambda: re.match(r"5/5  \*q\d t\d", terminal.lines()[0]), "one line tells it all")
    assert not any(terminal.lines()[1:])
    terminal.resize(80, 24)
    await_(lambda: is_drawn(80, 24), "and back")


@pytest.mark.parametrize("way", ["q", "C-c", "TERM", "HUP", "INT", "SEGV", "ABRT", "BUS", "FPE", "QUIT"])
def test_the_terminal_is_as_it_was_after(way, open_terminal):
    terminal = open_terminal()
    before = terminal.modes()
    terminal.start("--connect", "127.0.0.1:1")
    terminal.await_text("QUORUM LOST")
    assert terminal.tmux("display-message", "-p", "#{alternate_on} #{cursor_flag}").split() == ["1", "0"]
    pid = terminal.program()
    if way in ("q", "C-c"):
        terminal.press(way)
    else:
        os.kill(pid, getattr(signal, "SIG" + way))
    terminal.await_prompt()
    assert terminal.modes() == before
    assert "alive-2" in terminal.run("echo alive-$((1+1))")


def test_stopping_and_going_on(open_terminal):
    terminal = open_terminal()
    before = terminal.modes()
    terminal.start("--connect", "127.0.0.1:1")
    terminal.await_text("QUORUM LOST")
    terminal.press("C-z")
    terminal.await_text("Stopped")
    assert terminal.modes() == before
    terminal.type("fg")
    terminal.press("Enter")
    terminal.await_text(r"^hivetop  QUORUM LOST")
    terminal.press("?")
    terminal.await_text("^hivetop: keys")
    terminal.press("Escape")
    terminal.await_text(r"^hivetop  QUORUM LOST")
    terminal.press("q")
    terminal.await_prompt()
    assert terminal.modes() == before


def test_in_the_background_it_leaves_the_terminal_alone(open_terminal):
    with stranger() as address:
        terminal = open_terminal(columns=120)  # so that the whole note shows
        terminal.start("--connect", address, "-d", "0.1")
        terminal.await_text("QUORUM LOST")
        pid = terminal.program()
        terminal.press("C-z")
        terminal.await_text("Stopped")
        before, seen = terminal.text(), Stranger.number
        os.kill(pid, signal.SIGCONT)
        await_(lambda: Stranger.number > seen + 10, "it asks on")  # each answer would show another note
        assert terminal.text() == before
        terminal.type("fg")
        terminal.press("Enter")
        terminal.await_text("^hivetop  QUORUM LOST")
        terminal.press("q")
        terminal.await_prompt()


def test_it_can_be_ended_while_it_is_stopped(open_terminal):
    terminal = open_terminal()
    before = terminal.modes()
    terminal.start("--connect", "127.0.0.1:1")
    terminal.await_text("QUORUM LOST")
    pid = terminal.program()
    terminal.press("C-z")
    terminal.await_text("Stopped")
    os.kill(pid, signal.SIGTERM)
    os.kill(pid, signal.SIGCONT)
    await_(lambda: not is_alive(pid), "it has ended")
    assert terminal.modes() == before


def test_going_on_after_a_stop_that_nobody_can_prepare_for(open_terminal):
    terminal = open_terminal(shell=("bash", "--norc", "--noprofile"))  # sh would not read its line in these modes
    terminal.start("--connect", "127.0.0.1:1")
    terminal.await_text("QUORUM LOST")
    os.kill(terminal.program(), signal.SIGSTOP)
    terminal.await_text("Stopped")
    terminal.type("fg")
    terminal.press("Enter")
    terminal.await_text(r"^─EVENTS")
    await_(lambda: terminal.lines()[0].startswith("hivetop  QUORUM LOST"), "the screen is whole again")
    terminal.press("q")
    terminal.await_prompt()


def test_terminals_of_all_kinds(open_terminal):
    terminal = open_terminal()
    for settings in ("TERM=unheard-of", "TERM=", "TERM=vt100", "TERM=xterm LINES=7 COLUMNS=11", "TERM=linux LC_ALL=C"):
        terminal.start("--connect", "127.0.0.1:1", environment=settings)
        terminal.await_text(r"^hivetop  QUORUM LOST 0/1 needs 1  NO LEADER  commit 0  LIVE 500ms")
        await_(lambda: terminal.lines()[23].startswith("?Help"), "all lines are used")
        terminal.press("q")
        terminal.await_prompt()
    output = terminal.run(f"TERM=dumb {HIVETOP} --connect 127.0.0.1:1")
    assert 'a terminal of type "dumb" cannot show a screen; use --once' in output


def colour_codes(terminal):
    return set(re.findall(r"\033\[[0-9;]*?([34]\d(?:;5;\d+)?)[;m]", terminal.text("-e"))) - {"39", "49"}


def test_colours_follow_the_terminal_and_the_users_wish(open_terminal):
    terminal = open_terminal()
    found = {}
    for settings in ("TERM=tmux-256color", "TERM=screen", "TERM=tmux-256color NO_COLOR=1"):
        terminal.start("--connect", "127.0.0.1:1", environment=settings)
        terminal.await_text("x DOWN .* refused")
        found[settings] = colour_codes(terminal)
        terminal.press("q")
        terminal.await_prompt()
    many, few, none = found.values()
    assert any(";5;" in code for code in many)
    assert few and not any(";5;" in code for code in few)
    assert not none


def fill(terminal):
    """Draws far more than a terminal buffers: each key opens the help or takes it away."""
    assert terminal.read(PATIENCE_S)
    for _ in range(400):
        terminal.write(b"?")
        time.sleep(0.005)


def test_a_terminal_that_nobody_reads_does_not_keep_it_from_ending(start_cluster):
    cluster = start_cluster(queens=3)
    cluster.await_leader()
    with RawTerminal("--connect", cluster.queens[0].address, "-d", "0.1") as terminal:
        fill(terminal)
        os.kill(terminal.pid, signal.SIGTERM)
        await_(terminal.has_ended, "it has ended", 5 * SLOWNESS)
        assert os.WTERMSIG(terminal.status) == signal.SIGTERM
    with RawTerminal("--connect", cluster.queens[0].address, "-d", "0.1") as terminal:
        fill(terminal)
        terminal.write(b"qq")
        terminal.await_end()
        assert os.WEXITSTATUS(terminal.status) == 0


def test_a_stopped_terminal_does_not_stop_the_polls():
    with stranger() as address:
        with RawTerminal("--connect", address, "-d", "0.1") as terminal:
            terminal.await_output(b"EVENTS")
            terminal.write(b"\x13")  # ^S
            await_(lambda: not terminal.read(0.3), "the terminal has stopped")
            seen = Stranger.number
            await_(lambda: Stranger.number > seen + 10, "it asks on")
            terminal.write(b"?")
            assert not terminal.read(0.3)
            terminal.write(b"\x11")  # ^Q
            terminal.await_output(b"(SIGSTOP)")  # of the help
            terminal.write(b"qq")
            terminal.await_end()
