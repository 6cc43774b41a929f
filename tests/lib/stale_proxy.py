"""A queen that lies: hands everything on to a real one, and tells clients who read what they could have read before."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEPT = ("ETag", "Retry-After", "Content-Type")


class StaleProxy:
    """In front of the queen at `address`. `others`: real address -> that of its proxy, for redirects; shared by all proxies."""

    def __init__(self, address, others):
        self.seen = {}  # path -> the first answer to a read that found something; shown again to every third one
        self.reads = 0
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def hand_on(self):
                length = int(self.headers.get("Content-Length", 0))
                headers = {name: value for name, value in self.headers.items() if name not in ("Host", "Content-Length")}
                connection = http.client.HTTPConnection(address, timeout=5)
                connection.request(self.command, self.path, body=self.rfile.read(length) if length else None, headers=headers)
                answer = connection.getresponse()
                kept = {name: answer.headers[name] for name in KEPT if name in answer.headers}
                if answer.status == 307:
                    real = answer.headers["Location"].split("/")[2]
                    kept["Location"] = answer.headers["Location"].replace(real, others[real])
                found = answer.status, kept, answer.read()
                connection.close()
                return found

            def answer(self):
                try:
                    status, headers, body = self.hand_on()
                except OSError:
                    self.close_connection = True
                    return
                if self.command == "GET" and self.path.startswith("/kv/") and status == 200:
                    first = proxy.seen.setdefault(self.path, (status, headers, body))
                    proxy.reads += 1
                    status, headers, body = first if proxy.reads % 3 == 0 else (status, headers, body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_DELETE = do_POST = answer

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        others[address] = self.address
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
