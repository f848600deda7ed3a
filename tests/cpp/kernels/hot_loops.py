"""Reads a kernel table's machine code: the loops that multiply and add keep their vectors in registers.

    hot_loops.py OBJECT FUNCTION...

In every innermost loop with vector multiply-adds, no vector may be stored to or loaded from the stack. Every
instance of each FUNCTION must have such loops; a "=" behind the name says that they store no vector at all.
Exit status 77: skipped.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
INSTRUCTION = re.compile(r"^ *([0-9a-f]+):\t(\S+) *(.*)$")
TARGET = re.compile(r"^([0-9a-f]+) <")
VECTOR = re.compile(r"%[xyz]mm\d+")
MEMORY = re.compile(r"-?(?:0x[0-9a-f]+)?\((%\w+)?(?:,(%\w+))?(?:,\d)?\)")


@dataclass(frozen=True)
class Instruction:
    at: int
    name: str
    operands: str

    @property
    def target(self) -> int | None:
        """Where a jump goes."""
        match = TARGET.match(self.operands) if self.name.startswith("j") else None
        return int(match[1], 16) if match else None

    @property
    def multiplies(self) -> bool:
        return re.match(r"vfn?m(add|sub)\d+ps", self.name) is not None

    @property
    def stores_vector(self) -> bool:
        """The destination comes last; braces hold masks and broadcasts."""
        return bool(VECTOR.search(self.operands)) and re.sub(r"\{.*?\}", "", self.operands).endswith(")")

    def touches(self, registers: set[str]) -> bool:
        """A vector goes to or comes from memory that one of these registers points to."""
        memory = MEMORY.search(self.operands) if VECTOR.search(self.operands) else None
        return memory is not None and not registers.isdisjoint(memory.groups())


def disassemble(path: str) -> Iterator[tuple[str, list[Instruction]]]:
    command = ["objdump", "-d", "-C", "--no-show-raw-insn", path]
    name, body = "", []
    for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
        if match := FUNCTION.match(line):
            if body:
                yield name, body
            name, body = match[1], []
        elif match := INSTRUCTION.match(line):
            body.append(Instruction(int(match[1], 16), match[2], match[3]))
    if body:
        yield name, body


def successors(body: list[Instruction]) -> dict[int, set[int]]:
    """The flow from instruction to instruction, as indices into the body."""
    index = {instruction.at: i for i, instruction in enumerate(body)}
    flow: dict[int, set[int]] = defaultdict(set)
    for i, instruction in enumerate(body):
        if instruction.target in index:
            flow[i].add(index[instruction.target])
        if not instruction.name.startswith(("jmp", "ret")) and i + 1 < len(body):
            flow[i].add(i + 1)
    return flow


def components(nodes: set[int], flow: dict[int, set[int]]) -> Iterator[set[int]]:
    """Strongly connected components with at least one edge (Tarjan, without recursion)."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    open_: list[int] = []
    for root in nodes:
        if root in order:
            continue
        work = [(root, iter(flow[root] & nodes))]
        order[root] = low[root] = len(order)
        open_.append(root)
        while work:
            node, edges = work[-1]
            for to in edges:
                if to not in order:
                    order[to] = low[to] = len(order)
                    open_.append(to)
                    work.append((to, iter(flow[to] & nodes)))
                    break
                if to in low:
                    low[node] = min(low[node], low[to])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    found = set(open_[open_.index(node) :])
                    del open_[-len(found) :]
                    for member in found:
                        del low[member]
                    if len(found) > 1 or node in flow[node]:
                        yield found


def innermost_loops(nodes: set[int], flow: dict[int, set[int]]) -> Iterator[set[int]]:
    """Components that fall apart without their first instruction."""
    for loop in components(nodes, flow):
        entries = {to for node in nodes - loop for to in flow[node] & loop} or {min(loop)}
        inner = list(innermost_loops(loop - entries, flow))
        yield from inner or [loop]


def reached(flow: dict[int, set[int]]) -> set[int]:
    """From the first instruction: what pads a loop's start is not."""
    found, todo = {0}, [0]
    while todo:
        new = flow[todo.pop()] - found
        found |= new
        todo += new
    return found


def hot_loops(body: list[Instruction]) -> Iterator[list[Instruction]]:
    flow = successors(body)
    for loop in innermost_loops(reached(flow), flow):
        instructions = [body[i] for i in sorted(loop)]
        if any(instruction.multiplies for instruction in instructions):
            yield instructions


def stack_registers(body: list[Instruction]) -> set[str]:
    """rbp is an ordinary register in a function without a frame pointer."""
    frame = any(i.name == "mov" and i.operands == "%rsp,%rbp" for i in body)
    return {"%rsp", "%rbp"} if frame else {"%rsp"}


def reason_to_skip(path: str) -> str | None:
    if not shutil.which("objdump"):
        return "objdump is not here: install binutils"
    if any(mark in Path(path).read_bytes() for mark in (b"__asan_", b"__tsan_", b"__ubsan_")):
        return "sanitizers keep what they check in memory"
    return None


def main() -> int:
    path, *wanted = sys.argv[1:]
    if reason := reason_to_skip(path):
        print(f"skipped: {reason}")
        return 77
    found = dict.fromkeys(wanted, 0)
    faults = 0
    for name, body in disassemble(path):
        stack = stack_registers(body)
        family = next((f for f in wanted if re.search(rf"::{f.rstrip('=')}[<(]", name)), None)
        pure = family is not None and family.endswith("=")
        loops = list(hot_loops(body))
        for instruction in (i for loop in loops for i in loop):
            if instruction.touches(stack) or (pure and instruction.stores_vector):
                faults += 1
                print(f"{name}\n  {instruction.at:x}: {instruction.name} {instruction.operands}")
        if family:
            found[family] += 1
            if not loops:
                faults += 1
                print(f"{name} has no loop that multiplies and adds")
    for family, instances in found.items():
        print(f"{family.rstrip('=')}: {instances} instances")
        faults += instances == 0
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
