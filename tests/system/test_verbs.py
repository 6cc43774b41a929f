"""The client verbs: what they print for people and for programs, and the exit statuses that scripts go by."""

import json
import os
import re
import socket
import subprocess
import time

import pytest
from cluster import HIVE, SLOWNESS, TOKEN, await_, free_port, hive

OK, FAILED, USAGE, UNAVAILABLE, UNKNOWN, NOT_FOUND, CONFLICT = range(7)


def environment(**changes):
    """Without what the machine that runs the tests may know of clusters."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HIVE_")}
    return {**clean, "XDG_STATE_HOME": "/nonexistent", "HIVE_TOKEN": TOKEN, **changes}


def connect(cluster):
    return "--connect=" + ",".join(queen.address for queen in cluster.queens)


@pytest.fixture
def run(shared):
    """run("put", "a", "1"): the verb against the shared cluster; gives (exit status, output, errors)."""

    def run_verb(verb, *arguments, stdin=b""):
        result = hive(verb, connect(shared), *arguments, stdin=stdin, environment=environment())
        return result.returncode, result.stdout.decode(errors="surrogateescape"), result.stderr.decode()

    return run_verb


@pytest.fixture
def run_json(run):
    def run_verb(*arguments, stdin=b""):
        status, output, errors = run(*arguments, "--json", stdin=stdin)
        assert (status, errors) == (OK, ""), errors
        assert output.count("\n") == 1
        return json.loads(output)

    return run_verb


# ---- put, get, del ----


def test_a_value_is_put_got_and_deleted(run):
    status, output, errors = run("put", "v/a", "hello")
    assert (status, errors) == (OK, "") and re.fullmatch(r"created at index \d+\n", output)
    assert re.fullmatch(r"updated at index \d+\n", run("put", "v/a", "hello")[1])
    assert run("get", "v/a") == (OK, "hello", "")
    status, output, errors = run("del", "v/a")
    assert (status, errors) == (OK, "") and re.fullmatch(r"deleted at index \d+\n", output)
    assert run("get", "v/a")[0] == NOT_FOUND
    status, output, errors = run("del", "v/a")
    assert (status, output) == (NOT_FOUND, "") and errors.startswith("hive: ")


def test_values_go_through_pipes_byte_for_byte(shared, run):
    value = bytes(range(256)) * 100
    assert run("put", "v/pipe", stdin=value)[0] == OK
    assert shared.get("v/pipe") == value
    assert hive("get", connect(shared), "v/pipe", environment=environment()).stdout == value
    assert run("put", "v/pipe", "-", stdin=b"dash")[0] == OK
    assert run("get", "v/pipe")[1] == "dash"
    assert run("put", "v/empty", "")[0] == OK
    assert shared.get("v/empty") == b""


def test_a_value_that_is_too_large_is_refused_and_not_cut(shared, run):
    status, output, errors = run("put", "v/large", stdin=b"x" * (1024 * 1024 + 1))
    assert (status, output) == (FAILED, "") and "1048576" in errors
    assert shared.get("v/large") is None
    assert run("put", "v/large", stdin=b"x" * 1024 * 1024)[0] == OK


@pytest.mark.parametrize("key", ["a b", "ü/蜂", "..", "../x", "?", "#", "%41", "-", "a//b", "a/"])
def test_odd_keys_are_keys(shared, run, key):
    assert run("put", "--", key, "odd")[0] == OK
    assert shared.get(key) == b"odd"
    assert run("get", "--", key)[1] == "odd"
    assert run("del", "--", key)[0] == OK
    assert shared.get(key) is None


def test_conditions_end_with_a_status_of_their_own(run, run_json):
    created = run_json("put", "v/cas", "1", "--if-absent")
    assert created == {"key": "v/cas", "index": created["index"], "created": True}
    assert run("put", "v/cas", "2", "--if-absent")[0] == CONFLICT
    updated = run_json("put", "v/cas", "2", f"--if-match={created['index']}")
    assert updated["created"] is False and updated["index"] > created["index"]
    status, _, errors = run("put", "v/cas", "3", f"--if-match={created['index']}")
    assert status == CONFLICT and errors
    assert run("get", "v/cas")[1] == "2"
    assert run("put", "v/cas", "x", "--if-match=1", "--if-absent")[0] == USAGE


def test_a_value_as_json_says_its_index(run, run_json):
    index = run_json("put", "v/json", "wörter")["index"]
    assert run_json("get", "v/json") == {"key": "v/json", "value": "wörter", "index": index}
    run("put", "v/json", stdin=b"\xff\xfe")
    assert run_json("get", "v/json")["value_base64"] == "//4="
    assert run_json("del", "v/json")["key"] == "v/json"


def test_keys_are_listed_by_prefix_all_of_them(shared, run, run_json):
    for number in range(60):  # more than one page of the verb
        shared.put(f"v/list/{number:02}", str(number).encode())
    entries = run_json("get", "--prefix", "v/list/")["entries"]
    assert [e["key"] for e in entries] == [f"v/list/{n:02}" for n in range(60)]
    status, output, errors = run("get", "--prefix", "v/list/")
    assert (status, errors) == (OK, "")
    assert [line.split()[0] for line in output.splitlines()[1:]] == [f"v/list/{n:02}" for n in range(60)]
    assert run_json("get", "--prefix", "nothing/")["entries"] == []


def test_listings_do_not_act_on_the_terminal(shared, run):
    shared.put("v/esc\x1b[2J", b"\x1b]0;title\x07\nsecond line")
    output = run("get", "--prefix", "v/esc")[1]
    assert "\x1b" not in output and "\x07" not in output
    assert len(output.splitlines()) == 2


def test_a_stale_read_needs_no_leader(start_cluster):
    cluster = start_cluster(queens=3)
    cluster.put("a", b"1")
    last, *others = cluster.queens
    cluster.await_caught_up(last)
    for other in others:
        other.kill()
    await_(lambda: last.health()["leader"] is None, "no leader is known")
    arguments = [f"--connect={last.address}", "--timeout", "500ms", "a"]
    assert hive("get", *arguments, "--stale", environment=environment()).stdout == b"1"
    result = hive("get", *arguments, environment=environment())
    assert (result.returncode, result.stdout) == (UNAVAILABLE, b"")


# ---- submit, tasks, drones, status ----


def test_a_task_is_submitted_and_awaited(shared, run, run_json):
    shared.await_drones()
    status, output, errors = run("submit", "--wait", "hello", "verbs")
    assert (status, errors) == (OK, "") and re.fullmatch(r"task-\d+\n", output)
    identity = output.strip()
    assert any(f"{identity}: hello verbs" in drone.printed() for drone in shared.drones)

    task = run_json("tasks", identity)
    assert (task["id"], task["state"], task["text"]) == (identity, "succeeded", "hello verbs")
    shown = run("tasks", identity)[1]
    assert identity in shown and "succeeded" in shown and task["drone"] in shown

    submitted = run_json("submit", "--name", "named", "x")
    assert submitted["result"] == "OK"
    assert run_json("tasks", submitted["id"])["name"] == "named"
    assert run_json("submit", "--wait", "y")["state"] == "succeeded"


def test_tasks_are_listed(shared, run, run_json):
    shared.await_drones()
    identity = shared.submit("in the list\nof tasks")
    shared.await_task(identity)
    assert identity in [task["id"] for task in run_json("tasks")["tasks"]]
    line = next(line for line in run("tasks")[1].splitlines() if line.startswith(identity + " "))
    assert "succeeded" in line and "in the list\\nof tasks" in line


def test_a_task_that_does_not_exist_has_its_own_status(run):
    assert run("tasks", "task-999999")[0] == NOT_FOUND
    assert run("tasks", "nonsense")[0] == NOT_FOUND


def test_drones_are_listed(shared, run, run_json):
    shared.await_drones()
    listed = {drone["address"]: drone for drone in run_json("drones")["drones"]}
    assert set(listed) == {drone.address for drone in shared.drones}
    output = run("drones")[1]
    for drone in shared.drones:
        assert re.search(rf"^{re.escape(drone.address)} .*healthy.*{drone.health()['id']}", output, re.MULTILINE)


def test_status_shows_all_queens_and_drones_from_any_of_them(shared, run_json):
    shared.await_drones()
    for queen in shared.queens:
        result = hive("status", f"--connect={queen.address}", environment=environment())
        assert result.returncode == OK
        output = result.stdout.decode()
        assert output.count("LEADER\n") + output.count("LEADER ") >= 1
        for node in shared.nodes:
            assert node.address in output
    status = run_json("status")
    assert status["leader"] == shared.await_leader().address
    assert {queen["address"] for queen in status["queens"]} == {queen.address for queen in shared.queens}
    assert {drone["address"] for drone in status["drones"]} == {drone.address for drone in shared.drones}


def test_status_tells_of_the_dead_and_the_hanging(start_cluster):
    cluster = start_cluster(queens=5)
    dead, hanging = cluster.followers()[:2]
    dead.kill()
    hanging.pause()
    start = time.monotonic()
    result = hive("status", connect(cluster), "--timeout", "1s", environment=environment())
    assert time.monotonic() - start < 5 * SLOWNESS
    assert result.returncode == OK
    lines = {line.split()[0]: line for line in result.stdout.decode().splitlines() if line}
    assert "unreachable" in lines[dead.address] and "unreachable" in lines[hanging.address]

    cluster.await_leader().kill()
    result = hive("status", connect(cluster), "--timeout", "1s", environment=environment())
    assert result.returncode == UNAVAILABLE
    assert b"majority" in result.stderr


# ---- finding the cluster ----


def test_any_node_leads_to_the_leader(shared):
    for node in shared.nodes:
        result = hive("put", f"--connect={node.address}", "v/any", node.name, environment=environment())
        assert result.returncode == OK, result
        assert shared.get("v/any") == node.name.encode()


def test_the_environment_may_name_the_queens(shared):
    addresses = ",".join(queen.address for queen in shared.queens)
    assert hive("put", "v/environment", "1", environment=environment(HIVE_CONNECT=addresses)).returncode == OK
    result = hive("put", "v/environment", "1", environment=environment(HIVE_CONNECT="nonsense"))
    assert result.returncode == USAGE and b"HIVE_CONNECT" in result.stderr


def test_without_a_cluster_the_verbs_say_so(tmp_path):
    for verb in (["get", "a"], ["put", "a", "1"], ["del", "a"], ["submit", "a"], ["tasks"], ["drones"], ["status"]):
        result = hive(*verb, environment=environment(XDG_STATE_HOME=str(tmp_path)))
        assert (result.returncode, result.stdout) == (UNAVAILABLE, b""), result
        assert b"launcher" in result.stderr


def test_nobody_there_is_unavailable(tmp_path):
    address = f"127.0.0.1:{free_port()}"
    for verb in (["get", "a"], ["put", "a", "1"], ["del", "a"], ["submit", "a"], ["tasks"], ["drones"], ["status"]):
        result = hive(*verb, f"--connect={address}", "--timeout", "200ms", environment=environment())
        assert result.returncode == UNAVAILABLE, result
        assert address in (result.stdout + result.stderr).decode()


def test_dead_and_hanging_queens_are_passed_over(start_cluster):
    cluster = start_cluster(queens=5)
    dead, hanging = cluster.followers()[:2]
    dead.kill()
    hanging.pause()
    order = [dead, hanging] + [queen for queen in cluster.queens if queen not in (dead, hanging)]
    result = hive("put", "--connect=" + ",".join(queen.address for queen in order), "a", "1", environment=environment())
    assert result.returncode == OK, result


def test_a_write_waits_for_the_next_leader(start_cluster):
    cluster = start_cluster(queens=3)
    for number in range(3):
        leader = cluster.await_leader()
        leader.kill()
        result = hive("put", connect(cluster), "a", str(number), environment=environment())
        assert result.returncode == OK, result
        assert cluster.get("a") == str(number).encode()
        leader.start()
        await_(leader.is_up, "it is up again")


def test_a_write_whose_answer_is_lost_is_unknown(start_cluster):
    """Sent to a leader that cannot reach anybody any more: it may have been done or not, and the verb says so."""
    cluster = start_cluster(queens=3, queen_options=["--request-timeout", "1s"])
    for _ in range(10):  # the leader may step down before the write arrives
        leader = cluster.await_leader()
        followers = cluster.followers()
        for queen in followers:
            queen.pause()
        result = hive("put", f"--connect={leader.address}", "a", "1", "--timeout", "3s", environment=environment())
        for queen in followers:
            queen.resume()
        if result.returncode == UNKNOWN:
            break
        assert result.returncode == UNAVAILABLE, result
    assert result.returncode == UNKNOWN
    assert b"hive get a" in result.stderr


def test_something_else_that_listens_there_is_no_cluster():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        result = hive("get", f"--connect={address}", "a", "--timeout", "300ms", environment=environment())
    assert result.returncode == UNAVAILABLE


@pytest.mark.parametrize(
    "arguments",
    [
        ["put"],
        ["put", "a", "b", "c"],
        ["get"],
        ["get", "a", "b"],
        ["get", "a", "--prefix", "b"],
        ["del"],
        ["submit"],
        ["tasks", "a", "b"],
        ["drones", "a"],
        ["status", "a"],
        ["get", "a", "--connect", "nowhere"],
        ["get", "a", "--timeout", "soon"],
        ["get", "a", "--bogus"],
        ["put", "a", "1", "--if-match", "x"],
    ],
    ids=" ".join,
)
def test_wrong_uses_end_with_2(shared, arguments):
    result = hive(*arguments, environment=environment(HIVE_CONNECT=shared.queens[0].address))
    assert (result.returncode, result.stdout) == (USAGE, b""), result
    assert b"hive" in result.stderr


def test_a_pipe_that_nobody_reads_any_more_is_a_failure(shared):
    shared.put("v/big", b"x" * 1024 * 1024)
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [HIVE, "get", connect(shared), "v/big"], stdout=full, stderr=subprocess.PIPE, env=environment(), check=False
        )
    assert result.returncode == FAILED and b"standard output" in result.stderr
