"""It checks while you watch: consensus holds whatever is done to a real cluster, and one that lies turns it red."""

import json
import os
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from cluster import BUILD, Cluster, await_, call
from members import Writer, await_kind, wipe
from terminal import HIVETOP, run_hivetop

BROKEN = 7
SIMULATOR = os.path.join(BUILD, "sim", "simulator")


class Watcher:
    """hivetop's newest word, for as long as the test takes."""

    def __init__(self, *addresses):
        self.frame = None
        self.process = subprocess.Popen(
            [HIVETOP, "--connect", ",".join(addresses), "--json", "-n", "1000000", "-d", "0.1"], stdout=subprocess.PIPE
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.frame = json.loads(line)

    def consensus(self):
        assert self.frame["consensus"]["holds"] is not False, self.frame["consensus"]["findings"]
        return self.frame["consensus"]

    def await_more(self, what):
        """Consensus holds, and queens were compared again after what has just been done."""
        await_(lambda: self.frame is not None, "hivetop says something")
        before = self.consensus()["compared"]
        await_(lambda: self.consensus()["compared"] >= before + 10, f"more was compared after {what}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()


def log_group(queen):
    return queen.health()["log"]["group"]


def test_consensus_holds_whatever_is_done_to_the_queens(start_cluster):
    cluster = start_cluster(queens=3, queen_options=["--snapshot-entries", "100"])
    cluster.await_leader()
    addresses = [queen.address for queen in cluster.queens]
    with Watcher(*addresses) as watcher, Writer(cluster):
        watcher.await_more("the start")
        for _ in range(2):
            leader = cluster.await_leader()
            leader.kill()
            cluster.await_leader(other_than=leader)
            leader.start()
            cluster.await_caught_up(leader)
            watcher.await_more("the leader was killed")

        behind = cluster.followers()[0]
        behind.kill()
        applied = cluster.await_leader().health()["log"]["applied"]
        await_(lambda: cluster.await_leader().health()["log"]["first"] > applied, "the log that she lacks is gone")
        behind.start()
        cluster.await_caught_up(behind)
        assert behind.health()["log"]["snapshot"] >= applied
        watcher.await_more("a snapshot was installed")

        paused = cluster.await_leader()
        paused.pause()
        cluster.await_leader(other_than=paused)
        paused.resume()
        cluster.await_caught_up(paused)
        watcher.await_more("the leader was paused")

        wiped = cluster.followers()[0]
        wiped.kill()
        wipe(wiped)
        wiped.arguments[wiped.arguments.index("--queen-list") :] = ["--join", cluster.await_leader().address]
        wiped.start()
        await_kind(cluster, wiped, "voter")
        watcher.await_more("a disk was wiped")
        assert watcher.consensus()["leaders"] >= 3


def test_another_group_at_the_same_addresses_is_no_alarm(start_cluster, tmp_path):
    cluster = start_cluster(queens=3)
    leader = cluster.await_leader()
    for i in range(40):
        cluster.put(f"a{i}", b"one")
    with Watcher(*[queen.address for queen in cluster.queens]) as watcher:
        await_(lambda: watcher.frame is not None and watcher.consensus()["compared"] >= 2, "the first group is compared")
        first = log_group(leader)
        backup = str(tmp_path / "backup")
        with open(backup, "wb") as file:
            file.write(call(leader.address, "GET", "/snapshot").body)
        for queen in cluster.queens:
            queen.kill()
            wipe(queen)
        for queen in cluster.queens:
            queen.start()
        leader = cluster.await_leader()
        before = watcher.consensus()["compared"]
        for i in range(40):
            cluster.put(f"b{i}", b"two")
        assert log_group(leader) != first
        await_(lambda: watcher.consensus()["compared"] > before + 2, "the second group is compared")

        for queen in cluster.queens:
            queen.kill()
            wipe(queen)
        alone, *others = cluster.queens
        alone.arguments[alone.arguments.index("--queen-list") :] = ["--restore", backup]
        alone.start()
        for queen in others:
            queen.arguments[queen.arguments.index("--queen-list") :] = ["--join", alone.address]
            queen.start()
            await_kind(cluster, queen, "voter")
        assert log_group(alone) != first
        assert len({log_group(queen) for queen in cluster.queens}) == 1
        before = watcher.consensus()["compared"]
        for i in range(40):
            cluster.put(f"c{i}", b"three")
        await_(lambda: watcher.consensus()["compared"] > before + 2, "the restored group is compared")


def film(path, seed):
    """What a simulated cluster says of itself while it is cut, killed, paused and wiped."""
    subprocess.run([SIMULATOR, "--seed", str(seed), "--trace", path], stdout=subprocess.DEVNULL, check=True)
    with open(path, encoding="utf-8") as file:
        return file.readlines()


def test_no_alarm_in_films_of_the_simulator(tmp_path):
    path, compared = str(tmp_path / "film"), 0
    for seed in (1, 2, 7, 42):
        film(path, seed)
        result = run_hivetop("--replay", path, "--json")
        consensus = json.loads(result.stdout.splitlines()[-1])["consensus"]
        assert result.returncode == 0 and consensus["holds"] is not False, (seed, consensus)
        compared += consensus["compared"]
    assert compared > 100


def test_one_forged_hash_in_a_film_is_found(tmp_path):
    path = str(tmp_path / "film")
    lines = film(path, 42)
    told = {}
    for i, line in enumerate(lines):
        for digest in json.loads(line).get("health", {}).get("log", {}).get("digests", []):
            told.setdefault(digest["index"], {})[json.loads(line)["node"]] = i
    forged = max(next(iter(by.values())) for by in told.values() if len(by) > 1)
    lines[forged] = re.sub(r'"hash":"[0-9a-f]{4}', '"hash":"beef', lines[forged])
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(lines)
    result = run_hivetop("--replay", path, "--json")
    consensus = json.loads(result.stdout.splitlines()[-1])["consensus"]
    assert result.returncode == BROKEN and consensus["holds"] is False
    assert {finding["kind"] for finding in consensus["findings"]} == {"logs-disagree"}


class Fake:
    """Answers /healthz as a real queen does, under a name of its own, with whatever `lie` makes of it."""

    def __init__(self, queen, lie):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                health = queen.health() | {"id": "4711", "address": fake.address, "pid": 1, "started_at": 1}
                lie(health)
                body = json.dumps(health).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        fake = self
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def the_truth(health):
    del health["transitions"]


def another_log(health):
    the_truth(health)
    for digest in health["log"]["digests"]:
        digest["hash"] = "0123456789abcdef"


def leads_as_well(health):
    health["raft_state"] = "LEADER"
    the_truth(health)


def has_led_as_well(health):
    health["transitions"] = [{"time_ms": 1, "term": health["term"], "state": "LEADER"}]


def applies_too_much(health):
    the_truth(health)
    health["log"]["applied"] = health["log"]["commit"] + 1


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("calm"), queens=3, queen_options=Cluster.calm_timers()) as cluster:
        cluster.await_leader()
        for i in range(20):
            cluster.put(f"k{i}", b"v")
        for queen in cluster.queens:
            cluster.await_caught_up(queen)
        yield cluster


@pytest.mark.parametrize(
    "lie, evidence",
    [
        (the_truth, None),
        (another_log, "disagree at index"),
        (leads_as_well, "have both led term"),
        (has_led_as_well, "have both led term"),
        (applies_too_much, "which is beyond its commit index"),
    ],
)
def test_who_lies_turns_it_red(calm, lie, evidence):
    fake = Fake(calm.followers()[0], lie)
    try:
        where = ["--connect", ",".join([fake.address, *(queen.address for queen in calm.queens)])]
        text, as_json = run_hivetop(*where, "--once"), run_hivetop(*where, "--json")
    finally:
        fake.close()
    consensus = json.loads(as_json.stdout)["consensus"]
    if evidence is None:
        assert text.returncode == 0 and as_json.returncode == 0, text
        assert b"consensus holds: " in text.stdout
        assert consensus["holds"] is True and consensus["compared"] >= 3 and not consensus["findings"]
        return
    assert text.returncode == BROKEN and as_json.returncode == BROKEN, text
    assert b"CONSENSUS BROKEN" in text.stdout and evidence.encode() in text.stderr
    assert consensus["holds"] is False and evidence in consensus["findings"][0]["text"]


def test_the_screen_says_it_and_c_shows_the_evidence(calm, open_terminal):
    fake = Fake(calm.followers()[0], another_log)
    try:
        terminal = open_terminal()
        terminal.start("--connect", ",".join(queen.address for queen in calm.queens))
        terminal.await_text(r"consensus holds: \d+ hashes agree")
        terminal.press("c")
        terminal.await_text(r"no two queens lead in one term")
        terminal.press("c")
        terminal.await_text(r"QUORUM 3/3")
        terminal.press("q")
        terminal.await_prompt()
        terminal.start("--connect", ",".join([fake.address, *(queen.address for queen in calm.queens)]))
        terminal.await_text(r"CONSENSUS BROKEN")
        terminal.press("c")
        terminal.await_text(r"disagree at index \d+")
        assert "0123456789abcdef" in terminal.text()
    finally:
        fake.close()
