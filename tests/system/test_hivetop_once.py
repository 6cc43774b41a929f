"""The dashboard on paper: plain text and JSON, exit statuses, and command lines that are refused."""

import json
import os
import re
import subprocess
import time

import pytest

from cluster import PATIENCE_S, SLOWNESS
from terminal import HIVETOP, run_hivetop


def test_once_prints_plain_text(start_local):
    cluster = start_local(queens=3, drones=2)
    result = cluster.hivetop("--once")
    assert result.returncode == 0 and not result.stderr
    lines = result.stdout.decode().splitlines()
    assert b"\033" not in result.stdout
    assert re.match(r"hivetop hive-a  QUORUM 3/3 spare 1  leader q\d t\d+  commit \d+$", lines[0])
    first_words = [line.split()[0] for line in lines[1:13]]
    assert [word.strip("-─") for word in first_words] == [
        "QUEEN", "q1", "q2", "q3", "ELECTIONS", "q1", "q2", "q3", "DRONES", "d1", "d2", "EVENTS"]  # fmt: skip
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


def test_a_closed_standard_output_is_said_and_kept_out_of_the_recording(start_local, tmp_path):
    cluster = start_local(queens=1, drones=0)
    recording = tmp_path / "recording.jsonl"
    result = subprocess.run(
        ["sh", "-c", 'exec "$0" "$@" >&-', HIVETOP, "--once", "--record", str(recording)],
        env=cluster.environment, stderr=subprocess.PIPE, check=False, timeout=PATIENCE_S)  # fmt: skip
    assert result.returncode == 1 and b"standard output cannot be written to" in result.stderr
    for line in recording.read_text().splitlines():
        json.loads(line)
