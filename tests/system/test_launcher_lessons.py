"""Lessons: each that is shipped holds on a live cluster; one that does not go as told says so and leaves the cluster whole."""

import json
import os
import signal
import subprocess

import pytest
from cluster import PATIENCE_S, await_
from launched import LAUNCHER
from processes import is_alive

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LESSONS = sorted(name[: -len(".lesson")] for name in os.listdir(os.path.join(ROOT, "share", "lessons")) if name.endswith(".lesson"))


def play(state, *arguments, **options):
    return subprocess.run(
        [LAUNCHER, "lesson", *arguments],
        env=state.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE_S,
        check=False,
        **options,
    )


@pytest.fixture
def lesson_file(tmp_path):
    def write(text):
        path = tmp_path / "mine.lesson"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def test_the_list_names_them_all(state):
    assert len(LESSONS) == 7
    listed = json.loads(state.order("lesson", "--json"))
    assert [lesson["name"] for lesson in listed] == LESSONS
    text = state.order("lesson")
    for lesson in listed:
        assert lesson["title"] and lesson["about"] in text


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_holds(state, name):
    result = play(state, name, "--auto")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "claims held" in result.stdout
    assert state.clusters() == [], "its cluster is gone"


def test_a_false_claim_ends_it_and_the_cluster_is_whole_again(state, lesson_file):
    state.start("--queens", "3", "--drones", "0").await_ready()
    path = lesson_file("title T\nawait leader\ndo pause leader\ndo kill follower\ndo cut q1 q2\nclaim 1 > 2 -- one is more\nsay never told\n")
    result = play(state, path, "--auto", "--cluster", "hive-a")
    assert result.returncode == 1
    assert "FAILED one is more" in result.stdout
    assert "never told" not in result.stdout
    await_(lambda: all(node["state"] == "running" for node in state.ledger()["nodes"]), "all nodes run again")
    assert json.loads(state.order("links", "--json"))["links"] == []


def test_a_leaver_leaves_and_end_of_input_too(state, lesson_file):
    state.start("--queens", "1", "--drones", "0").await_ready()
    path = lesson_file("title T\nqueens 1\npause\nclaim 1 > 2\n")
    result = play(state, path, "--cluster", "hive-a")
    assert result.returncode == 0, result
    assert "FAILED" not in result.stdout


def test_what_cannot_be_played_is_said_before_anything_is_done(state, lesson_file):
    state.start("--queens", "1", "--drones", "0").await_ready()
    small = play(state, "leader-crash", "--auto", "--cluster", "hive-a")
    assert small.returncode == 3 and "needs 5 queens" in small.stderr
    wrong = play(state, lesson_file("title T\nsay a\ndance\n"), "--check")
    assert wrong.returncode == 1 and "mine.lesson:3: no instruction 'dance'" in wrong.stderr
    assert play(state, lesson_file("title T\nsay a\n"), "--check").returncode == 0
    assert play(state, "no-such-lesson").returncode == 5
    recursive = play(state, lesson_file("title T\nqueens 1\ndo lesson leader-crash\n"), "--auto", "--cluster", "hive-a")
    assert recursive.returncode == 1 and "cannot hold another" in recursive.stderr


def test_a_lesson_of_ones_own_is_found(state, tmp_path, lesson_file):
    state.start("--queens", "1", "--drones", "0").await_ready()
    os.makedirs(tmp_path / "hive" / "lessons")
    os.rename(lesson_file("title Mine\nqueens 1\nawait leader\n"), tmp_path / "hive" / "lessons" / "mine.lesson")
    state.environment["XDG_DATA_HOME"] = str(tmp_path)
    assert "mine" in state.order("lesson")
    assert "Mine: all 1 claims held" in play(state, "mine", "--auto", "--cluster", "hive-a").stdout


def test_a_lesson_that_is_killed_takes_its_cluster_along(state, lesson_file):
    path = lesson_file("title T\nqueens 1\nnever 1 > 2 within 60s\n")
    lesson = subprocess.Popen([LAUNCHER, "lesson", path, "--auto"], env=state.environment, stdout=subprocess.PIPE, text=True)
    await_(lambda: os.path.exists(state.path("hive-a", "cluster.json")), "its cluster is there")
    pids = await_(state.pids, "its node runs")
    lesson.send_signal(signal.SIGKILL)
    lesson.wait(PATIENCE_S)
    lesson.stdout.close()
    await_(lambda: not any(is_alive(pid) for pid in pids), "the node is gone")
    await_(lambda: state.clusters() == [], "and the cluster's directory")
