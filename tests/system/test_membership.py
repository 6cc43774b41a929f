"""Queens come and go while the group works: joining, learners, removal, handing over, and what is refused."""

import random
import resource
import threading
import time

import pytest
from cluster import SLOWNESS, TOKEN, Cluster, await_, call, hive
from members import Writer, await_kind, group, identity, keys_at, kind, members, new_queen, verb, verb_ok, wipe

CALM = {"queen_options": Cluster.calm_timers()}


# ---- coming ----


@pytest.mark.parametrize("via", ["leader", "follower"])
def test_a_queen_joins_by_herself_while_others_write(start_cluster, via):
    cluster = start_cluster(queens=3, **CALM)
    leader = cluster.await_leader()
    term = leader.health()["term"]
    entrance = leader if via == "leader" else cluster.followers()[0]
    with Writer(cluster) as writer:
        writer.await_more(50)
        fourth = new_queen(cluster, "--join", entrance.address)
        fourth.start()
        await_kind(cluster, fourth, "voter")
        writer.await_more(50)
        acknowledged = writer.stop()
    cluster.await_caught_up(fourth)
    assert keys_at(cluster, fourth) >= set(acknowledged)
    assert leader.health()["term"] == term, "nobody was elected because of her"
    health = fourth.health()
    assert health["standing"] == "voter" and health["reason"] is None and health["status"] == "READY"
    # She is not founded with the others, and knows them all the same.
    assert len(group(fourth)["configuration"]["members"]) == 4
    # She counts: with two of four gone there is no majority, with one there is.
    gone, also_gone = [q for q in cluster.queens if q not in (leader, fourth)]
    gone.kill()
    assert cluster.put("three-of-four", b"1").status == 201
    also_gone.kill()
    await_(lambda: leader.call("PUT", "/kv/two-of-four", b"1").status in (503, 504), "two of four are too few")
    gone.start()
    assert cluster.put("again", b"1").status == 201


def test_a_joining_queen_that_is_killed_goes_on(start_cluster):
    cluster = start_cluster(queens=3, **CALM)
    leader = cluster.await_leader()
    value = b"x" * 200_000
    for i in range(100):
        cluster.put(f"w{i}", value)
    fourth = new_queen(cluster, "--join", leader.address)
    for _ in range(3):
        fourth.start()
        await_(fourth.is_up, "she is up")
        time.sleep(random.uniform(0, 0.05))
        fourth.kill()
    fourth.start()
    await_kind(cluster, fourth, "voter")
    assert identity(fourth) == members(cluster)[fourth.address]["id"]
    cluster.await_caught_up(fourth)
    assert len(keys_at(cluster, fourth)) == 100


def test_a_standby_is_added_by_hand(start_cluster):
    cluster = start_cluster(queens=3, **CALM)
    cluster.await_leader()
    fourth = new_queen(cluster, "--standby")
    fourth.start()
    await_(lambda: "waits to be added" in (fourth.health()["reason"] or ""), "she says what she waits for")
    assert fourth.health()["status"] == "NOT_READY" and fourth.health()["standing"] == "none"
    result = verb(cluster, via=fourth)
    assert result.returncode == 3 and "belongs to no group yet" in result.stderr.decode(), result
    printed = verb_ok(cluster, "add", fourth.address, "--wait", via=cluster.queens[0])
    assert f"{fourth.address} has caught up and has a vote" in printed
    assert kind(cluster, fourth) == "voter"
    listed = verb_ok(cluster)
    assert listed.count(" voter ") == 4 and listed.count("LEADER") == 1 and identity(fourth) in listed


def test_a_learner_learns_until_it_is_promoted(start_cluster):
    cluster = start_cluster(queens=3, **CALM)
    cluster.await_leader()
    fourth = new_queen(cluster, "--standby")
    fourth.start()
    verb_ok(cluster, "add", fourth.address, "--learner", "--wait", via=cluster.queens[0])
    cluster.put("a", b"1")
    cluster.await_caught_up(fourth)
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        assert kind(cluster, fourth) == "learner"
        assert fourth.health()["raft_state"] == "LEARNER"
    # Not a vote: the two that are left are a majority of three.
    cluster.followers()[0].kill()
    assert cluster.put("b", b"1").status == 201
    refused = verb(cluster, "transfer", fourth.address)
    assert refused.returncode == 1 and "vote" in refused.stderr.decode(), refused
    printed = verb_ok(cluster, "promote", identity(fourth))
    assert "has a vote now" in printed
    assert kind(cluster, fourth) == "voter" and fourth.health()["raft_state"] == "FOLLOWER"


def test_five_grow_to_six_and_shrink_to_four(start_cluster):
    """The issue's walk: a sixth queen joins while others write, then two of the old ones are removed, one of them the leader."""
    cluster = start_cluster(queens=5, **CALM)
    leader = cluster.await_leader()
    with Writer(cluster) as writer:
        writer.await_more(20)
        sixth = new_queen(cluster, "--join", leader.address)
        sixth.start()
        await_kind(cluster, sixth, "voter")
        gone = [leader, next(q for q in cluster.queens if q not in (leader, sixth))]
        for queen in gone:
            verb_ok(cluster, "remove", queen.address, via=sixth)
            writer.await_more(20)
            assert queen.terminate() == 0
        acknowledged = writer.stop()
    assert set(members(cluster)) == {q.address for q in cluster.queens if q not in gone}
    cluster.await_caught_up(sixth)
    assert keys_at(cluster, sixth) >= set(acknowledged)


# ---- going ----


def test_a_removed_leader_steps_down_says_so_and_disturbs_nobody(start_cluster):
    cluster = start_cluster(queens=4)
    removed = cluster.await_leader()
    cluster.put("a", b"1")
    verb_ok(cluster, "remove", identity(removed))
    await_(lambda: cluster.leader(other_than=removed), "another one leads")
    assert removed.address not in members(cluster)

    def says_so():
        health = removed.health()
        return health["standing"] == "removed" and "removed" in health["reason"] and health["status"] == "NOT_READY"

    await_(says_so, "she says that she was removed")
    await_(lambda: "was removed from the group" in removed.log_text(), "and her log does")
    for restarts in range(2):
        leader = cluster.leader()
        before = leader.health()["transitions"][-1]
        own_term = removed.health()["term"]
        time.sleep(1.5 * SLOWNESS)
        assert removed.health()["term"] <= max(own_term, leader.health()["term"])
        assert removed.health()["raft_state"] != "LEADER"
        if leader.health()["transitions"][-1] != before:
            # A busy machine elects at times; but never because of her.
            assert "removed" not in str(leader.health()["transitions"])
        assert removed.address not in members(cluster), "she does not come back by herself"
        if restarts == 0:
            removed.restart()
            await_(says_so, "she still knows")
    assert cluster.put("b", b"1").status == 201


def test_a_queen_removed_while_she_was_down_is_told_by_the_others(start_cluster):
    cluster = start_cluster(queens=4, **CALM)
    removed = cluster.followers()[0]
    removed.kill()
    verb_ok(cluster, "remove", removed.address)
    leader = cluster.await_leader()
    term = leader.health()["term"]
    removed.start()
    await_(lambda: removed.health()["standing"] == "removed", "her votes are refused with the reason")
    assert "removed" in removed.health()["reason"]
    assert leader.health()["term"] == term
    # Taken in again she is a member as before, with the log that she has.
    verb_ok(cluster, "add", removed.address, "--wait", via=leader)
    assert kind(cluster, removed) == "voter"
    await_(lambda: removed.health()["standing"] == "voter" and removed.health()["reason"] is None, "all is well")


@pytest.mark.parametrize("snapshots", [False, True], ids=["whole-log", "snapshots"])
def test_a_learner_removed_while_she_was_down_is_told_and_can_be_added_again(start_cluster, snapshots):
    """She asks for no votes, which would be refused: so she asks the others who belongs to the group; and does not join by herself."""
    options = ["--snapshot-entries", "10"] if snapshots else []
    cluster = start_cluster(queens=3, queen_options=[*Cluster.calm_timers(), *options])
    leader = cluster.await_leader()
    learner = new_queen(cluster, "--standby")
    learner.start()
    verb_ok(cluster, "add", learner.address, "--learner", "--wait", via=leader)
    for i in range(30):
        cluster.put(f"w{i}", b"x")
    cluster.await_caught_up(learner)
    if snapshots:
        await_(lambda: learner.health()["log"]["snapshot"] > 10, "she has a snapshot of her own")
    learner.kill()
    verb_ok(cluster, "remove", learner.address, via=leader)
    learner.arguments.remove("--standby")
    learner.arguments += ["--join", leader.address]
    learner.start()
    await_(lambda: learner.health()["standing"] == "removed", "she is told")
    assert "hive members add" in learner.health()["reason"] and "empty" in learner.health()["reason"]
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        assert learner.address not in members(cluster)
    verb_ok(cluster, "add", learner.address, "--wait", via=leader)
    assert kind(cluster, learner) == "voter"
    await_(lambda: learner.health()["standing"] == "voter" and learner.health()["reason"] is None, "all is well")


# ---- while a snapshot is on its way ----


def start_joiner_with_a_full_disk(start_cluster):
    """A group, and a queen who has been taken in, but whose files grow no larger than a part of the snapshot."""
    cluster = start_cluster(queens=3, queen_options=[*Cluster.calm_timers(), "--snapshot-entries", "10"])
    leader = cluster.await_leader()
    for i in range(30):
        cluster.put(f"w{i}", b"x" * 200_000)
    await_(lambda: leader.health()["log"]["first"] > 10, "the leader has let go of the beginning")
    joiner = new_queen(cluster, "--join", leader.address)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, hard))
    try:
        joiner.start()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    await_(lambda: "snapshot cannot be taken in" in (joiner.health()["reason"] or ""), "she says what hinders her")
    assert "the log is on its way" in joiner.health()["reason"]
    return cluster, leader, joiner


def test_a_joiner_with_a_full_disk_says_so_until_there_is_room(start_cluster):
    cluster, _, joiner = start_joiner_with_a_full_disk(start_cluster)
    resource.prlimit(joiner.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await_kind(cluster, joiner, "voter")
    await_(lambda: joiner.health()["standing"] == "voter" and joiner.health()["reason"] is None, "all is well")


def test_a_joiner_removed_while_her_snapshot_was_on_its_way_is_told_and_stays_out(start_cluster):
    cluster, leader, joiner = start_joiner_with_a_full_disk(start_cluster)
    verb_ok(cluster, "remove", joiner.address, via=leader)
    await_(lambda: joiner.health()["standing"] == "removed", "she is told")
    assert "hive members add" in joiner.health()["reason"]
    assert "was removed from the group" in joiner.log_text()
    joiner.restart()
    await_(lambda: joiner.health()["standing"] == "removed", "she asks again, as she has nothing but her id")
    assert joiner.address not in members(cluster)
    joiner.kill()
    wipe(joiner)  # … as she was advised to do
    joiner.start()
    await_kind(cluster, joiner, "voter")
    await_(lambda: joiner.health()["standing"] == "voter" and joiner.health()["reason"] is None, "all is well")


@pytest.mark.parametrize("snapshots", [False, True], ids=["whole-log", "snapshots"])
def test_a_joiner_that_was_removed_does_not_come_back(start_cluster, snapshots):
    """… although --join is still on her command line."""
    options = ["--snapshot-entries", "10"] if snapshots else []
    cluster = start_cluster(queens=3, queen_options=[*Cluster.calm_timers(), *options])
    leader = cluster.await_leader()
    for i in range(50):
        cluster.put(f"w{i}", b"x")
    fourth = new_queen(cluster, "--join", leader.address)
    fourth.start()
    await_kind(cluster, fourth, "voter")
    for i in range(50):
        cluster.put(f"w{i}", b"y")
    cluster.await_caught_up(fourth)
    if snapshots:
        await_(lambda: fourth.health()["log"]["snapshot"] > 50, "she has a snapshot of her own")
    verb_ok(cluster, "remove", fourth.address, via=leader)
    await_(lambda: fourth.health()["standing"] == "removed", "she knows")
    fourth.restart()
    await_(lambda: fourth.health()["standing"] == "removed", "she still knows")
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        assert fourth.address not in members(cluster)


# ---- handing over ----


def test_leadership_goes_where_it_is_told(start_cluster):
    cluster = start_cluster(queens=3, **CALM)
    leader = cluster.await_leader()
    term = leader.health()["term"]
    target = cluster.followers()[0]
    assert f"{target.address} leads now" in verb_ok(cluster, "transfer", target.address, via=leader)
    assert cluster.await_leader() is target
    assert target.health()["term"] == term + 1, "one election, the planned one"
    verb_ok(cluster, "transfer", identity(leader), via=leader)
    assert cluster.await_leader() is leader
    assert "leads now" in verb_ok(cluster, "transfer")
    assert cluster.await_leader() is not leader


def test_writes_go_on_through_transfers(start_cluster):
    cluster = start_cluster(queens=3, **CALM)
    cluster.await_leader()
    with Writer(cluster) as writer:
        for _ in range(5):
            writer.await_more(10)
            verb_ok(cluster, "transfer")
        writer.await_more(10)
        acknowledged = writer.stop()
    queen = cluster.followers()[0]
    cluster.await_caught_up(queen)
    assert keys_at(cluster, queen) >= set(acknowledged)


@pytest.mark.parametrize("queens", [2, 3])
def test_a_leader_that_is_told_to_stop_hands_over_first(start_cluster, queens):
    # Nobody would be elected by timeout within this test.
    cluster = start_cluster(queens=queens, queen_options=["--election-timeout", "3s-4s"])
    leader = cluster.await_leader()
    cluster.put("a", b"1")
    others = [q for q in cluster.queens if q is not leader]
    start = time.monotonic()
    stopping = threading.Thread(target=lambda: leader.terminate())
    stopping.start()
    await_(lambda: any(q.health()["raft_state"] == "LEADER" for q in others), "another one leads")
    assert time.monotonic() - start < 2
    stopping.join()
    assert leader.process.returncode == 0


def test_a_leader_that_died_is_noticed_at_once(start_cluster):
    """Its closed and refused connections tell it, not the timeout, which is far away."""
    cluster = start_cluster(queens=3, queen_options=["--election-timeout", "4s-5s"])
    took_s = []
    for _ in range(4):
        leader = cluster.await_leader()
        cluster.put("a", b"1")
        followers = cluster.followers()
        for queen in followers:
            cluster.await_caught_up(queen)
        start = time.monotonic()
        leader.kill()
        noticed = "the leader's process ended"
        await_(
            lambda: any(noticed in str(q.health()["transitions"]) for q in followers), "a follower has noticed", seconds=2
        )
        cluster.await_leader(other_than=leader)
        assert cluster.put("b", b"1").status in (200, 201)
        took_s.append(time.monotonic() - start)
        if took_s[-1] < 2:
            return  # two that stand in the same moment may split the votes, and then wait; not every time
        leader.start()
    raise AssertionError(f"each time it took the timeout: {took_s}")


def test_reads_by_lease_wait_for_the_timeout(start_cluster):
    """Where reads trust the lease, nobody may be elected before it has run out."""
    cluster = start_cluster(queens=3, queen_options=["--election-timeout", "3s-4s", "--read-lease"])
    leader = cluster.await_leader()
    cluster.put("a", b"1")
    assert cluster.get("a", via=leader) == b"1"
    start = time.monotonic()
    leader.kill()
    cluster.await_leader(other_than=leader)
    assert time.monotonic() - start > 2
    assert cluster.get("a") == b"1"


# ---- what is refused ----


def test_wrong_changes_are_refused_with_advice(start_cluster, tmp_path):
    cluster = start_cluster(queens=2, drones=1, **CALM)
    leader = cluster.await_leader()
    follower = next(q for q in cluster.queens if q is not leader)
    with Cluster(tmp_path / "other", queens=1) as other:
        other.await_leader()
        stranger = other.queens[0]
        cases = [
            (["remove", "127.0.0.1:1"], 5, "no member has this id or address"),
            (["promote", "123"], 5, "no member has this id or address"),
            (["promote", follower.address], 1, "already"),
            (["transfer", leader.address], 1, "another"),
            (["transfer", "127.0.0.1:1"], 5, "no member"),
            (["add", follower.address], 1, "already"),
            (["add", cluster.drones[0].address], 1, "is no queen"),
            (["add", stranger.address], 1, "is a member of another group"),
            (["add", "127.0.0.1:1", "--timeout", "300ms"], 3, "nobody answers"),
            (["add"], 2, "address"),
            (["frob"], 2, "frob"),
        ]
        for arguments, status, message in cases:
            for via in (leader, follower):
                result = verb(cluster, *arguments, via=via)
                assert result.returncode == status, (arguments, result)
                assert message in result.stderr.decode(), (arguments, result)
    verb_ok(cluster, "remove", follower.address)
    last = verb(cluster, "remove", leader.address, via=leader)
    assert last.returncode == 1 and "last one that votes" in last.stderr.decode(), last
    no_token = {name: value for name, value in cluster.environment.items() if name != "HIVE_TOKEN"}
    refused = hive("members", "remove", leader.address, "--connect", leader.address, environment=no_token)
    assert refused.returncode == 1 and "token" in refused.stderr.decode(), refused


def test_the_paths_of_members_check_what_they_are_sent(start_cluster):
    cluster = start_cluster(queens=2, drones=1, **CALM)
    leader = cluster.await_leader()
    follower = next(q for q in cluster.queens if q is not leader)
    fine = {"id": "77", "address": "127.0.0.1:1", "kind": "learner"}
    wrong = [
        ("", "object"),
        ({}, '"id"'),
        (fine | {"id": 77}, '"id"'),
        (fine | {"id": "0"}, '"id"'),
        (fine | {"id": "x"}, '"id"'),
        (fine | {"address": "nowhere"}, '"address"'),
        (fine | {"address": "127.0.0.1:0"}, '"address"'),
        (fine | {"kind": "voter"}, '"kind"'),
        (fine | {"kind": 1}, '"kind"'),
    ]
    for body, message in wrong:
        answer = leader.call("POST", "/members", body)
        assert answer.status == 400 and answer.problem == "bad-request" and message in answer.json()["detail"], answer
    # An address belongs to one queen, and these are alive.
    for queen, address in [(leader, leader.address), (follower, follower.address), (leader, follower.address)]:
        answer = queen.call("POST", "/members", fine | {"address": address})
        assert answer.status == 409 and answer.problem == "address-taken", answer
    for method, path in [("POST", "/members"), ("DELETE", "/members/77"), ("POST", "/members/77/promote"),
                         ("POST", "/members/best/transfer")]:
        body = fine if path == "/members" else None
        assert follower.call(method, path, body, token=None).status == 401
        assert call(leader.address, method, path, body, token="wrong" + TOKEN).status == 401
        answer = follower.call(method, path, body)
        assert answer.status == 307 and answer.headers["location"] == f"http://{leader.address}{path}", answer
        assert cluster.drones[0].call(method, path, body).problem == "wrong-mode"
    assert leader.call("DELETE", "/members/77").status == 404
    assert leader.call("DELETE", "/members").status == 405
    assert leader.call("GET", "/members", token=None).status == 200
    # A learner that nobody listens for harms nobody, and goes again.
    answer = leader.call("POST", "/members", fine)
    assert answer.status == 200 and answer.json()["id"] == "77" and answer.json()["index"] > 0, answer
    assert leader.call("POST", "/members", fine).problem == "already-member"
    assert leader.call("POST", "/members/77/promote").problem == "not-caught-up"
    assert cluster.put("a", b"1").status == 201
    assert members(cluster)["127.0.0.1:1"]["kind"] == "learner"
    assert leader.call("DELETE", "/members/127.0.0.1:1").status == 200
    assert len(members(cluster)) == 2
