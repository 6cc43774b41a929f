"""The dashboard as a person uses it: in a terminal (tmux), on real clusters, with nodes that die, freeze and talk nonsense."""

import contextlib
import fcntl
import http.server
import itertools
import json
import os
import pty
import random
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

import pytest

from cluster import BUILD, PATIENCE_S, SLOWNESS, await_

HIVETOP = os.path.join(BUILD, "bin", "hivetop")
LAUNCHER = os.path.join(BUILD, "bin", "launcher")
REFRESH_S = 0.5  # hivetop's default interval
ELECTION = f"{150 * SLOWNESS}-{300 * SLOWNESS}"

pytestmark = pytest.mark.skipif(not os.access(HIVETOP, os.X_OK), reason="hivetop is not built")
_numbers = itertools.count()


def free_ports(count):
    """The first of `count` ports in a row that nobody listens on."""
    while True:
        first = random.randrange(24000, 25000 - count)
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
                return first
            except OSError:
                continue


def is_alive(pid):
    """True where the process is there; a zombie, whom the shell has not noticed yet, is not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


# ---- terminals ----


class Terminal:
    """A shell in a tmux of its own. (bash would repair the terminal after a program, and hide what that left behind.)"""

    def __init__(self, environment, columns=80, rows=24, shell=("sh",)):
        self.name = f"hivetop-{os.getpid()}-{next(_numbers)}"
        settings = {name: value for name, value in environment.items() if name not in ("TMUX", "TERM")}
        subprocess.run(
            ["tmux", "-L", self.name, "-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows),
             "env", "PS1=ready$ ", *shell],
            env=settings | {"LC_ALL": "C.UTF-8"}, check=True, timeout=PATIENCE_S)  # fmt: skip
        await_(lambda: "ready$" in self.text(), "the shell is there")

    def tmux(self, *arguments):
        return subprocess.run(["tmux", "-L", self.name, *arguments], stdout=subprocess.PIPE, check=True,
                              timeout=PATIENCE_S).stdout.decode()  # fmt: skip

    def close(self):
        subprocess.run(["tmux", "-L", self.name, "kill-server"], check=False, timeout=PATIENCE_S)

    def text(self, *options):
        return self.tmux("capture-pane", "-p", *options)

    def lines(self):
        return self.text().splitlines()

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def await_text(self, pattern, seconds=None):
        try:
            return await_(lambda: re.search(pattern, self.text(), re.MULTILINE), f"'{pattern}' shows", seconds)
        except AssertionError:
            raise AssertionError(f"waited in vain for '{pattern}'; the screen:\n{self.text()}") from None

    def program(self):
        """The pid of what runs in the shell."""
        shell = self.tmux("display-message", "-p", "#{pane_pid}").strip()
        with open(f"/proc/{shell}/task/{shell}/children", encoding="ascii") as file:
            children = file.read().split()
        return int(children[0]) if children else None

    def run(self, command):
        """Runs a command line to its end; its output."""
        mark = next(_numbers)
        self.press("clear", "Enter")
        self.type(f"{command}; echo end-{mark}-$?")
        self.press("Enter")
        self.await_text(rf"end-{mark}-\d")
        return self.text()

    def modes(self):
        """What a program could leave behind: the line's settings, alternate screen, hidden cursor, keypad mode."""
        path = f"/tmp/{self.name}.stty"
        self.run(f"stty -a > {path}")
        with open(path, encoding="ascii") as file:
            settings = file.read()
        os.unlink(path)
        return settings, self.tmux("display-message", "-p", "#{alternate_on} #{cursor_flag} #{keypad_cursor_flag}")

    def start(self, *arguments, environment=""):
        self.press("clear", "Enter")
        self.type(f"{environment} {HIVETOP} {' '.join(arguments)}")
        self.press("Enter")

    def await_prompt(self):
        await_(lambda: self.program() is None, "hivetop has ended")

    def selected(self):
        return next((line.split()[0][1:] for line in self.lines() if line.startswith(">")), None)

    def row(self, name):
        return next((line for line in self.lines() if re.match(rf"[ >]{name} ", line)), "")

    def leader(self):
        match = re.search(r"leader (\S+) t(\d+)", self.lines()[0])
        return (match[1], int(match[2])) if match else None

    def select(self, name):
        self.press("g")
        for _ in range(100):
            if self.selected() == name:
                return
            before = self.selected()
            self.press("j")
            await_(lambda: self.selected() != before, f"the selection leaves {before}")
        raise AssertionError(f"{name} is not there:\n{self.text()}")


@pytest.fixture
def open_terminal():
    terminals = []

    def open_it(environment=os.environ, **options):
        terminals.append(Terminal(dict(environment), **options))
        return terminals[-1]

    yield open_it
    for terminal in terminals:
        terminal.close()


class Local:
    """A cluster of the launcher."""

    def __init__(self, directory, queens=3, drones=2):
        self.environment = dict(os.environ, XDG_STATE_HOME=str(directory / "state"))
        self.environment.pop("HIVE_CONNECT", None)
        port = free_ports(queens + drones)
        self.log = open(directory / "launcher.log", "w+", encoding="utf-8")  # noqa: SIM115
        self.process = subprocess.Popen(
            [LAUNCHER, "--queens", str(queens), "--drones", str(drones), "--port-queens", str(port), "--port-drones",
             str(port + queens), "--election-timeout", ELECTION, "--heartbeat", str(40 * SLOWNESS)],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=self.environment)  # fmt: skip
        try:
            await_(self.is_ready, "the cluster is ready")
        except AssertionError:
            self.stop()
            raise

    def is_ready(self):
        return "ready in" in self.said()

    def said(self):
        with open(self.log.name, encoding="utf-8") as file:
            return file.read()

    def nodes(self):
        path = os.path.join(self.environment["XDG_STATE_HOME"], "hive", "hive-a", "cluster.json")
        with open(path, encoding="utf-8") as file:
            return {node["name"]: node for node in json.load(file)["nodes"]}

    def signal(self, name, number):
        os.kill(self.nodes()[name]["pid"], number)

    def launcher(self, *arguments):
        subprocess.run([LAUNCHER, *arguments], env=self.environment, check=True, timeout=PATIENCE_S,
                       stdout=subprocess.DEVNULL)  # fmt: skip

    def hivetop(self, *arguments, **options):
        return run_hivetop(*arguments, environment=self.environment, **options)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


@pytest.fixture
def start_local(tmp_path):
    clusters = []

    def start(**options):
        if not os.access(LAUNCHER, os.X_OK):
            pytest.skip("the launcher is not built")
        clusters.append(Local(tmp_path, **options))
        return clusters[-1]

    yield start
    for cluster in clusters:
        cluster.stop()


def run_hivetop(*arguments, environment=None, stdin=subprocess.DEVNULL):
    return subprocess.run([HIVETOP, *arguments], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env=environment, timeout=PATIENCE_S, check=False)  # fmt: skip


# ---- the main job ----


def test_kill_the_leader_and_watch_the_election(start_local, open_terminal):
    cluster = start_local(queens=5, drones=3)
    terminal = open_terminal(cluster.environment)
    terminal.start()
    terminal.await_text(r"QUORUM 5/5 spare 2  leader q\d t\d+")
    await_(lambda: all("healthy" in terminal.row(f"d{i}") for i in (1, 2, 3)), "three drones are healthy")
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
    terminal.await_text(rf"x DOWN .* killed by you", 5 * SLOWNESS)
    new_leader, new_term = await_(
        lambda: terminal.leader() if terminal.leader() and terminal.leader()[1] > term else None, "a new leader shows")
    assert new_leader != leader and new_term > term
    terminal.await_text(rf"{leader} killed by you \(pid {pid}\)")
    terminal.await_text(rf"q\d is a candidate in term {new_term}")
    terminal.await_text(rf"{new_leader} is LEADER of term {new_term}")
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
    await_(lambda: "  1  " in terminal.row("d1") or "  1  " in terminal.row("d2"), "a drone has done it")


def test_yes_to_a_dialog_that_is_out_of_date_does_nothing(start_local, open_terminal):
    cluster = start_local(queens=3, drones=1)
    terminal = open_terminal(cluster.environment)
    terminal.start()
    terminal.await_text("QUORUM 3/3")
    terminal.select("d1")
    old = cluster.nodes()["d1"]["pid"]
    terminal.press("K")
    terminal.await_text(rf"Kill d1 \(pid {old}\)")
    cluster.launcher("restart", "d1")
    new = cluster.nodes()["d1"]["pid"]
    assert new != old
    time.sleep(2 * REFRESH_S)  # it has seen the new process, and the dialog still names the old one
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


# ---- other clusters ----


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
        terminal.await_text("K, P and R need the cluster's launcher")
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


class Stranger(http.server.BaseHTTPRequestHandler):
    """A server that is no node of Hive."""

    ANSWERS = [(404, b"nothing here"), (200, b"{}"), (200, b"<html>"), (200, b'{"mode": "QUEEN", "term": "many"}'),
               (200, b"[" * 100000), (500, b"\033[2J\033[31mred")]  # fmt: skip
    number = 0

    def do_GET(self):
        status, body = self.ANSWERS[self.number % len(self.ANSWERS)]
        Stranger.number += 1
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_strangers_and_mute_servers_do_no_harm(open_terminal):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server, socket.socket() as mute:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        mute.bind(("127.0.0.1", 0))
        mute.listen(1)
        stranger, silent = f":{server.server_port}", f":{mute.getsockname()[1]}"
        terminal = open_terminal(columns=120)
        terminal.start("--connect", f"127.0.0.1{stranger}", "--connect", f"127.0.0.1{silent}", "-d", "0.1")
        await_(lambda: re.search(r"\? SILENT .* no node of Hive", terminal.row(stranger)), "the stranger is known as one")
        await_(lambda: re.search(r"\? SILENT .* timed out", terminal.row(silent)), "the mute one is silent")
        seen = Stranger.number
        await_(lambda: Stranger.number > seen + 2 * len(Stranger.ANSWERS), "it was asked in every way")
        assert terminal.lines()[0].startswith("hivetop  QUORUM LOST 0/2")
        terminal.press("q")
        terminal.await_prompt()
        server.shutdown()


# ---- the terminal ----


def test_every_size_is_fine_while_it_runs(start_local, open_terminal):
    cluster = start_local(queens=5, drones=3)
    terminal = open_terminal(cluster.environment)
    terminal.start("-d", "20")  # so that only the resize can be the cause
    terminal.await_text("QUORUM 5/5")

    def is_drawn(columns, rows):
        lines = terminal.lines()
        has_footer = "? Help" in lines[rows - 1] if len(lines) >= rows else False
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
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        terminal = open_terminal(columns=120)  # so that the whole note shows
        terminal.start("--connect", f"127.0.0.1:{server.server_port}", "-d", "0.1")
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
        server.shutdown()


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
    terminal.await_text(r"^ EVENTS")
    await_(lambda: terminal.lines()[0].startswith("hivetop  QUORUM LOST"), "the screen is whole again")
    terminal.press("q")
    terminal.await_prompt()


def test_terminals_of_all_kinds(open_terminal):
    terminal = open_terminal()
    for settings in ("TERM=unheard-of", "TERM=", "TERM=vt100", "TERM=xterm LINES=7 COLUMNS=11", "TERM=linux LC_ALL=C"):
        terminal.start("--connect", "127.0.0.1:1", environment=settings)
        terminal.await_text(r"^hivetop  QUORUM LOST 0/1 needs 1  NO LEADER t0  commit 0  LIVE 500ms")
        await_(lambda: terminal.lines()[23].startswith("? Help"), "all lines are used")
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


class RawTerminal:
    """hivetop on a terminal that is read only where the test does it."""

    def __init__(self, *arguments):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.execv(HIVETOP, [HIVETOP, *arguments])
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
        self.status = None

    def write(self, text):
        os.write(self.master, text)

    def read(self, seconds=0.1):
        """What it wrote since the last time, where it writes within so long."""
        with contextlib.suppress(OSError):
            if select.select([self.master], [], [], seconds)[0]:
                return os.read(self.master, 65536)
        return b""

    def await_output(self, text):
        output = bytearray()

        def shows():
            output.extend(self.read())
            return text in output

        await_(shows, f"{text} is written")

    def await_end(self):
        await_(lambda: not self.read() and self.has_ended(), "it has ended")

    def has_ended(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = status if pid else None
        return self.status is not None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.has_ended():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.master)


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
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with RawTerminal("--connect", f"127.0.0.1:{server.server_port}", "-d", "0.1") as terminal:
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
        server.shutdown()


# ---- on paper ----


def test_once_prints_plain_text(start_local):
    cluster = start_local(queens=3, drones=2)
    result = cluster.hivetop("--once")
    assert result.returncode == 0 and not result.stderr
    lines = result.stdout.decode().splitlines()
    assert b"\033" not in result.stdout
    assert re.match(r"hivetop hive-a  QUORUM 3/3 spare 1  leader q\d t\d+  commit \d+$", lines[0])
    assert [line.split()[0] for line in lines[1:8]] == ["QUEEN", "q1", "q2", "q3", "DRONE", "d1", "d2"]
    assert len(lines) <= 24 and max(map(len, lines)) <= 80

    result = cluster.hivetop()
    assert result.returncode == 0
    assert result.stdout.decode().splitlines()[0] == lines[0]
    assert b"no terminal here" in result.stderr


def test_json_tells_it_to_scripts(start_local):
    cluster = start_local(queens=3, drones=2)
    result = cluster.hivetop("--json", "-n", "3", "-d", "0.1")
    assert result.returncode == 0 and not result.stderr
    frames = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(frames) == 3
    assert frames[0]["cluster"] == "hive-a" and frames[0]["leader"] in ("q1", "q2", "q3")
    assert frames[0]["quorum"] == {"queens": 3, "up": 3, "needed": 2, "spare": 1}
    assert {d["name"]: d["state"] for d in frames[0]["drones"]} == {"d1": "up", "d2": "up"}
    nodes = cluster.nodes()
    assert all(q["pid"] == nodes[q["name"]]["pid"] for q in frames[0]["queens"])
    assert frames[2]["time_ms"] - frames[0]["time_ms"] >= 190  # whole milliseconds, of two clocks


def test_without_a_cluster_it_says_how_to_get_one(tmp_path):
    environment = dict(os.environ, XDG_STATE_HOME=str(tmp_path))
    environment.pop("HIVE_CONNECT", None)
    for arguments in ([], ["--once"], ["--json"], ["--cluster", "nowhere"]):
        result = run_hivetop(*arguments, environment=environment)
        assert result.returncode == 3, arguments
        assert result.stderr.startswith(b"hivetop: ") and b"launcher" in result.stderr, result.stderr
        assert not result.stdout


def test_nobody_answers_is_exit_status_3():
    start = time.monotonic()
    result = run_hivetop("--connect", "127.0.0.1:1", "--once", "--timeout", "300ms")
    assert time.monotonic() - start < 0.3 + 2 * SLOWNESS
    assert result.returncode == 3
    assert b"x DOWN" in result.stdout and b"none of the 1 nodes answered" in result.stderr


@pytest.mark.parametrize("arguments", [["--interval", "0"], ["-d", "x"], ["--connect", "nonsense"], ["--what"], ["-n", "0"], ["extra"]])
def test_a_wrong_command_line_is_refused(arguments):
    result = run_hivetop(*arguments)
    assert result.returncode == 2, result.stderr
    assert result.stderr.startswith(b"hivetop: ")
