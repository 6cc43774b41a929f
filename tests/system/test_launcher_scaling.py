"""Nodes come and go while a cluster of the launcher runs: queens join and leave their group, and nobody is told twice who is who."""

import json
import os
import re
import signal
import sys
import threading
import time
import urllib.request

import pytest
from cluster import HIVE, PATIENCE_S, SLOWNESS, await_, hive
from launched import ELECTION, STUBBORN, control
from processes import free_ports, is_alive

CALM = ("--election-timeout", ELECTION)
ROOM = 6  # ports for nodes that are added


def start(state, *arguments, queens=3, drones=0):
    port = free_ports(queens + drones + ROOM)
    return state.start("--queens", str(queens), "--drones", str(drones), "--port-queens", str(port), "--port-drones",
                       str(port + queens), *CALM, *arguments).await_ready()  # fmt: skip


def ask(state, *arguments, cluster="hive-a"):
    result = hive(*arguments, "--cluster", cluster, environment=state.environment)
    assert result.returncode == 0, result
    return result.stdout.decode()


def members(state, cluster="hive-a"):
    """Address -> (kind, id) of all members; asked until somebody leads, who has the last word."""

    def listed():
        text = ask(state, "members", "--json", cluster=cluster)
        answer = json.loads(text)
        found = {m["address"]: (m["kind"], m["id"]) for m in answer["configuration"]["members"]}
        return found if answer["leader"] else None

    return await_(listed, "a queen knows who leads")


def voters(state, cluster="hive-a"):
    return {address for address, (kind, _) in members(state, cluster).items() if kind == "voter"}


def names(state, cluster="hive-a"):
    return [node["name"] for node in state.ledger(cluster)["nodes"]]


def address(state, name, cluster="hive-a"):
    return state.node(name, cluster)["address"]


def ask_health(state, name):
    with urllib.request.urlopen(f"http://{address(state, name)}/healthz", timeout=PATIENCE_S) as answer:
        return json.load(answer)


# ---- coming ----


def test_a_queen_that_is_added_has_her_vote_when_the_answer_comes(state):
    launcher = start(state, drones=1)
    ask(state, "put", "a", "1")
    said = state.order("add", "queen")
    assert f"q4 is there ({address(state, 'q4')}): a voting member" in said
    assert address(state, "q4") in voters(state) and len(voters(state)) == 4
    assert names(state) == ["q1", "q2", "q3", "q4", "d1"]
    launcher.await_text(r"q4 +started on .*")
    with open(f"/proc/{state.node('q4')['pid']}/cmdline", encoding="utf-8") as file:
        assert "--join" in file.read().split("\0"), "she cannot found a group of her own"
    # She counts: without two of the old ones, two of four are no majority; with one of them back, three are.
    state.order("kill", "q1")
    state.order("kill", "q2")
    assert hive("put", "b", "1", "--timeout", "1s", environment=state.environment).returncode in (3, 4)
    state.order("restart", "q2")
    ask(state, "put", "b", "2")
    assert launcher.end() == 0 and state.clusters() == []


def test_several_are_added_at_once(state):
    start(state, drones=1)
    assert state.order("add", "queen", "2").count("a voting member") == 2
    assert state.order("add", "drone", "2").count("registered") == 2
    assert names(state) == ["q1", "q2", "q3", "q4", "q5", "d1", "d2", "d3"]
    assert len(voters(state)) == 5
    listed = ask(state, "drones")
    assert all(address(state, drone) in listed for drone in ("d1", "d2", "d3"))
    ports = [int(node["address"].rsplit(":", 1)[1]) for node in state.ledger()["nodes"]]
    assert len(set(ports)) == 8 and max(ports) - min(ports) < 8 + ROOM, "behind those of their kind"


def test_ports_of_other_clusters_are_left_alone(state):
    start(state, queens=1)
    start(state, queens=1)
    state.order("add", "queen", "2", "--cluster", "hive-a")
    state.order("add", "queen", "2", "--cluster", "hive-b")
    addresses = [node["address"] for name in state.clusters() for node in state.ledger(name)["nodes"]]
    assert len(set(addresses)) == 6
    assert len(voters(state, "hive-a")) == len(voters(state, "hive-b")) == 3


def test_the_port_of_a_node_that_is_down_is_not_given_away(state):
    start(state, drones=1)
    state.order("kill", "q2")
    state.order("kill", "d1")
    state.order("add", "queen")
    state.order("add", "drone")
    assert len({node["address"] for node in state.ledger()["nodes"]}) == 6
    state.order("restart", "q2")
    state.order("restart", "d1")


def test_a_queen_who_is_not_taken_in_says_what_she_waits_for(state):
    start(state)
    state.order("kill", "q1")
    state.order("kill", "q2")
    said = state.order("add", "queen", status=4)
    assert re.search(r"not part of the group after 15 s; still waiting: q4 \(asks .* to take her into the group", said)
    state.order("restart", "q1")  # and then she is
    await_(lambda: address(state, "q4") in voters(state), "q4 has her vote")


def test_before_there_is_a_group_nobody_can_join_it(state):
    launcher = state.start("--queens", "1", "--drones", "0", "--hive", state.script(STUBBORN))
    state.await_stubborn("q1")
    assert "have no group yet" in state.order("add", "queen", status=3)
    assert names(state) == ["q1"]
    launcher.signal(signal.SIGINT)
    assert launcher.end() == 0


def test_what_cannot_be_added(state):
    start(state, queens=1)
    assert "queen or a drone" in state.order("add", "king", status=2)
    for count in ("0", "x", "2x"):
        assert "is no number of nodes" in state.order("add", "queen", count, status=2)
    assert "can have 64" in state.order("add", "queen", "64", status=6)
    assert control(state, "POST", "/nodes", {"role": "king"})[0] == 400
    assert control(state, "POST", "/nodes", {"role": "queen", "count": 0})[0] == 400
    assert control(state, "POST", "/nodes", {})[0] == 400
    assert names(state) == ["q1"]


def test_a_new_node_that_dies_is_said_to_have(state):
    script = state.script(f'#!/bin/sh\n[ -e {state.home}/broken ] && exit 1\nexec {HIVE} "$@"\n')
    start(state, "--hive", script, queens=1)
    with open(os.path.join(state.home, "broken"), "w", encoding="utf-8"):
        assert "q2 died; its log: " in state.order("add", "queen", status=1)
    assert state.node("q2")["state"] == "dead"
    os.remove(os.path.join(state.home, "broken"))
    state.order("restart", "q2")
    await_(lambda: address(state, "q2") in voters(state), "q2 joins all the same")


# ---- going ----


def test_a_leader_that_is_removed_leaves_the_group_the_ledger_and_the_disk(state):
    launcher = start(state, drones=1)
    ask(state, "put", "a", "1")
    before = {node["name"]: node for node in state.ledger()["nodes"]}
    said = state.order("remove", "leader")
    gone = re.match(r"(q\d) \(leader\) is removed", said)[1]
    node = before[gone]
    assert not is_alive(node["pid"]) and gone not in names(state) and len(names(state)) == 3
    assert not os.path.exists(node["data_directory"]) and not os.path.exists(node["log_path"])
    assert voters(state) == {n["address"] for name, n in before.items() if name not in (gone, "d1")}
    assert ask(state, "get", "a") == "1"
    assert "no node" in state.order("restart", gone, status=5)
    # The next one that comes is not taken for her.
    state.order("add", "queen")
    assert len(voters(state)) == 3 and ask(state, "get", "a") == "1"
    assert launcher.end() == 0 and state.clusters() == []


def test_a_drone_that_is_removed_ends_cleanly(state):
    launcher = start(state, queens=1, drones=2)
    node = state.node("d1")
    assert "d1 is removed" in state.order("remove", "d1")
    assert names(state) == ["q1", "d2"] and not is_alive(node["pid"])
    launcher.await_text(r"d1 +stopped \(pid \d+, exit status 0\)")


def test_a_node_that_is_down_is_removed_too(state):
    start(state, drones=1)
    gone = address(state, "q3")
    state.order("kill", "q3")
    state.order("kill", "d1")
    state.order("remove", "q3")
    state.order("remove", "d1")
    assert names(state) == ["q1", "q2"] and gone not in members(state)


def test_two_leave_at_once(state):
    """The group takes one change at a time; whoever comes second waits for it."""
    start(state, queens=5)
    answers = []
    threads = [threading.Thread(target=lambda n=n: answers.append(control(state, "DELETE", f"/nodes/{n}")))
               for n in ("q1", "q2")]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [status for status, _ in answers] == [200, 200], answers
    assert names(state) == ["q3", "q4", "q5"]
    assert voters(state) == {node["address"] for node in state.ledger()["nodes"]}


def test_what_would_cost_the_majority_is_refused(state):
    start(state)
    state.order("kill", "q1")
    for verb in ("remove", "wipe"):
        refusal = state.order(verb, "q2", status=6)
        assert "no majority" in refusal and "--force" in refusal
    assert state.node("q2")["state"] == "running" and len(members(state)) == 3
    state.order("remove", "q1")  # who is down is no loss
    state.order("remove", "leader")
    assert len(names(state)) == 1
    assert "the last queen" in state.order("remove", names(state)[0], status=6)
    assert "no majority" in state.order("wipe", names(state)[0], status=6)
    ask(state, "put", "still", "there")


def test_force_takes_a_queen_away_whatever_the_group_says(state):
    start(state)
    state.order("kill", "q1")
    state.order("kill", "q2")
    await_(lambda: not ask_health(state, "q3")["leader"], "q3 has noticed that she leads nobody")
    assert "no majority" in state.order("remove", "q2", status=6)
    said = state.order("remove", "q2", "--force")
    assert "q2 is removed" in said and "still counts her as a member" in said
    assert names(state) == ["q1", "q3"]
    state.order("restart", "q1")
    assert len(members(state)) == 3  # nobody has asked the group


# ---- another disk ----


def test_a_queen_that_is_wiped_comes_back_as_another_member(state):
    start(state)
    for i in range(20):
        ask(state, "put", f"k{i}", "x")
    before = members(state)
    at = address(state, "q2")
    pid = state.node("q2")["pid"]
    assert "q2 is running" in state.order("wipe", "q2")
    after = members(state)
    assert after[at][0] == "voter" and after[at][1] != before[at][1] and len(after) == 3
    assert {a: m for a, m in after.items() if a != at} == {a: m for a, m in before.items() if a != at}
    assert state.node("q2")["pid"] != pid
    state.order("kill", "q1")  # she votes, and has all
    assert ask(state, "get", "k19") == "x"


def test_a_drone_that_is_wiped_is_restarted(state):
    start(state, queens=1, drones=1)
    pid = state.node("d1")["pid"]
    assert "d1 is running" in state.order("wipe", "d1")
    assert state.node("d1")["pid"] != pid


# ---- a cluster that is kept ----


def test_a_kept_cluster_starts_again_with_those_who_are_its_members_now(state):
    launcher = start(state, "--name", "lab", drones=1)
    ask(state, "put", "greeting", "hello", cluster="lab")
    state.order("add", "queen", "2")
    state.order("remove", "q1")
    state.order("wipe", "q2")
    state.order("add", "drone")
    state.order("remove", "d1")
    group, there = members(state, "lab"), state.ledger("lab")["nodes"]
    assert launcher.end() == 0
    launcher = state.start("--name", "lab", *CALM).await_ready()
    assert [(n["name"], n["address"]) for n in state.ledger("lab")["nodes"]] == [(n["name"], n["address"]) for n in there]
    assert names(state, "lab") == ["q2", "q3", "q4", "q5", "d2"]
    assert members(state, "lab") == group
    assert ask(state, "get", "greeting", cluster="lab") == "hello"
    state.order("wipe", "q3")
    assert ask(state, "get", "greeting", cluster="lab") == "hello"
    assert launcher.end() == 0


def test_a_kept_cluster_whose_data_was_emptied_begins_anew(state):
    launcher = start(state, "--name", "lab")
    before = members(state, "lab")
    assert launcher.end() == 0
    for queen in ("q1", "q2", "q3"):
        data = state.path("lab", "data", queen)
        assert os.listdir(data)
        for name in os.listdir(data):
            os.system(f"rm -r '{data}/{name}'")
    launcher = state.start("--name", "lab", *CALM).await_ready()
    after = members(state, "lab")
    assert set(after) == set(before) and after != before
    assert launcher.end() == 0


# ---- whom a word means ----


def test_leader_follower_and_random_are_who_they_are_at_that_moment(state):
    start(state)
    leader = ask_health(state, "q1")["leader"]
    said = state.order("pause", "leader")
    name = re.match(r"(q\d) \(leader\) is paused", said)[1]
    assert address(state, name) == leader
    second = re.match(r"(q\d) \(leader\) is paused", state.order("pause", "leader"))
    # Two are left for a moment only: the second leader was elected by the third, and now nobody can be.
    assert second and second[1] != name
    assert "no queen leads" in state.order("kill", "leader", status=6)
    assert "no queen leads" in state.order("remove", "leader", status=6)
    state.order("resume", name)
    assert re.match(r"q\d \(random\) is running", state.order("resume", "random"))
    assert "no node that this can be done to" in state.order("resume", "random", status=6)
    assert re.match(r"q\d \(follower\) is stopped", state.order("stop", "follower"))
    status, answer = control(state, "POST", "/nodes/leader/restart")
    assert status == 200 and answer["target"] == "leader" and answer["node"]["starts"] == 2
    assert "several nodes" in state.order("kill", "queens", status=5)


def test_the_process_that_was_meant_goes_for_words_too(state):
    start(state, queens=1)
    pid = state.node("q1")["pid"]
    assert control(state, "POST", "/nodes/leader/kill", {"pid": pid + 1})[0] == 409
    assert is_alive(pid)
    assert control(state, "POST", "/nodes/leader/wipe", {"pid": pid + 1})[0] == 409
    assert is_alive(pid)


# ---- what nodes are started with ----


def recorder(state, name):
    """A program that writes down how it was started, then is hive."""
    out = os.path.join(state.home, name)
    return out, state.script(
        f"#!{sys.executable}\nimport json, os, sys\n"
        f"with open({out!r} + '-' + str(os.getpid()), 'w') as file:\n"
        f"    json.dump([sys.argv[1:], dict(os.environ)], file)\n"
        f"os.execv({HIVE!r}, [{HIVE!r}] + sys.argv[1:])\n"
    )


def test_nodes_of_mixed_versions_with_arguments_and_variables_of_their_own(state):
    out, other = recorder(state, "other")
    state.environment["SHADE"] = "inherited"
    start(state, "--bin", f"q2={other}", "--bin", f"d1={other}", "--env", "SHADE=blue, or green", "--env", "B=1", "--env", "B=2",
          "--queen-args", "--read-lease --snapshot-entries 77", "--queen-args=--log-format 'json'", "--drone-args",
          "--capacity 9", drones=1)  # fmt: skip
    programs = {node["name"]: node.get("program") for node in state.ledger()["nodes"]}
    assert programs == {"q1": None, "q2": other, "q3": None, "d1": other}
    for name, expected in (("q2", "--read-lease --snapshot-entries 77 --log-format json"), ("d1", "--capacity 9")):
        with open(f"{out}-{state.node(name)['pid']}", encoding="utf-8") as file:
            arguments, environment = json.load(file)
        assert " ".join(arguments).endswith(expected), arguments
        assert environment["SHADE"] == "blue, or green" and environment["B"] == "2"
    assert "capacity" in ask(state, "drones", "--json") and '9' in ask(state, "drones", "--json")
    state.order("restart", "q2")
    assert os.path.exists(f"{out}-{state.node('q2')['pid']}"), "the same program again"


@pytest.mark.parametrize(
    "arguments, status, message",
    [
        (("--bin", "q9=/bin/true"), 1, "no node 'q9'"),
        (("--bin", "q1=/nonexistent"), 1, "cannot run /nonexistent"),
        (("--bin", "q1"), 2, "NODE=PATH"),
        (("--env", "X"), 2, "NAME=VALUE"),
        (("--env", "=X"), 2, "NAME=VALUE"),
        (("--queen-args", "'open"), 2, "quote is not closed"),
    ],
)
def test_what_nodes_cannot_be_started_with(state, arguments, status, message):
    assert message in state.order("--queens", "1", "--drones", "0", *arguments, status=status)
    assert not os.path.exists(state.directory) or state.clusters() == []


# ---- a launcher that does not react ----


def test_an_order_to_a_launcher_that_is_stopped_says_so_at_once(state):
    launcher = start(state, queens=1)
    launcher.signal(signal.SIGSTOP)
    try:
        begin = time.monotonic()
        for order in (("kill", "q1"), ("add", "queen"), ("stop",), ("links",)):
            assert f"(process {launcher.process.pid}) is stopped itself" in state.order(*order, status=3)
        assert time.monotonic() - begin < 4 * SLOWNESS
    finally:
        launcher.signal(signal.SIGCONT)
    assert "q1 is killed" in state.order("kill", "q1")


def test_orders_under_way_are_answered_when_the_cluster_ends(state):
    launcher = start(state)
    state.order("pause", "q2")
    state.order("pause", "q3")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(control(state, "POST", "/nodes", {"role": "queen"})))
    thread.start()
    launcher.await_text(r"q4 +started")
    assert launcher.end() == 0
    thread.join()
    assert answers[0][0] == 503 and "ended" in answers[0][1]["detail"]
