"""The launcher leaves nothing behind, however it ends; and where it cannot start, it says why."""

import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess

import pytest

from cluster import PATIENCE_S, await_
from launched import LAUNCHER, READY

ROUNDS = 20


def sockets_of(state):
    with open("/proc/net/unix", encoding="utf-8") as file:
        return [line for line in file if state.home in line]


def shared_memory():
    return {name for name in os.listdir("/dev/shm") if "hive" in name}


def temporary_files(state):
    """What programs of Hive could have left in /tmp: not what tests put there."""
    return {name for name in os.listdir("/tmp") if re.match(r"(hive|launcher)[-.]", name) and not os.path.isdir(f"/tmp/{name}")}


def can_listen(address):
    host, port = address.rsplit(":", 1)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            return False
    return True


def end_by_stop(state, launcher):
    state.order("stop", "--cluster", "hive-a")
    assert launcher.await_end() == 0


def end_by_ctrl_c(_state, launcher):
    assert launcher.end() == 0


def end_by_two(_state, launcher):
    launcher.signal(signal.SIGTERM)
    launcher.signal(signal.SIGTERM)
    assert launcher.await_end() == 0


def end_by_kill(_state, launcher):
    launcher.signal(signal.SIGKILL)
    launcher.process.wait()


def test_twenty_clusters_in_a_row_leave_nothing_behind(state):
    ends = [end_by_stop, end_by_ctrl_c, end_by_kill, end_by_two]
    shared, temporary, addresses = shared_memory(), temporary_files(state), set()
    for number in range(ROUNDS):
        launcher = state.start("--queens", str(1 + number % 3), "--drones", str(number % 2)).await_ready()
        assert state.clusters() == ["hive-a"]  # the one before is gone, or was removed
        addresses |= {node["address"] for node in state.ledger()["nodes"]}
        ends[number % len(ends)](state, launcher)
        await_(lambda: not state.processes(), "no node is left")
        assert not sockets_of(state) or ends[number % len(ends)] is end_by_kill
    state.order("prune")
    assert state.clusters() == [] and os.listdir(state.home) == ["hive"] and os.listdir(state.directory) == [".lock"]
    assert (state.processes(), sockets_of(state)) == ({}, [])
    assert (shared_memory() - shared, temporary_files(state) - temporary) == (set(), set())
    assert all(can_listen(address) for address in addresses), addresses


def test_a_launcher_that_is_killed_while_it_starts_or_ends_leaves_no_process(state):
    launcher = state.start("--queens", "3", "--drones", "2")
    await_(lambda: os.path.exists(state.path("hive-a", "cluster.json")), "it starts")
    end_by_kill(state, launcher)
    await_(lambda: not state.processes(), "no node is left")
    launcher = state.start("--queens", "3", "--drones", "2").await_ready()
    launcher.signal(signal.SIGINT)
    launcher.await_text("stopping")
    end_by_kill(state, launcher)
    await_(lambda: not state.processes(), "no node is left")
    assert "removed hive-a" in state.order("prune") and state.clusters() == []


# ---- fragments of clusters ----


def test_a_directory_that_was_half_removed_goes_and_its_data_is_not_taken_for_new(state):
    launcher = state.start("--queens", "1", "--drones", "0").await_ready()
    end_by_kill(state, launcher)
    await_(lambda: not state.processes(), "no node is left")
    shutil.copytree(state.path("hive-a"), state.path("hive-b"), ignore=shutil.ignore_patterns("control.sock"))
    os.unlink(state.path("hive-a", "cluster.json"))  # its lock is still there
    for name in ("cluster.json", "lock"):
        os.unlink(state.path("hive-b", name))
    os.mkdir(state.path("nodes"))  # where nodes that are started by hand keep their data
    assert "nothing" not in state.order("prune")
    assert state.clusters() == ["hive-b", "nodes"]
    with open(state.path("hive-b", "data", "q1", "mine"), "w", encoding="utf-8"):
        pass
    state.start("--queens", "1", "--drones", "0").await_ready()
    state.start("--queens", "1", "--drones", "0").await_ready()
    assert state.clusters() == ["hive-a", "hive-b", "nodes"]
    assert not os.path.exists(state.path("hive-b", "data", "q1", "mine"))


def test_a_lock_that_is_held_is_respected(state):
    launcher = state.start("--queens", "1", "--drones", "0").await_ready()
    os.rename(state.path("hive-a", "cluster.json"), state.path("hive-a", "elsewhere"))
    assert "nothing to remove" in state.order("prune")
    os.rename(state.path("hive-a", "elsewhere"), state.path("hive-a", "cluster.json"))
    assert launcher.end() == 0


# ---- what cannot work is said ----


@pytest.fixture
def tiny_disk(state):
    """tiny_disk(kilobytes): the state directory is on a disk of that size."""
    mounted = []

    def make(kilobytes):
        path = os.path.join(state.home, "disk")
        os.mkdir(path)
        result = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", path], check=False,
                                capture_output=True, timeout=PATIENCE_S)  # fmt: skip
        if result.returncode:
            pytest.skip("cannot mount a disk here")
        mounted.append(path)
        state.environment["XDG_STATE_HOME"] = path
        state.directory = os.path.join(path, "hive")
        return path

    yield make
    for launcher in state.launchers:
        launcher.process.kill()
        launcher.process.wait()
    for path in mounted:
        subprocess.run(["umount", "-l", path], check=False, timeout=PATIENCE_S)


def test_a_full_disk_is_named(state, tiny_disk):
    disk = tiny_disk(64)
    result = state.run("--detach", "--queens", "1", "--drones", "0")
    assert result.returncode == 1 and "No space left on device" in result.stdout, result
    assert state.clusters() == []
    with open(os.path.join(disk, "filler"), "wb") as filler, pytest.raises(OSError):
        filler.write(b"x" * 100_000)
        filler.flush()
    assert "No space left on device" in state.refused()
    assert state.clusters() == []


def test_a_program_of_one_node_that_is_missing_is_named(state):
    assert "cannot run /nonexistent/hive: No such file" in state.refused("--queens", "1", "--bin", "q1=/nonexistent/hive")
    assert "there is no node 'q9'" in state.refused("--queens", "1", "--bin", f"q9={LAUNCHER}")
    program = state.program_beside()
    os.unlink(os.path.join(os.path.dirname(program), "hive"))
    result = state.run(program=program)
    assert result.returncode == 1 and "build it with make, or name another with --hive" in result.stderr
    result = state.run("--top", program=state.program_beside())
    assert result.returncode == 1 and "/hivetop: No such file" in result.stderr


def test_sixty_four_queens_elect_a_leader(state):
    result = state.run("--detach", "--queens", "64", "--drones", "0")
    try:
        assert result.returncode == 0, result.stdout[-2000:] + result.stderr
        assert "64 queens: election timeout 1200-2400 ms, heartbeat 400 ms" in result.stdout
        cluster = json.loads(state.order("ps", "--json"))[0]
        assert cluster["queens"] == {"up": 64, "total": 64}
    finally:
        state.run("stop")
    assert state.clusters() == [] and not state.processes()


def test_more_nodes_than_there_can_be_are_refused(state):
    result = state.run("--queens", "65")
    assert result.returncode == 2 and "64" in result.stderr, result
    assert "only" in state.refused("--queens", "3", "--port-queens", "65534")


def test_too_few_descriptors_are_a_clear_word(state):
    limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))  # noqa: E731
    result = subprocess.run([LAUNCHER, "--queens", "5"], env=state.environment, preexec_fn=limit, capture_output=True,
                            text=True, timeout=PATIENCE_S, check=False)  # fmt: skip
    assert result.returncode == 1 and "Too many open files" in result.stderr + result.stdout, result
    assert not re.search(READY, result.stdout)
    assert not os.path.exists(state.directory) or state.clusters() == []


@pytest.mark.parametrize(
    "arguments",
    [("logs", "--bogus"), ("logs", "-n", "x"), ("logs", "--since", "yesterday"), ("attach", "q1", "q2"), ("ps", "extra"),
     ("prune", "--everything"), ("status", "extra"), ("nonsense",), ("--detach=yes",), ("--tmux", "extra")],
)  # fmt: skip
def test_wrong_words_are_refused_with_a_hint(state, arguments):
    result = state.run(*arguments)
    assert result.returncode == 2 and "--help" in result.stderr and not result.stdout, result
