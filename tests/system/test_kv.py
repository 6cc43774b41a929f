"""The key-value store over HTTP: what is written is read, conditions hold, and no answer says more than is known."""

import base64
import subprocess
import threading
import urllib.parse

import pytest
from cluster import PATIENCE_S, TOKEN, Unknown, await_, decode_entry, kv_path

KEY_BYTES = 512
VALUE_BYTES = 1024 * 1024


def conditions(if_match=None, if_none_match=None):
    headers = {"If-Match": if_match, "If-None-Match": if_none_match}
    return {name: value for name, value in headers.items() if value is not None}


# ---- one key ----


def test_a_value_is_created_read_replaced_and_deleted(shared):
    created = shared.put("life/a", b"one")
    assert created.status == 201
    assert created.json() == {"key": "life/a", "index": int(created.etag.strip('"'))}

    read = shared.request("GET", "/kv/life/a")
    assert (read.status, read.body, read.etag) == (200, b"one", created.etag)
    assert read.headers["content-type"] == "application/octet-stream"

    replaced = shared.put("life/a", b"two")
    assert replaced.status == 200
    assert replaced.json()["index"] > created.json()["index"]
    assert shared.get("life/a") == b"two"

    deleted = shared.delete("life/a")
    assert deleted.status == 200 and deleted.json()["index"] > replaced.json()["index"]
    assert shared.request("GET", "/kv/life/a").problem == "not-found"
    again = shared.delete("life/a")
    assert (again.status, again.problem) == (404, "not-found")


@pytest.mark.parametrize(
    "value",
    [b"", b"\0", bytes(range(256)), b"\r\n\r\n", b"x" * VALUE_BYTES],
    ids=["empty", "nul", "all bytes", "line ends", "the largest"],
)
def test_values_of_all_kinds_come_back_as_they_were(shared, value):
    assert shared.put("value", value).status in (200, 201)
    assert shared.get("value") == value


@pytest.mark.parametrize(
    "key",
    ["a", "a/b/c", "/", "//", "a/", "with space", "grün/蜂/🐝", "?#%&+", "a%2Fb", "..", "../../x", "k" * KEY_BYTES],
)
def test_keys_of_all_kinds_are_keys(shared, key):
    assert shared.put(key, key.encode()).status == 201
    assert shared.get(key) == key.encode()
    assert key in [e["key"] for e in shared.list(prefix=key)["entries"]]
    assert shared.delete(key).status == 200


def test_a_key_may_hold_any_byte_but_nul(shared):
    every_byte = bytes(range(1, 256))
    path = "/kv/bytes/" + "".join(f"%{byte:02X}" for byte in every_byte)
    assert shared.request("PUT", path, b"x").status == 201
    assert shared.request("GET", path.replace("%C", "%c")).body == b"x"
    assert [decode_entry(e)[0] for e in shared.entries("bytes/")] == [b"bytes/" + every_byte]
    for method in ("PUT", "GET", "DELETE"):
        answer = shared.request(method, "/kv/bytes/a%00b", b"x" if method == "PUT" else None)
        assert (answer.status, answer.problem) == (400, "bad-request")


def test_a_head_request_tells_the_size_without_the_value(shared):
    shared.put("head", b"12345")
    answer = shared.request("HEAD", "/kv/head")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "5")


# ---- conditions ----


def test_if_match_writes_only_over_what_was_read(shared):
    first = shared.put("cas", b"1")
    second = shared.put("cas", b"2", conditions(if_match=first.etag))
    assert second.status == 200
    stale = shared.put("cas", b"3", conditions(if_match=first.etag))
    assert (stale.status, stale.problem, stale.etag) == (412, "conflict", second.etag)
    assert shared.get("cas") == b"2"
    assert shared.delete("cas", conditions(if_match=first.etag)).status == 412
    assert shared.delete("cas", conditions(if_match=second.etag)).status == 200
    gone = shared.put("cas", b"4", conditions(if_match=second.etag))
    assert (gone.status, gone.etag) == (412, None)


def test_if_match_star_writes_only_where_the_key_exists(shared):
    assert shared.put("star", b"1", conditions(if_match="*")).status == 412
    assert shared.get("star") is None
    shared.put("star", b"1")
    assert shared.put("star", b"2", conditions(if_match="*")).status == 200


def test_if_none_match_writes_only_where_the_key_does_not_exist(shared):
    created = shared.put("new", b"1", conditions(if_none_match="*"))
    assert created.status == 201
    refused = shared.put("new", b"2", conditions(if_none_match="*"))
    assert (refused.status, refused.etag) == (412, created.etag)
    assert shared.get("new") == b"1"
    shared.delete("new")
    assert shared.put("new", b"3", conditions(if_none_match="*")).status == 201


@pytest.mark.parametrize(
    "headers",
    [
        conditions(if_match="never"),
        conditions(if_match='"12'),
        conditions(if_match='W/"12"'),
        conditions(if_match=""),
        conditions(if_match="-1"),
        conditions(if_match="99999999999999999999999"),
        conditions(if_none_match='"12"'),
        conditions(if_match='"1"', if_none_match="*"),
    ],
    ids=str,
)
def test_conditions_that_make_no_sense_are_refused(shared, headers):
    answer = shared.put("senseless", b"1", headers)
    assert (answer.status, answer.problem) == (400, "bad-request")
    assert shared.get("senseless") is None


def test_increments_by_compare_and_set_through_all_queens_are_never_lost(shared):
    shared.put("counter", b"0")
    workers, increments = 4, 25
    failures = []

    def increment(queen):
        for _ in range(increments):
            while True:
                read = shared.request("GET", "/kv/counter", via=queen)
                value = str(int(read.body) + 1).encode()
                try:
                    written = shared.put("counter", value, conditions(if_match=read.etag), via=queen)
                except Unknown as error:
                    failures.append(error)
                    return
                if written.status == 200:
                    break
                assert written.status == 412

    threads = [threading.Thread(target=increment, args=(shared.queens[i % 3],)) for i in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert shared.get("counter") == str(workers * increments).encode()


# ---- listings ----


@pytest.fixture(scope="module")
def listed(shared):
    for number in range(25):
        shared.put(f"list/{number:02}", str(number).encode())
    shared.put("lisu", b"behind")
    shared.put("lis", b"before")
    return shared


def test_a_prefix_lists_its_keys_in_order(listed):
    page = listed.list(prefix="list/")
    assert [e["key"] for e in page["entries"]] == [f"list/{n:02}" for n in range(25)]
    assert [e["value"] for e in page["entries"]] == [str(n) for n in range(25)]
    assert all(e["version"] == 1 and e["index"] > 0 for e in page["entries"])
    assert page["next"] is None


def test_pages_add_up_to_the_whole_list(listed):
    keys, after = [], ""
    while after is not None:
        page = listed.list(prefix="list/", limit=7, after=after)
        assert len(page["entries"]) <= 7
        keys += [e["key"] for e in page["entries"]]
        after = page["next"]
    assert keys == [f"list/{n:02}" for n in range(25)]


def test_a_listing_goes_on_behind_a_key_that_was_deleted_meanwhile(listed):
    listed.put("gap/1", b"")
    listed.put("gap/2", b"")
    listed.put("gap/3", b"")
    after = listed.list(prefix="gap/", limit=2)["next"]
    listed.delete(after)
    assert [e["key"] for e in listed.list(prefix="gap/", after=after)["entries"]] == ["gap/3"]


def test_a_version_counts_the_writes_of_a_key(listed):
    for _ in range(3):
        listed.put("version", b"x")
    assert listed.list(prefix="version")["entries"][0]["version"] == 3


def test_keys_and_values_that_are_no_text_are_listed_in_base64(listed):
    listed.request("PUT", "/kv/binary/%fe", b"\xff\x00")
    (entry,) = listed.list(prefix="binary/")["entries"]
    assert decode_entry(entry) == (b"binary/\xfe", b"\xff\x00")
    assert base64.b64decode(entry["key_base64"]) == b"binary/\xfe"


def test_pages_end_and_add_up_whatever_bytes_the_keys_hold(listed):
    tails = [b"\x01", b"\x01\x01", b"\x01a", b" ", b"%", b"&", b"+", b"a", b"a\x01", b"\xfe", b"\xff", b"\xff\x01"]
    keys = [b"odd/" + tail for tail in tails]
    for key in keys:
        listed.request("PUT", "/kv/" + urllib.parse.quote(key, safe="/"), b"")
    found, after = [], b""
    while after is not None and len(found) <= len(keys):
        query = urllib.parse.urlencode({"prefix": "odd/", "limit": 2, "after": after})
        page = listed.request("GET", f"/kv?{query}").json()
        found += [decode_entry(e)[0] for e in page["entries"]]
        has_next = page.get("next") is not None or "next_base64" in page
        after = found[-1] if has_next else None
    assert found == sorted(keys)


@pytest.mark.parametrize("query", ["limit=0", "limit=-1", "limit=1001", "limit=ten", "limit=", "consistency=maybe"])
def test_queries_that_make_no_sense_are_refused(listed, query):
    answer = listed.request("GET", f"/kv?{query}")
    assert (answer.status, answer.problem) == (400, "bad-request")


# ---- who answers ----


def test_followers_send_to_the_leader_with_path_and_query(shared):
    leader = shared.await_leader()
    for follower in shared.followers():
        for method, path in [
            ("PUT", "/kv/some%20key?x=1"),
            ("GET", "/kv/some%20key"),
            ("DELETE", "/kv/a/b%2Fc"),
            ("GET", "/kv?prefix=a%26b&limit=3"),
            ("GET", "/tasks?limit=1"),
            ("GET", "/drones"),
        ]:
            answer = follower.call(method, path, b"v" if method == "PUT" else None)
            assert answer.status == 307, answer
            assert answer.headers["location"] == f"http://{leader.address}{path}"


def test_curl_finds_the_leader_by_itself(shared):
    def curl(*arguments):
        command = ["curl", "-sS", "-L", "--max-time", str(PATIENCE_S), "-H", f"Authorization: Bearer {TOKEN}"]
        return subprocess.run([*command, *arguments], stdout=subprocess.PIPE, check=True).stdout

    for number, queen in enumerate(shared.queens):
        url = f"http://{queen.address}/kv/curl/{number}"
        curl("-X", "PUT", "--data-binary", f"value {number}", url)
        assert curl(url) == f"value {number}".encode()


def test_stale_reads_are_answered_by_every_queen(shared):
    written = shared.put("stale", b"1")
    for queen in shared.queens:

        def has_arrived(queen=queen):
            answer = queen.call("GET", "/kv/stale?consistency=stale")
            return (answer.status, answer.body, answer.etag) == (200, b"1", written.etag)

        await_(has_arrived, f"{queen} has it")
        assert "stale" in [e["key"] for e in queen.call("GET", "/kv?prefix=stale&consistency=stale").json()["entries"]]


def age_of(answer):
    """How old what a stale read shows may be; None where the queen cannot tell."""
    assert answer.status == 200, answer
    age = answer.headers["hive-data-age-ms"]
    return None if age == "unknown" else int(age)


def test_stale_reads_tell_how_old_they_may_be(start_cluster):
    cluster = start_cluster(queens=3)
    cluster.put("a", b"1")
    leader, (one, other) = cluster.await_leader(), cluster.followers()
    paths = ["/kv/a?consistency=stale", "/kv?consistency=stale", "/tasks?consistency=stale", "/drones?consistency=stale"]
    for queen in cluster.queens:
        cluster.await_caught_up(queen)
        for path in paths:
            await_(lambda queen=queen, path=path: age_of(queen.call("GET", path)) is not None, f"{queen} knows how old {path} is")
            assert age_of(queen.call("GET", path)) < 10_000
    assert "hive-data-age-ms" not in cluster.request("GET", "/kv/a").headers
    leader.kill()
    other.kill()
    first = age_of(one.call("GET", paths[0]))
    await_(lambda: age_of(one.call("GET", paths[0])) > first + 300, "what the lonely one has gets older")
    one.restart()
    await_(one.is_up, "it is up again")
    assert age_of(one.call("GET", paths[1])) is None, "nobody has told it anything since its start"


def test_without_a_majority_nothing_is_promised(start_cluster):
    cluster = start_cluster(queens=3)
    cluster.put("a", b"1")
    leader = cluster.await_leader()
    for queen in cluster.followers():
        cluster.await_caught_up(queen)
        queen.kill()
    await_(lambda: leader.health()["raft_state"] != "LEADER", "the lonely leader has stepped down")
    calls = ["PUT /kv/a", "GET /kv/a", "DELETE /kv/a", "GET /kv", "GET /tasks", "GET /drones"]
    for method, path in (call.split() for call in calls):
        answer = leader.call(method, path, b"2" if method == "PUT" else None)
        assert (answer.status, answer.problem) == (503, "no-leader"), answer
        assert int(answer.headers["retry-after"]) >= 1
    stale = leader.call("GET", "/kv/a?consistency=stale")
    assert (stale.status, stale.body) == (200, b"1")
    assert age_of(stale) is not None, "what it knew as the leader, it still knows"
    health = leader.health()
    assert (health["status"], health["leader"]) == ("NOT_READY", None)

    cluster.queens[0 if cluster.queens[0] is not leader else 1].start()
    assert cluster.get("a") == b"1"


def test_a_write_that_nobody_confirms_is_unknown_and_settles_one_way(start_cluster):
    cluster = start_cluster(queens=3, queen_options=["--request-timeout", "1s"])
    outcome = None
    for attempt in range(10):  # the leader may step down before the write arrives; then there is nothing to see
        leader = cluster.await_leader()
        followers = cluster.followers()
        for queen in followers:
            queen.pause()
        outcome = leader.call("PUT", f"/kv/doubt/{attempt}", b"x")
        for queen in followers:
            queen.resume()
        if outcome.status == 504:
            break
        assert outcome.status in (307, 503), outcome
    assert (outcome.status, outcome.problem) == (504, "unknown-outcome")
    key = f"doubt/{attempt}"
    value = cluster.get(key)
    assert value in (None, b"x")
    cluster.put("after", b"")
    for queen in cluster.queens:
        cluster.await_caught_up(queen)
        answer = queen.call("GET", kv_path(key) + "?consistency=stale")
        assert answer.status == (404 if value is None else 200)


def test_writes_to_a_drone_are_refused_with_a_hint(shared):
    for method in ("GET", "PUT", "DELETE"):
        answer = shared.drones[0].call(method, "/kv/a", b"1" if method == "PUT" else None)
        assert (answer.status, answer.problem) == (400, "wrong-mode")
