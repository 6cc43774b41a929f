"""A node as a program: its command line, its files, its end, its logs, and that looking at it changes nothing."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest
from cluster import HIVE, PATIENCE_S, SLOWNESS, TOKEN, Cluster, await_, call, free_port, hive

# ---- the command line ----


@pytest.mark.parametrize(
    "arguments,message",
    [
        ([], "--queen"),
        (["--bogus"], "--bogus"),
        (["--quen"], "--queen"),
        (["frobnicate"], "frobnicate"),
        (["statsu"], "status"),
        (["--queen", "--queen-host", "127.0.0.1:1"], "--queen-host"),
        (["--queen", "--port", "65536"], "--port"),
        (["--queen", "--port", "-1"], "--port"),
        (["--queen", "--port", "80x"], "--port"),
        (["--queen", "--listen", "nowhere"], "--listen"),
        (["--queen", "--interface", "nope0"], "lo"),
        (["--queen", "--queen-list", "127.0.0.1"], "--queen-list"),
        (["--queen", "--queen-list", "127.0.0.1:0"], "--queen-list"),
        (["--queen", "--queen-list", *(f"127.0.0.1:{port}" for port in range(1, 66))], "too large"),
        (["--queen-host", "nowhere"], "--queen-host"),
        (["--queen-host", "127.0.0.1:1", "--queen-list", "127.0.0.1:2"], "--queen-list"),
        (["--queen-host", "127.0.0.1:1", "--capacity", "0"], "--capacity"),
        (["--queen-host", "127.0.0.1:1", "--name", "a b"], "a b"),
        (["--queen", "--name", "x"], "--name"),
        (["--queen", "--heartbeat", "150"], "--heartbeat"),
        (["--queen", "--election-timeout", "300-150"], "--election-timeout"),
        (["--queen", "--election-timeout", "fast"], "--election-timeout"),
        (["--queen", "--drone-suspect", "6s"], "--drone-suspect"),
        (["--queen", "--log-level", "loud"], "--log-level"),
        (["--queen", "--log-format", "xml"], "--log-format"),
        (["--queen", "--data-dir"], "--data-dir"),
        (["--queen", "--data-dir", ""], "--data-dir"),
        (["--queen", "argument"], "argument"),
        (["--queen", "--listen", "0.0.0.0:8080"], "--advertise"),
        (["--queen", "--listen", "127.0.0.1:0"], "port"),
    ],
    ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else None,
)
def test_a_wrong_command_line_ends_with_2_and_says_what_is_wrong(arguments, message):
    result = hive(*arguments)
    assert result.returncode == 2, result
    assert result.stdout == b""
    assert message in result.stderr.decode()
    assert "--help" in result.stderr.decode()
    assert len(result.stderr.splitlines()) <= 2


def test_a_node_that_others_can_reach_needs_a_token_and_a_word_about_encryption():
    environment = {k: v for k, v in os.environ.items() if k != "HIVE_TOKEN"}
    arguments = ["--queen", "--listen", f"0.0.0.0:{free_port()}", "--advertise", "127.0.0.1:1234"]
    assert b"token" in hive(*arguments, environment=environment).stderr
    result = hive(*arguments, environment={**environment, "HIVE_TOKEN": TOKEN})
    assert result.returncode != 0 and b"--insecure" in result.stderr


@pytest.mark.parametrize("verb", ["", "put", "get", "del", "submit", "tasks", "drones", "status"])
def test_help_and_version_are_there_for_all(verb):
    result = hive(*verb.split(), "--help")
    assert result.returncode == 0 and b"--help" in result.stdout and result.stderr == b""
    result = hive(*verb.split(), "--version")
    assert result.returncode == 0 and re.search(rb"\d+\.\d+\.\d+", result.stdout)


def test_the_tutorials_command_lines_make_a_cluster(tmp_path):
    """hive --queen --interface lo --port P --queen-list A B, and hive --queen-host A --interface lo --port P."""
    ports = [free_port() for _ in range(4)]
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    processes = []
    try:
        for port in ports[:3]:
            others = [f"127.0.0.1:{other}" for other in ports[:3] if other != port]
            command = ["--queen", "--interface", "lo", "--port", str(port), "--queen-list", *others]
            processes.append(subprocess.Popen([HIVE, *command], env=environment, stderr=subprocess.DEVNULL))
        command = ["--queen-host", f"127.0.0.1:{ports[0]}", "--interface", "lo", "--port", str(ports[3])]
        processes.append(subprocess.Popen([HIVE, *command], env=environment, stderr=subprocess.DEVNULL))

        def is_complete():
            health = call(f"127.0.0.1:{ports[3]}", "GET", "/healthz").json()
            return health["status"] == "READY" and health["queen"] in [f"127.0.0.1:{port}" for port in ports[:3]]

        await_(is_complete, "the drone is registered")
        assert (tmp_path / "hive" / "nodes" / f"127.0.0.1_{ports[0]}").is_dir()
    finally:
        for process in processes:
            process.terminate()
        assert [process.wait(PATIENCE_S) for process in processes] == [0] * 4


def test_the_token_may_come_from_a_file(start_cluster, tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    path.chmod(0o600)
    options = ["--token-file", str(path)]
    cluster = start_cluster(queens=3, drones=1, token=None, queen_options=options, drone_options=options)
    cluster.token = TOKEN
    cluster.await_leader()
    cluster.await_drones()
    assert cluster.queens[0].call("POST", "/request_vote", {}, token=None).status == 401


def test_a_queen_with_another_token_is_no_member(start_cluster, tmp_path):
    cluster = start_cluster(queens=3)
    stranger = cluster.followers()[0]
    stranger.kill()
    stranger.environment = {**stranger.environment, "HIVE_TOKEN": "another"}
    stranger.start()
    await_(stranger.is_up, "it is up")
    cluster.put("a", b"1")

    def is_said():
        return re.search("401|token|refuse", stranger.log_text() + cluster.await_leader().log_text())

    await_(is_said, "somebody says so in a log")
    assert call(stranger.address, "GET", "/kv/a?consistency=stale", token=None).status in (401, 404)


# ---- what it needs for itself ----


@pytest.fixture
def single(start_cluster):
    cluster = start_cluster(queens=1)
    cluster.await_leader()
    return cluster


def data_directory_of(node):
    return node.arguments[node.arguments.index("--data-dir") + 1]


def test_a_second_daemon_on_the_same_data_is_refused(single):
    queen = single.queens[0]
    directory = data_directory_of(queen)
    result = hive("--queen", "--listen", queen.address.rsplit(":", 1)[0] + f":{free_port()}", "--data-dir", directory)
    assert result.returncode == 1
    assert directory in result.stderr.decode() and str(queen.process.pid) in result.stderr.decode()
    assert single.put("a", b"1").status == 201


def test_the_data_of_another_queen_is_refused(single):
    queen = single.queens[0]
    single.put("a", b"1")
    queen.kill()
    result = hive("--queen", "--listen", f"127.0.0.1:{free_port()}", "--data-dir", data_directory_of(queen))
    assert result.returncode == 1
    assert data_directory_of(queen) in result.stderr.decode()
    queen.start()
    assert single.get("a") == b"1"


def test_a_damaged_log_is_refused_with_file_and_offset(single):
    queen = single.queens[0]
    for number in range(50):
        single.put(f"k{number}", b"x" * 1000)
    queen.kill()
    directory = data_directory_of(queen)
    largest = max((os.path.join(directory, name) for name in os.listdir(directory)), key=os.path.getsize)
    with open(largest, "r+b") as segment:
        segment.seek(20_000)
        byte = segment.read(1)
        segment.seek(20_000)
        segment.write(bytes([byte[0] ^ 1]))
    result = hive(*queen.arguments, environment=queen.environment)
    assert result.returncode == 1
    assert largest in result.stderr.decode() and re.search(r"\b\d{4,5}\b", result.stderr.decode())


def test_a_taken_port_is_named(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        for arguments in (["--queen", "--data-dir", str(tmp_path)], ["--queen-host", "127.0.0.1:1"]):
            result = hive(*arguments, "--listen", address)
            assert result.returncode == 1
            assert address in result.stderr.decode()


def test_a_place_where_nothing_can_be_written_is_named(tmp_path):
    path = tmp_path / "file"
    path.write_text("in the way")
    result = hive("--queen", "--listen", f"127.0.0.1:{free_port()}", "--data-dir", str(path / "data"))
    assert result.returncode == 1
    assert str(path) in result.stderr.decode()


# ---- its end ----


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_every_node_ends_cleanly_and_soon(start_cluster, number):
    cluster = start_cluster(queens=3, drones=1)
    cluster.await_drones()
    for node in [*cluster.drones, *cluster.followers(), cluster.await_leader()]:
        start = time.monotonic()
        assert node.terminate(number) == 0
        assert time.monotonic() - start < 3 * SLOWNESS
        assert "stopped" in node.log_tail(1)


def test_a_node_ends_though_clients_hang_on(start_cluster):
    cluster = start_cluster(queens=1, drones=1)
    cluster.await_drones()
    connections = []
    pieces = [
        b"",
        b"GET /heal",
        b"PUT /kv/a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nhalf",
        b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n",
    ]
    for node in cluster.nodes:
        host, port = node.address.split(":")
        for data in pieces:
            connections.append(socket.create_connection((host, int(port))))
            connections[-1].sendall(data)
    for node in cluster.nodes:
        start = time.monotonic()
        assert node.terminate() == 0
        assert time.monotonic() - start < 5 * SLOWNESS
    for connection in connections:
        connection.close()


def test_writes_under_way_are_answered_before_the_end(start_cluster):
    cluster = start_cluster(queens=3)
    leader = cluster.await_leader()
    statuses, errors = [], []

    def write(name):
        host, port = leader.address.split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE_S)
        try:
            for number in range(100_000):
                connection.request("PUT", f"/kv/{name}/{number}", b"x")
                response = connection.getresponse()
                response.read()
                statuses.append(response.status)
                if response.status not in (200, 201):
                    return
        except (OSError, http.client.HTTPException) as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    await_(lambda: len(statuses) > 50, "writes go on")
    assert leader.terminate() == 0
    for thread in threads:
        thread.join()
    assert {status for status in statuses if status not in (200, 201)} <= {307, 503, 504}
    stored = len(cluster.list(limit=1)["entries"])
    assert stored == 1


# ---- its log ----


def test_json_logs_are_one_object_a_line(start_cluster):
    options = ["--log-format", "json", "--log-level", "debug"]
    cluster = start_cluster(queens=3, drones=1, queen_options=options, drone_options=options)
    cluster.await_drones()
    cluster.await_task(cluster.submit('"quotes"\nand lines'))
    for node in cluster.nodes:
        assert node.terminate() == 0
        lines = node.log_text().splitlines()
        events = [json.loads(line) for line in lines]
        assert len(events) >= 3
        for event in events:
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"])
            assert event["level"] in ("debug", "info", "warning", "error") and event["event"]
        assert {"started", "stopping", "stopped"} <= {event["event"] for event in events}


def test_text_logs_are_one_event_a_line(single):
    queen = single.queens[0]
    assert queen.terminate() == 0
    for line in queen.log_text().splitlines():
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warning|error) [a-z]", line)


def test_a_log_level_leaves_out_what_is_below(start_cluster):
    cluster = start_cluster(queens=1, queen_options=["--log-level", "error"])
    cluster.await_leader()
    assert cluster.queens[0].log_text() == ""


# ---- looking at it ----


class Poller(threading.Thread):
    """Asks one node for its health a thousand times a second, or as often as it can."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.node = node
        self.polls = 0
        self.ended = threading.Event()

    def run(self):
        host, port = self.node.address.split(":")
        while not self.ended.is_set():
            connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE_S)
            try:
                while not self.ended.wait(0.001):
                    connection.request("GET", "/healthz")
                    connection.getresponse().read()
                    self.polls += 1
            except (OSError, http.client.HTTPException):
                self.ended.wait(0.01)
            finally:
                connection.close()


def test_looking_at_the_cluster_all_the_time_changes_nothing(tmp_path):
    timers = ["--election-timeout", f"{200 * SLOWNESS}-{400 * SLOWNESS}", "--heartbeat", str(40 * SLOWNESS)]
    with Cluster(tmp_path, queens=3, queen_options=timers) as cluster:
        leader = cluster.await_leader()
        term = leader.health()["term"]
        pollers = [Poller(queen) for queen in cluster.queens]
        for poller in pollers:
            poller.start()
        await_(lambda: all(p.polls > 1500 for p in pollers), "every queen was asked 1500 times", seconds=60 * SLOWNESS)
        health = leader.health()
        assert (health["term"], health["raft_state"]) == (term, "LEADER")

        # The tutorial's program restarts its election timer with every look: it would not notice a dead leader.
        leader.kill()
        before = [p.polls for p in pollers]
        new = cluster.await_leader(other_than=leader)
        assert new.health()["term"] > term
        assert sum(p.polls for p in pollers) > sum(before)
        for poller in pollers:
            poller.ended.set()
            poller.join()
        leader.start()
        cluster.await_caught_up(leader)


def test_health_tells_all_that_the_contract_names(start_cluster):
    cluster = start_cluster(queens=3, drones=1)
    cluster.await_drones()
    cluster.await_task(cluster.submit("hi"))
    for queen in cluster.queens:
        health = queen.health()
        assert (health["mode"], health["address"], health["pid"]) == ("QUEEN", queen.address, queen.process.pid)
        assert health["id"].isdigit() and health["uptime_ms"] >= 0
        log = health["log"]
        assert set(log) == {"first", "last", "commit", "applied", "snapshot", "group", "digests"}
        assert log["digests"][0]["index"] == log["applied"] and set(log["digests"][0]) == {"index", "term", "hash"}
        assert 1 <= log["first"] <= log["applied"] <= log["commit"] <= log["last"]
        assert abs(health["last_heartbeat"] - time.time() * 1000) < 60_000
        assert len(health["peers"]) == 2
        for peer in health["peers"]:
            if health["raft_state"] == "LEADER":
                assert set(peer) == {"address", "kind", "match", "next", "state", "last_ack_ms"}
                assert peer["state"] in ("probe", "replicate", "snapshot")
            else:
                assert set(peer) == {"address", "kind"}
            assert peer["kind"] == "voter"
        assert (health["standing"], health["reason"]) == ("voter", None)
        assert all(transition["reason"] for transition in health["transitions"])
        assert set(health["tasks"]) == {"pending", "assigned", "running", "succeeded", "failed", "stopped", "lost"}
        assert set(health["drones"]) == {cluster.drones[0].address}
        assert "drones" not in queen.call("GET", "/healthz?drones=0").json()
    ids = {queen.health()["id"] for queen in cluster.queens}
    assert len(ids) == 3
    health = cluster.drones[0].health()
    expected = {"capacity": 4, "running": 0, "done": 1, "failed": 0, "tasks": []}
    assert {name: health[name] for name in expected} == expected


def test_health_is_told_without_a_token_and_while_there_is_no_leader(start_cluster):
    cluster = start_cluster(queens=3)
    cluster.await_leader()
    for queen in cluster.queens[:2]:
        queen.pause()
    last = cluster.queens[2]
    await_(lambda: last.health()["leader"] is None, "no leader is known")
    start = time.monotonic()
    assert last.health()["status"] == "NOT_READY"
    assert time.monotonic() - start < 1 * SLOWNESS
