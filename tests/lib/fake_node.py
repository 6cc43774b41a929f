"""A node that is none: it says that it is ready and leads, and keeps the tables of faults that it is told, for tests of those who
tell it. Run as `hive` by a launcher; `<data or name>.mood` in the directory of $MOODS says how it answers PUT /faults: "refuse",
"silent", or (no such file) as it should."""

import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def option(name):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else None


ADDRESS = option("--listen")
IS_QUEEN = "--queen" in sys.argv
NAME = option("--name") or os.path.basename(option("--data-dir"))
MOODS = os.environ["MOODS"]
with open(option("--token-file"), encoding="utf-8") as token_file:
    TOKEN = token_file.read()
rules = []


def mood():
    try:
        with open(os.path.join(MOODS, f"{NAME}.mood"), encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""


class Handler(BaseHTTPRequestHandler):
    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        health = {"status": "READY", "mode": "QUEEN" if IS_QUEEN else "DRONE", "pid": os.getpid(), "address": ADDRESS,
                  "faults": rules}  # fmt: skip
        if IS_QUEEN:
            is_leader = NAME == "q1"
            health |= {"raft_state": "LEADER" if is_leader else "FOLLOWER", "term": 1, "standing": "voter",
                       "leader": ADDRESS if is_leader else os.environ["LEADER"]}  # fmt: skip
        self.answer(200, health)

    def do_PUT(self):
        global rules
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if mood() == "silent":
            time.sleep(60)
        if mood() == "refuse":
            self.answer(403, {"type": "faults-disabled", "detail": "faults are not enabled here"})
        elif self.headers["Authorization"] != f"Bearer {TOKEN}":
            self.answer(401, {"detail": "no token"})
        else:
            rules = body["rules"]
            self.answer(200, body)

    def log_message(self, *arguments):
        pass


host, port = ADDRESS.rsplit(":", 1)
ThreadingHTTPServer.daemon_threads = True
ThreadingHTTPServer((host, int(port)), Handler).serve_forever()
