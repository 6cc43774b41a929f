"""A leader that is told to end hands over first: its clients hardly notice, and nobody waits for a timer."""

import time

from cluster import SLOWNESS, Cluster, await_
from stream import Stream

RATE = 200 // SLOWNESS


def transitions(queen):
    return [(t["state"], t["term"], t["reason"]) for t in queen.health()["transitions"]]


def test_a_planned_stop_of_the_leader_is_hardly_noticed(start_cluster):
    cluster = start_cluster(queens=3)
    for number in range(3):
        old = cluster.await_leader()
        term = old.health()["term"]
        with Stream(cluster, RATE, workers=4, prefix=f"stop-{number}") as stream:
            await_(lambda: stream.error or len(stream.times) > RATE // 2, "writes go on")
            stopped = time.monotonic()
            assert old.terminate() == 0
            new = cluster.await_leader(other_than=old)
            await_(lambda: stream.error or stream.times[-1] > stopped + 0.5, "writes go on")
        # Generous, for a busy machine: how long it really takes is measured by `make bench`.
        assert stream.longest_gap_ms(stopped - 0.1) < 1000 * SLOWNESS
        assert not stream.lost(cluster)
        # One term more, and begun by the old leader's word.
        assert (new.health()["term"], new.health()["raft_state"]) == (term + 1, "LEADER")
        reasons = [reason for state, t, reason in transitions(new) if state == "CANDIDATE" and t == term + 1]
        assert reasons == ["the leader hands over"], transitions(new)
        old.start()
        await_(old.is_up, f"{old} is up")
        cluster.await_caught_up(old)


def test_a_leader_that_nobody_can_follow_ends_all_the_same(start_cluster):
    cluster = start_cluster(queens=3, queen_options=Cluster.calm_timers())
    leader = cluster.await_leader()
    for queen in cluster.followers():
        queen.pause()
    assert leader.terminate() == 0
