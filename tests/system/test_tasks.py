"""Drones and tasks: the tutorial's calls with right and wrong bodies, and what becomes of work when its workers die."""

import hashlib
import json
import subprocess
import time

import pytest
from cluster import PATIENCE_S, SLOWNESS, TOKEN, await_, call

# Drones are given up fast here: what these tests wait for should not take the five seconds of real life.
IMPATIENT = [
    "--drone-heartbeat", f"{100 * SLOWNESS}ms",
    "--drone-suspect", f"{400 * SLOWNESS}ms",
    "--drone-lost", f"{1000 * SLOWNESS}ms",
]  # fmt: skip
EAGER = ["--register-interval", "200ms"]


def curl(url, *arguments):
    """(status, body) of the tutorial's way to call."""
    command = ["curl", "-sS", "--max-time", str(PATIENCE_S), "-w", "\n%{http_code}", *arguments, url]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode()
    body, status = output.rsplit("\n", 1)
    return int(status), body


def drones_of(cluster):
    answer = cluster.request("GET", "/drones")
    assert answer.status == 200, answer
    return {drone["address"]: drone for drone in answer.json()["drones"]}


def lines_of(cluster):
    return [line for drone in cluster.drones for line in drone.printed()]


# ---- drones make themselves known ----


def test_drones_register_by_themselves(shared):
    shared.await_drones()
    for drone in shared.drones:
        health = drone.health()
        name = "drone-" + hashlib.sha1(drone.address.encode()).hexdigest()
        assert (health["mode"], health["status"], health["id"]) == ("DRONE", "READY", name)
        assert health["queen"] == shared.await_leader().address
        assert health["address"] == drone.address
        listed = drones_of(shared)[drone.address]
        assert (listed["name"], listed["state"], listed["capacity"]) == (name, "healthy", health["capacity"])
        assert listed["version"] == health["version"]
        assert listed["registered_at_ms"] <= time.time() * 1000
        assert shared.await_leader().health()["drones"][drone.address]["name"] == name


def test_a_drone_may_have_a_name_and_a_capacity(start_cluster):
    cluster = start_cluster(queens=1)
    drone = cluster.add_drone("--name", "worker-7", "--capacity", "9")
    cluster.await_drones()
    assert drone.health()["id"] == "worker-7"
    listed = drones_of(cluster)[drone.address]
    assert (listed["name"], listed["capacity"]) == ("worker-7", 9)


def test_a_renewed_registration_writes_nothing(start_cluster):
    cluster = start_cluster(queens=1, drones=2, drone_options=["--register-interval", "20ms"])
    cluster.await_drones()
    leader = cluster.await_leader()
    last = leader.health()["log"]["last"]
    time.sleep(0.5)  # two dozen renewals of each: what must not happen cannot be awaited
    assert leader.health()["log"]["last"] == last


def test_a_drone_that_is_lost_is_removed_and_comes_back_when_it_wakes(start_cluster):
    cluster = start_cluster(queens=3, drones=2, queen_options=IMPATIENT, drone_options=EAGER)
    cluster.await_drones()
    asleep, awake = cluster.drones
    asleep.pause()
    seen = set()

    def is_removed():
        drones = drones_of(cluster)
        seen.add(drones.get(asleep.address, {"state": "removed"})["state"])
        assert awake.address in drones, "one slow drone delayed another"
        return asleep.address not in drones

    await_(is_removed, "the sleeping drone is removed")
    assert "suspect" in seen
    asleep.resume()
    cluster.await_drones()


def test_a_killed_drone_is_removed_and_registers_again_when_restarted(start_cluster):
    cluster = start_cluster(queens=1, drones=1, queen_options=IMPATIENT)
    cluster.await_drones()
    drone = cluster.drones[0]
    drone.kill()
    await_(lambda: not drones_of(cluster), "the dead drone is removed")
    drone.start()
    cluster.await_drones()


def test_drones_follow_a_new_leader(start_cluster):
    cluster = start_cluster(queens=3, drones=3, queen_options=IMPATIENT, drone_options=EAGER)
    cluster.await_drones()
    old = cluster.await_leader()
    old.kill()
    new = cluster.await_leader(other_than=old)
    for drone in cluster.drones:
        await_(lambda drone=drone: drone.health()["queen"] == new.address, f"{drone} has registered with {new}")
    cluster.await_drones()
    task = cluster.await_task(cluster.submit("after the election"))
    assert task["drone"] in [d.address for d in cluster.drones]


def test_a_drone_without_queens_waits_for_one(start_cluster):
    cluster = start_cluster(queens=1, drones=1)
    cluster.await_drones()
    queen, drone = cluster.queens[0], cluster.drones[0]
    queen.kill()
    await_(lambda: drone.health()["status"] == "NOT_READY", "the drone notices")
    assert drone.health()["queen"] is None
    queen.start()
    await_(lambda: drone.health()["status"] == "READY", "the drone is registered again")
    assert drone.health()["queen"] == queen.address
    cluster.await_drones()


# ---- tasks are done ----


def test_a_task_is_printed_once_by_one_drone(shared):
    shared.await_drones()
    identity = shared.submit("hello", name="greeting")
    task = shared.await_task(identity)
    assert (task["text"], task["name"], task["attempt"], task["detail"]) == ("hello", "greeting", 1, "")
    assert task["submitted_at_ms"] <= task["assigned_at_ms"] <= task["finished_at_ms"]
    assert task["drone_name"] == drones_of(shared)[task["drone"]]["name"]
    assert shared.node_at(task["drone"]).printed().count(f"{identity}: hello") == 1
    assert lines_of(shared).count(f"{identity}: hello") == 1


def test_many_tasks_are_each_done_once_and_by_all_drones(shared):
    shared.await_drones()
    texts = {shared.submit(f"text {number}"): f"text {number}" for number in range(60)}
    for identity in texts:
        shared.await_task(identity)
    lines = lines_of(shared)
    for identity, text in texts.items():
        assert lines.count(f"{identity}: {text}") == 1
    assert all(drone.health()["done"] > 0 for drone in shared.drones)
    tasks = shared.await_leader().health()["tasks"]
    assert tasks["succeeded"] >= 60
    assert tasks["pending"] == tasks["assigned"] == tasks["running"] == tasks["failed"] == 0


def test_a_text_cannot_pass_for_another_tasks_line(shared):
    shared.await_drones()
    identity = shared.submit("one\ntask-1: forged\x1b[2J\rtwo\ttabs 蜂")
    task = shared.await_task(identity)
    assert task["text"] == "one\ntask-1: forged\x1b[2J\rtwo\ttabs 蜂"
    own = [line for line in shared.node_at(task["drone"]).printed() if line.startswith(f"{identity}: ")]
    assert own == [f"{identity}: one", f"{identity}: task-1: forged\\x1b[2J\\x0dtwo\ttabs 蜂"]
    assert not [line for line in lines_of(shared) if line.startswith("task-1: forged")]


def test_the_longest_text_is_printed_whole(shared):
    shared.await_drones()
    identity = shared.submit("x" * 65536)
    task = shared.await_task(identity)
    assert f"{identity}: " + "x" * 65536 in shared.node_at(task["drone"]).printed()


def test_tasks_wait_for_drones_and_are_done_in_time(start_cluster):
    cluster = start_cluster(queens=3)
    identities = [cluster.submit(f"early {number}") for number in range(5)]
    assert {cluster.task(identity)["state"] for identity in identities} == {"pending"}
    assert cluster.task(identities[0])["drone"] is None
    leader = cluster.await_leader()
    leader.kill()
    cluster.await_leader(other_than=leader)
    cluster.add_drone()
    for identity in identities:
        cluster.await_task(identity)
    assert len([line for line in lines_of(cluster) if ": early" in line]) == 5


def test_a_task_of_a_drone_that_dies_before_starting_it_goes_to_another(start_cluster):
    cluster = start_cluster(queens=3, drones=1, queen_options=IMPATIENT, drone_options=EAGER)
    cluster.await_drones()
    dying = cluster.drones[0]
    dying.pause()
    identity = cluster.submit("pass me on")
    assert cluster.await_task(identity, "assigned")["drone"] == dying.address
    dying.kill()
    heir = cluster.add_drone()
    task = cluster.await_task(identity)
    assert (task["drone"], task["attempt"]) == (heir.address, 2)
    assert heir.printed() == [f"{identity}: pass me on"]
    assert dying.printed() == []


def test_a_task_is_done_though_its_leader_dies_right_after_taking_it(start_cluster):
    cluster = start_cluster(queens=3, drones=2, queen_options=IMPATIENT, drone_options=EAGER)
    cluster.await_drones()
    for _ in range(3):
        leader = cluster.await_leader()
        identity = cluster.submit("survivor")
        leader.kill()
        cluster.await_leader(other_than=leader)
        cluster.await_task(identity)
        leader.start()
        cluster.await_caught_up(leader)
        assert lines_of(cluster).count(f"{identity}: survivor") == 1


def test_tasks_are_listed_page_by_page(shared):
    shared.await_drones()
    identities = [shared.submit(f"page {number}") for number in range(7)]
    for identity in identities:
        shared.await_task(identity)
    before = f"task-{int(identities[0].removeprefix('task-')) - 1}"
    found, after = [], before
    while after is not None:
        page = shared.request("GET", f"/tasks?limit=3&after={after}").json()
        assert len(page["tasks"]) <= 3
        found += [task["id"] for task in page["tasks"]]
        after = page["next"]
    assert found == identities
    assert len(identities) == len(set(identities))


@pytest.mark.parametrize(
    "identity",
    ["task-999999999", "task-", "task-0", "task--1", "task-1x", "12", "hello", "%00", "task-18446744073709551616"],
)
def test_a_task_that_does_not_exist_is_not_found(shared, identity):
    answer = shared.request("GET", f"/tasks/{identity}")
    assert (answer.status, answer.problem) == (404, "not-found")


# ---- the tutorial's calls, right and wrong ----

def test_the_tutorials_calls_work_as_they_stand_there(start_cluster):
    cluster = start_cluster(queens=3, drones=1, token=None)
    cluster.await_drones()
    leader = cluster.await_leader()
    post = ("-X", "POST", "-H", "Content-Type: application/json", "-d")
    status, body = curl(f"http://{leader.address}/submit_task", *post, '{"text": "hello from the tutorial"}')
    assert status == 200 and json.loads(body)["result"] == "OK"
    cluster.await_task(json.loads(body)["id"])

    follower = cluster.followers()[0]
    status, body = curl(f"http://{follower.address}/submit_task", "-L", *post, '{"text": "by a detour"}')
    assert status == 200
    cluster.await_task(json.loads(body)["id"])
    texts = [line.split(": ", 1)[1] for line in cluster.drones[0].printed()]
    assert texts == ["hello from the tutorial", "by a detour"]

    status, body = curl(f"http://{leader.address}/healthz")
    assert status == 200 and json.loads(body)["status"] == "READY"
    status, body = curl(f"http://{leader.address}/register", *post, '{"address": "127.0.0.1:1"}')
    name = "drone-" + hashlib.sha1(b"127.0.0.1:1").hexdigest()
    assert (status, json.loads(body)) == (200, {"result": "OK", "name": name, "queen": leader.address})


WRONG_BODIES = {
    "empty": b"",
    "no JSON": b"hello",
    "half of it": b'{"text": "hel',
    "more than one": b'{"text": "a"} {"text": "b"}',
    "a list": b'["text"]',
    "a string": b'"text"',
    "not UTF-8": b'{"text": "\xff"}',
    "a NUL byte": b'{"text": "a\x00b"}',
    "an escaped NUL": b'{"text": "a\\u0000b"}',
    "deep": b'{"text":' + b"[" * 100000 + b"]" * 100000 + b"}",
    "missing field": b'{"message": "hello"}',
    "null": b'{"text": null}',
    "a number": b'{"text": 5}',
    "no text at all": b'{"text": ""}',
    "too long a text": json.dumps({"text": "x" * 65537}).encode(),
    "a wrong name": b'{"text": "a", "name": "a b"}',
    "a name of a wrong type": b'{"text": "a", "name": 5}',
}


@pytest.mark.parametrize("body", WRONG_BODIES.values(), ids=WRONG_BODIES.keys())
def test_tasks_that_make_no_sense_are_refused(shared, body):
    before = shared.await_leader().health()["log"]["last"]
    answer = shared.request("POST", "/submit_task", body, {"Content-Type": "application/json"})
    assert (answer.status, answer.problem) == (400, "bad-request")
    assert shared.await_leader().health()["log"]["last"] == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"address": 5}',
        b'{"address": ""}',
        b'{"address": "nowhere"}',
        b'{"address": "127.0.0.1:0"}',
        b'{"address": "127.0.0.1:65536"}',
        b'{"address": "127.0.0.1:1", "name": "a b"}',
        b'{"address": "127.0.0.1:1", "capacity": 0}',
        b'{"address": "127.0.0.1:1", "capacity": -1}',
        b'{"address": "127.0.0.1:1", "capacity": 1.5}',
        b'{"address": "127.0.0.1:1", "capacity": "many"}',
        json.dumps({"address": "127.0.0.1:1", "secret": "s" * 1000}).encode(),
        json.dumps({"address": "h" * 1000 + ":1"}).encode(),
    ],
    ids=lambda body: body[:40].decode() or "empty",
)
def test_registrations_that_make_no_sense_are_refused(shared, body):
    answer = shared.request("POST", "/register", body, {"Content-Type": "application/json"})
    assert (answer.status, answer.problem) == (400, "bad-request")
    assert "127.0.0.1:1" not in drones_of(shared)


def test_a_drone_takes_no_submissions_and_a_queen_does_no_tasks(shared):
    drone, queen = shared.drones[0], shared.queens[0]
    order = {"text": "hi", "id": "task-1", "attempt": 1, "queen": queen.address}
    for node, path, body in [
        (drone, "/submit_task", {"text": "hi"}),
        (drone, "/register", {"address": "127.0.0.1:1"}),
        (queen, "/do_task", order),
    ]:
        answer = node.call("POST", path, body)
        assert (answer.status, answer.problem) == (400, "wrong-mode"), answer


# ---- who may give a drone work ----


def order(**changes):
    return {"text": "intruder", "id": "task-99999", "attempt": 1, "queen": "127.0.0.1:1"} | changes


def test_with_a_token_only_who_has_it_gives_a_drone_work(shared):
    drone = shared.drones[0]
    for token in (None, "wrong", "", TOKEN[:-1], TOKEN + "0"):
        answer = call(drone.address, "POST", "/do_task", order(), token=token)
        assert (answer.status, answer.problem) == (401, "unauthorized")
    for credentials in (f"Basic {TOKEN}", TOKEN, "Bearer"):
        answer = drone.call("POST", "/do_task", order(), headers={"Authorization": credentials})
        assert answer.status == 401
    assert not [line for line in drone.printed() if "intruder" in line]
    answer = drone.call("POST", "/do_task", order(text="friend", id="task-99998"))
    assert (answer.status, answer.json()) == (200, {"result": "OK", "id": "task-99998", "state": "succeeded"})


def test_without_a_token_only_a_queen_gives_a_drone_work(start_cluster):
    cluster = start_cluster(queens=1, drones=1, token=None)
    cluster.await_drones()
    drone = cluster.drones[0]
    for token in (None, "0" * 64, TOKEN):
        answer = call(drone.address, "POST", "/do_task", order(), token=token)
        assert (answer.status, answer.problem) == (403, "forbidden")
    cluster.await_task(cluster.submit("from a queen"))
    assert len(drone.printed()) == 1


def test_a_task_given_twice_is_done_once(shared):
    drone = shared.drones[0]
    for _ in range(3):
        answer = drone.call("POST", "/do_task", order(text="once", id="task-99997"))
        assert (answer.status, answer.json()["state"]) == (200, "succeeded")
    assert drone.printed().count("task-99997: once") == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"id": "../x"},
        {"attempt": 0},
        {"attempt": "1"},
        {"queen": None},
        {"queen": "x"},
        {"queen": "127.0.0.1:0"},
        {"text": 1},
    ],
    ids=str,
)
def test_orders_that_make_no_sense_are_refused(shared, changes):
    answer = shared.drones[0].call("POST", "/do_task", order(**changes))
    assert (answer.status, answer.problem) == (400, "bad-request")
    assert answer.json()["detail"].count(next(iter(changes))) >= 1
