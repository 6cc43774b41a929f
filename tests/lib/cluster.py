"""Real clusters for the system tests: queens and drones as processes of $HIVE_BUILD/bin/hive on loopback.

    with Cluster(directory, queens=3, drones=2) as cluster:
        leader = cluster.await_leader()
        cluster.put("a", b"1")
        leader.kill()
        cluster.await_leader(other_than=leader)

Nothing here sleeps for a fixed time where it can wait for a condition, and every deadline is generous: on a busy
machine a test gets slower, not red. Nodes are started by the main thread only: they die with the thread that started
them.
"""

import base64
import ctypes
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("HIVE_BUILD", os.path.join(ROOT, "build")))
HIVE = os.path.join(BUILD, "bin", "hive")

# Sanitizers slow a node down several times: its timers and our patience are stretched alike.
SLOWNESS = {"asan": 3, "tsan": 5}.get(os.path.basename(BUILD), 1)
PATIENCE_S = 20 * SLOWNESS
TOKEN = "0123456789abcdef0123456789abcdef"


def await_(condition, what, seconds=None):
    """Calls `condition` until it gives something true, and returns that. A refused connection counts as false."""
    deadline = time.monotonic() + (seconds or PATIENCE_S)
    last = None
    while True:
        try:
            last = condition()
            if last:
                return last
        except (OSError, http.client.HTTPException) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain until {what}; last seen: {last!r}")
        time.sleep(0.01)


_taken_ports = set()


def free_port():
    """A port that nobody listens on. From below the range that the kernel takes for outgoing connections, so that it is
    still free when a node comes back to it after a restart."""
    while True:
        port = random.randrange(11000, 20000)
        if port in _taken_ports:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _taken_ports.add(port)
        return port


class Answer:
    """What a node answered over HTTP."""

    def __init__(self, status, headers, body, address):
        self.status = status
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body
        self.address = address

    def json(self):
        return json.loads(self.body)

    @property
    def problem(self):
        """The last part of the problem's type, where the answer is a well-formed problem document."""
        if self.headers.get("content-type", "").split(";")[0] != "application/problem+json":
            return None
        problem = self.json()
        if problem["status"] != self.status or not problem["title"] or not problem["detail"]:
            return None
        return problem["type"].rsplit("/", 1)[-1]

    @property
    def etag(self):
        return self.headers.get("etag")

    def __repr__(self):
        return f"<{self.status} from {self.address}: {self.body[:300]!r}>"


class Unknown(Exception):
    """A write went out, and whether it was done is not known."""


def call(address, method, path, body=None, headers=None, token=TOKEN, timeout=None):
    """One HTTP exchange with `address`. A body that is not bytes goes out as JSON."""
    headers = dict(headers or {})
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    if token:
        headers.setdefault("Authorization", f"Bearer {token}")
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=timeout or PATIENCE_S)
    try:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return Answer(response.status, response.getheaders(), response.read(), address)
    finally:
        connection.close()


def kv_path(key):
    return "/kv/" + urllib.parse.quote(key, safe="/")


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


class Node:
    """One queen or drone. Its standard error and output are appended to files over all its runs."""

    def __init__(self, name, role, address, arguments, directory, environment):
        self.name = name
        self.role = role
        self.address = address
        self.arguments = arguments
        self.log_path = os.path.join(directory, name + ".log")
        self.out_path = os.path.join(directory, name + ".out")
        self.environment = environment
        self.process = None
        self.is_paused = False

    def __repr__(self):
        return f"<{self.name} {self.address}>"

    def start(self):
        assert not self.is_running()
        assert threading.current_thread() is threading.main_thread()
        with open(self.log_path, "ab") as log, open(self.out_path, "ab") as out:
            self.process = subprocess.Popen(
                [HIVE, *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                env=self.environment,
                preexec_fn=die_with_parent,
            )
        self.is_paused = False

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def _signal(self, number):
        assert self.is_running(), f"{self} has ended: {self.log_tail()}"
        self.process.send_signal(number)

    def pause(self):
        """SIGSTOP, and waits until none of its threads runs any more: on a busy machine that takes a moment."""
        self._signal(signal.SIGSTOP)
        await_(lambda: self._thread_states() == {"T"}, f"{self} has stopped")
        self.is_paused = True

    def _thread_states(self):
        tasks = f"/proc/{self.process.pid}/task"
        states = set()
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/stat", encoding="utf-8") as stat:
                states.add(stat.read().rpartition(")")[2].split()[0])
        return states

    def resume(self):
        self._signal(signal.SIGCONT)
        self.is_paused = False

    def kill(self):
        """kill -9, and waits until it is gone."""
        self._signal(signal.SIGKILL)
        self.process.wait(PATIENCE_S)

    def terminate(self, number=signal.SIGTERM):
        """Asks it to end; its exit status."""
        self._signal(number)
        return self.process.wait(PATIENCE_S)

    def restart(self):
        if self.is_running():
            self.kill()
        self.start()

    def call(self, method, path, body=None, **options):
        return call(self.address, method, path, body, **options)

    def health(self, timeout=None):
        answer = self.call("GET", "/healthz", token=None, timeout=timeout)
        assert answer.status == 200, answer
        return answer.json()

    def is_up(self):
        answer = self.call("GET", "/healthz", token=None)
        return answer.status == 200 and answer.json()["pid"] == self.process.pid

    def log_text(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def log_tail(self, lines=40):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def printed(self):
        """The lines that it wrote to standard output."""
        with open(self.out_path, encoding="utf-8") as out:
            return out.read().splitlines()


class Cluster:
    """Queens q1… and drones d1…, started together. As a context it ends them all, and looks at how they ended."""

    def __init__(self, directory, queens=3, drones=0, token=TOKEN, queen_options=(), drone_options=()):
        self.directory = str(directory)
        self.token = token
        self.environment = {**os.environ, "HIVE_TOKEN": token or ""}
        if not token:
            del self.environment["HIVE_TOKEN"]
        self.queen_options = [*self.timers(), *queen_options]
        self.drone_options = list(drone_options)
        os.makedirs(self.directory, exist_ok=True)
        addresses = [f"127.0.0.1:{free_port()}" for _ in range(queens)]
        self.queens = [self._queen(i, addresses) for i in range(queens)]
        self.drones = []
        for node in self.queens:
            node.start()
        for _ in range(drones):
            self.add_drone()

    @staticmethod
    def timers():
        """The defaults, except under a sanitizer."""
        if SLOWNESS == 1:
            return []
        return ["--election-timeout", f"{150 * SLOWNESS}-{300 * SLOWNESS}", "--heartbeat", str(40 * SLOWNESS)]

    @staticmethod
    def calm_timers():
        """For tests that take it ill when a busy machine makes the queens elect another leader meanwhile."""
        return ["--election-timeout", f"{600 * SLOWNESS}-{1200 * SLOWNESS}", "--heartbeat", str(50 * SLOWNESS)]

    def _queen(self, index, addresses):
        name = f"q{index + 1}"
        others = [a for a in addresses if a != addresses[index]]
        arguments = ["--queen", "--listen", addresses[index], "--data-dir", os.path.join(self.directory, name)]
        arguments += self.queen_options + (["--queen-list", *others] if others else [])
        return Node(name, "queen", addresses[index], arguments, self.directory, self.environment)

    def add_drone(self, *options):
        name = f"d{len(self.drones) + 1}"
        address = f"127.0.0.1:{free_port()}"
        arguments = [part for queen in self.queens for part in ("--queen-host", queen.address)]
        arguments += ["--listen", address, *self.drone_options, *options]
        node = Node(name, "drone", address, arguments, self.directory, self.environment)
        self.drones.append(node)
        node.start()
        return node

    def add_queen(self, *options):
        """A queen that the others do not know yet: `options` say how it comes in (--join, --standby)."""
        name = f"q{len(self.queens) + 1}"
        while any(queen.name == name for queen in self.queens):
            name += "x"
        address = f"127.0.0.1:{free_port()}"
        arguments = ["--queen", "--listen", address, "--data-dir", os.path.join(self.directory, name)]
        node = Node(name, "queen", address, [*arguments, *self.queen_options, *options], self.directory, self.environment)
        self.queens.append(node)
        node.start()
        return node

    @property
    def nodes(self):
        return self.queens + self.drones

    def node_at(self, address):
        return next(node for node in self.nodes if node.address == address)

    def live_queens(self):
        return [queen for queen in self.queens if queen.is_running() and not queen.is_paused]

    # ---- who leads ----

    def leader(self, other_than=None):
        """The queen that says it leads in the highest term, where a majority follows it; else None."""
        healths = {}
        for queen in self.live_queens():
            try:
                healths[queen] = queen.health(timeout=2 * SLOWNESS)
            except (OSError, http.client.HTTPException):
                pass
        leaders = [q for q, h in healths.items() if h["raft_state"] == "LEADER" and q is not other_than]
        if not leaders:
            return None
        leader = max(leaders, key=lambda q: healths[q]["term"])
        agreeing = [
            h for h in healths.values() if h["leader"] == leader.address and h["term"] == healths[leader]["term"]
        ]
        return leader if len(agreeing) > len(self.queens) // 2 and healths[leader]["status"] == "READY" else None

    def await_leader(self, other_than=None):
        return await_(lambda: self.leader(other_than), "a majority of queens follows one leader")

    def followers(self):
        leader = self.await_leader()
        return [queen for queen in self.live_queens() if queen is not leader]

    def await_caught_up(self, node):
        """Until `node` has applied all that its leader had committed when asked."""
        commit = self.await_leader().health()["log"]["commit"]
        await_(lambda: node.health()["log"]["applied"] >= commit, f"{node} has applied entry {commit}")

    def await_drones(self, *nodes):
        """Until the leader calls these drones (or all) healthy."""
        wanted = {node.address for node in (nodes or self.drones)}

        def are_healthy():
            drones = self.await_leader().health()["drones"]
            return wanted <= {a for a, d in drones.items() if d["state"] == "healthy" and d["last_seen_ms"] > 0}

        await_(are_healthy, f"{wanted} are healthy drones")

    # ---- calls that find the leader ----

    def request(self, method, path, body=None, headers=None, via=None, timeout=None):
        """Any call: through `via` first, or any queen; follows redirects, and tries again where nobody leads.
        Raises Unknown where the answer to a write was lost (or took longer than `timeout`), or is unknown-outcome."""
        deadline = time.monotonic() + PATIENCE_S
        target, problem = via.address if via else None, "no queen is alive"
        while time.monotonic() < deadline:
            queens = self.live_queens()
            if not target and not queens:
                time.sleep(0.01)
                continue
            target = target or random.choice(queens).address
            try:
                answer = call(target, method, path, body, headers=headers, token=self.token, timeout=timeout)
            except ConnectionRefusedError as error:
                target, problem = None, error
                time.sleep(0.01)
                continue
            except (OSError, http.client.HTTPException) as error:
                if method != "GET":
                    raise Unknown(f"{method} {path} to {target}: {error!r}") from error
                target, problem = None, error
                continue
            target = None
            if answer.status == 307:
                location = urllib.parse.urlsplit(answer.headers["location"])
                assert urllib.parse.urlunsplit(("", "", location.path, location.query, "")) == path, answer.headers
                target = location.netloc
            elif answer.status == 503:
                assert "retry-after" in answer.headers, answer
                problem = answer
                time.sleep(0.01)
            elif answer.status == 504:
                raise Unknown(f"{method} {path}: {answer}")
            else:
                return answer
        raise AssertionError(f"no leader for {method} {path} in time; last: {problem!r}")

    def put(self, key, value, headers=None, via=None):
        return self.request("PUT", kv_path(key), value, headers, via=via)

    def get(self, key, via=None):
        """The value, or None where there is no such key."""
        answer = self.request("GET", kv_path(key), via=via)
        assert answer.status in (200, 404), answer
        return answer.body if answer.status == 200 else None

    def delete(self, key, headers=None):
        return self.request("DELETE", kv_path(key), headers=headers)

    def list(self, **query):
        path = "/kv" + ("?" + urllib.parse.urlencode(query) if query else "")
        answer = self.request("GET", path)
        assert answer.status == 200, answer
        return answer.json()

    def entries(self, prefix="", queen=None):
        """All entries of all pages; `queen`: as that one has them, right or stale."""
        found, after = [], ""
        while after is not None:
            query = {"prefix": prefix, "limit": 1000, "after": after}
            if queen:
                query["consistency"] = "stale"
                page = queen.call("GET", "/kv?" + urllib.parse.urlencode(query)).json()
            else:
                page = self.list(**query)
            found += page["entries"]
            after = page["next"]
        return found

    def submit(self, text, name=None):
        """The new task's id."""
        body = {"text": text} | ({"name": name} if name else {})
        answer = self.request("POST", "/submit_task", body)
        assert answer.status == 200 and answer.json()["result"] == "OK", answer
        return answer.json()["id"]

    def task(self, identity):
        answer = self.request("GET", f"/tasks/{identity}")
        assert answer.status == 200, answer
        return answer.json()

    def await_task(self, identity, state="succeeded"):
        def task_in_state():
            task = self.task(identity)
            return task if task["state"] == state else None

        return await_(task_in_state, f"{identity} has {state}")

    # ---- the end ----

    def stop(self):
        """Ends all nodes; True where every one that ran ended cleanly and in time."""
        running = [node for node in self.nodes if node.is_running()]
        for node in running:
            if node.is_paused:
                node.resume()
            node.process.terminate()
        clean = True
        for node in running:
            try:
                clean = node.process.wait(PATIENCE_S) == 0 and clean
            except subprocess.TimeoutExpired:
                clean = False
                node.process.kill()
                node.process.wait()
        return clean

    def complaints(self):
        """Lines of the nodes' logs that no run may ever write: sanitizer reports and failed assertions."""
        marks = ("Sanitizer", "runtime error:", "Assertion `")
        return [
            f"{node.name}: {line}"
            for node in self.nodes
            if os.path.exists(node.log_path)
            for line in node.log_text().splitlines()
            if any(mark in line for mark in marks)
        ]

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        clean = self.stop()
        complaints = self.complaints()
        assert not complaints, complaints
        if kind is None:
            assert clean, "a node did not end cleanly with SIGTERM"


def decode_entry(entry):
    """(key, value) of one entry of a listing, as bytes."""
    key = base64.b64decode(entry["key_base64"]) if "key_base64" in entry else entry["key"].encode()
    value = base64.b64decode(entry["value_base64"]) if "value_base64" in entry else entry["value"].encode()
    return key, value


def hive(*arguments, environment=None, stdin=b"", timeout=None):
    """Runs the `hive` program to its end."""
    return subprocess.run(
        [HIVE, *arguments],
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        timeout=timeout or PATIENCE_S,
        check=False,
    )
