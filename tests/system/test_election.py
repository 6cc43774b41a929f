"""Leaders: one a term, replaced when it dies or hangs, and nothing that was acknowledged is lost on the way."""

import http.client
import random
import socket

import pytest
from cluster import PATIENCE_S, SLOWNESS, TOKEN, Cluster, await_
from witness import Watch, Writer

KILLS = 20 // SLOWNESS
TROUBLES = 15 // SLOWNESS


def test_five_queens_agree_on_one_leader(start_cluster):
    cluster = start_cluster(queens=5)
    leader = cluster.await_leader()

    def all_agree():
        healths = [queen.health() for queen in cluster.queens]
        views = {(h["term"], h["leader"]) for h in healths}
        return len(views) == 1 and [h["raft_state"] for h in healths].count("LEADER") == 1

    await_(all_agree, "all five name the same leader and term")
    health = leader.health()
    assert health["voted_for"] == leader.address
    assert health["status"] == "READY"
    assert {p["address"] for p in health["peers"]} == {q.address for q in cluster.queens} - {leader.address}


def test_a_single_queen_leads_itself(start_cluster):
    cluster = start_cluster(queens=1)
    leader = cluster.await_leader()
    assert cluster.put("a", b"1").status == 201
    leader.restart()
    assert cluster.get("a") == b"1"


def test_a_leader_that_is_killed_again_and_again_costs_no_acknowledged_write(start_cluster):
    cluster = start_cluster(queens=5)
    cluster.await_leader()
    with Watch(cluster) as watch, Writer(cluster, "w/") as writer:
        for _ in range(KILLS):
            leader = cluster.await_leader()
            watch.look(leader)
            before = len(writer.acknowledged)
            leader.kill()
            cluster.await_leader(other_than=leader)
            await_(lambda: writer.error or len(writer.acknowledged) > before + 10, "writes go on")
            leader.start()
            await_(leader.is_up, f"{leader} is up again")
            cluster.await_caught_up(leader)
        writer.stop()
        for queen in cluster.queens:
            watch.look(queen)
    watch.assert_one_leader_per_term()
    assert len(watch.leaders) > KILLS
    writer.assert_nothing_lost()


def test_random_trouble_costs_no_acknowledged_write(start_cluster):
    """Any two of five queens at a time die or freeze, the leader among them or not."""
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    cluster = start_cluster(queens=5)
    cluster.await_leader()
    with Watch(cluster) as watch, Writer(cluster, "a/") as first, Writer(cluster, "b/") as second:
        for _ in range(TROUBLES):
            victims = [(queen, dice.choice(["kill", "pause"])) for queen in dice.sample(cluster.queens, 2)]
            for queen, trouble in victims:
                getattr(queen, trouble)()
            before = len(first.acknowledged) + len(second.acknowledged)

            def writes_go_on(before=before):
                return first.error or second.error or len(first.acknowledged) + len(second.acknowledged) > before + 5

            await_(writes_go_on, "writes go on")
            for queen, trouble in victims:
                queen.start() if trouble == "kill" else queen.resume()
        first.stop()
        second.stop()
        for queen in cluster.queens:
            await_(queen.is_up, f"{queen} is up")
            cluster.await_caught_up(queen)
            watch.look(queen)
    watch.assert_one_leader_per_term()
    first.assert_nothing_lost()
    second.assert_nothing_lost()
    first_entries, *others = [cluster.entries(queen=queen) for queen in cluster.queens]
    assert all(entries == first_entries for entries in others), "the queens have applied different things"


def test_all_queens_killed_at_once_come_back_with_all_that_was_acknowledged(start_cluster):
    cluster = start_cluster(queens=3)
    cluster.await_leader()
    with Writer(cluster, "w/") as writer:
        await_(lambda: writer.error or len(writer.acknowledged) >= 200, "200 writes are acknowledged")
        for queen in cluster.queens:
            queen.process.kill()
        for queen in cluster.queens:
            queen.process.wait()
            queen.start()
        cluster.await_leader()
        writer.stop()
    writer.assert_nothing_lost()


def test_a_queen_that_was_away_catches_up(start_cluster):
    cluster = start_cluster(queens=3)
    away = cluster.followers()[0]
    away.kill()
    for number in range(300):
        assert cluster.put(f"k/{number}", b"x" * 500).status == 201
    away.start()
    await_(away.is_up, "it is up again")
    cluster.await_caught_up(away)
    answer = away.call("GET", "/kv/k/299?consistency=stale")
    assert (answer.status, answer.body) == (200, b"x" * 500)


class Hanging:
    """A request that is on its way to a node that does not run at the moment."""

    def __init__(self, node, method, path, body=None):
        host, port = node.address.split(":")
        self.connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE_S)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.request(method, path, body=body, headers={"Authorization": f"Bearer {TOKEN}"})

    def answer(self):
        response = self.connection.getresponse()
        body = response.read()
        self.connection.close()
        return response.status, body


@pytest.mark.parametrize("queens", [3, 5])
def test_a_paused_leader_never_serves_again_as_one(start_cluster, queens):
    cluster = start_cluster(queens=queens)
    old = cluster.await_leader()
    old_term = old.health()["term"]
    assert cluster.put("shared", b"old").status == 201
    with Watch(cluster) as watch:
        old.pause()
        writes = [Hanging(old, "PUT", f"/kv/late/{number}", b"late") for number in range(20)]
        reads = [Hanging(old, "GET", "/kv/shared") for _ in range(20)]
        new = cluster.await_leader(other_than=old)
        assert cluster.put("shared", b"new", via=new).status == 200
        old.resume()

        # What was sent to it while it slept: no write is acknowledged, no read shows what was overwritten.
        for status, body in (w.answer() for w in writes):
            assert status in (307, 503, 504), body
        for status, body in (r.answer() for r in reads):
            assert status in (307, 503, 504) or (status, body) == (200, b"new"), (status, body)

        await_(lambda: old.health()["raft_state"] == "FOLLOWER", "the old leader has stepped down")
        await_(lambda: old.health()["term"] > old_term, "it has learned of the new term")
        for queen in cluster.queens:
            watch.look(queen)
    watch.assert_one_leader_per_term()
    assert cluster.list(prefix="late/")["entries"] == []
    assert cluster.get("shared") == b"new"


def test_a_stable_leader_stays_when_a_queen_comes_back(start_cluster):
    """Pre-vote: who was away for long does not depose a leader that everybody else hears."""
    cluster = start_cluster(queens=3, queen_options=Cluster.calm_timers())
    leader = cluster.await_leader()
    term = leader.health()["term"]
    away = cluster.followers()[0]
    for disturb, recover in ((away.pause, away.resume), (away.kill, away.start)):
        disturb()
        cluster.put("a", b"1")
        recover()
        await_(away.is_up, "it is up again")
        cluster.await_caught_up(away)
    assert (cluster.await_leader(), leader.health()["term"]) == (leader, term)


def test_a_leader_without_a_majority_steps_down_and_leads_again_with_one(start_cluster):
    cluster = start_cluster(queens=3)
    leader = cluster.await_leader()
    followers = cluster.followers()
    for follower in followers:
        follower.pause()
    await_(lambda: leader.health()["raft_state"] != "LEADER", "the leader has noticed that it is alone")
    assert leader.health()["leader"] is None
    assert leader.health()["status"] == "NOT_READY"
    for follower in followers:
        follower.resume()
    cluster.await_leader()
    assert cluster.put("a", b"1").status in (200, 201)


def test_transitions_tell_of_every_change_of_role(start_cluster):
    cluster = start_cluster(queens=3)
    first = cluster.await_leader()
    first.pause()
    cluster.await_leader(other_than=first)
    first.resume()
    await_(lambda: first.health()["raft_state"] == "FOLLOWER", "the first leader follows")
    transitions = first.health()["transitions"]
    states = [t["state"] for t in transitions]
    assert states[0] == "FOLLOWER" and states[-1] == "FOLLOWER" and "LEADER" in states
    assert "CANDIDATE" in states[: states.index("LEADER")]
    assert [t["term"] for t in transitions] == sorted(t["term"] for t in transitions)
    assert [t["time_ms"] for t in transitions] == sorted(t["time_ms"] for t in transitions)
    assert len(transitions) <= 32


def test_a_leader_that_died_is_replaced_in_time(start_cluster):
    """Generous for a busy machine: how long it really takes is measured by `make bench`."""
    cluster = start_cluster(queens=5)
    leader = cluster.await_leader()
    leader.kill()
    await_(lambda: cluster.leader(other_than=leader), "another leads", seconds=3 * SLOWNESS)
