"""Tasks of a program that links simul, in gdb: live, or from a core file.

    gdb -x simul.py PROGRAM CORE
    (gdb) simul-tasks              every task of every loop that runs: its coroutines, what it waits for
    (gdb) simul-tasks recv         those that have the text in one of their lines

Needs no debug information: the library says where things lie (simul_debug_layout). A stripped library loses
only the names of what tasks wait for.
"""

import re
import struct

import gdb

VERSION = 1
FIELDS = ("version", "size", "first_entry", "entry_loop", "entry_thread", "entry_next", "loop_root", "loop_current",
          "group_scope", "scope_child", "scope_sibling", "scope_task", "scope_extras", "extras_name", "task_scope",
          "task_innermost", "task_leaf", "task_queued", "task_wake_ups", "promise_caller", "promise_site")
MOST_CALLERS = 100


def read(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def pointer(address):
    return struct.unpack("<Q", read(address, 8))[0]


def number(address):
    return struct.unpack("<I", read(address, 4))[0]


def printable(characters):
    """Names come from the program, and mustn't steer the terminal."""
    return "".join(c if c.isprintable() else "?" for c in characters.decode(errors="replace"))


def text(address):
    result = b""
    while b"\0" not in result and len(result) < 4096:
        try:
            result += read(address + len(result), 64)
        except gdb.MemoryError:  # the end of a mapping
            result += read(address + len(result), 1)
    return printable(result.split(b"\0")[0])


def std_string(address):
    """libstdc++'s: the address of the characters, then their number."""
    return printable(read(pointer(address), min(pointer(address + 8), 4096)))


def address_of(symbol):
    try:
        return int(gdb.parse_and_eval(f"(unsigned long) &{symbol}"))
    except gdb.error as error:
        raise gdb.GdbError(f"no {symbol} here: is this a program that links simul? ({error})") from None


def layout():
    start = address_of("simul_debug_layout")
    values = dict(zip(FIELDS, struct.unpack(f"<{len(FIELDS)}I", read(start, 4 * len(FIELDS)))))
    if values["version"] != VERSION or values["size"] != 4 * len(FIELDS):
        raise gdb.GdbError(f"this script is for layout {VERSION}, the library has {values['version']}: "
                           "take the script that came with it")
    return values


LAMBDA = "::(anonymous class)::operator()"


def outside(text):
    """From the end: each place with the number of brackets that are open there, its own included."""
    depth = 0
    for i in range(len(text) - 1, -1, -1):
        depth += (text[i] in ")>") - (text[i] in "(<")
        yield i, depth


def qualified_name(function):
    """'app::echo' of 'Coro<> app::echo(Connection &) [T = int]'."""
    function = function.split(" [")[0].replace("(anonymous namespace)::", "")
    function = function[:function.rfind(")") + 1]
    parameters = next((i for i, depth in outside(function) if depth == 0), 0)
    name = function[:parameters]
    return name[next((i for i, depth in outside(name) if depth == 0 and name[i] == " "), -1) + 1:]


def label(name):
    """'echo', 'lambda in serve'."""
    if name.endswith(LAMBDA):
        return "lambda in " + label(qualified_name(name.removesuffix(LAMBDA)))
    return name.rsplit("::", 1)[-1]


class Program:
    def __init__(self):
        self.at = layout()

    def loops(self):
        registry = pointer(address_of("simul_debug_loops"))
        entry = pointer(registry + self.at["first_entry"]) if registry else 0
        seen = set()
        while entry and entry not in seen:  # what has overwritten it may lead in circles
            seen.add(entry)
            yield pointer(entry + self.at["entry_loop"]), number(entry + self.at["entry_thread"])
            entry = pointer(entry + self.at["entry_next"])

    def tasks(self, scope):
        """(depth, task) of all that have a scope inside of this one."""
        stack = [(0, pointer(scope + self.at["scope_child"]))]
        seen = set()
        while stack:
            depth, child = stack.pop()
            if not child or child in seen:
                continue
            seen.add(child)
            stack.append((depth, pointer(child + self.at["scope_sibling"])))
            task = pointer(child + self.at["scope_task"])
            own = task != 0 and child == task + self.at["task_scope"]
            if own:
                yield depth, task
            stack.append((depth + own, pointer(child + self.at["scope_child"])))

    def name(self, task):
        extras = pointer(task + self.at["task_scope"] + self.at["scope_extras"])
        name = pointer(extras + self.at["extras_name"]) if extras else 0
        return std_string(name) if name else ""

    def calls(self, task):
        """(function, place) of its coroutines, the outermost first."""
        calls = []
        promise = pointer(task + self.at["task_innermost"])
        while promise and len(calls) < MOST_CALLERS:
            site = pointer(promise + self.at["promise_site"])
            if site:
                file, function = text(pointer(site)), qualified_name(text(pointer(site + 8)))
                if "include/simul/" not in file and not function.startswith("simul::detail::"):
                    calls.append((label(function), f"{file.rsplit('/', 1)[-1]}:{number(site + 16)}"))
            promise = pointer(promise + self.at["promise_caller"])
        return calls[::-1]

    def waits_for(self, task, current):
        if task == current:
            return "runs"
        if read(task + self.at["task_queued"], 1) != b"\0":
            return "ready"
        leaf = pointer(task + self.at["task_leaf"])
        if not leaf:
            return "hasn't begun"
        symbol = gdb.execute(f"info symbol {pointer(leaf)}", to_string=True)
        found = re.match(r"vtable for (.*?) \+", symbol)
        return "waits for " + (found[1].removeprefix("simul::") if found else f"a leaf at {leaf:#x}")

    def lines(self, task, current):
        calls = self.calls(task)
        name = self.name(task) or (calls[0][0] + "_task" if calls else "task")
        yield f"{name} at {task:#x}, {number(task + self.at['task_wake_ups'])} wake-ups"
        for function, place in calls:
            yield f"  {function}() at {place}"
        yield "  " + self.waits_for(task, current)


class SimulTasks(gdb.Command):
    """Every task of every simul loop that runs: its coroutines, the outermost first, and what it waits for.
simul-tasks [TEXT]: those with TEXT in one of their lines."""

    def __init__(self):
        super().__init__("simul-tasks", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        program = Program()
        for loop, thread in program.loops():
            gdb.write(f"loop {loop:#x}, thread {thread}\n")
            try:
                current = pointer(loop + program.at["loop_current"])
                root = pointer(loop + program.at["loop_root"]) + program.at["group_scope"]
                for depth, task in program.tasks(root):
                    lines = self.lines(program, task, current)
                    if not argument or any(argument in line for line in lines):
                        for line in lines:
                            gdb.write("  " * (depth + 1) + line + "\n")
            except gdb.MemoryError as error:
                gdb.write(f"  the tree of tasks is damaged here: {error}\n")

    @staticmethod
    def lines(program, task, current):
        """What can be read of it: other tasks may be whole."""
        lines = []
        try:
            lines.extend(program.lines(task, current))
        except gdb.MemoryError as error:
            lines.append(f"task at {task:#x} is damaged: {error}")
        return lines


SimulTasks()
