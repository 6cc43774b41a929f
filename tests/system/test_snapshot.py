"""Backups: what was acknowledged is in them, what is damaged is refused, and a new cluster can begin with one."""

import ctypes
import json
import os
import signal
import subprocess
import threading

import pytest
from cluster import HIVE, TOKEN, Cluster, await_, call, decode_entry, free_port, hive
from watcher import Watch


IN_MODIFY = 2


def environment(cluster=None):
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HIVE_")}
    clean = {**clean, "XDG_STATE_HOME": "/nonexistent", "HIVE_TOKEN": TOKEN}
    return {**clean, "HIVE_CONNECT": ",".join(q.address for q in cluster.queens)} if cluster else clean


def save(cluster, path, *options):
    return hive("snapshot", "save", str(path), *options, environment=environment(cluster))


def verify(path, *options):
    return hive("snapshot", "verify", str(path), *options, environment=environment())


def state_of(cluster):
    return {key: value for key, value in map(decode_entry, cluster.entries())}


def fill(cluster, count=100):
    for i in range(count):
        cluster.put(f"b/{i % 40}", os.urandom(i * 37 % 2000))
    cluster.delete("b/7")
    return state_of(cluster)


# ---- over HTTP ----


def test_the_leader_gives_what_was_acknowledged_and_others_redirect(shared, tmp_path):
    leader = shared.await_leader()
    for i in range(20):
        index = shared.put("http/a", b"%d" % i).json()["index"]
        answer = leader.call("GET", "/snapshot")
        assert answer.status == 200 and answer.headers["content-type"] == "application/octet-stream"
        assert int(answer.headers["content-length"]) == len(answer.body)
        path = tmp_path / "snapshot"
        path.write_bytes(answer.body)
        assert json.loads(verify(path, "--json").stdout)["index"] >= index
    follower = shared.followers()[0]
    answer = follower.call("GET", "/snapshot")
    assert answer.status == 307 and answer.headers["location"] == f"http://{leader.address}/snapshot"
    stale = follower.call("GET", "/snapshot?consistency=stale")
    path.write_bytes(stale.body)
    assert stale.status == 200 and verify(path).returncode == 0


def test_a_backup_is_not_for_strangers_or_drones(shared):
    leader = shared.await_leader()
    assert call(leader.address, "GET", "/snapshot", token=None).status == 401
    assert call(leader.address, "GET", "/snapshot", token="f" * 32).status == 401
    assert shared.drones[0].call("GET", "/snapshot").problem == "wrong-mode"
    assert leader.call("GET", "/snapshot?consistency=perfect").problem == "bad-request"


def test_backups_beside_writes_delay_nobody_for_long_and_are_all_good(shared, tmp_path):
    leader = shared.await_leader()
    is_over, slow = threading.Event(), []

    def write():
        i = 0
        while not is_over.is_set():
            i += 1
            answer = shared.put(f"beside/{i % 200}", os.urandom(20000))
            slow.append(answer.status)

    writer = threading.Thread(target=write)
    writer.start()
    for i in range(10):
        path = tmp_path / f"snapshot-{i}"
        path.write_bytes(leader.call("GET", "/snapshot").body)
        assert verify(path).returncode == 0, verify(path).stderr
    is_over.set()
    writer.join()
    assert set(slow) <= {200, 201}


# ---- the verb ----


def test_a_backup_is_saved_verified_and_restored(start_cluster, tmp_path):
    cluster = start_cluster(queens=3)
    cluster.await_leader()
    state = fill(cluster)
    task = cluster.submit("hello")
    path = tmp_path / "backup"
    saved = save(cluster, path)
    assert saved.returncode == 0 and saved.stdout.startswith(f"saved {path}: index ".encode()), saved
    assert b"3 members" in saved.stdout and saved.stderr == b""
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(os.listdir(tmp_path)) == ["backup", "cluster-1"]
    good = verify(path)
    assert good.returncode == 0 and good.stdout.replace(b"good:", b"saved") == saved.stdout
    told = json.loads(verify(path, "--json").stdout)
    assert told["bytes"] == path.stat().st_size and told["file"] == str(path) and told["term"] >= 1
    assert {m["address"] for m in told["members"]} == {q.address for q in cluster.queens}
    assert {m["kind"] for m in told["members"]} == {"voter"}
    cluster.put("b/after", b"the backup")
    with restored(tmp_path / "new", path) as other:
        other.await_leader()
        assert state_of(other) == state
        assert other.task(task)["text"] == "hello"
        index = other.put("b/new", b"life goes on").json()["index"]
        assert index > told["index"]
        other.queens[0].restart()
        other.await_leader()
        assert other.get("b/new") == b"life goes on" and state_of(other).items() >= state.items()
        again = tmp_path / "again"
        assert save(other, again).returncode == 0
        assert len(json.loads(verify(again, "--json").stdout)["members"]) == 1


def restored(directory, path):
    """A cluster of one queen that began with a backup; its next runs do without --restore."""

    class Restored(Cluster):
        def _queen(self, index, addresses):
            node = super()._queen(index, addresses)
            begin, node.arguments = node.arguments, [*node.arguments, "--restore", str(path)]
            start = node.start

            def start_and_forget():
                start()
                node.arguments = begin
                node.start = start

            node.start = start_and_forget
            return node

    return Restored(directory, queens=1)


def _index(answer):
    return answer.json()["index"]


def test_ids_of_a_lost_group_are_too_old_to_the_one_that_is_restored(start_cluster, tmp_path):
    lost = start_cluster(queens=1)
    queen = lost.await_leader()
    for i in range(5):
        etag = lost.put(f"r/{i}", b"%d" % i).headers["etag"]
    backup = tmp_path / "backup"
    backup.write_bytes(queen.call("GET", "/snapshot").body)
    last = _index(lost.put("r/0", b"behind the backup"))
    lost_etag = lost.put("r/1", b"behind the backup").headers["etag"]
    ahead = _index(lost.put("r/lost", b"not known any more"))
    assert queen.terminate() == 0
    queen.arguments += ["--data-dir", str(tmp_path / "new"), "--restore", str(backup)]
    queen.start()
    lost.await_leader()
    for i in range(3):  # as many as the lost group wrote, and a few more: indexes that look alike would be met
        written = _index(lost.put(f"r/{i}", b"new"))
        # Those who hold an index of the lost group for true: it is nobody's now.
        assert lost.put("r/1", b"no", {"If-Match": lost_etag}).status == 412
    joiner = lost.add_queen("--join", queen.address)  # has it all from the other one
    await_(joiner.is_up, "the queen that joins")
    lost.await_caught_up(joiner)
    for place in (last - 1, last, ahead, ahead + 1):
        with Watch(queen if place != ahead else joiner, place, prefix="r/") as watch:
            event = watch.next("too-old")
            assert event.data["oldest"] > ahead and event.id is None
            state = {e.key: e.value for e in watch.until("listed")[:-1]}
            assert state == {b"r/0": b"new", b"r/1": b"new", b"r/2": b"new", b"r/3": b"3", b"r/4": b"4"}
    assert lost.put("r/4", b"as it was", {"If-Match": etag}).status == 200  # what the backup has is what it was
    with Watch(queen, written, prefix="r/") as watch:  # its own ids are good
        assert watch.next("put").value == b"as it was"
    result = hive("watch", "r/", "--json", "--after", str(last), "-n", "5", environment=environment(lost))
    assert result.returncode == 0 and b"forgotten" in result.stderr
    # As they are, digit by digit: no 4.4e+14.
    listed = [json.loads(line, parse_float=lambda text: pytest.fail(text)) for line in result.stdout.splitlines()]
    assert [o["event"] for o in listed] == ["too-old"] + ["entry"] * 5


def test_a_backup_goes_through_a_pipe(shared, tmp_path):
    shared.put("pipe/a", b"1")
    result = save(shared, "-")
    assert result.returncode == 0 and result.stderr == b""
    path = tmp_path / "piped"
    path.write_bytes(result.stdout)
    assert verify(path).returncode == 0


def test_what_is_there_is_not_replaced_unless_that_is_said(shared, tmp_path):
    path = tmp_path / "backup"
    path.write_bytes(b"precious")
    refused = save(shared, path)
    assert refused.returncode == 6 and b"--force" in refused.stderr
    assert path.read_bytes() == b"precious" and os.listdir(tmp_path) == ["backup"]
    assert save(shared, path, "--force").returncode == 0
    assert verify(path).returncode == 0 and os.listdir(tmp_path) == ["backup"]


class Witness:
    """Sees whether a file's bytes are changed, or cut off, without having it open."""

    def __init__(self, path):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.file = self.libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert self.libc.inotify_add_watch(self.file, os.fsencode(path), IN_MODIFY) >= 0

    def has_seen(self):
        try:
            return bool(os.read(self.file, 65536))
        except BlockingIOError:
            return False
        finally:
            os.close(self.file)


def test_a_backup_that_is_replaced_is_taken_apart_before_the_verb_ends(shared, tmp_path):
    path = tmp_path / "backup"
    path.write_bytes(bytes(9 << 20))
    witness = Witness(path)
    assert save(shared, path, "--force").returncode == 0
    assert witness.has_seen()
    assert verify(path).returncode == 0


@pytest.mark.parametrize("kept_by", ["hard link", "symbolic link", "reader"])
def test_a_backup_that_is_replaced_stays_whole_for_others(shared, tmp_path, kept_by):
    path, other = tmp_path / "backup", tmp_path / "other"
    content = os.urandom(9 << 20)
    if kept_by == "symbolic link":
        other.write_bytes(content)
        path.symlink_to(other)
    else:
        path.write_bytes(content)
    if kept_by == "hard link":
        other.hardlink_to(path)
    with path.open("rb") as reader:
        if kept_by != "reader":
            reader.close()
        assert save(shared, path, "--force").returncode == 0
        assert (reader.read() if kept_by == "reader" else other.read_bytes()) == content
    assert verify(path).returncode == 0 and not path.is_symlink()


def test_what_cannot_be_written_leaves_nothing(shared, tmp_path):
    result = save(shared, tmp_path / "missing" / "backup")
    assert result.returncode == 1 and b"cannot write" in result.stderr
    shared.put("large", os.urandom(100000))
    full = subprocess.run(
        ["sh", "-c", f"ulimit -f 1; trap '' XFSZ; exec {HIVE} snapshot save {tmp_path}/backup"],
        env=environment(shared), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False,
    )
    assert full.returncode == 1 and b"File too large" in full.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("place", ["header", "middle", "end", "cut", "longer", "empty"])
def test_a_damaged_backup_is_refused(shared, tmp_path, place):
    path = tmp_path / "backup"
    for i in range(20):
        shared.put(f"damage/{i}", os.urandom(500))
    assert save(shared, path).returncode == 0
    data = bytearray(path.read_bytes())
    if place == "cut":
        del data[-1:]
    elif place == "longer":
        data += b"\0"
    elif place == "empty":
        data.clear()
    else:
        at = {"header": 9, "middle": len(data) // 2, "end": len(data) - 1}[place]
        data[at] ^= 1
    path.write_bytes(data)
    bad = verify(path)
    assert bad.returncode == 1 and str(path).encode() in bad.stderr and bad.stdout == b""
    directory = tmp_path / "data"
    start = hive(
        "--queen", "--listen", f"127.0.0.1:{free_port()}", "--data-dir", str(directory), "--restore", str(path),
        environment=environment(),
    )
    assert start.returncode != 0 and str(path).encode() in start.stderr, start


def test_mistakes_are_explained(shared, tmp_path):
    missing = verify(tmp_path / "nothing")
    assert missing.returncode == 5 and b"nothing" in missing.stderr
    for arguments in (["save"], ["verify"], ["destroy", "x"], []):
        result = hive("snapshot", *arguments, environment=environment(shared))
        assert result.returncode == 2, arguments
    wrong = {**environment(shared), "HIVE_TOKEN": "f" * 32}
    result = hive("snapshot", "save", str(tmp_path / "x"), environment=wrong)
    assert result.returncode == 1 and b"token" in result.stderr


def test_a_backup_waits_for_a_leader_or_takes_what_there_is(start_cluster, tmp_path):
    cluster = start_cluster(queens=3)
    leader = cluster.await_leader()
    cluster.put("a", b"1")
    for queen in cluster.followers():
        queen.kill()
    await_(lambda: leader.health()["raft_state"] != "LEADER", "it has stepped down")
    result = save(cluster, tmp_path / "none", "--timeout", "500ms")
    assert result.returncode == 3 and b"no backup within 0.5 s" in result.stderr
    assert save(cluster, tmp_path / "stale", "--stale").returncode == 0
    assert verify(tmp_path / "stale").returncode == 0
    saving = subprocess.Popen(
        [HIVE, "snapshot", "save", str(tmp_path / "late")], env=environment(cluster), stdout=subprocess.PIPE
    )
    for queen in cluster.queens:
        if not queen.is_running():
            queen.start()
    assert saving.wait(30) == 0
    saving.stdout.close()
    assert verify(tmp_path / "late").returncode == 0


def test_a_backup_that_is_interrupted_leaves_nothing(start_cluster, tmp_path):
    cluster = start_cluster(queens=1)
    cluster.await_leader()
    cluster.queens[0].pause()
    saving = subprocess.Popen(
        [HIVE, "snapshot", "save", str(tmp_path / "x")], env=environment(cluster), stderr=subprocess.PIPE
    )
    await_(lambda: any(name.endswith(".part") for name in os.listdir(tmp_path)), "it has begun")
    saving.send_signal(signal.SIGINT)
    _, errors = saving.communicate(timeout=30)
    assert saving.returncode == 1 and b"interrupted" in errors
    assert os.listdir(tmp_path) == ["cluster-1"]
