"""Watching keys: every change once and in the order of the log, across queens, crashes and snapshots."""

import json
import os
import subprocess
import threading
import time

import pytest
from cluster import PATIENCE_S, SLOWNESS, TOKEN, Cluster, Unknown, await_
from watcher import Refused, Watch


def index_of(answer):
    assert answer.status in (200, 201), answer
    return answer.json()["index"]


# ---- one stream ----


def test_changes_come_as_they_happen(shared):
    for queen in shared.queens:
        shared.await_caught_up(queen)
        with Watch(queen, prefix="live/") as watch:
            start = watch.next("start")
            assert start.id == str(start.index)
            assert watch.headers["content-type"] == "text/event-stream"
            created = index_of(shared.put("live/a", b"1"))
            shared.put("other", b"x")
            replaced = index_of(shared.put("live/a", b"\xff\0"))
            deleted = shared.delete("live/a").json()["index"]
            events = [watch.next() for _ in range(3)]
            assert [(e.name, e.key, e.index, e.id) for e in events] == [
                ("put", b"live/a", created, str(created)),
                ("put", b"live/a", replaced, str(replaced)),
                ("delete", b"live/a", deleted, str(deleted)),
            ]
            assert start.index < created
            assert (events[0].value, events[0].data["created"]) == (b"1", True)
            assert (events[1].value, events[1].data["created"]) == (b"\xff\0", False)
            assert watch.is_quiet()


def test_the_largest_values_come_whole(shared):
    values = [b"\x01" * 1024 * 1024, os.urandom(1024 * 1024), b""]
    first = index_of(shared.put("large/0", b""))
    for value in values:
        shared.put("large/a", value)
    with Watch(shared.queens[0], first, prefix="large/") as watch:
        assert [watch.next("put").value for _ in values] == values
    with Watch(shared.queens[0], prefix="large/", list=1) as watch:
        assert [event.value for event in watch.until("listed")[:-1]] == [b"", b""]


def test_what_changes_nothing_is_no_event(shared):
    key = {"Idempotency-Key": f"watch-{time.time_ns()}"}
    shared.put("nothing/a", b"1")
    shared.await_caught_up(shared.queens[0])
    with Watch(shared.queens[0], prefix="nothing/") as watch:
        watch.next("start")
        assert shared.put("nothing/a", b"2", {"If-None-Match": "*"}).status == 412
        assert shared.delete("nothing/b").status == 404
        first = shared.request("PUT", "/kv/nothing/c", b"3", key)
        again = shared.request("PUT", "/kv/nothing/c", b"3", key)
        assert first.json() == again.json()
        last = index_of(shared.put("nothing/d", b"4"))
        assert [watch.next().key for _ in range(2)] == [b"nothing/c", b"nothing/d"]
        assert watch.last_id == str(last) and watch.is_quiet()


def test_a_watch_goes_on_behind_any_id_at_any_queen(shared):
    indexes = [index_of(shared.put(f"resume/{i}", b"%d" % i)) for i in range(10)]
    for i, queen in enumerate(shared.queens):
        with Watch(queen, indexes[i], prefix="resume/") as watch:
            assert [watch.next("put").index for _ in range(9 - i)] == indexes[i + 1 :]
        with Watch(queen, prefix="resume/", after=indexes[5] - 1) as watch:
            assert [watch.next("put").index for _ in range(5)] == indexes[5:]
        with Watch(queen, indexes[7], prefix="resume/", after=0) as watch:  # the header knows more
            assert [watch.next("put").index for _ in range(2)] == indexes[8:]


def test_an_id_that_is_ahead_of_the_queen_is_waited_for(shared):
    now = index_of(shared.put("ahead/a", b"1"))
    with Watch(shared.queens[0], now + 3, prefix="ahead/") as watch:
        for i in range(5):
            shared.put(f"ahead/{i}", b"2")
        assert watch.next("put").index == now + 4
        assert watch.next("put").index == now + 5


def test_a_watch_may_begin_with_a_listing(shared):
    for i in range(30):
        shared.put(f"list/{i:02}", b"%d" % i)
    shared.delete("list/03")
    shared.await_caught_up(shared.queens[2])
    with Watch(shared.queens[2], prefix="list/", list=1) as watch:
        events = watch.until("listed")
        assert [e.key for e in events[:-1]] == [b"list/%02d" % i for i in range(30) if i != 3]
        assert all(e.name == "entry" and e.id is None for e in events[:-1])
        assert events[-1].id == str(events[-1].index)
        index = index_of(shared.put("list/99", b"99"))
        assert watch.next("put").index == index > events[-1].index


def test_an_empty_listing_is_a_listing(shared):
    with Watch(shared.queens[0], prefix="no such prefix/", list=1) as watch:
        assert len(watch.until("listed")) == 1


def test_a_quiet_stream_shows_that_it_lives_and_how_far_it_is(shared):
    with Watch(shared.queens[1], prefix="quiet/") as watch:
        start = watch.next("start")
        index = index_of(shared.put("noise", b"1"))
        await_(lambda: "alive" in watch.comments, "a sign of life")
        assert int(watch.last_id) >= index > start.index  # the place from which to go on moves, too


@pytest.mark.parametrize("place", ["x", "-1", "1x", "", "99999999999999999999999"])
def test_a_place_that_is_none_is_refused(shared, place):
    with pytest.raises(Refused) as refused:
        Watch(shared.queens[0], after=place)
    assert (refused.value.status, refused.value.problem) == (400, "bad-request")


def test_drones_have_nothing_to_watch(shared):
    with pytest.raises(Refused) as refused:
        Watch(shared.drones[0])
    assert (refused.value.status, refused.value.problem) == (400, "wrong-mode")


def test_a_queen_has_room_for_so_many_watchers_and_says_when_it_is_full(start_cluster):
    cluster = start_cluster(queens=1)
    queen = cluster.await_leader()
    watches = [Watch(queen) for _ in range(512)]
    with pytest.raises(Refused) as refused:
        Watch(queen)
    assert (refused.value.status, refused.value.problem) == (503, "busy")
    assert refused.value.headers["retry-after"] == "1"
    assert cluster.put("a", b"1").status == 201  # others are served all the same
    for watch in watches[:100]:
        watch.close()

    def there_is_room():
        try:
            watches.append(Watch(queen))
            return True
        except Refused:
            return False

    await_(there_is_room, "the place of a watcher that has gone is free")
    cluster.put("a", b"2")
    for watch in watches[100:512]:
        watch.next("start")
        assert [watch.next("put").value for _ in range(2)] == [b"1", b"2"]
    for watch in watches[100:]:
        watch.close()


def test_a_watcher_that_does_not_read_holds_up_nobody(start_cluster):
    cluster = start_cluster(queens=3, queen_options=Cluster.calm_timers())
    leader = cluster.await_leader()
    with Watch(leader, prefix="big/") as lively:
        lazy = subprocess.Popen(
            ["curl", "-sN", "--limit-rate", "1", "-H", f"Authorization: Bearer {TOKEN}", f"http://{leader.address}/watch"],
            stdout=subprocess.DEVNULL,
        )
        try:
            lively.next("start")
            for i in range(40):
                cluster.put(f"big/{i % 4}", b"%d" % i + b"x" * 500000)
            assert [lively.next("put").value[:3].rstrip(b"x") for _ in range(40)] == [b"%d" % i for i in range(40)]
        finally:
            lazy.kill()
            lazy.wait()


# ---- queens that go ----


def test_a_queen_that_stops_ends_its_streams_at_once(start_cluster):
    cluster = start_cluster(queens=1)
    queen = cluster.await_leader()
    watches = [Watch(queen) for _ in range(20)]
    for watch in watches:
        watch.next("start")
    begin = time.monotonic()
    assert queen.terminate() == 0
    assert time.monotonic() - begin < 5 * SLOWNESS
    for watch in watches:
        assert watch.next() is None and watch.ended_cleanly


def test_a_queen_without_a_leader_ends_its_streams(start_cluster):
    cluster = start_cluster(queens=3)
    cluster.await_leader()
    left = cluster.queens[0]
    with Watch(left) as watch:
        watch.next("start")
        for queen in cluster.queens[1:]:
            queen.kill()
        begin = time.monotonic()
        assert watch.next() is None and watch.ended_cleanly
        assert time.monotonic() - begin > 3  # an election is no reason
    with pytest.raises(Refused) as refused:
        Watch(left)
    assert (refused.value.status, refused.value.problem) == (503, "no-leader")


class Follower(threading.Thread):
    """Follows all changes of a prefix through whatever happens, as a careful client would."""

    def __init__(self, cluster, prefix, turn):
        super().__init__(daemon=True)
        self.turn = turn  # whose turn it is: each begins at another queen
        self.cluster = cluster
        self.prefix = prefix
        self.events = []
        self.too_old = 0
        self.streams = 0
        self.wanted = None  # the last value to see
        self.problem = None
        self.is_ready = threading.Event()

    def run(self):
        last_id = None
        try:
            while not self.is_done():
                queens = self.cluster.live_queens()
                self.turn += 1
                last_id = self.follow(queens[self.turn % len(queens)], last_id)
        except Exception as error:  # pylint: disable=broad-except
            self.problem = error

    def is_done(self):
        return self.wanted is not None and self.events and self.events[-1].value == self.wanted

    def follow(self, queen, last_id):
        try:
            watch = Watch(queen, last_id, prefix=self.prefix)
        except (OSError, Refused, ConnectionError):
            time.sleep(0.02)
            return last_id
        except Exception as error:  # a queen killed between request and answer
            if "RemoteDisconnected" in repr(error) or "BadStatusLine" in repr(error):
                return last_id
            raise
        self.streams += 1
        with watch:
            while not self.is_done():
                try:
                    event = watch.next(timeout=7)  # more than a sign of life
                except Exception:  # pylint: disable=broad-except
                    if self.wanted is None and watch.comments:
                        continue
                    break
                if event is None:
                    break
                if event.name == "start":
                    self.is_ready.set()
                elif event.name == "too-old":
                    self.too_old += 1
                else:
                    self.events.append(event)
            return watch.last_id or last_id


def test_every_acknowledged_write_is_seen_once_and_in_order_while_leaders_are_killed(start_cluster):
    cluster = start_cluster(queens=5)
    cluster.await_leader()
    followers = [Follower(cluster, "w/", turn) for turn in range(5)]
    for follower in followers:
        follower.start()
    for follower in followers:
        assert follower.is_ready.wait(PATIENCE_S)
    acknowledged, unknown = [], set()
    is_over = threading.Event()

    def write(writer):
        number = 0
        while not is_over.is_set():
            number += 1
            value = f"{writer}-{number}"
            try:
                answer = cluster.put(f"w/{number % 7}", value.encode())
                acknowledged.append((index_of(answer), value))
            except Unknown:
                unknown.add(value)

    writers = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for writer in writers:
        writer.start()
    for _ in range(6):
        victim = cluster.await_leader()
        written = len(acknowledged)
        await_(lambda: len(acknowledged) > written + 100, "a while of writing")
        victim.kill()
        cluster.await_leader(other_than=victim)
        victim.start()
        await_(victim.is_up, f"{victim} is up again")
    is_over.set()
    for writer in writers:
        writer.join()
    last = cluster.put("w/last", b"the last")
    for follower in followers:
        follower.wanted = b"the last"
    for follower in followers:
        follower.join(PATIENCE_S * 2)
        assert not follower.is_alive() and follower.problem is None, follower.problem
        indexes = [event.index for event in follower.events]
        assert indexes == sorted(set(indexes))
        seen = {event.index: event.value.decode() for event in follower.events}
        missing = [(index, value) for index, value in acknowledged if seen.get(index) != value]
        assert not missing, f"{len(missing)} of {len(acknowledged)} acknowledged writes, e.g. {missing[:5]}"
        assert len(set(seen.values())) == len(seen)  # none twice
        assert set(seen.values()) <= {value for _, value in acknowledged} | unknown | {"the last"}
        assert follower.too_old == 0 and indexes[-1] == index_of(last)
    assert len(acknowledged) > 100 and sum(follower.streams for follower in followers) > 5


def test_what_a_snapshot_has_swallowed_is_too_old_and_listed_anew(start_cluster):
    cluster = start_cluster(queens=3, queen_options=["--snapshot-entries", "200"])
    cluster.await_leader()
    early = index_of(cluster.put("s/early", b"1"))
    for i in range(600):
        cluster.put(f"s/{i % 50:02}", b"%d" % i)
    queen = cluster.followers()[0]
    await_(lambda: queen.health()["log"]["snapshot"] > early, "a snapshot was taken")
    queen.restart()
    cluster.await_leader()
    cluster.await_caught_up(queen)
    with Watch(queen, early, prefix="s/") as watch:
        event = watch.next("too-old")
        assert event.id is None and early < event.data["oldest"]
        is_over = threading.Event()

        def write():
            while not is_over.is_set():
                cluster.put("s/00", b"during")
                cluster.put("s/zz", b"during")

        writer = threading.Thread(target=write)
        writer.start()
        events = watch.until("listed")
        state = {}
        for event in events[:-1]:
            assert event.id is None
            state[event.key] = event.value
        listed = events[-1].index
        live = watch.next("put")
        is_over.set()
        writer.join()
        assert live.index > listed and live.id == str(live.index)
        expected = {f"s/{i % 50:02}".encode(): b"%d" % i for i in range(600)} | {b"s/early": b"1"}
        moving = (b"s/00", b"s/zz")
        assert {k: v for k, v in state.items() if k not in moving} == {k: v for k, v in expected.items() if k not in moving}
    # Another queen, that has not been restarted, still remembers.
    other = next(q for q in cluster.queens if q is not queen)
    with Watch(other, early, prefix="s/") as watch:
        assert watch.next("put").value == b"0"
