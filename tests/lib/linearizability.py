"""Is a history of reads and writes linearizable? Decided from the outside, knowing nothing of Raft.

    problem = check(operations)         # None, or a text that says where the history cannot be explained
    tests/lib/linearizability.py FILE   # the same for a history that `save` wrote

Every key is a register of its own with put, delete, get, and conditions on its index (its ETag); a history is linearizable
where each key's part is (Herlihy and Wing, 1990). The search goes through a key's calls and answers in the order of time
and keeps the set of all explanations that are still possible: what the register holds, and which of the calls under way
have taken effect already. An answer removes the explanations that it contradicts, once all ways to let calls under way take
effect before it were added; where none is left, the history is wrong (Lowe, "Testing for linearizability", 2017: the
"just-in-time" form of Wing and Gong's search). Equal explanations are kept once.

A write without an answer is under way for ever: it may take effect at any time or never. Of two explanations that differ
only in that one has used up more of such writes, the other one can do everything that this one can, so this one is dropped.
Of such writes that are alike, the first one is used up first; and one whose value was read has the index that was read with
it. Without all that, every write without an answer would multiply the work.

Indexes are checked, too: they rise with every write of a key, a read shows the index of the write it reads from.
"""

import json
import sys
from typing import NamedTuple, Optional

NEVER = float("inf")


class Operation(NamedTuple):
    """One call as its client saw it. `result`: None where the outcome of a write is not known, else
    get      ("value", VALUE, INDEX) or ("missing",)
    put      ("ok", INDEX, CREATED) or ("conflict", INDEX or None where the key did not exist)
    delete   ("ok", INDEX), ("missing",) or ("conflict", INDEX or None)
    What certainly had no effect (refused, read without an answer) is not part of a history."""

    key: str
    kind: str
    start: float
    end: float = NEVER
    value: Optional[str] = None  # of a put
    condition: object = None  # None, "absent", "exists" or an index
    result: Optional[tuple] = None
    who: str = ""

    def __str__(self):
        condition = "" if self.condition is None else f" if {self.condition}"
        value = "" if self.value is None else f" {self.value}"
        outcome = "unknown" if self.result is None else " ".join(str(part) for part in self.result)
        end = "" if self.end == NEVER else f"{self.end:.6f}"
        return f"{self.start:.6f}-{end} {self.who}: {self.kind} {self.key}{value}{condition} -> {outcome}"


class State(NamedTuple):
    """What a register holds. `value` None: nothing. `index` None: of a write whose answer nobody got. All indexes up to
    `floor` are used up."""

    value: Optional[str] = None
    index: Optional[int] = None
    floor: int = 0


EMPTY = State()


def with_index(state, index):
    """The state where its value is known to have this index; None where it cannot have it."""
    if state.value is None or not index:
        return None
    if state.index is not None:
        return state if state.index == index else None
    return State(state.value, index, index) if index > state.floor else None


def where_condition_holds(state, condition):
    """The state (its index perhaps known better now) where the condition holds; None where it cannot."""
    if condition is None:
        return state
    if condition == "absent":
        return state if state.value is None else None
    if condition == "exists":
        return state if state.value is not None else None
    return with_index(state, condition)


def after_conflict(state, operation):
    """The state after a condition did not hold and `index` was shown as the current one."""
    index = operation.result[1]
    if index is None:
        holds_not = operation.condition != "absent"
        return state if state.value is None and holds_not else None
    if operation.condition in ("exists", index):
        return None
    return with_index(state, index)


def after_get(state, result):
    if result[0] == "missing":
        return state if state.value is None else None
    return with_index(state, result[2]) if state.value == result[1] else None


def after_write(state, operation):
    """A put or delete that is applied, or that nobody knows of."""
    result = operation.result
    state = where_condition_holds(state, operation.condition)
    if state is None or (operation.kind == "delete" and state.value is None):
        return None
    index = result[1] if result else None
    if index is not None and index <= state.floor:
        return None
    if result and result[0] == "ok" and operation.kind == "put" and result[2] != (state.value is None):
        return None
    floor = state.floor if index is None else index
    return State(None, None, floor) if operation.kind == "delete" else State(operation.value, index, floor)


def apply(state, operation):
    """The register after the operation took effect with the result that it had, or None where it cannot have had it."""
    result = operation.result
    if operation.kind == "get":
        return after_get(state, result)
    if result and result[0] == "conflict":
        return after_conflict(state, operation)
    if result and result[0] == "missing":
        return where_condition_holds(state, operation.condition) if state.value is None else None
    return after_write(state, operation)


class Explanations:
    """All that may have happened so far. (state, answered calls under way that took effect) -> the smallest sets of
    unanswered writes that were used up on the way there."""

    def __init__(self, initial=EMPTY):
        self.sets = {(initial, frozenset()): [frozenset()]}

    def __len__(self):
        return sum(len(used) for used in self.sets.values())

    def items(self):
        for (state, done), many in self.sets.items():
            for used in many:
                yield state, done, used

    @staticmethod
    def _add(sets, state, done, used):
        """False where an explanation that is as good is there already."""
        many = sets.setdefault((state, done), [])
        if any(other <= used for other in many):
            return False
        many[:] = [other for other in many if not used <= other]
        many.append(used)
        return True

    def take_answer(self, number, operations, pending, alike_before):
        """Keeps what explains the answer of call `number`; `pending` are the calls under way, it among them."""
        kept = {}
        seen = {}
        todo = list(self.items())
        for explanation in todo:
            self._add(seen, *explanation)
        while todo:
            state, done, used = todo.pop()
            if number in done:
                self._add(kept, state, done - {number}, used)
                continue
            for other in pending:
                if other in done or other in used:
                    continue
                if alike_before.get(other) is not None and alike_before[other] not in used:
                    continue
                after = apply(state, operations[other])
                if after is None:
                    continue
                if operations[other].end == NEVER:
                    explanation = (after, done, used | {other})
                else:
                    explanation = (after, done | {other}, used)
                if self._add(seen, *explanation):
                    todo.append(explanation)
        self.sets = kept


def indexes_read(operations):
    """value -> the index that it was read with, for values that were put once and read with one index only."""
    read, puts = {}, {}
    for operation in operations:
        if operation.kind == "put":
            puts[operation.value] = puts.get(operation.value, 0) + 1
        elif operation.kind == "get" and operation.result[0] == "value":
            read.setdefault(operation.result[1], set()).add(operation.result[2])
    return {value: min(indexes) for value, indexes in read.items() if len(indexes) == 1 and puts.get(value) == 1}


def prepare(operations):
    """The operations by start, with what the whole history tells of the unanswered ones; and for each unanswered one the one
    before it that is just like it, or None."""
    operations = sorted(operations, key=lambda o: o.start)
    indexes = indexes_read(operations)
    read = {o.result[1] for o in operations if o.kind == "get" and o.result[0] == "value"}
    last_alike, alike_before = {}, {}
    for number, operation in enumerate(operations):
        if operation.end < NEVER:
            continue
        if operation.value in indexes:
            operations[number] = operation._replace(result=("applied", indexes[operation.value]))
        # Values that nobody ever read differ in nothing.
        alike = (operation.kind, operation.value if operation.value in read else None, operation.condition)
        alike_before[number] = last_alike.get(alike)
        last_alike[alike] = number
    return operations, alike_before


def describe(key, operations, number, before, pending):
    """Where the search ended: what was possible before the answer that nothing explains."""
    lines = [f"the history of key {key!r} is not linearizable: nothing explains the answer of", f"  {operations[number]}"]
    lines.append("the key could hold, before it:")
    shown = sorted({str((s.value, s.index)) for s, _, _ in before.items()})
    lines += [f"  (value, index) = {text}" for text in shown[:8]] + (["  …"] if len(shown) > 8 else [])
    lines.append("under way at the time:")
    lines += [f"  {operations[other]}" for other in sorted(pending) if other != number][:12]
    lines.append("before it:")
    earlier = sorted((o for o in operations if o.end < operations[number].end), key=lambda o: o.end)
    lines += [f"  {operation}" for operation in earlier[-8:]]
    return "\n".join(lines)


def check_key(operations, initial=EMPTY):
    """None, or what is wrong with this history of one key."""
    operations, alike_before = prepare(operations)
    # Calls before answers at the same moment: then they overlap, and more is allowed.
    events = sorted(
        [(o.start, 0, n) for n, o in enumerate(operations)] + [(o.end, 1, n) for n, o in enumerate(operations) if o.end < NEVER]
    )
    explanations, pending = Explanations(initial), set()
    for _, is_answer, number in events:
        if not is_answer:
            pending.add(number)
            continue
        before = Explanations()
        before.sets = explanations.sets
        explanations.take_answer(number, operations, pending, alike_before)
        if not explanations.sets:
            return describe(operations[number].key, operations, number, before, pending)
        pending.discard(number)
    return None


def by_key(operations):
    keys = {}
    for operation in operations:
        keys.setdefault(operation.key, []).append(operation)
    return keys


def check(operations):
    """None, or what is wrong with the first key whose history is not linearizable. An operation's end must not lie before
    its start, and one whose result is known must have an end."""
    for operation in operations:
        assert operation.start <= operation.end, operation
        assert (operation.result is None) == (operation.end == NEVER), operation
        assert operation.result is not None or operation.kind != "get", operation
    for _, history in sorted(by_key(operations).items()):
        problem = check_key(history)
        if problem:
            return problem
    return None


def save(operations, path):
    with open(path, "w", encoding="utf-8") as file:
        for operation in operations:
            fields = operation._asdict()
            fields["end"] = None if operation.end == NEVER else operation.end
            file.write(json.dumps(fields) + "\n")


def load(path):
    operations = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            fields = json.loads(line)
            fields["end"] = NEVER if fields["end"] is None else fields["end"]
            fields["result"] = tuple(fields["result"]) if fields["result"] else None
            operations.append(Operation(**fields))
    return operations


if __name__ == "__main__":
    history = load(sys.argv[1])
    found = check(history)
    print(found or f"{len(history)} operations on {len(by_key(history))} keys: linearizable")
    sys.exit(1 if found else 0)
