"""`hive watch`: what it prints, and how it goes on where queens do not."""

import json
import os
import signal
import subprocess

import pytest
from cluster import HIVE, PATIENCE_S, TOKEN, Cluster, await_, hive


def environment(cluster):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HIVE_")}
    connect = ",".join(queen.address for queen in cluster.queens)
    return {**clean, "XDG_STATE_HOME": "/nonexistent", "HIVE_TOKEN": TOKEN, "HIVE_CONNECT": connect}


def index_of(answer):
    assert answer.status in (200, 201), answer
    return answer.json()["index"]


class Verb:
    """`hive watch` as a process."""

    def __init__(self, cluster, *arguments, connect=None):
        variables = environment(cluster)
        if connect:
            variables["HIVE_CONNECT"] = connect.address
        command = [HIVE, "watch", *arguments]
        self.process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def line(self):
        return self.process.stdout.readline().decode()

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, output.decode(), errors.decode()


def test_the_verb_prints_changes_and_ends_after_so_many(shared):
    first = index_of(shared.put("verb/a", b"before"))
    for i, value in enumerate([b"hello", b"tab\there \x1b[31m\xff"]):
        shared.put("verb/a", value)
    shared.delete("verb/a")
    result = hive("watch", "verb/", "--after", str(first), "-n", "3", environment=environment(shared))
    assert (result.returncode, result.stderr) == (0, b"")
    lines = [line.split("\t") for line in result.stdout.decode().splitlines()]
    assert [line[1:] for line in lines] == [
        ["put", "verb/a", "hello"],
        ["put", "verb/a", "tab\\there \\x1b[31m\\xff"],
        ["delete", "verb/a"],
    ]
    assert first < int(lines[0][0]) < int(lines[1][0]) < int(lines[2][0])
    result = hive("watch", "verb/", "--json", "--after", str(first), "-n", "3", environment=environment(shared))
    objects = [json.loads(line) for line in result.stdout.decode().splitlines()]
    assert [o["event"] for o in objects] == ["put", "put", "delete"]
    assert objects[0] == {"event": "put", "key": "verb/a", "value": "hello", "index": int(lines[0][0]), "created": False}
    assert "value_base64" in objects[1]


def test_the_verb_prints_the_largest_values(shared):
    value = "\x01" * 1024 * 1024
    index = index_of(shared.put("large/verb", value.encode()))
    result = hive("watch", "large/", "--after", str(index - 1), "-n", "1", "--json", environment=environment(shared))
    assert result.returncode == 0 and json.loads(result.stdout)["value"] == value


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_verb_ends_well_when_told_to(shared, number):
    shared.put("told/a", b"1")
    verb = Verb(shared, "told/", "--list")
    # A follower that has not applied it yet lists nothing, and tells of it as it comes.
    assert verb.line().split("\t")[1:] in (["entry", "told/a", "1\n"], ["put", "told/a", "1\n"])
    status, _, errors = verb.end(number)
    assert (status, errors) == (0, "")


def test_the_verb_follows_across_queens(start_cluster):
    cluster = start_cluster(queens=3)
    leader = cluster.await_leader()
    environment_of_one = {**environment(cluster), "HIVE_CONNECT": leader.address}
    process = subprocess.Popen([HIVE, "watch", "f/", "--list", "--json"], env=environment_of_one, stdout=subprocess.PIPE)
    try:
        assert json.loads(process.stdout.readline())["event"] == "listed"
        values = []
        for i in range(30):
            if i == 10:
                leader.kill()  # the only queen that the verb was told of
            if i == 20:
                leader.start()
                await_(leader.is_up, "it is back")
                next(q for q in cluster.queens if q is not leader).kill()
            cluster.put("f/a", b"%d" % i)
            values.append(json.loads(process.stdout.readline())["value"])
        assert values == [str(i) for i in range(30)]
    finally:
        process.kill()
        process.communicate()


def test_the_verb_leaves_a_queen_that_falls_silent(start_cluster):
    cluster = start_cluster(queens=3, queen_options=Cluster.calm_timers())
    cluster.await_leader()
    first = cluster.queens[0]
    verb = Verb(cluster, "p/", "--list", "--json")
    try:
        assert json.loads(verb.line())["event"] == "listed"
        first.pause()
        cluster.await_leader(other_than=first)
        index = index_of(cluster.put("p/a", b"1"))
        assert json.loads(verb.line())["index"] == index
        first.resume()
    finally:
        status, _, errors = verb.end()
    assert status == 0, errors


def test_the_verb_says_when_changes_were_forgotten(start_cluster):
    cluster = start_cluster(queens=1, queen_options=["--snapshot-entries", "50"])
    queen = cluster.await_leader()
    for i in range(120):
        cluster.put(f"k/{i % 3}", b"%d" % i)
    await_(lambda: queen.health()["log"]["snapshot"] > 10, "a snapshot was taken")
    queen.restart()
    cluster.await_leader()
    result = hive("watch", "k/", "--after", "3", "-n", "3", environment=environment(cluster))
    assert result.returncode == 0 and b"forgotten" in result.stderr
    assert [line.split("\t")[1:] for line in result.stdout.decode().splitlines()] == [
        ["entry", f"k/{i}", str(117 + i)] for i in range(3)
    ]


def events_of(verb, until):
    events = []
    while not events or events[-1]["event"] != until:
        events.append(json.loads(verb.line()))
        assert events[-1]["event"] in ("entry", until), [e["event"] for e in events]
    return events


@pytest.mark.parametrize("reason", ["list", "too-old"])
def test_the_verb_says_when_a_listing_begins_again(start_cluster, reason):
    cluster = start_cluster(queens=3, queen_options=[*Cluster.calm_timers(), "--snapshot-entries", "20"])
    cluster.await_leader()
    early = index_of(cluster.put("c/early", b"1"))
    expected = {"c/early": "1"}
    for i in range(40):  # more than all buffers on the way hold
        expected[f"c/{i:02}"] = chr(ord("a") + i % 26) * 1024 * 1024
        cluster.put(f"c/{i:02}", expected[f"c/{i:02}"].encode())
    queen = cluster.followers()[0]
    await_(lambda: queen.health()["log"]["snapshot"] > early, "a snapshot was taken")
    queen.restart()
    cluster.await_caught_up(queen)
    arguments = ["--list"] if reason == "list" else ["--after", str(early)]
    verb = Verb(cluster, "c/", "--json", *arguments, connect=queen)
    try:
        if reason == "too-old":
            assert json.loads(verb.line())["event"] == "too-old"
        assert json.loads(verb.line())["event"] == "entry"
        queen.kill()
        cut_off = events_of(verb, "again")[:-1]
        assert len(cut_off) < len(expected) - 1
        # The other queens remember what was too old for that one: but to go on there would tell of changed keys only.
        listing = events_of(verb, "listed")
        assert len(listing) == len(expected) + 1
        assert {e["key"]: e["value"] for e in listing[:-1]} == expected
        index = index_of(cluster.put("c/early", b"2"))
        change = json.loads(verb.line())
        assert (change["event"], change["index"]) == ("put", index) and index > listing[-1]["index"]
    finally:
        status, _, errors = verb.end()
    assert status == 0 and "was cut off" in errors


def test_the_verb_gives_up_where_nobody_answers(start_cluster):
    cluster = start_cluster(queens=3)
    cluster.await_leader()
    for queen in cluster.queens[1:]:
        queen.kill()
    await_(lambda: not cluster.queens[0].health()["leader"], "nobody leads")
    result = hive("watch", "--timeout", "500ms", environment=environment(cluster))
    assert result.returncode == 3 and b"no queen to watch within 0.5 s" in result.stderr
    wrong = {**environment(cluster), "HIVE_TOKEN": "f" * 32}
    for queen in cluster.queens[1:]:
        queen.start()
    cluster.await_leader()
    result = hive("watch", environment=wrong)
    assert result.returncode == 1 and b"token" in result.stderr
    assert hive("watch", "--list", "--after", "3", environment=environment(cluster)).returncode == 2
