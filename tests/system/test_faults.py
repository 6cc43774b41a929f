"""Faults between nodes: rules that live in the nodes lose and delay what nodes send to each other, and clients notice only what follows."""

import os

import pytest
from cluster import Cluster, await_, call


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
