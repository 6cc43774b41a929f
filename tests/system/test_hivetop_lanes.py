"""The lanes of elections, on real clusters: what happened is shown whoever watched."""

import re
import signal

from cluster import await_
from terminal import run_hivetop


def lane(text, name):
    """A queen's row in the panel of elections, without its name."""
    rows = [line for line in text.splitlines() if re.match(rf"[ >]{name} ", line)]
    return rows[1][4:] if len(rows) > 1 else ""


def test_an_election_shows_as_it_happened(start_local, open_terminal):
    cluster = start_local(queens=3, drones=1)
    terminal = open_terminal(cluster.environment | {"LC_ALL": "C"})
    terminal.start(environment="LC_ALL=C")
    terminal.await_text(r"QUORUM 3/3 spare 1  leader q\d t\d+")
    leader, term = terminal.leader()
    await_(lambda: re.search(r"##$", lane(terminal.text(), leader)), f"{leader} leads for some cells")
    assert re.match(r" *(-*C)?#+$", lane(terminal.text(), leader)), terminal.text()
    cluster.signal(leader, signal.SIGKILL)
    new, new_term = await_(
        lambda: terminal.leader() if terminal.leader() and terminal.leader()[1] > term else None, "a new leader shows")
    await_(lambda: re.search(r"C#+$", lane(terminal.text(), new)), "the election shows in the new leader's lane")
    await_(lambda: re.search(r"#x+$", lane(terminal.text(), leader)), "the old one is down")
    terminal.await_text(rf"^-ELECTIONS 1s/cell .*(t{term})?\|t{new_term}")
    election = lane(terminal.text(), new).index("C")
    heading = next(line for line in terminal.lines() if line.startswith("-ELECTIONS"))
    bar = heading.index(f"|t{new_term}") - 4
    assert -1 <= bar - election <= 1, terminal.text()  # the lane may have moved on between two looks
    terminal.press("q")
    terminal.await_prompt()

    # Somebody who comes later sees the same: the queens tell it.
    text = run_hivetop("--once", environment=cluster.environment | {"LC_ALL": "C"}).stdout.decode()
    assert re.search(r"-*C#+$", lane(text, new)), text
