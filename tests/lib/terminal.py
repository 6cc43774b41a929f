"""hivetop on terminals: as a person has them (tmux), and one that is read only where the test does it."""

import contextlib
import fcntl
import itertools
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios

from cluster import BUILD, PATIENCE_S, await_

HIVETOP = os.path.join(BUILD, "bin", "hivetop")
NOWHERE = "/nonexistent"  # the user's own configuration is left alone
REFRESH_S = 0.5  # hivetop's default interval

_numbers = itertools.count()


class Terminal:
    """A shell in a tmux of its own. (bash would repair the terminal after a program, and hide what that left behind.)"""

    def __init__(self, environment, columns=80, rows=24, shell=("sh",)):
        self.name = f"hivetop-{os.getpid()}-{next(_numbers)}"
        settings = {name: value for name, value in environment.items() if name not in ("TMUX", "TERM")}
        self.config = tempfile.mkdtemp(prefix="hivetop-config-")  # what one test sorts by is none of another's business
        settings.setdefault("XDG_CONFIG_HOME", self.config)
        subprocess.run(
            ["tmux", "-L", self.name, "-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows),
             "env", "PS1=ready$ ", *shell],
            env=settings | {"LC_ALL": "C.UTF-8"}, check=True, timeout=PATIENCE_S)  # fmt: skip
        await_(lambda: "ready$" in self.text(), "the shell is there")

    def tmux(self, *arguments):
        return subprocess.run(["tmux", "-L", self.name, *arguments], stdout=subprocess.PIPE, check=True,
                              timeout=PATIENCE_S).stdout.decode()  # fmt: skip

    def close(self):
        subprocess.run(["tmux", "-L", self.name, "kill-server"], check=False, timeout=PATIENCE_S)
        shutil.rmtree(self.config)

    def text(self, *options):
        return self.tmux("capture-pane", "-p", *options)

    def lines(self):
        return self.text().splitlines()

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def takes_mouse(self):
        return self.tmux("display-message", "-p", "#{mouse_any_flag}").strip() == "1"

    def point(self, column, row, button=0):
        """A click there, or with button 64 or 65 a turn of the wheel, as a terminal reports it."""
        for code in (button, 3) if button == 0 else (button,):  # 3 lets go again
            codes = [0x1B, ord("["), ord("M"), 32 + code, 33 + column, 33 + row]
            self.tmux("send-keys", "-H", *(f"{code:x}" for code in codes))

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def await_text(self, pattern, seconds=None):
        try:
            return await_(lambda: re.search(pattern, self.text(), re.MULTILINE), f"'{pattern}' shows", seconds)
        except AssertionError:
            raise AssertionError(f"waited in vain for '{pattern}'; the screen:\n{self.text()}") from None

    def program(self):
        """The pid of what runs in the shell."""
        shell = self.tmux("display-message", "-p", "#{pane_pid}").strip()
        with open(f"/proc/{shell}/task/{shell}/children", encoding="ascii") as file:
            children = file.read().split()
        return int(children[0]) if children else None

    def run(self, command):
        """Runs a command line to its end; its output."""
        mark = next(_numbers)
        self.press("clear", "Enter")
        self.type(f"{command}; echo end-{mark}-$?")
        self.press("Enter")
        self.await_text(rf"end-{mark}-\d")
        return self.text()

    def modes(self):
        """What a program could leave behind: the line's settings, alternate screen, hidden cursor, keypad mode, mouse."""
        path = f"/tmp/{self.name}.stty"
        self.run(f"stty -a > {path}")
        with open(path, encoding="ascii") as file:
            settings = file.read()
        os.unlink(path)
        flags = "#{alternate_on} #{cursor_flag} #{keypad_cursor_flag} #{mouse_any_flag}"
        return settings, self.tmux("display-message", "-p", flags)

    def start(self, *arguments, environment=""):
        self.press("clear", "Enter")
        self.type(f"{environment} {HIVETOP} {' '.join(arguments)}")
        self.press("Enter")

    def await_prompt(self):
        await_(lambda: self.program() is None, "hivetop has ended")

    def selected(self):
        return next((line.split()[0][1:] for line in self.lines() if line.startswith(">")), None)

    def row(self, name):
        return next((line for line in self.lines() if re.match(rf"[ >]{name} ", line)), "")

    def leader(self):
        match = re.search(r"leader (\S+) t(\d+)", self.lines()[0])
        return (match[1], int(match[2])) if match else None

    def select(self, name):
        self.press("g")
        for _ in range(100):
            if self.selected() == name:
                return
            before = self.selected()
            self.press("j")
            await_(lambda: self.selected() != before, f"the selection leaves {before}")
        raise AssertionError(f"{name} is not there:\n{self.text()}")


class RawTerminal:
    """hivetop on a terminal that is read only where the test does it."""

    def __init__(self, *arguments):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.environ["XDG_CONFIG_HOME"] = NOWHERE
            os.execv(HIVETOP, [HIVETOP, *arguments])
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
        self.status = None

    def write(self, text):
        os.write(self.master, text)

    def read(self, seconds=0.1):
        """What it wrote since the last time, where it writes within so long."""
        with contextlib.suppress(OSError):
            if select.select([self.master], [], [], seconds)[0]:
                return os.read(self.master, 65536)
        return b""

    def await_output(self, text):
        output = bytearray()

        def shows():
            output.extend(self.read())
            return text in output

        await_(shows, f"{text} is written")

    def await_end(self):
        await_(lambda: not self.read() and self.has_ended(), "it has ended")

    def has_ended(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.status = status if pid else None
        return self.status is not None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not self.has_ended():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.master)


def run_hivetop(*arguments, environment=None, stdin=subprocess.DEVNULL):
    return subprocess.run([HIVETOP, *arguments], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={"XDG_CONFIG_HOME": NOWHERE} | dict(environment or os.environ), timeout=PATIENCE_S,
                          check=False)  # fmt: skip
