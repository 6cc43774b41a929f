"""Benchmarks of plain load: writes and linearizable reads, side by side with etcd where that is installed."""

import base64
import json
import os
import shutil
import statistics
import subprocess

import cluster as harness

HERE = os.path.dirname(os.path.abspath(__file__))
CONNECTIONS = (1, 16, 64)


def wrk(url, connections, kind, what, seconds, token=None, run="0"):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", os.path.join(HERE, "load.lua")]
    if token:
        command += ["-H", f"Authorization: Bearer {token}"]
    out = subprocess.run([*command, url, "--", kind, what, run], check=True, capture_output=True, text=True).stdout
    return json.loads(out.splitlines()[-1])


class Etcd:
    """Three etcd members with their defaults, and the URL of their leader."""

    def __init__(self, directory):
        names = ["e1", "e2", "e3"]
        ports = {name: (harness.free_port(), harness.free_port()) for name in names}
        group = ",".join(f"{name}=http://127.0.0.1:{peer}" for name, (_, peer) in ports.items())
        self.clients = {name: f"http://127.0.0.1:{client}" for name, (client, _) in ports.items()}
        self.processes = []
        for name, (client, peer) in ports.items():
            log = open(os.path.join(directory, name + ".log"), "wb")  # noqa: SIM115 (lives with the process)
            self.processes.append(
                subprocess.Popen(
                    ["etcd", "--name", name, "--data-dir", os.path.join(directory, name), "--initial-cluster", group]
                    + ["--listen-client-urls", f"http://127.0.0.1:{client}"]
                    + ["--advertise-client-urls", f"http://127.0.0.1:{client}"]
                    + ["--listen-peer-urls", f"http://127.0.0.1:{peer}"]
                    + ["--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}"],
                    stdout=log,
                    stderr=log,
                    preexec_fn=harness.die_with_parent,
                )
            )
        self.leader = harness.await_(self.find_leader, "etcd has a leader", 30)

    def find_leader(self):
        for url in self.clients.values():
            answer = harness.call(url.removeprefix("http://"), "POST", "/v3/maintenance/status", b"{}", token=None)
            status = answer.json() if answer.status == 200 else {}
            if status.get("leader") and status["leader"] == status["header"]["member_id"]:
                return url
        return None

    def check(self):
        key = base64.b64encode(b"k0000-000001").decode()
        answer = harness.call(self.leader.removeprefix("http://"), "POST", "/v3/kv/range", {"key": key}, token=None)
        assert answer.status == 200 and answer.json().get("count") == "1", answer

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(20)


def median(results, field):
    return statistics.median(result[field] for result in results)


def measure(options, directory, what):
    """(system, connections) -> what wrk said in each round."""
    hive = harness.Cluster(os.path.join(directory, f"hive-{what}"), queens=3)
    etcd_directory = os.path.join(directory, f"etcd-{what}")
    os.makedirs(etcd_directory)
    etcd = Etcd(etcd_directory) if shutil.which("etcd") else None
    results = {}
    try:
        # What is read must be there.
        wrk("http://" + hive.await_leader().address, 16, "hive", "writes", 1, hive.token)
        if etcd:
            wrk(etcd.leader, 16, "etcd", "writes", 1)
        for _ in range(options.rounds):
            for connections in CONNECTIONS:
                leader = "http://" + hive.await_leader().address
                result = wrk(leader, connections, "hive", what, options.seconds, hive.token)
                results.setdefault(("hive", connections), []).append(result)
                if etcd:
                    result = wrk(etcd.leader, connections, "etcd", what, options.seconds)
                    results.setdefault(("etcd", connections), []).append(result)
        assert hive.get("k0000-000001") == b"v" * 64
        if etcd:
            etcd.check()
    finally:
        hive.stop()
        if etcd:
            etcd.stop()
    return results


def print_table(options, what, title, results):
    print(f"{what}: {title}, 3 nodes, medians of {options.rounds} rounds of {options.seconds} s")
    print(f"{'connections':>11}  {'':6}{what + '/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'errors':>8}   hive/etcd")
    has_etcd = ("etcd", CONNECTIONS[0]) in results
    for connections in CONNECTIONS:
        for name in ("hive", "etcd") if has_etcd else ("hive",):
            rows = results[(name, connections)]
            line = f"{connections:>11}  {name:6}{median(rows, 'per_second'):>9.0f}{median(rows, 'p50_ms'):>9.2f}"
            line += f"{median(rows, 'p99_ms'):>9.2f}{sum(row['errors'] for row in rows):>8}"
            if name == "hive" and has_etcd:
                pairs = zip(rows, results[("etcd", connections)])
                line += f"   {statistics.median(h['per_second'] / e['per_second'] for h, e in pairs):.2f}x"
            print(line)
    if not has_etcd:
        print("(etcd is not installed: nothing to compare with; on Debian: apt-get install etcd-server)")


def writes(options, directory):
    print_table(options, "writes", "64-byte values", measure(options, directory, "writes"))


def reads(options, directory):
    print_table(options, "reads", "linearizable, of 64-byte values", measure(options, directory, "reads"))
