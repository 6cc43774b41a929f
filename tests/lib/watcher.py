"""A client of GET /watch for the system tests: raw, so that it shows what a queen says and not what a verb makes of it.

    with Watch(queen, prefix="a/") as watch:
        watch.next("start")
        event = watch.next()          # Event(name="put", id="12", data={…})
"""

import base64
import http.client
import json
import queue
import threading
import urllib.parse
from dataclasses import dataclass

from cluster import PATIENCE_S, TOKEN


@dataclass
class Event:
    name: str
    id: str | None
    data: dict

    @property
    def index(self):
        return self.data["index"]

    @property
    def key(self):
        return _bytes(self.data, "key")

    @property
    def value(self):
        return _bytes(self.data, "value")


def _bytes(data, name):
    if name + "_base64" in data:
        return base64.b64decode(data[name + "_base64"])
    return data[name].encode()


class Refused(Exception):
    """The queen answered with something else than a stream."""

    def __init__(self, status, headers, body):
        super().__init__(f"{status}: {body[:300]!r}")
        self.status = status
        self.headers = headers
        self.problem = json.loads(body)["type"].rsplit("/", 1)[-1]


class Watch:
    """One stream of one queen, read by a thread of its own. `last_id` is where another one could go on."""

    def __init__(self, node, last_id=None, token=TOKEN, **query):
        headers = {"Last-Event-ID": str(last_id)} if last_id is not None else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        host, port = node.address.rsplit(":", 1)
        self.last_id = str(last_id) if last_id is not None else None
        self.comments = []
        self.ended_cleanly = None
        self._events = queue.Queue()
        self._connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE_S)
        self._connection.request("GET", "/watch?" + urllib.parse.urlencode(query), headers=headers)
        self._socket = self._connection.sock
        self._response = self._connection.getresponse()
        self.headers = {name.lower(): value for name, value in self._response.getheaders()}
        if self._response.status != 200:
            body = self._response.read()
            self._connection.close()
            raise Refused(self._response.status, self.headers, body)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        fields, pending_id = {}, self.last_id
        try:
            for line in self._response:
                line = line.decode().rstrip("\n")
                if line.startswith(":"):
                    self.comments.append(line[1:].strip())
                elif line:
                    name, value = line.split(": ", 1)
                    fields[name] = value
                    if name == "id":
                        pending_id = value
                else:
                    self.last_id = pending_id
                    if "data" in fields:
                        event = Event(fields.get("event"), fields.get("id"), json.loads(fields["data"]))
                        self._events.put(event)
                    fields = {}
            self.ended_cleanly = True
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            self.ended_cleanly = False
        self._events.put(None)

    def next(self, name=None, timeout=None):
        """The next event (of that name, or the test fails); None at the end of the stream."""
        event = self._events.get(timeout=timeout or PATIENCE_S)
        if event is None:
            self._events.put(None)
        assert name is None or (event is not None and event.name == name), event
        return event

    def until(self, name):
        """All events up to and with the first of that name."""
        events = [self.next()]
        while events[-1] is not None and events[-1].name != name:
            events.append(self.next())
        assert events[-1] is not None, events
        return events

    def is_quiet(self):
        return self._events.empty()

    def close(self):
        try:
            self._socket.shutdown(2)
        except OSError:
            pass
        self._thread.join(PATIENCE_S)
        self._connection.close()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self.close()
