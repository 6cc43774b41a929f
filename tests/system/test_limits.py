"""What strangers send: too much, too little, too slowly, or nonsense. The codes say what was wrong, others are served
meanwhile, and the node is up afterwards."""

import concurrent.futures
import contextlib
import json
import socket
import subprocess
import time

import pytest
from cluster import PATIENCE_S, SLOWNESS, await_, kv_path

MIB = 1024 * 1024
HUGE_BYTES = 100 * MIB


@pytest.fixture(scope="module")
def node(shared):
    """The leader: who has most to lose."""
    return shared.await_leader()


@pytest.fixture(autouse=True)
def everybody_survives(shared):
    pids = {n.name: n.process.pid for n in shared.nodes}
    yield
    for each in shared.nodes:
        await_(each.is_up, f"{each} is up")
    assert pids == {n.name: n.process.pid for n in shared.nodes}
    assert shared.put("alive", b"yes").status in (200, 201)


def connect(node):
    host, port = node.address.split(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE_S)


def exchange(node, data):
    """Sends raw bytes; what comes back until the node closes, or has answered what it was asked."""
    with connect(node) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(data)
        return receive(connection)


def receive(connection):
    answer = b""
    with contextlib.suppress(ConnectionResetError):
        while True:
            head, separator, body = answer.partition(b"\r\n\r\n")
            if separator and len(body) >= announced(head):
                return answer
            piece = connection.recv(65536)
            if not piece:
                return answer
            answer += piece
    return answer


def announced(head):
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


def status_of(answer):
    """The status of the first answer; None: closed without one."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else None


def problem_of(answer):
    problem = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert problem["title"] and problem["detail"] and problem["status"] == status_of(answer)
    return problem["type"].rsplit("/", 1)[-1]


# ---- too much ----

BODIES = [
    ("PUT", "/kv/huge"),
    ("POST", "/submit_task"),
    ("POST", "/register"),
    ("POST", "/do_task"),
    ("POST", "/append_entries"),
    ("GET", "/healthz"),
]


@pytest.mark.parametrize("method,path", BODIES)
def test_a_body_of_100_mb_is_too_large(shared, node, method, path):
    with connect(node) as connection:
        head = f"{method} {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {shared.token}\r\n"
        connection.sendall(f"{head}Content-Length: {HUGE_BYTES}\r\n\r\n".encode())
        piece, sent = b"x" * MIB, 0
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            while sent < HUGE_BYTES:
                connection.sendall(piece)
                sent += len(piece)
        answer = receive(connection)
    assert status_of(answer) == 413
    assert problem_of(answer) == "payload-too-large"


def test_curl_reads_its_413_for_100_mb(node, tmp_path):
    path = tmp_path / "huge"
    with open(path, "wb") as huge:
        huge.truncate(HUGE_BYTES)
    for extra in ([], ["-H", "Expect:"], ["-H", "Transfer-Encoding: chunked"]):
        command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-T", str(path), *extra]
        command.append(f"http://{node.address}/kv/huge")
        output = subprocess.run(command, stdout=subprocess.PIPE, timeout=PATIENCE_S, check=False).stdout
        assert output == b"413", extra


def test_a_value_may_have_a_mebibyte_and_not_a_byte_more(shared):
    assert shared.put("limit", b"x" * MIB).status in (200, 201)
    answer = shared.put("limit", b"x" * (MIB + 1))
    assert (answer.status, answer.problem) == (413, "payload-too-large")
    assert shared.get("limit") == b"x" * MIB
    shared.delete("limit")


def test_a_body_that_claims_more_than_exists_is_refused_unread(node):
    answer = exchange(node, b"PUT /kv/a HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775807\r\n\r\nxxx")
    assert status_of(answer) == 413


def test_chunks_without_end_are_cut_off(node):
    with connect(node) as connection:
        connection.sendall(b"PUT /kv/chunked HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n" % MIB + b"x" * MIB + b"\r\n"
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(300):
                connection.sendall(chunk)
        assert status_of(receive(connection)) in (413, None)


def test_a_key_may_have_512_bytes_and_not_one_more(shared):
    assert shared.put("k" * 512, b"1").status in (200, 201)
    for key in ("k" * 513, "k" * 5000, "蜂" * 171):
        for method in ("PUT", "GET", "DELETE"):
            answer = shared.request(method, kv_path(key), b"1" if method == "PUT" else None)
            assert (answer.status, answer.problem) == (414, "uri-too-long")
    assert shared.put("蜂" * 170, b"1").status in (200, 201)


@pytest.mark.parametrize("size", [10_000, 20_000, 100_000, 2_000_000])
def test_an_address_that_is_too_long_is_told_so(node, size):
    for path in ("/kv/" + "a" * size, "/kv?prefix=" + "a" * size):
        answer = exchange(node, f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        assert status_of(answer) == 414, answer[:200]


@pytest.mark.parametrize(
    "headers",
    ["X: " + "a" * 100_000, "\r\n".join(f"X-{n}: {n}" for n in range(5000))],
    ids=["one large", "many"],
)
def test_headers_that_are_too_large_are_told_so(node, headers):
    answer = exchange(node, f"GET /healthz HTTP/1.1\r\nHost: h\r\n{headers}\r\n\r\n".encode())
    assert status_of(answer) in (413, 431)


def test_connections_beyond_the_cap_are_told_so_and_served_again_later(node):
    with contextlib.ExitStack() as stack:
        for _ in range(1100):
            connection = stack.enter_context(connect(node))
        connection.sendall(b"GET /tasks HTTP/1.1\r\nHost: h\r\n\r\n")
        answer = receive(connection)
        assert (status_of(answer), problem_of(answer)) == (503, "busy")
        assert node.is_up()  # health checks and peers still come through
        for _ in range(300):
            connection = stack.enter_context(connect(node))
        answer = receive(connection)
        assert (status_of(answer), problem_of(answer)) == (503, "busy")
    await_(node.is_up, "there is room again")


# ---- nonsense ----


@pytest.mark.parametrize(
    "length", [b"-1", b"-104857600", b"1x", b"", b"0x10", b"1 1", b"99999999999999999999999999", b"+1"], ids=repr
)
def test_a_content_length_that_is_no_number_is_a_bad_request(node, length):
    head = b"POST /submit_task HTTP/1.1\r\nHost: h\r\nContent-Length: " + length + b"\r\n\r\n"
    answer = exchange(node, head + b'{"text":"a"}')
    assert status_of(answer) in (400, 413), answer


@pytest.mark.parametrize(
    "data",
    [
        b"\x00" * 1000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) + b"\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET healthz HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /kv/%zz HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /kv/%f HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /kv?prefix=%g0 HTTP/1.1\r\nHost: h\r\n\r\n",
        b"PUT /kv/a HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"PUT /kv/a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    ],
    ids=lambda data: repr(data[:40]),
)
def test_what_is_no_request_is_refused_or_closed(node, data):
    with connect(node) as connection:
        connection.settimeout(1)  # some of it may be the start of something: then the node waits, and is right
        connection.sendall(data)
        try:
            status = status_of(receive(connection))
        except TimeoutError:
            status = None
        assert status in (400, 413, 431, 505, None)


def test_two_lengths_that_differ_are_refused(node):
    """A proxy in front may believe the other one: then what is left over passes for somebody else's request."""
    for first, second in ((1, 2), (2, 1)):
        lengths = f"Content-Length: {first}\r\nContent-Length: {second}\r\n"
        answer = exchange(node, f"PUT /kv/lengths HTTP/1.1\r\nHost: h\r\n{lengths}\r\nab".encode())
        assert status_of(answer) == 400


# ---- what is not there ----


@pytest.mark.parametrize(
    "path",
    ["/", "/nothing", "/healthz/", "/healthz/x", "/kvx", "/kv/", "//healthz", "/tasks/a/b", "/../healthz", "/HEALTHZ"],
)
def test_unknown_paths_are_not_found(shared, path):
    for each in shared.nodes:
        answer = each.call("GET", path)
        assert (answer.status, answer.problem) == (404, "not-found"), answer


@pytest.mark.parametrize(
    "method,path,allowed",
    [
        ("POST", "/healthz", {"GET", "HEAD"}),
        ("GET", "/register", {"POST"}),
        ("GET", "/submit_task", {"POST"}),
        ("GET", "/do_task", {"POST"}),
        ("POST", "/kv/a", {"GET", "HEAD", "PUT", "DELETE"}),
        ("DELETE", "/tasks", {"GET", "HEAD"}),
        ("BREW", "/drones", {"GET", "HEAD"}),
    ],
)
def test_wrong_methods_are_told_the_right_ones(shared, method, path, allowed):
    for each in shared.nodes:
        answer = each.call(method, path)
        assert (answer.status, answer.problem) == (405, "method-not-allowed"), answer
        assert set(answer.headers["allow"].replace(" ", "").split(",")) == allowed


def test_rafts_own_calls_need_the_token(shared, node):
    for path in ("/request_vote", "/append_entries"):
        for token in (None, "wrong"):
            answer = node.call("POST", path, {}, token=token)
            assert (answer.status, answer.problem) == (401, "unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/request_vote", "/append_entries"])
@pytest.mark.parametrize("body", [b"", b"{}", b"hello", b'{"term": -1}', b'{"term": "1"}', b"[" * 10000], ids=repr)
def test_rafts_own_calls_with_nonsense_change_nothing(shared, node, path, body):
    before = node.health()
    answer = node.call("POST", path, body)
    assert (answer.status, answer.problem) == (400, "bad-request")
    after = node.health()
    assert (after["term"], after["leader"]) == (before["term"], before["leader"])


# ---- too slow ----


def test_half_requests_held_open_keep_nobody_from_being_served(shared, node):
    halves = [
        b"G",
        b"GET /healthz HTTP/1.1\r\nHost: h\r\n",
        b"PUT /kv/half HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n",
        b"PUT /kv/half HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf of it",
        b"PUT /kv/half HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf",
        b"PUT /kv/half HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n",
    ]
    with contextlib.ExitStack() as stack:
        for half in halves * 10:
            connection = stack.enter_context(connect(node))
            connection.sendall(half)
        start = time.monotonic()
        for number in range(50):
            assert shared.put(f"served/{number}", b"1", via=node).status in (200, 201)
            assert node.health()["status"] == "READY"
        assert time.monotonic() - start < 5 * SLOWNESS
    assert shared.get("half") is None


def test_a_request_that_comes_byte_by_byte_is_served(node):
    request = b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n"
    with connect(node) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request:
            connection.sendall(bytes([byte]))
        assert status_of(receive(connection)) == 200


def test_clients_that_vanish_in_the_middle_do_no_harm(node):
    def vanish(number):
        connection = connect(node)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # close with a reset
        head = b"PUT /kv/vanished HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n"
        connection.sendall(head + b"12345"[: number % 6])
        connection.close()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(vanish, range(200)))


def test_requests_in_a_row_on_one_connection_are_answered_in_order(node):
    with connect(node) as connection:
        for number in range(20):
            value = b"%04d" % number
            connection.sendall(b"PUT /kv/row HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n" + value)
            assert status_of(receive(connection)) in (200, 201)
            connection.sendall(b"GET /kv/row HTTP/1.1\r\nHost: h\r\n\r\n")
            assert receive(connection).endswith(value)
