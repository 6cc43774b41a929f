"""The house keeps its own rules: rooms stand on the floors below them, the consensus core and the state machine are
pure, headers stand alone, files are short and say why they exist."""

import glob
import os
import re
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("HIVE_BUILD", os.path.join(ROOT, "build")))
CC = os.environ.get("CC", "cc").split()

# What each room of hive/ may include besides itself. Public headers (include/hive/) belong to the room that makes them.
BASE, LIBHIVE = {"base"}, {"base", "client", "server", "history"}
CORE = {"raft", "machine", "store"}
BELOW = {
    "base": set(),
    "client": BASE,
    "server": BASE,
    "history": BASE,
    "raft": BASE,
    "machine": BASE,
    "store": BASE | {"raft"},
    "faults": LIBHIVE,
    "drone": LIBHIVE | CORE | {"faults"},
    "queen": LIBHIVE | CORE | {"faults"},
    "http": LIBHIVE | CORE | {"faults", "queen", "drone"},
    "cli": LIBHIVE | CORE | {"faults", "queen", "drone", "http"},
    "main": LIBHIVE | CORE | {"faults", "queen", "drone", "http", "cli"},
    "hivetop": LIBHIVE,
    "launcher": LIBHIVE,
}
PUBLIC = {
    "client": {"api.h", "health_changes.h", "http_client.h", "ledger.h"},
    "history": {"history.h", "linearizable.h"},
    "server": {"server.h"},
}

# Rooms that must give the same answer to the same question, always: no files, sockets, clocks, threads or dice.
PURE_ROOMS = ("raft", "machine", "history")
PURE_PUBLIC_HEADERS = {"buffer.h", "error.h", "limits.h", "memory.h", "mix.h", "history.h", "linearizable.h"}
PURE_SYSTEM_HEADERS = {
    "assert.h", "errno.h", "inttypes.h", "limits.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h",
    "stdlib.h", "string.h",
    "bsd/sys/queue.h", "bsd/sys/tree.h", "endian.h",  # macros only
}
PURE_SYMBOLS = re.compile(
    r"""hive_(malloc|calloc|realloc|memdup|strdup|format)
      | hive_buffer_\w+ | hive_error_\w+
      | free | abort | qsort(_r)? | __assert_fail
      | (__)?(memcpy|memmove|memset|memcmp|memchr|strlen|strcmp|strncmp|strchr|strstr|snprintf|vsnprintf)(_chk)?
      | (__isoc23_)?strtou?ll?
      | __stack_chk_fail | _GLOBAL_OFFSET_TABLE_
      | __(asan|ubsan|tsan|sanitizer)_\w+ | __gcov_\w+ | __llvm_\w+""",
    re.VERBOSE,
)

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def sources(*folders, suffixes=(".c", ".h")):
    found = []
    for folder in folders:
        for where, _, names in os.walk(os.path.join(ROOT, folder)):
            found += [os.path.join(where, name) for name in names if name.endswith(suffixes)]
    assert found, f"no sources in {folders}"
    return sorted(found)


def shown(path):
    return os.path.relpath(path, ROOT)


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def includes_of(path):
    return [(mark == "<", name) for mark, name in INCLUDE.findall(text_of(path))]


def room_of(path):
    parts = shown(path).split(os.sep)
    if parts[0] == "hive":
        return parts[1] if len(parts) > 2 else "main"
    if parts[0] == "include":
        name = parts[-1]
        return next((room for room, names in PUBLIC.items() if name in names), "base")
    return parts[0]


def included_file(path, name):
    """The file of this repository that `#include "name"` in `path` means, or None."""
    for folder in (os.path.dirname(path), os.path.join(ROOT, "include"), os.path.join(ROOT, "hive")):
        candidate = os.path.normpath(os.path.join(folder, name))
        if os.path.isfile(candidate):
            return candidate
    return None


def test_every_include_obeys_the_floors():
    wrong = []
    for path in sources("hive", "hivetop", "launcher", "include"):
        room = room_of(path)
        assert room in BELOW, f"{shown(path)} is in a room that is not in the plan"
        for is_system, name in includes_of(path):
            if is_system:
                continue
            target = included_file(path, name)
            if not target:
                wrong.append(f'{shown(path)}: "{name}" is no file of the house')
            elif room_of(target) != room and room_of(target) not in BELOW[room]:
                wrong.append(f'{shown(path)}: {room} may not include "{name}"')
    assert not wrong, "\n".join(wrong)


def test_hivetop_and_launcher_see_public_headers_only():
    wrong = []
    for path in sources("hivetop", "launcher"):
        for is_system, name in includes_of(path):
            target = None if is_system else included_file(path, name)
            if target and shown(target).startswith("hive" + os.sep):
                wrong.append(f'{shown(path)}: "{name}"')
    assert not wrong, "\n".join(wrong)


def test_pure_rooms_include_pure_headers_only():
    wrong = []
    for path in sources(*(f"hive/{room}" for room in PURE_ROOMS)):
        for is_system, name in includes_of(path):
            if is_system:
                is_pure = name in PURE_SYSTEM_HEADERS
            else:
                is_pure = not name.startswith("hive/") or os.path.basename(name) in PURE_PUBLIC_HEADERS
            if not is_pure:
                wrong.append(f"{shown(path)}: {name}")
    assert not wrong, "\n".join(wrong)


def symbols(objects, *options):
    output = subprocess.run(["nm", "-P", *options, *objects], check=True, capture_output=True, text=True).stdout
    return {line.split()[0] for line in output.splitlines() if len(line.split()) > 1}


@pytest.mark.parametrize("room", PURE_ROOMS)
def test_pure_rooms_need_nothing_of_the_world(room):
    objects = [
        os.path.join(BUILD, "obj", os.path.splitext(shown(path))[0] + ".o")
        for path in sources(f"hive/{room}", suffixes=(".c",))
    ]
    needed = symbols(objects, "-u") - symbols(objects, "--defined-only")
    impure = sorted(name for name in needed if not PURE_SYMBOLS.fullmatch(name.split("@")[0]))
    assert not impure, f"hive/{room} calls {', '.join(impure)}"


def compile_error(path, include):
    """What the compiler says of a file that includes this header, twice, and nothing else."""
    run = subprocess.run(
        [*CC, "-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c",
         "-I", os.path.join(ROOT, "include"), "-I", os.path.join(ROOT, "hive"), "-I", os.path.dirname(path), "-"],
        input=f'#include "{include}"\n#include "{include}"\nint main(void);\n', capture_output=True, text=True, check=False)
    return run.stderr if run.returncode else ""


@pytest.mark.parametrize("folder", ["include", "hive", "hivetop", "launcher"])
def test_each_header_compiles_alone(folder):
    wrong = []
    for path in sources(folder, suffixes=(".h",)):
        error = compile_error(path, shown(path).split(os.sep, 1)[1])
        if error:
            wrong.append(f"{shown(path)}:\n{error}")
    assert not wrong, "\n".join(wrong)


def test_each_source_says_first_why_it_exists():
    wrong = [shown(path) for path in sources("hive", "hivetop", "launcher", suffixes=(".c",))
             if not text_of(path).startswith("/* ")]
    assert not wrong, "no opening comment: " + ", ".join(wrong)


def test_no_file_is_longer_than_500_lines():
    long = []
    for path in sources("hive", "hivetop", "launcher", "include"):
        count = text_of(path).count("\n")
        if count > 500:
            long.append(f"{shown(path)} has {count} lines")
    assert not long, ", ".join(long)


def test_all_rooms_of_the_plan_are_there():
    rooms = {os.path.basename(path.rstrip(os.sep)) for path in glob.glob(os.path.join(ROOT, "hive", "*", ""))}
    assert rooms == {room for room in BELOW if room not in ("main", "hivetop", "launcher")}
