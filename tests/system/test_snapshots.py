"""Snapshots at run time: taken beside the work, started from, sent to who is too far behind; and the planned stop of a leader."""

import base64
import glob
import os
import threading
import time

from cluster import SLOWNESS, Cluster, await_, call

TINY = ["--snapshot-entries", "50"]
CALM = Cluster.calm_timers()


def data_of(node):
    return node.arguments[node.arguments.index("--data-dir") + 1]


def log_of(node):
    return node.health()["log"]


def fill(cluster, keys, value_bytes=20, prefix="k"):
    leader = cluster.await_leader()
    for number in range(keys):
        assert cluster.put(f"{prefix}{number:05}", b"v" * value_bytes, via=leader).status in (200, 201)


def contents(queen, cluster):
    return [(e["key"], e.get("value")) for e in cluster.entries(queen=queen)]


def test_a_queen_far_behind_is_sent_a_snapshot(start_cluster):
    cluster = start_cluster(queens=3, queen_options=[*CALM, *TINY])
    leader = cluster.await_leader()
    late, other = cluster.followers()
    fill(cluster, 10)
    cluster.await_caught_up(late)
    late.kill()
    fill(cluster, 600)
    last = log_of(late_of := leader)["last"]
    assert last > 600
    await_(lambda: log_of(leader)["first"] > 100, "the leader has let go of what the late one needs")
    late.start()
    cluster.await_caught_up(late)
    assert "snapshot installed" in late.log_text()
    assert log_of(late)["snapshot"] > 100
    assert contents(late, cluster) == contents(other, cluster)
    assert cluster.await_leader() is late_of
    # It is a member like any other: it votes, and leads if need be.
    fill(cluster, 5, prefix="after")
    leader.kill()
    other.kill()
    other.start()
    cluster.await_leader(other_than=leader)
    assert cluster.get("after00004") == b"v" * 20


def test_a_group_goes_on_from_its_snapshots_and_keeps_two(start_cluster):
    cluster = start_cluster(queens=3, queen_options=TINY)
    fill(cluster, 500)
    for queen in cluster.queens:
        await_(lambda q=queen: log_of(q)["snapshot"] > 100, "each queen takes its own")
        await_(lambda q=queen: len(glob.glob(os.path.join(data_of(q), "snapshot-*"))) == 2, "two are kept")
        queen.kill()
    for queen in cluster.queens:
        queen.start()
    leader = cluster.await_leader()
    assert len(cluster.entries()) == 500
    for queen in cluster.queens:
        recovered = [line for line in queen.log_text().splitlines() if "log recovered" in line][-1]
        assert int(recovered.split("snapshot=")[1].split()[0]) > 100
        cluster.await_caught_up(queen)
        assert contents(queen, cluster) == contents(leader, cluster)


def incoming_bytes(node):
    sizes = []
    for path in glob.glob(os.path.join(data_of(node), "*incoming*")):
        try:
            sizes.append(os.path.getsize(path))
        except FileNotFoundError:
            pass
    return max(sizes, default=0)


def test_a_stream_that_breaks_goes_on_where_it_was_and_nobody_waits_for_it(start_cluster):
    cluster = start_cluster(queens=3, queen_options=[*CALM, *TINY])
    leader = cluster.await_leader()
    term = leader.health()["term"]
    late = cluster.followers()[0]
    late.kill()
    fill(cluster, 120, value_bytes=500_000)
    await_(lambda: log_of(leader)["first"] > 20, "a snapshot stands for what the late one lacks")
    late.start()
    await_(lambda: incoming_bytes(late) > 5_000_000 or "snapshot installed" in late.log_text(), "the stream is on its way")
    assert cluster.put("meanwhile", b"1", via=leader).status == 201
    late.kill()
    before = incoming_bytes(late)
    assert before > 5_000_000
    late.start()
    seen = []

    def is_installed():
        seen.append(incoming_bytes(late))
        return "snapshot installed" in late.log_text()

    await_(is_installed, "the snapshot is installed")
    assert min(size for size in seen if size) >= before - 2 * 1024 * 1024, "it began anew"
    cluster.await_caught_up(late)
    assert late.call("GET", "/kv/meanwhile?consistency=stale").body == b"1"
    assert leader.health()["term"] == term, "heartbeats waited behind the snapshot"


def test_a_snapshot_that_cannot_be_written_harms_nothing_and_is_said_once(start_cluster):
    cluster = start_cluster(queens=1, queen_options=TINY)
    queen = cluster.await_leader()
    obstacle = os.path.join(data_of(queen), "snapshot.tmp")
    os.mkdir(obstacle)
    fill(cluster, 200)
    text = await_(lambda: queen.log_text() if "snapshot cannot be written" in queen.log_text() else None, "it is said")
    time.sleep(1.5 * SLOWNESS)  # so that it is tried again
    fill(cluster, 60)
    assert queen.log_text().count("snapshot cannot be written") == text.count("snapshot cannot be written") == 1
    assert log_of(queen)["snapshot"] == 0 and log_of(queen)["first"] == 1
    assert "snapshot cannot be written: " in queen.health()["reason"]
    os.rmdir(obstacle)

    def has_one():
        fill(cluster, 1)
        return log_of(queen)["snapshot"] > 0

    await_(has_one, "the next one is taken", seconds=60)
    assert "can be written again" in queen.log_text()
    assert queen.health()["reason"] is None


def piece(queen, data=b"", **changes):
    body = {
        "term": 10_000,
        "receiver_id": int(queen.health()["id"]),
        "leader_id": 77,
        "leader": "127.0.0.1:1",
        "last_included_index": 100_000,
        "last_included_term": 3,
        "file_bytes": 1000,
        "offset": 0,
        "data": base64.b64encode(data).decode(),
    }
    return queen.call("POST", "/install_snapshot", body | changes)


def test_pieces_that_make_no_sense_are_refused(start_cluster):
    cluster = start_cluster(queens=1)
    queen = cluster.await_leader()
    cluster.put("a", b"1")
    assert piece(queen, receiver_id=1).status == 400
    assert piece(queen, data=b"x" * 10, offset=995).status == 400
    assert queen.call("POST", "/install_snapshot", b"{").status == 400
    assert call(queen.address, "POST", "/install_snapshot", {}, token=None).status == 401
    # An old one needs no file at all.
    answer = piece(queen, last_included_index=1)
    assert answer.status == 200 and answer.json()["match_index"] >= 1
    # Pieces come in order, or not at all; the answer says which is next.
    answer = piece(queen, data=b"x" * 10, offset=500)
    assert answer.status == 200 and answer.json() == {"term": 10_000, "next_offset": 0, "match_index": 0}
    assert piece(queen, data=b"x" * 600).json()["next_offset"] == 600
    assert piece(queen, data=b"x" * 600).json()["next_offset"] == 600
    assert piece(queen, data=b"x" * 400, offset=600).status == 503
    assert "cannot be taken in" in queen.log_text()
    assert cluster.get("a") == b"1"
    queen.restart()
    assert cluster.get("a") == b"1"


def test_a_planned_stop_of_a_leader_is_no_pause(start_cluster):
    """With these timers an election that waits for a timeout takes 600 ms and more."""
    cluster = start_cluster(queens=3, queen_options=CALM)
    leader = cluster.await_leader()
    stop = threading.Event()
    times, failures = [time.monotonic()], []

    def write():
        number, via = 0, leader
        while not stop.is_set():
            try:
                cluster.put(f"w{number}", b"1", via=via)
                times.append(time.monotonic())
                via = None if not leader.is_running() else via
                number += 1
            except Exception as error:  # noqa: BLE001: looked at below
                failures.append(error)
                via = None

    writer = threading.Thread(target=write)
    writer.start()
    try:
        await_(lambda: len(times) > 100, "writes are under way")
        assert leader.terminate() == 0
        count = len(times)
        await_(lambda: len(times) > count + 100, "writes go on")
    finally:
        stop.set()
        writer.join()
    assert not failures
    assert max(b - a for a, b in zip(times, times[1:])) < 0.5 * SLOWNESS
    assert "leadership handed over" in leader.log_text()
    assert cluster.await_leader(other_than=leader).health()["log"]["applied"] >= len(times) - 1


def test_the_last_queen_of_a_group_stops_at_once(start_cluster):
    cluster = start_cluster(queens=1)
    queen = cluster.await_leader()
    began = time.monotonic()
    assert queen.terminate() == 0
    assert time.monotonic() - began < 2 * SLOWNESS
    assert "handed over" not in queen.log_text()


def test_a_queen_that_is_left_alone_says_why_it_is_not_ready(start_cluster):
    cluster = start_cluster(queens=3)
    leader = cluster.await_leader()
    for queen in cluster.queens:
        if queen is not leader:
            queen.kill()
    await_(lambda: leader.health()["reason"] == "no contact with a quorum", "it knows")
    health = leader.health()
    assert (health["status"], health["leader"], health["raft_state"] != "LEADER") == ("NOT_READY", None, True)
    assert "reason=\"no contact with a quorum\"" in leader.log_text()
