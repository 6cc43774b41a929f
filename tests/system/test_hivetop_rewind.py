"""The dashboard and time: the last hour, recordings, films of the simulator, and what is remembered from run to run."""

import json
import os
import re
import signal
import subprocess

import pytest

from cluster import BUILD, PATIENCE_S, await_
from terminal import HIVETOP, run_hivetop

SIMULATOR = os.path.join(BUILD, "sim", "simulator")


def header(terminal):
    return terminal.lines()[0]


def press_until(terminal, key, pattern):
    """Goes on pressing, as somebody who looks for something: not before the screen shows what the last press did."""
    for _ in range(25):
        before = terminal.text()
        if re.search(pattern, before, re.MULTILINE):
            return
        terminal.press(key)
        await_(lambda: terminal.text() != before, f"{key} does something")
    raise AssertionError(f"'{pattern}' does not show after many {key}; the screen:\n{terminal.text()}")


def await_seconds_of(terminal, leader):
    """There are some seconds to go back to."""
    terminal.await_text(rf"^ {leader} .*█{{4}}")


def test_the_past_can_be_looked_at(start_local, open_terminal):
    cluster = start_local(queens=3, drones=1)
    terminal = open_terminal(cluster.environment, columns=110, rows=34)
    terminal.start("-d", "0.2")
    terminal.await_text(r"leader q\d t\d+")
    first, term = terminal.leader()
    await_seconds_of(terminal, first)
    cluster.signal(first, signal.SIGKILL)
    terminal.await_text(rf"leader (?!{first})q\d t\d+")
    second, later = terminal.leader()
    assert later > term
    terminal.await_text(rf"{second} is LEADER of term {later}")

    press_until(terminal, "[", rf"leader {first} t{term} .*FROZEN")
    assert f"{second} is LEADER of term {later}" not in terminal.text()
    assert "LEADER" in terminal.row(first) and "DOWN" not in terminal.row(first)
    terminal.press("K")
    terminal.await_text("you look at the past")
    shown = header(terminal)
    terminal.press("z")  # it goes on from there, to the election, and to the present
    terminal.await_text(rf"leader {second} t{later} .*PAST")
    assert header(terminal) != shown

    terminal.press("0")
    terminal.await_text(rf"leader {second} t{later} .*LIVE")
    terminal.press("{")
    terminal.await_text(rf"FROZEN(.*\n)*.*is a candidate in term {later}")
    terminal.press("}")
    terminal.await_text("no election after this is known")
    terminal.press("]")
    terminal.press("0")
    terminal.press("z")
    terminal.await_text("FROZEN")
    terminal.press("z")
    terminal.await_text("LIVE")
    press_until(terminal, "[", "as far back as the memory reaches: ")


def test_while_the_picture_is_frozen_the_memory_goes_on(start_local, open_terminal):
    cluster = start_local(queens=3, drones=0)
    terminal = open_terminal(cluster.environment)
    terminal.start("-d", "0.2")
    terminal.await_text(r"leader q\d t\d+")
    await_seconds_of(terminal, terminal.leader()[0])
    terminal.press("z")
    terminal.await_text("FROZEN")
    frozen = terminal.text()
    victim = next(name for name in ("q1", "q2", "q3") if "LEADER" not in terminal.row(name))
    cluster.signal(victim, signal.SIGKILL)
    await_(lambda: cluster.nodes()[victim]["state"] == "dead", f"{victim} is dead")
    assert terminal.text() == frozen
    terminal.press("0")
    terminal.await_text(rf"^.{victim} +x? *DOWN")
    terminal.press("[")
    press_until(terminal, "[", rf"^.{victim} +follower")


TIMES = ("time_ms", "age_ms", "round_trip_us")


def without_times(frame):
    """What a frame says but for the moments, which two clocks are asked for, and for what is told in microseconds: of answers that
    came in one millisecond a frame may show some, and a recording has all."""
    if isinstance(frame, dict):
        return {name: without_times(value) for name, value in frame.items() if name not in TIMES}
    return [without_times(item) for item in frame] if isinstance(frame, list) else frame


def test_a_recording_shows_what_was_shown(start_local, tmp_path):
    cluster = start_local(queens=3, drones=2)
    recording = tmp_path / "lesson.jsonl"
    watcher = subprocess.Popen(
        [HIVETOP, "--record", recording, "--json", "-n", "15", "-d", "0.2"], env=cluster.environment,
        stdout=subprocess.PIPE)  # fmt: skip
    frames = [json.loads(watcher.stdout.readline())]
    cluster.launcher("kill", frames[0]["leader"])
    cluster.launcher("pause", "d1")
    frames += [json.loads(line) for line in watcher.communicate(timeout=PATIENCE_S)[0].splitlines()]
    assert len(frames) == 15 and watcher.returncode == 0
    assert any(frame["leader"] != frames[0]["leader"] for frame in frames)
    start_ms = json.loads(recording.read_text().splitlines()[0])["start_unix_ms"]
    for frame in frames:
        shown = []
        # Two clocks are read one after the other, between which a busy machine may do something else.
        for jitter_ms in sorted(range(-20, 21), key=abs):
            at_ms = frame["time_ms"] - start_ms + jitter_ms
            result = run_hivetop("--replay", str(recording), "--json", "--at", f"{at_ms}ms")
            assert result.returncode == 0 and not result.stderr
            shown.append(without_times(json.loads(result.stdout)))
            if shown[-1] == without_times(frame):
                break
        assert without_times(frame) in shown


def test_a_recording_is_good_however_it_ends(start_local, open_terminal, tmp_path):
    cluster = start_local(queens=3, drones=0)
    recording = tmp_path / "cut.jsonl"
    terminal = open_terminal(cluster.environment)
    terminal.start("--record", str(recording), "-d", "0.2")
    terminal.await_text("QUORUM 3/3")
    await_(lambda: recording.read_text().count('"health"') > 12, "it is written as it goes")
    os.kill(terminal.program(), signal.SIGKILL)
    recording.write_bytes(recording.read_bytes()[:-7])
    result = run_hivetop("--replay", str(recording), "--once")
    assert result.returncode == 0 and b"QUORUM 3/3" in result.stdout and b"REPLAY" in result.stdout


def test_a_disk_that_is_full_ends_the_recording_not_the_dashboard(start_local, open_terminal, tmp_path):
    cluster = start_local(queens=3, drones=0)
    terminal = open_terminal(cluster.environment)
    terminal.run("ulimit -f 16")
    terminal.start("--record", str(tmp_path / "full.jsonl"), "-d", "0.1")
    terminal.await_text("the recording ended: File too large")
    terminal.await_text("LIVE")
    terminal.press("q")
    terminal.await_prompt()
    result = run_hivetop("--replay", str(tmp_path / "full.jsonl"), "--once")
    assert result.returncode == 0 and b"QUORUM 3/3" in result.stdout
    result = cluster.hivetop("--once", "--record", "/dev/full")
    assert result.returncode == 1 and b"No space left" in result.stderr


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("films") / "42.jsonl"
    subprocess.run([SIMULATOR, "--seed", "42", "--trace", path], check=True, timeout=PATIENCE_S, stdout=subprocess.DEVNULL)
    return path


def test_a_film_of_the_simulator_plays(film, open_terminal):
    terminal = open_terminal(columns=100, rows=30)
    terminal.start("--replay", str(film))
    terminal.await_text(r"leader queen-\d:1 t\d+ .*REPLAY 0:0[1-9]")
    terminal.press("Space")
    terminal.await_text(r"FROZEN 0:0")
    shown = header(terminal)
    terminal.press("]")
    await_(lambda: header(terminal) != shown, "it goes forward")
    for key, speed in [("+", " x2"), ("-", r"\d$"), ("-", " /2"), ("+", r"\d$")]:
        terminal.press(key)
        terminal.await_text(r"FROZEN 0:0\S+" + speed)
    terminal.press("0")
    terminal.await_text(r"FROZEN (\S+)/\1")
    terminal.await_text("all is well")
    terminal.press("[")
    terminal.press("}")
    terminal.await_text("no election after this is known")
    press_until(terminal, "{", "no election before is known")
    terminal.press("K")
    terminal.await_text("this is a recording")
    terminal.press("C")
    terminal.await_text("it has one cluster")
    terminal.press("Space")
    terminal.await_text("REPLAY")
    terminal.press("q")
    terminal.await_prompt()

    terminal.start("--replay", str(film), "--speed", "64")
    terminal.await_text(r"FROZEN (\S+)/\1 x64")  # it stays at its end


def test_moments_of_a_film_on_paper(film):
    lines = run_hivetop("--replay", str(film), "--json", "-n", "3", "-d", "5").stdout.splitlines()
    times = [json.loads(line)["time_ms"] for line in lines]
    assert [time - times[0] for time in times] == [0, 5000, 10000]
    assert json.loads(lines[2])["leader"].startswith("queen-")
    ends = [run_hivetop("--replay", str(film), "--once", *arguments).stdout for arguments in ([], ["--at", "1h"])]
    assert ends[0] == ends[1] and b"all is well" in ends[0]
    assert b"all is well" not in run_hivetop("--replay", str(film), "--once", "--at", "12.5s").stdout


def test_damage_is_named(film, tmp_path):
    lines = film.read_text().splitlines(keepends=True)
    damaged = tmp_path / "damaged.jsonl"
    damaged.write_text("".join(lines[:99]) + lines[99][:20] + "\n" + "".join(lines[100:]))
    result = run_hivetop("--replay", str(damaged), "--once")
    assert result.returncode == 1
    assert b"line 100 is damaged" in result.stderr and b"damaged.jsonl" in result.stderr and b"all is well" in result.stdout

    for content, why in [("", b"no recording"), ("hello\n", b"no recording"),
                         ('{"type":"header","format":"hive-trace","version":9}\n', b"version 9")]:  # fmt: skip
        damaged.write_text(content)
        result = run_hivetop("--replay", str(damaged), "--once")
        assert result.returncode == 1 and why in result.stderr and not result.stdout
    assert b"No such file" in run_hivetop("--replay", str(tmp_path / "nowhere"), "--once").stderr
    assert run_hivetop("--replay", "/dev/null", "--once").returncode == 1


def test_command_lines_that_contradict_themselves():
    for arguments, why in [
        (["--replay", "x", "--connect", "a:1"], b"--connect"),
        (["--replay", "x", "--cluster", "a"], b"--cluster"),
        (["--replay", "x", "--record", "y"], b"--record"),
        (["--replay", "x", "--speed", "0"], b"--speed takes"),
        (["--replay", "x", "--speed", "nan"], b"--speed takes"),
        (["--replay", "x", "--speed", "2x"], b"--speed takes"),
        (["--speed", "2"], b"--replay"),
        (["--at", "2s"], b"--replay"),
        (["--config", "x", "--no-config"], b"--no-config"),
    ]:
        result = run_hivetop("--once", *arguments)
        assert result.returncode == 2 and why in result.stderr, arguments


def test_what_is_chosen_is_remembered(open_terminal, tmp_path):
    config = tmp_path / "config" / "hive" / "hivetop.conf"
    terminal = open_terminal()
    terminal.start("--connect", "127.0.0.1:1")
    terminal.await_text("LIVE 500ms")
    terminal.press("+")
    terminal.press(">")
    terminal.await_text("sorted by state")
    await_(config.exists, "it is written")
    await_(lambda: config.read_text() == "interval = 1000ms\nsort = state\n", "what changed is written, and only that")
    assert os.listdir(config.parent) == ["hivetop.conf"]
    terminal.press("q")
    terminal.await_prompt()

    config.write_text("# mine\n" + config.read_text() + "later = 1\n")
    terminal.start("--connect", "127.0.0.1:1")
    terminal.await_text("LIVE 1s")
    terminal.press("+")
    await_(lambda: config.read_text() == "# mine\ninterval = 2000ms\nsort = state\nlater = 1\n", "the rest stays")
    terminal.press("q")
    terminal.await_prompt()

    terminal.start("--connect", "127.0.0.1:1", "-d", "0.2")  # for this once
    terminal.await_text("LIVE 200ms")
    terminal.press(">")
    await_(lambda: "sort = term\n" in config.read_text(), "the order is written")
    assert "interval = 2000ms\n" in config.read_text()
    terminal.press("q")
    terminal.await_prompt()

    terminal.start("--connect", "127.0.0.1:1", "--no-config")
    terminal.await_text("LIVE 500ms")
    before = config.read_text()
    terminal.press("+")
    terminal.await_text("LIVE 1s")
    assert config.read_text() == before
    terminal.press("q")
    terminal.await_prompt()

    config.write_text("interval = 2\nsort = sideways\n")
    terminal.start("--connect", "127.0.0.1:1")
    terminal.await_text("line 2 says nothing that is known: sort = sideways")
    terminal.await_text("LIVE 2s")
    terminal.press("+")
    terminal.await_text("nothing was written, since this is damaged")
    assert config.read_text() == "interval = 2\nsort = sideways\n"


def test_a_pipe_that_closes_ends_it_quietly(start_local):
    cluster = start_local(queens=3, drones=0)
    for kind in ("--json", "--once"):
        result = subprocess.run(
            ["sh", "-c", f"{HIVETOP} {kind} -n 1000 -d 0.1 | head -n 1"], env=cluster.environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE_S, check=False)  # fmt: skip
        assert result.stdout.count(b"\n") == 1 and not result.stderr
