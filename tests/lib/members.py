"""What the tests of membership share: queens that come later, the group as it sees itself, emptied disks, and a writer that remembers
what was acknowledged."""

import os
import shutil
import threading

from cluster import Node, Unknown, await_, free_port, hive


def new_queen(cluster, *options, name=None):
    """Another queen with a data directory and an address of her own. Not started."""
    name = name or f"q{len(cluster.queens) + 1}"
    address = f"127.0.0.1:{free_port()}"
    arguments = ["--queen", "--listen", address, "--data-dir", os.path.join(cluster.directory, name)]
    node = Node(
        name, "queen", address, [*arguments, *cluster.queen_options, *options], cluster.directory, cluster.environment
    )
    cluster.queens.append(node)
    return node


def group(node):
    """GET /members of a queen."""
    answer = node.call("GET", "/members")
    assert answer.status == 200, answer
    return answer.json()


def members(cluster):
    """{address: member} as the leader has it."""
    return {m["address"]: m for m in group(cluster.await_leader())["configuration"]["members"]}


def identity(node):
    return group(node)["id"]


def kind(cluster, node):
    member = members(cluster).get(node.address)
    return member and member["kind"]


def await_kind(cluster, node, wanted):
    await_(lambda: kind(cluster, node) == wanted, f"{node} is {wanted}")


def wipe(node):
    """Empties the data directory of a queen that does not run."""
    assert not node.is_running()
    directory = node.arguments[node.arguments.index("--data-dir") + 1]
    shutil.rmtree(directory)


def verb(cluster, *arguments, via=None):
    """`hive members …` with the cluster's token."""
    via = via or cluster.live_queens()[0]
    return hive("members", *arguments, "--connect", via.address, environment=cluster.environment)


def verb_ok(cluster, *arguments, via=None):
    result = verb(cluster, *arguments, via=via)
    assert result.returncode == 0, result
    return result.stdout.decode()


class Writer:
    """Puts w0, w1, … one after another, until it is stopped; knows which were acknowledged."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.acknowledged = []
        self.error = None
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        number = 0
        try:
            while not self._is_ending.is_set():
                key = f"w{number}"
                number += 1
                try:
                    answer = self.cluster.put(key, key.encode())
                except Unknown:
                    continue
                assert answer.status in (200, 201), answer
                self.acknowledged.append(key)
        except Exception as error:  # pylint: disable=broad-except
            self.error = error

    def await_more(self, count):
        """Until so many more are acknowledged."""
        wanted = len(self.acknowledged) + count
        await_(lambda: self.error or len(self.acknowledged) >= wanted, f"{count} more writes are acknowledged")

    def stop(self):
        """All keys that were acknowledged."""
        self._is_ending.set()
        self._thread.join()
        if self.error:
            raise self.error
        return self.acknowledged

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._is_ending.set()
        self._thread.join()


def keys_at(cluster, queen):
    """The keys of a writer that this queen has herself."""
    return {entry["key"] for entry in cluster.entries("w", queen)}
