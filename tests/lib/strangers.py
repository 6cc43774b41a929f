"""Servers that are no nodes of Hive."""

import contextlib
import http.server
import threading


class Stranger(http.server.BaseHTTPRequestHandler):
    """A server that is no node of Hive."""

    ANSWERS = [(404, b"nothing here"), (200, b"{}"), (200, b"<html>"), (200, b'{"mode": "QUEEN", "term": "many"}'),
               (200, b"[" * 100000), (500, b"\033[2J\033[31mred")]  # fmt: skip
    number = 0

    def do_GET(self):
        status, body = self.ANSWERS[self.number % len(self.ANSWERS)]
        Stranger.number += 1
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def stranger():
    """One that listens; its address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
