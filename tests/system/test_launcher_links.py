"""Links between nodes: the launcher keeps the rules and tells the nodes, here those that only keep what they are told."""

import json
import os
import re
import sys
import time
import urllib.request

import pytest
from cluster import PATIENCE_S, await_, hive
from launched import ELECTION, control
from processes import free_ports

FAKE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib", "fake_node.py")
CUT = {"cut": True, "delay_ms": 0, "jitter_ms": 0, "loss_percent": 0}


class Lab:
    """A cluster of nodes that only listen."""

    def __init__(self, state, queens=3, drones=2):
        self.state = state
        port = free_ports(queens + drones)
        script = state.script(f'#!/bin/sh\nexec {sys.executable} {FAKE} "$@"\n')
        state.environment |= {"MOODS": state.home, "LEADER": f"127.0.0.1:{port}"}
        self.launcher = state.start("--queens", str(queens), "--drones", str(drones), "--port-queens", str(port), "--port-drones",
                                    str(port + queens), "--hive", script).await_ready()  # fmt: skip

    def order(self, *arguments, status=0):
        return self.state.order(*arguments, status=status)

    def mood(self, name, mood):
        with open(os.path.join(self.state.home, f"{name}.mood"), "w", encoding="utf-8") as file:
            file.write(mood)

    def rules(self, name):
        """Name of the other node -> rule, as the node has them."""
        names = {node["address"]: node["name"] for node in self.state.ledger()["nodes"]}
        url = f"http://{self.state.node(name)['address']}/healthz"
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as answer:
            rules = json.load(answer)["faults"]
        assert len({rule["to"] for rule in rules}) == len(rules)
        return {names[rule.pop("to")]: rule for rule in rules}

    def all_rules(self):
        return {node["name"]: rules for node in self.state.ledger()["nodes"] if (rules := self.rules(node["name"]))}


@pytest.fixture
def lab(state):
    return Lab(state)


def test_a_cut_is_a_rule_at_each_end_and_heal_takes_it_away(lab):
    assert lab.order("cut", "q1", "q2") == "q1     <-> q2      cut\n"
    assert lab.all_rules() == {"q1": {"q2": CUT}, "q2": {"q1": CUT}}
    assert "all links are whole" in lab.order("heal", "q2", "q1")
    assert lab.all_rules() == {}


def test_one_way(lab):
    lab.order("cut", "q1", "q2", "--one-way")
    assert lab.all_rules() == {"q1": {"q2": CUT}}
    assert re.findall(r"(\w+) +-> (\w+)", lab.order("links")) == [("q1", "q2")]


def test_what_is_done_to_a_link_adds_up_and_nothing_takes_it_back(lab):
    lab.order("delay", "q1", "d1", "50ms±10")
    lab.order("lose", "d1", "q1", "2.5%")
    rule = {"cut": False, "delay_ms": 50, "jitter_ms": 10, "loss_percent": 2.5}
    assert lab.all_rules() == {"q1": {"d1": rule}, "d1": {"q1": rule}}
    assert lab.order("links") == "q1     <-> d1      50 ms ± 10 ms, loses 2.5 %\n"
    lab.order("delay", "q1", "d1", "0", "--one-way")
    assert lab.rules("q1") == {"d1": rule | {"delay_ms": 0, "jitter_ms": 0}} and lab.rules("d1") == {"q1": rule}
    lab.order("lose", "q1", "d1", "0%")
    assert lab.all_rules() == {"d1": {"q1": rule | {"loss_percent": 0}}}


def test_words_for_nodes(lab):
    lab.order("cut", "leader", "queens")
    assert lab.all_rules() == {"q1": {"q2": CUT, "q3": CUT}, "q2": {"q1": CUT}, "q3": {"q1": CUT}}
    lab.order("heal")
    lab.order("cut", "drones", "follower", "--one-way")
    assert list(lab.rules("d1").values()) == [CUT] and lab.rules("d1") == lab.rules("d2") and lab.rules("q1") == {}
    assert set(lab.rules("d1")) < {"q2", "q3"}
    lab.order("heal")
    lab.order("cut", "random", "random")
    (one, its), (other, others) = lab.all_rules().items()
    assert its == {other: CUT} and others == {one: CUT}
    lab.order("cut", "all", "all")
    assert {name: len(rules) for name, rules in lab.all_rules().items()} == dict.fromkeys(("q1", "q2", "q3", "d1", "d2"), 4)
    lab.order("heal", "q1")
    assert {name: len(rules) for name, rules in lab.all_rules().items()} == dict.fromkeys(("q2", "q3", "d1", "d2"), 3)
    lab.order("heal")
    assert lab.all_rules() == {}


def test_a_node_that_is_started_again_is_told_again(lab):
    lab.order("cut", "q1", "q2")
    for again in ("restart", "wipe"):
        lab.order(again, "q3")
        lab.order(again, "q2")
        await_(lambda: lab.rules("q2") == {"q1": CUT}, "the new process knows it, too")
        assert lab.rules("q3") == {}
    assert "not in force" not in lab.order("links")


def test_who_is_down_or_paused_is_told_when_he_is_back(lab):
    lab.order("kill", "q2")
    lab.order("pause", "q3")
    said = lab.order("cut", "q1", "queens")
    assert "q2 is down or paused" in said and "q3 is down or paused" in said
    assert re.search("q2 +-> q1 +cut  .not in force yet", said) and re.search("q1 +-> q2 +cut\n", said)
    assert lab.rules("q1") == {"q2": CUT, "q3": CUT}
    lab.order("resume", "q3")
    lab.order("restart", "q2")
    for name in ("q2", "q3"):
        await_(lambda: lab.rules(name) == {"q1": CUT}, f"{name} knows it")
    await_(lambda: "not in force" not in lab.order("links"), "all know it")


def test_a_rule_for_a_node_that_was_removed_is_gone(lab):
    lab.order("cut", "d1", "queens")
    lab.order("remove", "d1")
    await_(lambda: lab.all_rules() == {}, "nobody has a rule left")
    assert "all links are whole" in lab.order("links")
    lab.order("add", "drone")  # another one that may get the same address
    assert lab.all_rules() == {}


def test_a_node_that_refuses_is_named(lab):
    lab.mood("q2", "refuse")
    said = lab.order("cut", "q1", "q2", status=6)
    assert "q2 does not take the rule: faults are not enabled here" in said
    os.remove(os.path.join(lab.state.home, "q2.mood"))
    await_(lambda: lab.rules("q2") == {"q1": CUT}, "it is told again")


def test_a_node_that_is_silent_is_named_and_told_again(lab):
    lab.mood("q2", "silent")
    assert "q2 has not confirmed" in lab.order("cut", "q1", "q2", status=4)
    assert "not in force yet" in lab.order("links")
    os.remove(os.path.join(lab.state.home, "q2.mood"))
    await_(lambda: lab.rules("q2") == {"q1": CUT}, "it is told again")


def test_what_is_no_link(lab):
    assert "only one" in lab.order("cut", "q1", "q1", status=2)
    assert "no node 'q9'" in lab.order("cut", "q1", "q9", status=5)
    assert "50ms" in lab.order("delay", "q1", "q2", "soon", status=2)
    assert "10%" in lab.order("lose", "q1", "q2", "101%", status=2)
    assert "A B TIME" in lab.order("delay", "q1", "q2", status=2)
    for body in ({}, {"kind": "bend", "from": "q1", "to": "q2"}, {"kind": "cut", "from": "q1"},
                 {"kind": "delay", "from": "q1", "to": "q2", "delay_ms": -1},
                 {"kind": "delay", "from": "q1", "to": "q2"},
                 {"kind": "lose", "from": "q1", "to": "q2", "percent": 101},
                 {"kind": "cut", "from": "q1", "to": "q2", "one_way": "yes"}):  # fmt: skip
        status, problem = control(lab.state, "POST", "/links", body)
        assert status == 400, (body, problem)
    assert lab.all_rules() == {}


def test_the_control_socket_tells_what_there_is(lab):
    body = {"kind": "delay", "from": "q1", "to": "q2", "one_way": True, "delay_ms": 20, "jitter_ms": 5}
    status, answer = control(lab.state, "POST", "/links", body)
    link = {"from": "q1", "to": "q2", "cut": False, "delay_ms": 20, "jitter_ms": 5, "loss_percent": 0, "in_force": True}
    assert status == 200 and answer["links"] == [link] and answer["changed"] == ["q1"] and answer["pending"] == []
    assert control(lab.state, "GET", "/links")[1]["links"] == [link]
    assert json.loads(lab.order("links", "--json"))["links"] == [link]
    assert control(lab.state, "GET", "/cluster")[1]["can_fault"]
    assert control(lab.state, "DELETE", "/links?from=q1&to=q2")[1]["links"] == []


# ---- with nodes that obey ----


def start(state, election_timeout, drones=0):
    port = free_ports(3 + drones)
    return state.start("--queens", "3", "--drones", str(drones), "--port-queens", str(port), "--port-drones", str(port + 3),
                       "--election-timeout", election_timeout).await_ready()  # fmt: skip


def health(state, name):
    with urllib.request.urlopen(f"http://{state.node(name)['address']}/healthz", timeout=PATIENCE_S) as answer:
        return json.load(answer)


def test_a_leader_that_is_cut_off_is_replaced_and_follows_when_the_link_is_whole_again(state):
    start(state, ELECTION, drones=1)
    cut = state.order("cut", "leader", "queens")
    (old,) = set.intersection(*({one, other} for one, other in re.findall(r"(q\d) +<-> (q\d) +cut\n", cut)))
    others = {"q1", "q2", "q3"} - {old}

    def new_leader():
        return [name for name in others if health(state, name)["raft_state"] == "LEADER"]

    new = await_(new_leader, "another one leads")[0]
    assert health(state, new)["term"] > 1
    await_(lambda: health(state, old)["raft_state"] != "LEADER", "the old one has stepped down")
    assert "all links are whole" in state.order("heal")
    await_(lambda: health(state, old)["leader"] == state.node(new)["address"], "she follows")


def test_a_node_that_is_restarted_is_cut_off_again(state):
    start(state, ELECTION)
    state.order("cut", "q3", "queens")
    state.order("kill", "q3")
    assert health(state, "q1")["faults"] == health(state, "q2")["faults"]
    state.order("restart", "q3")
    await_(lambda: len(health(state, "q3")["faults"]) == 2, "q3 is told again")
    await_(lambda: health(state, "q3")["raft_state"] == "CANDIDATE" or not health(state, "q3")["leader"], "q3 hears nobody")
    state.order("remove", "q2", "--force")
    assert state.node("q1")["state"] == "running"


def test_delay_is_felt(state):
    start(state, "900-1200")
    state.order("delay", "queens", "queens", "60ms")
    begin = time.monotonic()
    assert hive("put", "a", "1", environment=state.environment).returncode == 0
    assert time.monotonic() - begin > 0.12, "there and back"
    state.order("heal")
    assert all(not health(state, name)["faults"] for name in ("q1", "q2", "q3"))


def test_without_faults_no_link_is_touched(state):
    state.start("--queens", "1", "--drones", "1", "--no-faults").await_ready()
    assert not state.ledger()["can_fault"]
    assert "--no-faults" in state.order("cut", "q1", "d1", status=6)
    assert "all links are whole" in state.order("heal")
