"""The simulator (tests/sim): a campaign that fits into a test run, and that it can be believed: a run is the same whenever it is repeated, its
trace is what the format says, and a run that fails says how to repeat it."""

import json
import os
import subprocess

import pytest

SIMULATOR = os.path.join(os.environ["HIVE_BUILD"], "sim", "simulator")
HAS_SANITIZER = os.path.basename(os.environ["HIVE_BUILD"]) in ("asan", "tsan")
RUNS = 40 if HAS_SANITIZER else 400


def simulate(*options, limit_s=110):
    return subprocess.run([SIMULATOR, *options], capture_output=True, text=True, timeout=limit_s, check=False)


def test_many_runs_are_clean_and_cover_what_they_should():
    done = simulate("--runs", str(RUNS), "--first-seed", "1", "--no-shrink")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{RUNS} runs" in done.stdout
    assert "BELOW" not in done.stdout


@pytest.mark.parametrize("seed", ["42", "7"])
def test_a_run_is_the_same_when_it_is_repeated(seed):
    first, second = (simulate("--seed", seed, "--trace", "-", "--messages") for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    assert len(first.stdout) > 10000


def test_a_trace_is_lines_of_json_that_begin_and_end():
    lines = simulate("--seed", "42", "--trace", "-").stdout.splitlines()
    *records, summary = lines
    trace = [json.loads(line) for line in records]
    header, last = trace[0], trace[-1]
    assert (header["type"], header["format"], header["version"], header["seed"]) == ("header", "hive-trace", 1, "42")
    assert (last["type"], last["text"]) == ("end", "all is well")
    assert summary.startswith("seed 42: ")
    times = [record["time_ms"] for record in trace[1:]]
    assert times == sorted(times)
    healths = [record["health"] for record in trace if record["type"] == "health" and record["up"]]
    assert {"FOLLOWER", "CANDIDATE", "LEADER"} <= {health["raft_state"] for health in healths}
    for health in healths:
        assert {"first", "last", "commit", "applied", "snapshot"} == set(health["log"]) - {"group", "digests"}
        assert {"id", "term", "leader", "voted_for", "standing", "peers"} <= set(health)


def test_faults_can_be_left_out():
    all_of_them = simulate("--seed", "42", "--trace", "-").stdout
    some = simulate("--seed", "42", "--trace", "-", "--keep-faults", "0-2,5").stdout
    none = simulate("--seed", "42", "--trace", "-", "--keep-faults", "none").stdout
    numbers = lambda text: {json.loads(line)["fault"] for line in text.splitlines() if '"type":"fault"' in line}
    assert len(numbers(all_of_them)) > 6
    assert numbers(some) == {0, 1, 2, 5}
    assert numbers(none) == set()
