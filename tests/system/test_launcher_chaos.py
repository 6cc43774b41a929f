"""`launcher chaos`: a cluster is hurt while clients use it, and what they saw is judged. A liar is found out."""

import json
import os
import re
import shutil
import signal

from cluster import SLOWNESS
from launched import ELECTION, LAUNCHER
from processes import free_ports, is_alive
from stale_proxy import StaleProxy

KINDS = ["kill", "pause", "stop", "wipe", "cut", "delay", "lose", "transfer"]


def start(state, *arguments):
    port = str(free_ports(3))  # its own also while a node is down
    return state.start("--queens", "3", "--drones", "0", "--port-queens", port, "--election-timeout", ELECTION,
                       *arguments).await_ready()  # fmt: skip


def verdict_of(launcher):
    """The JSON at the end of what a launcher said."""
    return json.loads(re.search(r"^{.*}$", launcher.text, re.MULTILINE).group())


def test_a_cluster_of_its_own_bears_all_kinds_of_faults(state):
    chaos = state.start("chaos", "--for", f"{15 * SLOWNESS}s", "--every", f"{SLOWNESS}s", "--seed", "11", "--json")
    chaos.await_text("chaos on cluster")
    pids = state.pids()
    assert len(pids) == 5
    # What is meant to last so long, and then to be whole again, takes longer than the others' patience.
    assert chaos.process.wait(240 * SLOWNESS) == 0, chaos.text
    chaos.await_end()
    verdict = verdict_of(chaos)
    assert verdict["ok"] and verdict["linearizable"] and verdict["recovered"] and verdict["logs_equal"], verdict
    assert verdict["findings"] == ""
    assert verdict["seed"] == 11 and verdict["ran_ms"] >= 15000 * SLOWNESS
    assert set(verdict["faults"]) == set(KINDS)
    assert sum(verdict["faults"].values()) + verdict["left_out"] == len(verdict["plan"]) >= 8
    assert sum(count > 0 for count in verdict["faults"].values()) >= 4
    assert verdict["elections"] >= 1 and verdict["terms"]["last"] >= verdict["terms"]["first"] + verdict["elections"]
    gaps = verdict["leaderless"]
    assert 0 < gaps["p50_ms"] <= gaps["max_ms"] <= gaps["total_ms"] < verdict["ran_ms"]
    assert verdict["writes"]["acknowledged"] > 100 and verdict["writes"]["lost"] == 0
    assert 0 < verdict["writes"]["longest_silence_ms"] < verdict["ran_ms"] + verdict["recovered_ms"]
    assert verdict["reads"]["answered"] > 100
    assert not any(is_alive(pid) for pid in pids) and state.clusters() == []


def test_a_running_cluster_is_hurt_the_same_way_by_the_same_seed_and_left_whole(state):
    start(state)
    run = ("chaos", "--for", "3s", "--every", "500ms", "--seed", "5", "--kinds", "kill,pause,cut,transfer", "--json")
    chaos = [state.start(*run), None]
    assert chaos[0].process.wait(120 * SLOWNESS) == 0, chaos[0].text
    chaos[0].await_end()
    chaos[1] = state.start(*run)
    assert chaos[1].process.wait(120 * SLOWNESS) == 0, chaos[1].text
    chaos[1].await_end()
    first, second = (verdict_of(launcher) for launcher in chaos)
    assert first["plan"] == second["plan"]
    assert first["plan"] and all(fault["fault"].split()[0] in ("kill", "pause", "cut", "transfer") for fault in first["plan"])
    ledger = state.ledger()
    assert [node["state"] for node in ledger["nodes"]] == ["running"] * 3
    assert "all links are whole" in state.order("links")
    # Nor are its keys left.
    hive = os.path.join(os.path.dirname(LAUNCHER), "hive")
    assert state.run("list", "--cluster", "hive-a", program=hive).stdout.strip() == ""


def test_ctrl_c_ends_it_early_with_a_verdict(state):
    start(state)
    chaos = state.start("chaos", "--for", "1h", "--every", "1s", "--kinds", "kill,pause")
    chaos.await_text(r"(?m)^ *\d+\.\ds  (kill|pause) q\d")
    chaos.signal(signal.SIGINT)
    assert chaos.process.wait(120 * SLOWNESS) == 0, chaos.text
    chaos.await_end()
    assert re.search(r"all is well\n  faults      \d+: ", chaos.text), chaos.text
    assert [node["state"] for node in state.ledger()["nodes"]] == ["running"] * 3


def test_stale_reads_are_found_out(state):
    start(state)
    others = {}
    # The same cluster under another name: its queens' clients meet proxies.
    shutil.copytree(state.path("hive-a"), state.path("liar"), ignore=shutil.ignore_patterns("*.sock", "data", "logs"))
    os.symlink(state.path("hive-a", "control.sock"), state.path("liar", "control.sock"))
    with open(state.path("liar", "cluster.json"), encoding="utf-8") as file:
        ledger = json.load(file)
    proxies = [StaleProxy(node["address"], others) for node in ledger["nodes"]]
    for node in ledger["nodes"]:
        node["address"] = others[node["address"]]
    ledger["name"] = "liar"
    with open(state.path("liar", "cluster.json"), "w", encoding="utf-8") as file:
        json.dump(ledger, file)
    chaos = state.start("chaos", "--cluster", "liar", "--for", "3s", "--every", "1s", "--kinds", "transfer", "--json")
    assert chaos.process.wait(120 * SLOWNESS) == 1, chaos.text
    chaos.await_end()
    verdict = verdict_of(chaos)
    assert verdict["linearizable"] is False and verdict["ok"] is False
    assert verdict["recovered"] and verdict["writes"]["acknowledged"] > 10
    assert "read v" in verdict["findings"] or "read ->" in verdict["findings"], verdict["findings"]
    for proxy in proxies:
        proxy.close()


def test_no_cluster_is_started_for_a_kind_of_fault_that_there_is_not(state):
    said = state.order("chaos", "--kinds", "kill,explode", status=2)
    assert "'explode' is no kind of fault" in said and "starting" not in said


def test_what_cannot_be_done_is_refused_with_words(state):
    start(state, "--no-faults")
    assert "'explode' is no kind of fault" in state.order("chaos", "--kinds", "kill,explode", status=2)
    assert "started with --no-faults" in state.order("chaos", "--kinds", "cut", status=2)
    assert "no cluster" in state.order("chaos", "--cluster", "nowhere", status=3)


def test_a_cluster_whose_launcher_died_is_not_waited_for(state):
    launcher = start(state)
    chaos = state.start("chaos", "--for", f"{4 * SLOWNESS}s", "--every", "1s", "--cluster", "hive-a")
    chaos.await_text("acknowledged")
    launcher.process.kill()
    launcher.process.wait()
    assert chaos.process.wait(40 * SLOWNESS) == 1, chaos.text
    chaos.await_text("the cluster did not recover: the launcher of hive-a .* is gone")
