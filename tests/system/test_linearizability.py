"""What clients see of a cluster that is killed, frozen and restarted under them can be explained by one copy of the data that
does one thing at a time. HIVE_TURMOIL_SECONDS=60 makes it longer; `tests/bench/linearizability` runs it again and again."""

import os

from cluster import SLOWNESS
from linearizability import check, save
from turmoil import Turmoil

SECONDS = float(os.environ.get("HIVE_TURMOIL_SECONDS", 8 * SLOWNESS))


def test_what_clients_see_under_turmoil_is_linearizable(start_cluster, tmp_path):
    cluster = start_cluster(queens=5)
    cluster.await_leader()
    turmoil = Turmoil(cluster, keys=6)
    turmoil.run(SECONDS)
    print(turmoil.summary())
    path = tmp_path / "history.jsonl"
    save(turmoil.history, path)
    problem = check(turmoil.history)
    assert problem is None, f"{problem}\n{turmoil.summary()}; python3 tests/lib/linearizability.py {path} shows it again"
    turmoil.check_copies()
    assert turmoil.counts["put"] > 100 and turmoil.counts["get"] > 100, "too little happened to mean anything"
