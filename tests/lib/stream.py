"""A steady stream of writes at so many a second, through whatever happens to the queens, and the gaps between its answers.

    with Stream(cluster, per_second=1000) as stream:
        leader.terminate()
    stream.longest_gap_ms(), stream.acknowledged

Plain sockets that stay open and requests made beforehand: at a thousand a second Python has no time for more. A write that got
no clear answer is sent again, with the same Idempotency-Key, to whoever may lead now.
"""

import itertools
import os
import re
import socket
import threading
import time

ANSWER_S = 1.0
GIVE_UP_S = 30.0
LOCATION = re.compile(rb"\r\nlocation: http://([^/\r]+)", re.IGNORECASE)
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


class Line:
    """One connection to a queen."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=ANSWER_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(self, request):
        """(status, whom it redirects to or None). OSError where there is no answer."""
        self.socket.sendall(request)
        answer = b""
        while True:
            end = answer.find(b"\r\n\r\n")
            if end >= 0:
                length = LENGTH.search(answer, 0, end + 2)
                if len(answer) >= end + 4 + (int(length[1]) if length else 0):
                    location = LOCATION.search(answer, 0, end + 2)
                    return int(answer[9:12]), location[1].decode() if location else None
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionResetError("closed")
            answer += piece


class Stream:
    def __init__(self, cluster, per_second=1000, workers=8, prefix="stream"):
        self.addresses = [queen.address for queen in cluster.queens]  # may be changed while it runs
        self.token, self.prefix = cluster.token, prefix
        self.leader = cluster.await_leader().address
        self.times = []  # of acknowledgements
        self.acknowledged = set()  # keys
        self.repeated = 0
        self.error = None
        self.run_id = os.urandom(4).hex()
        self._end = threading.Event()
        period_s = workers / per_second
        self.threads = [
            threading.Thread(target=self._run, args=(number, period_s, period_s * number / workers), daemon=True)
            for number in range(workers)
        ]

    def _run(self, worker, period_s, offset_s):
        lines = {}
        due = time.monotonic() + offset_s
        try:
            for number in itertools.count():
                pause_s = due - time.monotonic()
                if pause_s > 0:
                    time.sleep(pause_s)
                if self._end.is_set():
                    return
                due = max(due + period_s, time.monotonic() - 0.1)  # what is late by more is left out
                self._write(lines, f"{self.prefix}/{worker}-{number:06}")
        except Exception as error:  # for the main thread to see
            self.error = error

    def _write(self, lines, key):
        request = (
            f"PUT /kv/{key} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.token}\r\n"
            f"Idempotency-Key: {self.run_id} {key}\r\nContent-Length: 8\r\n\r\n12345678"
        ).encode()
        started, others = time.monotonic(), itertools.cycle(self.addresses)
        for attempt in itertools.count():
            address = self.leader
            try:
                line = lines.get(address)
                if not line:
                    line = lines[address] = Line(address)
                status, location = line.call(request)
            except OSError:
                lines.pop(address, None)
                status, location = 0, None
            if status in (200, 201):
                self.times.append(time.monotonic())
                self.acknowledged.add(key)
                self.repeated += attempt > 0
                return
            if status not in (0, 307, 503, 504) or time.monotonic() - started > GIVE_UP_S:
                raise AssertionError(f"PUT {key} to {address}: status {status}")
            if location:
                self.leader = location
            else:
                if self.leader == address:
                    self.leader = next(others)
                time.sleep(0.002)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, value, traceback):
        self._end.set()
        for thread in self.threads:
            thread.join()
        if self.error and kind is None:
            raise self.error

    def longest_gap_ms(self, start=None, end=None):
        """Between two acknowledgements in a row, of those between two moments."""
        times = sorted(t for t in self.times if (start is None or t >= start) and (end is None or t <= end))
        return max((b - a for a, b in zip(times, times[1:])), default=float("inf")) * 1000

    def lost(self, cluster):
        """Acknowledged writes that are not there."""
        return self.acknowledged - {entry["key"] for entry in cluster.entries(self.prefix + "/")}
