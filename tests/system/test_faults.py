"""Faults between nodes: rules that live in the nodes lose and delay what nodes send to each other, and clients notice only what follows."""

import time

import pytest
from cluster import Cluster, Unknown, await_


@pytest.fixture
def start_faulty(start_cluster):
    def start(queen_options=(), drone_options=(), **options):
        return start_cluster(queen_options=["--enable-faults", *queen_options],
                             drone_options=["--enable-faults", *drone_options], **options)

    return start


def set_faults(node, *rules):
    answer = node.call("PUT", "/faults", {"rules": list(rules)})
    assert answer.status == 200, answer


def cut(a, *others):
    """Both ways: a rule at each end."""
    set_faults(a, *({"to": other.address, "cut": True} for other in others))
    for other in others:
        set_faults(other, {"to": a.address, "cut": True})


def heal(cluster):
    for node in cluster.nodes:
        if node.is_running():
            set_faults(node)


def state(node):
    return node.health()["raft_state"]


def await_equal_logs(cluster):
    def are_equal():
        logs = [queen.health()["log"] for queen in cluster.queens]
        return len({(log["last"], log["commit"], log["applied"]) for log in logs}) == 1

    await_(are_equal, "all logs are equal")


def test_a_leader_that_is_cut_off_steps_down_says_why_and_follows_when_healed(start_faulty):
    cluster = start_faulty(queens=3)
    old = cluster.await_leader()
    term = old.health()["term"]
    others = [queen for queen in cluster.queens if queen is not old]
    cut(old, *others)
    new = cluster.await_leader(other_than=old)
    assert new.health()["term"] > term
    await_(lambda: state(old) != "LEADER", "the old leader has stepped down")
    health = old.health()
    assert health["status"] == "NOT_READY"
    assert health["reason"], health
    assert any("quorum" in (t["reason"] or "") for t in health["transitions"]), health["transitions"]
    assert {rule["to"] for rule in health["faults"]} == {other.address for other in others}
    assert all(rule["cut"] for rule in health["faults"])
    assert cluster.put("a", b"1", via=new).status == 201
    heal(cluster)
    assert old.health()["faults"] == []
    await_(lambda: [state(queen) for queen in cluster.queens].count("LEADER") == 1, "one queen leads")
    await_equal_logs(cluster)
    assert cluster.get("a") == b"1"


def test_what_clients_ask_of_a_cut_off_queen_is_answered(start_faulty):
    cluster = start_faulty(queens=3)
    follower = cluster.followers()[0]
    assert cluster.put("a", b"1").status == 201
    cluster.await_caught_up(follower)
    cut(follower, *(queen for queen in cluster.queens if queen is not follower))
    assert follower.call("GET", "/kv/a?consistency=stale").body == b"1"
    assert follower.health()["address"] == follower.address


def test_a_leader_that_hears_nobody_steps_down_though_all_hear_it(start_faulty):
    """One way only: the followers hear the leader and answer; their answers vanish."""
    cluster = start_faulty(queens=3)
    old = cluster.await_leader()
    term = old.health()["term"]
    for other in cluster.queens:
        if other is not old:
            set_faults(other, {"to": old.address, "cut": True})
    await_(lambda: any(t["term"] >= term and t["state"] == "FOLLOWER" and "quorum" in (t["reason"] or "")
                       for t in old.health()["transitions"]), "the leader steps down for want of a quorum")
    heal(cluster)
    cluster.await_leader()
    assert cluster.put("a", b"1").status == 201
    await_equal_logs(cluster)


def test_a_follower_that_hears_nobody_disturbs_nobody(start_faulty):
    """One way only: the leader's messages to one follower vanish. She asks for votes; the others know better."""
    cluster = start_faulty(queens=3, queen_options=Cluster.calm_timers())
    leader = cluster.await_leader()
    follower = cluster.followers()[0]
    term = leader.health()["term"]
    set_faults(leader, {"to": follower.address, "cut": True})
    await_(lambda: state(follower) == "CANDIDATE", "the follower misses its leader")
    assert cluster.put("a", b"1", via=leader).status == 201
    heal(cluster)
    await_(lambda: state(follower) == "FOLLOWER" and follower.health()["leader"], "the follower is back")
    await_equal_logs(cluster)
    assert {queen.health()["term"] for queen in cluster.queens} == {term}


def test_writes_take_as_long_as_the_delay_says(start_faulty):
    delay_ms = 150
    cluster = start_faulty(queens=3, queen_options=Cluster.calm_timers())
    leader = cluster.await_leader()
    assert cluster.put("a", b"1", via=leader).status == 201
    others = [queen for queen in cluster.queens if queen is not leader]
    set_faults(leader, *({"to": other.address, "delay_ms": delay_ms} for other in others))
    for other in others:
        set_faults(other, {"to": leader.address, "delay_ms": delay_ms})
    start = time.monotonic()
    assert leader.call("PUT", "/kv/a", b"2").status == 200
    assert time.monotonic() - start >= 2 * delay_ms / 1000  # there and back again
    start = time.monotonic()
    assert leader.call("GET", "/kv/a").body == b"2"  # asks a quorum
    assert time.monotonic() - start >= 2 * delay_ms / 1000
    assert leader.health()["raft_state"] == "LEADER"
    heal(cluster)
    await_equal_logs(cluster)


def test_writes_succeed_though_one_message_in_three_is_lost(start_faulty):
    cluster = start_faulty(queens=3, queen_options=[*Cluster.calm_timers(), "--request-timeout", "20s"])
    cluster.await_leader()
    for queen in cluster.queens:
        set_faults(queen, *({"to": other.address, "loss_percent": 30} for other in cluster.queens if other is not queen))
    for i in range(3):
        await_(lambda: written(cluster, f"k{i}"), f"write {i} is acknowledged")
    heal(cluster)
    assert [cluster.get(f"k{i}") for i in range(3)] == [b"v"] * 3
    await_equal_logs(cluster)


def written(cluster, key):
    try:
        return cluster.put(key, b"v").status in (200, 201)
    except Unknown:
        return False


def test_a_drone_that_is_cut_off_is_suspect_then_lost_and_comes_back(start_faulty):
    cluster = start_faulty(queens=3, drones=2, queen_options=["--drone-heartbeat", "100ms", "--drone-suspect", "500ms",
                                                             "--drone-lost", "2s"])
    cluster.await_drones()
    drone, other = cluster.drones
    cut(drone, *cluster.queens)

    def seen():
        return cluster.await_leader().health()["drones"]

    await_(lambda: seen()[drone.address]["state"] == "suspect", "the drone is suspect")
    await_(lambda: drone.address not in seen(), "the drone is lost")
    assert seen()[other.address]["state"] == "healthy"
    task = cluster.submit("to whom it may concern")
    await_(lambda: cluster.task(task)["state"] == "succeeded", "the other drone does the task")
    heal(cluster)
    cluster.await_drones()


def test_the_death_of_a_leader_is_not_noticed_through_a_cut(start_faulty):
    """A lifeline tells of a leader's death within milliseconds. Both followers are cut off from the leader, so that it cannot:
    they wait for their timers, which are long here."""
    cluster = start_faulty(queens=3, queen_options=["--election-timeout", "2000-2500", "--heartbeat", "50"])
    leader = cluster.await_leader()
    others = [queen for queen in cluster.queens if queen is not leader]
    cut(leader, *others)
    leader.kill()
    new = cluster.await_leader(other_than=leader)
    reasons = [t["reason"] for t in new.health()["transitions"] if t["state"] == "CANDIDATE"]
    assert reasons and not any("process" in reason or "gone" in reason for reason in reasons), reasons
    for other in others:
        assert "the leader's process has ended" not in other.log_text()


@pytest.mark.parametrize("role", ["queen", "drone"])
def test_without_the_option_nothing_can_be_set(start_cluster, role):
    cluster = start_cluster(queens=1, drones=1)
    cluster.await_drones()
    node = cluster.queens[0] if role == "queen" else cluster.drones[0]
    for method, body in (("PUT", {"rules": []}), ("GET", None)):
        answer = node.call(method, "/faults", body)
        assert (answer.status, answer.problem) == (403, "faults-disabled")
        assert "--enable-faults" in answer.json()["detail"]
    assert "faults" not in node.health()


def test_rules_are_the_tokens_owners_to_set_and_bad_ones_are_refused(start_faulty):
    cluster = start_faulty(queens=1)
    queen = cluster.queens[0]
    await_(queen.is_up, "the queen is up")
    rules = {"rules": [{"to": "127.0.0.1:1", "cut": False, "delay_ms": 50, "jitter_ms": 10, "loss_percent": 12.5}]}
    for token in (None, "wrong"):
        assert queen.call("PUT", "/faults", rules, token=token).status == 401
    assert queen.health()["faults"] == []
    assert queen.call("PUT", "/faults", rules).json() == rules
    for bad in (b"", b"[]", {"rules": 1}, {"rules": [{"to": "q1"}]}, {"rules": [{"to": "127.0.0.1:1", "loss_percent": 101}]},
                {"rules": [{"to": "127.0.0.1:1", "delay_ms": -1}]}):
        answer = queen.call("PUT", "/faults", bad)
        assert (answer.status, answer.problem) == (400, "bad-request"), answer
    assert queen.call("GET", "/faults").json() == rules
    assert queen.health()["faults"] == rules["rules"]
    queen.restart()
    await_(queen.is_up, "the queen is back")
    assert queen.health()["faults"] == []
