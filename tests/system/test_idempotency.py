"""Exactly once: a write that is repeated with its Idempotency-Key is applied once, whoever leads meanwhile and whatever dies."""

import itertools
import threading

import pytest
from cluster import SLOWNESS, Cluster, Unknown, await_, hive, kv_path
from linearizability import check
from turmoil import Turmoil, fill


def keyed(key, **more):
    return {"Idempotency-Key": key, **more}


def is_replay(answer):
    return answer.headers.get("idempotency-replayed") == "true"


def entry_of(cluster, key):
    return next(entry for entry in cluster.entries(key) if entry["key"] == key)


# ---- what an answer is ----


def test_the_same_write_again_gets_the_first_answer_again(shared):
    first = shared.put("same/a", b"1", keyed("same-1"))
    assert first.status == 201 and not is_replay(first)
    shared.put("same/a", b"2")
    again = shared.put("same/a", b"1", keyed("same-1"))
    assert (again.status, again.json(), again.etag, is_replay(again)) == (201, first.json(), first.etag, True)
    assert shared.get("same/a") == b"2"
    assert entry_of(shared, "same/a")["version"] == 2


def test_a_delete_again_does_not_delete_what_was_written_since(shared):
    shared.put("again/d", b"1")
    first = shared.delete("again/d", keyed("delete-1"))
    shared.put("again/d", b"2")
    again = shared.delete("again/d", keyed("delete-1"))
    assert (again.status, again.json(), is_replay(again)) == (200, first.json(), True)
    assert shared.get("again/d") == b"2"


def test_refusals_are_remembered_too(shared):
    written = shared.put("refused/a", b"1")
    condition = {"If-Match": '"1"'}
    first = shared.put("refused/a", b"2", keyed("refused-1", **condition))
    assert (first.status, first.etag, is_replay(first)) == (412, written.etag, False)
    shared.put("refused/a", b"3")
    again = shared.put("refused/a", b"2", keyed("refused-1", **condition))
    assert (again.status, again.etag, is_replay(again)) == (412, written.etag, True)
    missing = [shared.delete("refused/none", keyed("refused-2")) for _ in range(2)]
    assert [(answer.status, is_replay(answer)) for answer in missing] == [(404, False), (404, True)]


def test_a_task_is_submitted_once(shared):
    answers = [shared.request("POST", "/submit_task", {"text": "once"}, keyed("task-1")) for _ in range(3)]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert [is_replay(answer) for answer in answers] == [False, True, True]
    shared.await_task(answers[0].json()["id"])


@pytest.mark.parametrize(
    "other",
    [
        ("PUT", "/kv/reused/a", b"other", {}),
        ("PUT", "/kv/reused/b", b"value", {}),
        ("PUT", "/kv/reused/a", b"value", {"If-None-Match": "*"}),
        ("DELETE", "/kv/reused/a", None, {}),
        ("POST", "/submit_task", {"text": "value"}, {}),
    ],
    ids=["value", "key", "condition", "method", "resource"],
)
def test_a_key_stands_for_one_write_only(shared, other):
    method, path, body, headers = other
    shared.put("reused/a", b"value", keyed("reused"))
    answer = shared.request(method, path, body, keyed("reused", **headers))
    assert (answer.status, answer.problem) == (422, "key-reused")
    assert shared.get("reused/a") == b"value" and shared.get("reused/b") is None


def test_what_is_no_key_is_refused(shared):
    for key in ("", "k" * 65, "a\tb", "ü"):
        for method, path, body in (
            ("PUT", "/kv/nokey", b"1"),
            ("DELETE", "/kv/nokey", None),
            ("POST", "/submit_task", {"text": "x"}),
            ("POST", "/register", {"address": "127.0.0.1:1", "name": "nobody"}),
        ):
            answer = shared.request(method, path, body, keyed(key))
            assert (answer.status, answer.problem) == (400, "bad-request"), (key, answer)
    assert shared.get("nokey") is None
    assert shared.put("nokey", b"1", keyed("k" * 64)).status == 201


def test_many_that_send_the_same_write_at_once_make_one(shared):
    answers, count = [], 16

    def send(number):
        queen = shared.queens[number % 3]
        answers.append(shared.put("crowd", b"x", keyed("crowd-1"), via=queen))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} == {201} and len({answer.etag for answer in answers}) == 1
    assert [is_replay(answer) for answer in answers].count(False) == 1
    assert entry_of(shared, "crowd")["version"] == 1


# ---- who remembers ----


def test_every_queen_remembers_through_a_change_of_leaders_and_a_restart(start_cluster):
    cluster = start_cluster(queens=3)
    first = cluster.put("a", b"1", keyed("k"))
    for _ in range(3):
        leader = cluster.await_leader()
        leader.kill()
        cluster.await_leader(other_than=leader)
        again = cluster.put("a", b"1", keyed("k"))
        assert (again.etag, is_replay(again)) == (first.etag, True)
        leader.start()
        await_(leader.is_up, f"{leader} is up")
        cluster.await_caught_up(leader)
    for queen in cluster.queens:
        queen.process.kill()
    for queen in cluster.queens:
        queen.process.wait()
        queen.start()
    again = cluster.put("a", b"1", keyed("k"))
    assert (again.etag, is_replay(again)) == (first.etag, True)
    assert entry_of(cluster, "a")["version"] == 1


def test_a_snapshot_holds_what_was_applied_under_which_key(start_cluster):
    """Of the log that had the first write nothing is left, neither on who was there nor on who gets the snapshot."""
    cluster = start_cluster(queens=3, queen_options=["--snapshot-entries", "200"])
    cluster.await_leader()
    away = cluster.followers()[0]
    first = cluster.put("a", b"1", keyed("k"))
    away.kill()

    def is_compacted():
        fill(cluster, 1000)
        return all(q.health()["log"]["snapshot"] > 5500 + int(first.etag.strip('"')) for q in cluster.live_queens())

    await_(is_compacted, "the write is in snapshots only")
    away.start()
    await_(away.is_up, f"{away} is up")
    cluster.await_caught_up(away)
    for queen in cluster.queens:
        queen.restart()
    for queen in cluster.queens:
        await_(queen.is_up, f"{queen} is up")
    # Whoever led until now goes, until the one that had the snapshot sent has led.
    for _ in range(20):
        leader = cluster.await_leader()
        again = cluster.put("a", b"1", keyed("k"))
        assert (again.status, again.etag, is_replay(again)) == (201, first.etag, True)
        if leader is away:
            break
        leader.restart()
        await_(leader.is_up, f"{leader} is up")
    assert entry_of(cluster, "a")["version"] == 1


class Repeater(threading.Thread):
    """Creates key after key; what got no clear answer is sent again with the same key until it has one."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster = cluster
        self.answers, self.repeated = {}, 0
        self.is_over, self.error = threading.Event(), None

    def run(self):
        try:
            for number in itertools.count():
                if self.is_over.is_set():
                    return
                self.write(f"once/{number:06}")
        except Exception as error:  # for the main thread to see
            self.error = error

    def write(self, key):
        while key not in self.answers:
            try:
                headers = keyed(f"repeat {key}")
                self.answers[key] = self.cluster.request("PUT", kv_path(key), key.encode(), headers, timeout=0.5 * SLOWNESS)
            except Unknown:
                self.repeated += 1

    def stop(self):
        self.is_over.set()
        self.join()
        if self.error:
            raise self.error


def test_what_is_repeated_while_leaders_die_is_applied_once(start_cluster):
    cluster = start_cluster(queens=3)
    cluster.await_leader()
    repeater = Repeater(cluster)
    repeater.start()
    for turn in range(40):  # until enough answers were lost to mean something
        leader = cluster.await_leader()
        before = len(repeater.answers)
        leader.pause() if turn % 2 else leader.kill()
        await_(lambda: repeater.error or len(repeater.answers) > before + 5, "writes go on")
        leader.resume() if leader.is_paused else leader.start()
        await_(leader.is_up, f"{leader} is up")
        if repeater.repeated >= 6:
            break
    repeater.stop()
    assert repeater.repeated >= 2
    entries = {entry["key"]: entry for entry in cluster.entries("once/")}
    for key, answer in repeater.answers.items():
        assert answer.status == 201, f"{key} was there already: it was applied twice"
        assert (entries[key]["version"], entries[key]["index"]) == (1, answer.json()["index"])


# ---- clients that do it by themselves ----


def test_the_verbs_repeat_what_a_dying_leader_leaves_open(start_cluster):
    """`hive put` while leaders are frozen and killed: each ends well, and has written once."""
    cluster = start_cluster(queens=3)
    cluster.await_leader()
    connect = [part for queen in cluster.queens for part in ("--connect", queen.address)]
    statuses = {}
    is_over = threading.Event()

    def put_all():
        for number in range(1000):
            if is_over.is_set():
                return
            ended = hive("put", *connect, "--timeout", f"{15 * SLOWNESS}s", "--if-absent", f"verb/{number:03}", "x",
                         environment=cluster.environment, timeout=40 * SLOWNESS)
            statuses[f"verb/{number:03}"] = (ended.returncode, ended.stderr)

    thread = threading.Thread(target=put_all)
    thread.start()
    for turn in range(4):
        leader = cluster.await_leader()
        before = len(statuses)
        leader.pause() if turn % 2 else leader.kill()
        cluster.await_leader(other_than=leader)
        await_(lambda: len(statuses) > before + 3, "verbs go on")
        leader.resume() if leader.is_paused else leader.start()
        await_(leader.is_up, f"{leader} is up")
    is_over.set()
    thread.join()
    # A second application would have met its own key, and been told 412.
    assert {status for status, _ in statuses.values()} == {0}, statuses
    entries = {entry["key"]: entry["version"] for entry in cluster.entries("verb/")}
    assert entries == {key: 1 for key in statuses}


class Verb(threading.Thread):
    """One `hive` verb, beside the test."""

    def __init__(self, cluster, queens, *arguments):
        super().__init__(daemon=True)
        connect = [part for queen in queens for part in ("--connect", queen.address)]
        self.arguments = [*arguments, *connect, "--timeout", f"{20 * SLOWNESS}s"]
        self.environment = cluster.environment
        self.start()

    def run(self):
        self.ended = hive(*self.arguments, environment=self.environment, timeout=60 * SLOWNESS)


def test_a_verb_whose_leader_dies_before_it_answers_is_applied_once(start_cluster):
    """The followers sleep while the leader takes the write: it lies in their sockets when the leader dies. They find it when
    they wake up, and one of them commits it; what the verb sends then is a repetition."""
    cluster = start_cluster(queens=3, queen_options=Cluster.calm_timers())
    cluster.put("warm", b"up")
    replays = 0
    for number in range(6):
        leader, followers = cluster.await_leader(), cluster.followers()
        last = leader.health()["log"]["last"]
        for queen in followers:
            queen.pause()
        verb = Verb(cluster, [leader, *followers], "put", "--if-absent", f"dying/{number}", "x")
        await_(lambda leader=leader, last=last: leader.health()["log"]["last"] > last, "the leader has taken the write")
        leader.kill()
        for queen in followers:
            queen.resume()
        verb.join()
        assert verb.ended.returncode == 0, verb.ended
        entry = entry_of(cluster, f"dying/{number}")
        assert entry["version"] == 1
        replays += entry["index"] == last + 1
        leader.start()
        await_(leader.is_up, f"{leader} is up")
        cluster.await_caught_up(leader)
    assert replays > 0, "no write survived its leader: nothing was repeated"


def test_repeated_compare_and_sets_under_turmoil_are_linearizable(start_cluster):
    """All writes carry keys here: whatever was applied twice shows as a value that comes back, or as an index that is not the
    one that was answered."""
    cluster = start_cluster(queens=3)
    cluster.await_leader()
    turmoil = Turmoil(cluster, keys=3, keyed=1.0)
    turmoil.run(5 * SLOWNESS)
    print(turmoil.summary())
    problem = check(turmoil.history)
    assert problem is None, f"{problem}\n{turmoil.summary()}"
    assert turmoil.counts["put"] > 50
