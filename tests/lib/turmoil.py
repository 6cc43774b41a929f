"""Clients that write down all that they see, on a cluster that is being broken under them: the history for linearizability.py.

    turmoil = Turmoil(cluster, keys=10, seed=42)
    turmoil.run(seconds=60)      # kill -9, SIGSTOP, SIGTERM, wiped disks and restarts meanwhile; all is healed at the end
    turmoil.history              # of a writer and a reader for each key, and a meddler that writes to all of them

Most writes carry an Idempotency-Key and are repeated until it is known what became of them; of the others, a lost answer is
written down as an unknown outcome. Runs on the main thread, because that one must start the nodes.
"""

import collections
import http.client
import itertools
import os
import random
import shutil
import threading
import time
import urllib.parse

from cluster import PATIENCE_S, SLOWNESS, await_, kv_path
from linearizability import NEVER, Operation

ANSWER_S = 1 * SLOWNESS  # how long a client waits for one answer
SETTLE_S = 20 * SLOWNESS  # how long it repeats a write
REFUSALS = {307, 503}  # certainly not applied


class Connections:
    """One open connection to each queen, for one thread."""

    def __init__(self, token):
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.open = {}

    def call(self, address, method, path, body, headers):
        """(status, headers, body). OSError or HTTPException where there is no answer; `was_sent` of the exception tells
        whether the request may have arrived."""
        fresh = address not in self.open
        try:
            if fresh:
                connection = http.client.HTTPConnection(address, timeout=ANSWER_S)
                connection.connect()
                self.open[address] = connection
        except OSError as error:
            error.was_sent = False
            raise
        connection = self.open[address]
        try:
            connection.request(method, path, body=body, headers=self.headers | headers)
            response = connection.getresponse()
            answer = response.status, {n.lower(): v for n, v in response.getheaders()}, response.read()
            if response.will_close:
                del self.open[address]
            return answer
        except (OSError, http.client.HTTPException) as error:
            self.open.pop(address).close()
            error.was_sent = True
            raise

    def close(self):
        for connection in self.open.values():
            connection.close()


def fill(cluster, count, threads=8):
    """So many writes, as fast as a few clients can."""
    leader = cluster.await_leader().address
    problems = []

    def write(first):
        connections = Connections(cluster.token)
        for number in range(first, count, threads):
            status, _, body = connections.call(leader, "PUT", f"/kv/filler/{number % 500}", b"x" * 100, {})
            if status not in (200, 201):
                problems.append((status, body))
        connections.close()

    workers = [threading.Thread(target=write, args=(first,)) for first in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not problems, problems[:3]


def index_of(headers):
    return int(headers["etag"].strip('"')) if "etag" in headers else None


def result_of(kind, status, headers, body):
    """An answer as the history has it."""
    if status == 412:
        return ("conflict", index_of(headers))
    if status == 404 and kind != "put":
        return ("missing",)
    if kind == "get" and status == 200:
        return ("value", body.decode(), index_of(headers))
    if kind == "put" and status in (200, 201):
        return ("ok", index_of(headers), status == 201)
    if kind == "delete" and status == 200:
        return ("ok", index_of(headers))
    raise AssertionError(f"{kind} was answered with {status}: {body[:300]!r}")


class Client(threading.Thread):
    """Does one operation after the other, each until its outcome is known or cannot be."""

    def __init__(self, turmoil, name, next_operation):
        super().__init__(daemon=True, name=name)
        self.turmoil = turmoil
        self.next_operation = next_operation  # (client) -> (key, kind, value, condition)
        self.dice = random.Random(f"{turmoil.seed} {name}")
        self.connections = Connections(turmoil.cluster.token)
        self.addresses = [queen.address for queen in turmoil.cluster.queens]
        self.leader = None
        self.history = []
        self.counts = collections.Counter()
        self.numbers = itertools.count()
        self.last_index = {}  # key -> the index that it had, as far as this client knows
        self.error = None

    def run(self):
        try:
            while not self.turmoil.is_over.is_set():
                self.do(*self.next_operation(self))
        except Exception as error:  # for the main thread to see
            self.error = error
        self.connections.close()

    def value(self):
        return f"{self.name}.{next(self.numbers)}"

    def attempt(self, method, path, body, headers):
        """One request to whom we take for the leader. (answer or None, may it have been applied without an answer)"""
        address = self.leader or self.dice.choice(self.addresses)
        try:
            status, answer_headers, answer = self.connections.call(address, method, path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            self.leader = None
            time.sleep(0.005)
            return None, error.was_sent
        self.leader = address
        if status == 307:
            self.leader = urllib.parse.urlsplit(answer_headers["location"]).netloc
        elif status in (503, 504):
            self.leader = None
            time.sleep(0.01)
        if status in REFUSALS:
            return None, False
        return (None, True) if status == 504 else ((status, answer_headers, answer), False)

    def do(self, key, kind, value, condition):
        method = {"get": "GET", "put": "PUT", "delete": "DELETE"}[kind]
        headers = {}
        if condition is not None:
            headers = {"absent": {"If-None-Match": "*"}, "exists": {"If-Match": "*"}}.get(
                condition, {"If-Match": f'"{condition}"'}
            )
        is_keyed = kind != "get" and self.dice.random() < self.turmoil.keyed
        if is_keyed:
            headers["Idempotency-Key"] = f"{self.name}-{self.dice.getrandbits(64):016x}"
        body = value.encode() if value is not None else None
        start, in_doubt = time.monotonic(), False
        while True:
            answer, is_lost = self.attempt(method, kv_path(key), body, headers)
            in_doubt = in_doubt or (is_lost and kind != "get")
            now = time.monotonic()
            if answer:
                self.note(key, kind, start, now, value, condition, answer)
                return
            if in_doubt and (not is_keyed or now - start > SETTLE_S or self.turmoil.is_over.is_set()):
                self.counts["unknown"] += 1
                self.history.append(Operation(key, kind, start, NEVER, value, condition, None, self.name))
                return
            if not in_doubt and self.turmoil.is_over.is_set():
                return  # it had no effect
            if is_lost and in_doubt:
                self.counts["repeated"] += 1

    def note(self, key, kind, start, end, value, condition, answer):
        status, headers, body = answer
        result = result_of(kind, status, headers, body)
        self.counts["replayed"] += headers.get("idempotency-replayed") == "true"
        self.counts[kind] += 1
        self.last_index[key] = index_of(headers)
        self.history.append(Operation(key, kind, start, end, value, condition, result, self.name))


def write_something(client, key):
    """A write of a random kind; conditions hold more often than not."""
    condition = client.dice.choices([None, "absent", "exists", client.last_index.get(key)], [5, 1, 1, 3])[0]
    if client.dice.random() < 0.12:
        return key, "delete", None, condition if condition != "absent" else None
    return key, "put", client.value(), condition


class Turmoil:
    def __init__(self, cluster, keys=10, seed=None, keyed=0.85, wipes=0.05, absences=0.0):
        self.cluster = cluster
        self.seed = random.randrange(1 << 32) if seed is None else seed
        self.dice = random.Random(self.seed)
        self.keyed = keyed  # this part of the writes carries a key
        self.chances = {self.all_at_once: 0.05, self.wipe: wipes, self.long_absence: absences}
        self.chances[self.one_trouble] = 1 - sum(self.chances.values())
        self.is_over = threading.Event()
        self.counts = collections.Counter()
        self.troubles = []  # (when, what, to whom)
        names = [f"turmoil/{number}" for number in range(keys)]
        self.clients = [Client(self, "m", lambda client: write_something(client, client.dice.choice(names)))]
        for number, key in enumerate(names):
            self.clients.append(Client(self, f"w{number}", lambda client, key=key: write_something(client, key)))
            self.clients.append(Client(self, f"r{number}", lambda client, key=key: (key, "get", None, None)))

    @property
    def history(self):
        return [operation for client in self.clients for operation in client.history]

    # ---- trouble ----

    def hurt(self, queen, how):
        self.troubles.append((time.monotonic(), how, queen.name))
        {"kill": queen.kill, "pause": queen.pause, "stop": queen.terminate}[how]()

    def wipe(self):
        """A disk is replaced by an empty one: its queen comes back as a new member, and takes the place of the old one."""
        queen = self.dice.choice(self.cluster.queens)
        self.troubles.append((time.monotonic(), "wipe", queen.name))
        queen.kill()
        shutil.rmtree(os.path.join(self.cluster.directory, queen.name))
        queen.start()
        await_(queen.is_up, f"{queen} is up")
        await_(lambda: queen.health().get("standing") == "voter", f"{queen} votes again, as somebody else")
        self.cluster.await_caught_up(queen)

    def long_absence(self):
        """One is away for so long that others have forgotten, in their logs, what it has missed."""
        leader = self.cluster.await_leader()
        queen = self.dice.choice([queen for queen in self.cluster.queens if queen is not leader])
        last = leader.health()["log"]["last"]
        self.troubles.append((time.monotonic(), "absence", queen.name))
        queen.kill()
        await_(lambda: leader.health()["log"]["first"] > last, "the log has moved on", 60 * SLOWNESS)
        queen.start()
        await_(queen.is_up, f"{queen} is up")
        self.cluster.await_caught_up(queen)

    @staticmethod
    def heal(queen, how):
        if how == "pause":
            queen.resume()
        else:
            queen.start()

    def one_trouble(self):
        """Something happens to one queen or two, mostly to the leader; it is over before the next thing happens."""
        leader = self.cluster.leader()
        others = [queen for queen in self.cluster.queens if queen is not leader]
        victims = self.dice.sample(others, self.dice.choice([0, 0, 1, 2]))
        if leader and (not victims or (len(victims) < 2 and self.dice.random() < 0.7)):
            victims.append(leader)
        hurt = [(queen, self.dice.choice(["kill", "kill", "pause", "pause", "stop"])) for queen in victims]
        for queen, how in hurt:
            self.hurt(queen, how)
        time.sleep(self.dice.uniform(0.1, 1.2) * SLOWNESS)
        for queen, how in hurt:
            self.heal(queen, how)
        time.sleep(self.dice.uniform(0.05, 0.6) * SLOWNESS)

    def all_at_once(self):
        """A power failure."""
        self.troubles.append((time.monotonic(), "kill", "all"))
        for queen in self.cluster.queens:
            queen.process.kill()
        for queen in self.cluster.queens:
            queen.process.wait(PATIENCE_S)
            queen.start()

    def run(self, seconds):
        """Breaks the cluster for so long, heals it, reads every key once more, and ends the clients."""
        deadline = time.monotonic() + seconds
        for client in self.clients:
            client.start()
        try:
            while time.monotonic() < deadline and not any(client.error for client in self.clients):
                self.dice.choices(list(self.chances), self.chances.values())[0]()
            for queen in self.cluster.queens:
                await_(queen.is_up, f"{queen} is up")
            self.cluster.await_leader()
            reads = [client.counts["get"] for client in self.clients]

            def all_have_read():
                now = [client.counts["get"] for client in self.clients]
                return all(a > b + 2 or not c.name.startswith("r") for a, b, c in zip(now, reads, self.clients))

            await_(lambda: all_have_read() or any(c.error for c in self.clients), "every key was read once more")
        finally:
            self.is_over.set()
            for client in self.clients:
                client.join()
        for client in self.clients:
            if client.error:
                raise client.error
            self.counts += client.counts

    def check_copies(self):
        """All queens hold the same in the end."""
        for queen in self.cluster.queens:
            self.cluster.await_caught_up(queen)
        first, *others = [self.cluster.entries(queen=queen) for queen in self.cluster.queens]
        assert all(entries == first for entries in others), "the queens have applied different things"

    def summary(self):
        done = ", ".join(f"{self.counts[what]} {what}" for what in ("get", "put", "delete", "repeated", "replayed", "unknown"))
        troubles = collections.Counter(how for _, how, _ in self.troubles)
        return f"seed {self.seed}: {done}; troubles: " + ", ".join(f"{n} {how}" for how, n in sorted(troubles.items()))
