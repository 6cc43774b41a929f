"""Threads that look on while a test breaks a cluster: who led when, and which writes were acknowledged."""

import http.client
import itertools
import os
import threading

from cluster import SLOWNESS, Unknown, kv_path


class Watch(threading.Thread):
    """Polls /healthz of all queens all the time, and remembers who led in which term."""

    def __init__(self, cluster, interval_s=0.02):
        super().__init__(daemon=True)
        self.cluster = cluster
        self.interval_s = interval_s
        self.leaders = {}  # term -> addresses
        self.polls = 0
        self._end = threading.Event()

    def look(self, queen):
        health = queen.health(timeout=1 * SLOWNESS)
        states = [(t["term"], t["state"]) for t in health["transitions"]]
        states.append((health["term"], health["raft_state"]))
        for term, state in states:
            if state == "LEADER":
                self.leaders.setdefault(term, set()).add(queen.address)
        self.polls += 1

    def run(self):
        while not self._end.wait(self.interval_s):
            for queen in self.cluster.live_queens():
                try:
                    self.look(queen)
                except (OSError, http.client.HTTPException, ValueError):
                    pass

    def stop(self):
        self._end.set()
        self.join()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def assert_one_leader_per_term(self):
        double = {term: leaders for term, leaders in self.leaders.items() if len(leaders) > 1}
        assert not double, f"terms with two leaders: {double}"


class Writer(threading.Thread):
    """Writes key after key through any queen until it is stopped, and remembers which were acknowledged."""

    def __init__(self, cluster, prefix):
        super().__init__(daemon=True)
        self.cluster = cluster
        self.prefix = prefix
        self.acknowledged = {}  # key -> value
        self.error = None
        self._end = threading.Event()

    def run(self):
        for number in itertools.count():
            if self._end.is_set():
                return
            key, value = f"{self.prefix}{number:06}", os.urandom(8).hex().encode()
            try:
                answer = self.cluster.request("PUT", kv_path(key), value, timeout=1 * SLOWNESS)
                assert answer.status == 201, answer
                self.acknowledged[key] = value
            except Unknown:
                pass
            except Exception as error:  # for the main thread to see
                self.error = error
                return

    def stop(self):
        self._end.set()
        self.join()
        if self.error:
            raise self.error

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, value, traceback):
        self._end.set()
        self.join()

    def assert_nothing_lost(self):
        stored = {e["key"]: e["value"].encode() for e in self.cluster.entries(self.prefix)}
        lost = {k: v for k, v in self.acknowledged.items() if stored.get(k) != v}
        assert not lost, f"{len(lost)} of {len(self.acknowledged)} acknowledged writes were lost: {sorted(lost)[:5]}"
