"""Benchmarks of what must not be felt: leaders that die or stop, queens that were away, come and go."""

import itertools
import os
import statistics
import time
import urllib.parse

import cluster as harness
import load
from stream import Stream


def percentile(values, part):
    return sorted(values)[min(int(len(values) * part), len(values) - 1)]


def describe(values, unit):
    return f"median {statistics.median(values):.0f} {unit}, p90 {percentile(values, 0.9):.0f} {unit}, worst {max(values):.0f} {unit}"


def first_acknowledged_write(hive, key, killed, started):
    """Seconds from `started` to the first write that is acknowledged."""
    alive = [queen for queen in hive.queens if queen is not killed]
    while time.monotonic() - started < 30:
        for queen in alive:
            try:
                answer = harness.call(queen.address, "PUT", harness.kv_path(key), b"after", token=hive.token, timeout=1)
            except OSError:
                continue
            if answer.status in (200, 201):
                return time.monotonic() - started
        time.sleep(0.001)
    raise AssertionError("no leader within 30 s")


def check_terms(leaders_of, hive):
    for queen in hive.live_queens():
        for transition in queen.health()["transitions"]:
            if transition["state"] == "LEADER":
                leaders_of.setdefault(transition["term"], set()).add(queen.address)
    assert all(len(leaders) == 1 for leaders in leaders_of.values()), leaders_of


def return_to(hive, queen):
    queen.start()
    harness.await_(queen.is_up, f"{queen} is up")
    hive.await_caught_up(queen)


def failover(options, directory):
    hive = harness.Cluster(os.path.join(directory, "failover"), queens=5)
    times, leaders_of = [], {}
    try:
        for i in range(options.kills):
            leader = hive.await_leader()
            hive.put(f"before-{i}", str(i).encode())
            check_terms(leaders_of, hive)
            started = time.monotonic()
            leader.process.kill()
            times.append(first_acknowledged_write(hive, f"after-{i}", leader, started) * 1000)
            leader.process.wait()
            return_to(hive, leader)
        check_terms(leaders_of, hive)
        lost = [i for i in range(options.kills) if hive.get(f"before-{i}") != str(i).encode() or hive.get(f"after-{i}") != b"after"]
        assert not lost, f"acknowledged writes lost: {lost}"
    finally:
        hive.stop()
    print(f"failover: 5 queens, kill -9 of the leader {options.kills} times, to the first write acknowledged by the next one")
    print(f"  {describe(times, 'ms')};", end=" ")
    print(f"one leader in each of {len(leaders_of)} terms seen, no acknowledged write lost, every restarted queen caught up")


def planned(options, directory):
    hive = harness.Cluster(os.path.join(directory, "planned"), queens=5)
    gaps, calm, ends, count, repeated = [], [], [], 0, 0
    try:
        for i in range(options.stops):
            leader = hive.await_leader()
            with Stream(hive, 1000, prefix=f"planned-{i}") as stream:
                time.sleep(1.5)
                stopped = time.monotonic()
                leader.terminate()
                ends.append((time.monotonic() - stopped) * 1000)
                time.sleep(1.0)
            calm.append(stream.longest_gap_ms(stopped - 1, stopped))
            gaps.append(stream.longest_gap_ms(stopped - 0.1, stopped + 1))
            lost = stream.lost(hive)
            assert not lost, f"acknowledged writes lost: {sorted(lost)[:5]}"
            count += len(stream.acknowledged)
            repeated += stream.repeated
            return_to(hive, leader)
    finally:
        hive.stop()
    print(f"planned: 5 queens, 1,000 writes a second, SIGTERM to the leader {options.stops} times: longest gap between acknowledged writes")
    print(f"  around the stop: {describe(gaps, 'ms')}; in the second before it: {describe(calm, 'ms')}")
    print(f"  the leader had ended after {describe(ends, 'ms')}; of {count} writes acknowledged none was lost, {repeated} were sent again")


def catchup(options, directory):
    hive = harness.Cluster(os.path.join(directory, "catchup"), queens=3)
    seconds, gaps, sizes = [], [], []
    try:
        for i in range(options.rounds):
            away = hive.followers()[0]
            hive.await_caught_up(away)
            last = away.health()["log"]["last"]
            away.kill()
            leader = hive.await_leader()
            pieces = itertools.count()
            while leader.health()["log"]["last"] < last + options.entries:
                load.wrk("http://" + leader.address, 64, "hive", "keys", 2, hive.token, f"{i}.{next(pieces)}")
            behind = leader.health()["log"]["last"] - last
            with Stream(hive, 200, prefix=f"catchup-{i}") as stream:
                time.sleep(1)
                started = time.monotonic()
                away.start()
                harness.await_(away.is_up, f"{away} is up", 60)
                harness.await_(lambda: away.health()["log"]["applied"] >= last + behind, f"{away} has caught up", 120)
                seconds.append(time.monotonic() - started)
                ended = time.monotonic()
                time.sleep(0.5)
            health = away.health()
            assert health["log"]["snapshot"] > last, f"it caught up without a snapshot: {health['log']}"
            gaps.append(stream.longest_gap_ms(started, ended))
            sizes.append(behind)
            assert not stream.lost(hive)
            hive.await_caught_up(away)
            assert hive.entries(queen=away) == hive.entries(queen=hive.await_leader()), "it holds something else"
    finally:
        hive.stop()
    print(f"catchup: 3 queens, one {min(sizes)} to {max(sizes)} entries (each a key of its own) behind comes back, {options.rounds} times, with 200 writes a second meanwhile")
    print(f"  caught up by snapshot after median {statistics.median(seconds):.2f} s, worst {max(seconds):.2f} s (its start included);", end=" ")
    print(f"longest gap between acknowledged writes {describe(gaps, 'ms')}; same entries as the leader")


def members_of(hive):
    """address -> kind, as the leader has them."""
    answer = hive.request("GET", "/members", via=hive.await_leader())
    assert answer.status == 200, answer
    return {member["address"]: member["kind"] for member in answer.json()["configuration"]["members"]}


def is_removed(hive, queen):
    """Asks for it. False where that has to wait: for the change before this one, or for the first commit of a new leader."""
    try:
        answer = hive.request("DELETE", "/members/" + urllib.parse.quote(queen.address))
    except harness.Unknown:
        return False
    assert answer.status in (200, 404) or "retry-after" in answer.headers, answer
    return answer.status in (200, 404)


def timed(action):
    started = time.monotonic()
    action()
    return (time.monotonic() - started) * 1000


def grow(options, directory):
    joins, removals, gaps, count = [], [], [], 0
    for i in range(options.rounds):
        hive = harness.Cluster(os.path.join(directory, f"grow-{i}"), queens=5)
        try:
            load.wrk("http://" + hive.await_leader().address, 64, "hive", "writes", 3, hive.token)
            old = [hive.await_leader(), hive.followers()[0]]
            with Stream(hive, 500, prefix="grow") as stream:
                time.sleep(1)
                started = time.monotonic()

                def join():
                    new = hive.add_queen("--join", hive.queens[0].address)
                    stream.addresses.append(new.address)
                    harness.await_(lambda: members_of(hive).get(new.address) == "voter", "the sixth queen votes", 60)

                def remove(queen):
                    harness.await_(lambda: is_removed(hive, queen), f"{queen} may go", 60)
                    harness.await_(lambda: queen.address not in members_of(hive), f"{queen} is out", 60)
                    harness.await_(lambda: queen.health()["standing"] == "removed", f"{queen} knows", 60)

                joins.append(timed(join))
                for queen in old:  # the leader first
                    removals.append(timed(lambda queen=queen: remove(queen)))
                    queen.terminate()
                    hive.queens.remove(queen)
                    stream.addresses.remove(queen.address)
                time.sleep(1)
                ended = time.monotonic()
            assert sorted(members_of(hive)) == sorted(queen.address for queen in hive.queens)
            lost = stream.lost(hive)
            assert not lost, f"acknowledged writes lost: {sorted(lost)[:5]}"
            gaps.append(stream.longest_gap_ms(started, ended))
            count += len(stream.acknowledged)
        finally:
            hive.stop()
    print(f"grow: 5 queens, 500 writes a second; a sixth joins, the leader and another one are removed; {options.rounds} rounds")
    print(f"  joined and voting after {describe(joins, 'ms')}; removed after {describe(removals, 'ms')}")
    print(f"  longest gap between acknowledged writes {describe(gaps, 'ms')}; of {count} acknowledged none was lost")
