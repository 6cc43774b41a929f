"""Fixtures of the system tests: clusters that are gone when the test is, and their logs beside a failure."""

import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib"))

from cluster import HIVE, Cluster  # noqa: E402
from launched import Local, State  # noqa: E402
from terminal import Terminal  # noqa: E402

_open_clusters = []


def pytest_sessionstart(session):
    # A shell lets what it starts in the background ignore Ctrl-C, and programs would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not os.access(HIVE, os.X_OK):
        pytest.exit(f"{HIVE} is missing: run make first, or set HIVE_BUILD", returncode=2)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for cluster in _open_clusters:
            for node in cluster.nodes:
                if os.path.exists(node.log_path):
                    report.sections.append((f"log of {node.name} {node.address}", node.log_tail()))


def _opened(directory, options):
    cluster = Cluster(directory, **options)
    _open_clusters.append(cluster)
    return cluster


def _close(cluster):
    try:
        with cluster:
            pass
    finally:
        _open_clusters.remove(cluster)


@pytest.fixture
def start_cluster(tmp_path):
    """start_cluster(queens=3, drones=0, …): a cluster of the test's own, which it may break."""
    clusters = []

    def start(**options):
        clusters.append(_opened(tmp_path / f"cluster-{len(clusters) + 1}", options))
        return clusters[-1]

    yield start
    errors = []
    for cluster in clusters:
        try:
            _close(cluster)
        except AssertionError as error:
            errors.append(str(error))
    assert not errors, errors


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Three queens and two drones for all tests of a file, which must leave them running."""
    options = {"queens": 3, "drones": 2, "queen_options": Cluster.calm_timers()}
    cluster = _opened(tmp_path_factory.mktemp("shared"), options)
    cluster.await_leader()
    yield cluster
    _close(cluster)


@pytest.fixture(autouse=True)
def own_configuration(tmp_path, monkeypatch):
    """What dashboards remember is neither the developer's nor that of another test."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def start_local(tmp_path):
    """start_local(queens=3, drones=2): a cluster of the launcher."""
    clusters = []

    def start(**options):
        clusters.append(Local(tmp_path, **options))
        return clusters[-1]

    yield start
    for cluster in clusters:
        cluster.stop()


@pytest.fixture
def open_terminal():
    """open_terminal(environment, columns=80, rows=24, …): a shell on a terminal."""
    terminals = []

    def open_it(environment=os.environ, **options):
        terminals.append(Terminal(dict(environment), **options))
        return terminals[-1]

    yield open_it
    for terminal in terminals:
        terminal.close()


@pytest.fixture
def state():
    """A state directory for launchers of the test's own."""
    state = State()
    yield state
    state.close()
