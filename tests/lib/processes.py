"""What the kernel says of processes, and ports that tests hold."""

import contextlib
import random
import socket


def state_of(pid):
    """The letter of /proc; "X" where there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def is_alive(pid):
    """True where the process is there; a zombie, whom its parent has not noticed yet, is not."""
    return state_of(pid) not in "ZX"


def is_stopped(pid):
    return state_of(pid) == "T"


def free_ports(count):
    """The first of `count` ports in a row that nobody listens on."""
    while True:
        first = random.randrange(24000, 25000 - count)
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
                return first
            except OSError:
                continue


def listener(port):
    """A socket that listens on the port of 127.0.0.1."""
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    taken.bind(("127.0.0.1", port))
    taken.listen()
    return taken
