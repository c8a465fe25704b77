#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Judges sampled stacks against the call graphs of the programs they come from.

  judge.py perf FILE PROGRAM [LIBRARY...]     of `perf script`, per event
  judge.py pprof FILE PROGRAM [LIBRARY...]    of a profile of ringprof

Prints a line of figures per profiler: name, samples, samples that reach a
root, pairs of frames, wrong pairs; then, behind '#', what stacks ended at short
of a root and which pairs are wrong.

A pair (caller, callee) is right when the caller's return address lies behind a
call and that call can have led to the callee: directly, by tail calls from
there, by the PLT, or by a pointer to a function whose address is taken. Files
that are not PROGRAM or LIBRARY (libc) are known by their bytes alone: a call
must end at the return address, and they may call what is pointed to.
"""
import collections
import os
import sys

import stacks
from elf import ANYWHERE, Elf, Program

# Nothing calls these; of Go what its own runtime takes for the top of a stack
ROOTS = {"_start", "_start_c", "__clone", "__clone3", "clone", "clone3", "__GI___clone",
         "__GI___clone3", "__start_context", "coroutine_trampoline", "_dl_start_user",
         "runtime.goexit", "runtime.mstart", "runtime.mcall", "runtime.systemstack",
         "runtime.morestack", "runtime.asmcgocall",
         "runtime.rt0_go", "_rt0_amd64", "_rt0_amd64_linux"}
# Go's own signal handler lets it look as if the code that it interrupted had called this
INJECTED = {"runtime.asyncPreempt", "runtime.asyncPreempt.abi0"}


class Graph:
    """The files that a program's stacks lie in.

    jit: code in memory that no file stands behind is a caller like any other
    """

    def __init__(self, paths, jit=False):
        self.jit = jit
        self.own = {os.path.realpath(p): Program(os.path.realpath(p)) for p in paths}
        self.files, self._roots, self._pairs = {}, {}, {}
        # functions that pointers lead to: (path, start)
        self.by_pointer = set()
        for p in self.own.values():
            for t in p.taken:
                self.by_pointer |= self.reachable(p, t)[0]

    def file(self, path):
        """Program or Elf; None: code without a file ([vdso]), False: no code, or not to be read."""
        if path not in self.files:
            real = os.path.realpath(path)
            if path == "[vdso]":
                self.files[path] = None
            elif real in self.own:
                self.files[path] = self.own[real]
            else:
                try:
                    self.files[path] = Elf(real)
                except (OSError, ValueError):
                    self.files[path] = None if self.jit and not path.startswith("/usr") else False
        return self.files[path]

    def at_vaddr(self, stack):
        """perf script prints where in the file its frames are."""
        return stack._replace(frames=[
            (path, f.vaddr(off) if (f := self.file(path)) else off, name)
            for path, off, name in stack.frames])

    # --- roots ---

    def is_root(self, frame):
        if frame not in self._roots:
            self._roots[frame] = self._is_root(*frame)
        return self._roots[frame]

    def _is_root(self, path, addr, name):
        f = self.file(path)
        # Go's assembly is named by ABI too
        name = name.removesuffix(".abi0")
        if not f:
            return False
        if isinstance(f, Program):
            start = f.function(addr)
            return start is not None and (start == f.entry or f.name(start) in ROOTS or
                                          f.has_no_caller(addr))
        return (name in ROOTS or f.entry <= addr < f.entry + 64 or f.is_start_context(addr) or
                f.has_no_caller(addr))

    # --- pairs ---

    def wrong(self, caller, callee):
        """Why caller cannot have called callee, "" it can"""
        key = (caller, callee)
        if key not in self._pairs:
            self._pairs[key] = self._wrong(caller, callee)
        return self._pairs[key]

    def _wrong(self, caller, callee):
        f, g = self.file(caller[0]), self.file(callee[0])
        if f is False or g is False:
            return "no such code"
        # what a signal interrupts is no caller
        if g and (g.is_sigreturn(callee[1]) or callee[2] in INJECTED):
            return ""
        if f is None:
            return ""
        if f.is_sigreturn(caller[1]):
            return self._pointed_to(callee)
        if isinstance(f, Program):
            return self._wrong_call(f, caller, callee)
        # coroutines and goroutines return to where nothing called them from
        if not f.call_ends_at(caller[1] + 1) and not self.is_root(caller):
            return "no call there"
        return self._pointed_to(callee)

    def _pointed_to(self, callee):
        """Code that is not ours calls: what it was given a pointer to, or finds by name."""
        g = self.file(callee[0])
        if not isinstance(g, Program) or (g.path, g.function(callee[1])) in self.by_pointer:
            return ""
        return "nobody has its address"

    def _wrong_call(self, f, caller, callee):
        target = f.calls.get(caller[1] + 1)
        if self._is_landing(f, caller, callee):
            return ""
        if target is None:
            return "no call there"
        nodes, anywhere = self.reachable(f, target)
        g = self.file(callee[0])
        if isinstance(g, Program) and (g.path, g.function(callee[1])) in nodes:
            return ""
        if anywhere and not self._pointed_to(callee):
            return ""
        return "that call does not lead there"

    def _is_landing(self, f, caller, callee):
        """libgcc puts the address to go on at into its own stack frame, then returns to it."""
        g = self.file(callee[0])
        own = isinstance(g, Program) and (start := g.function(callee[1])) is not None
        raises = g.name(start).startswith("_Unwind_") if own else "libgcc_s" in callee[0]
        return raises and caller[1] + 1 in f.instructions

    def reachable(self, f, target):
        """Where a call of target in f can be found: there, or where tail calls lead from there.

        -> set of (path, start of a function or stub), and whether any function
        that is pointed to, or any code of files that are not ours, is one of them
        """
        seen, nodes, anywhere, todo = set(), set(), False, [(f, target)]
        while todo:
            p, t = todo.pop()
            if (p.path, t) in seen:
                continue
            seen.add((p.path, t))
            if t == ANYWHERE:
                anywhere = True
            elif isinstance(t, str):
                nodes.update((p.path, stub) for stub in p.stubs.get(t, ()))
                found = [q for q in self.own.values() if t.removesuffix("@plt") in q.exported]
                todo += [(q, q.exported[t.removesuffix("@plt")]) for q in found]
                # libc's, or by way of the dynamic linker's resolver
                anywhere = True
            elif (start := p.function(t)) is not None:
                nodes.add((p.path, start))
                todo += [(p, jump) for jump in p.jumps.get(start, ())]
        return nodes, anywhere


class Verdict:
    def __init__(self):
        self.samples = self.roots = self.pairs = self.wrong = 0
        self.ends, self.errors = collections.Counter(), collections.Counter()


def describe(graph, frame):
    path, addr, name = frame
    f = graph.file(path)
    if isinstance(f, Program) and (start := f.function(addr)) is not None:
        name = f.name(start)
    return f"{name}@{os.path.basename(path)}:{addr:x}"


def judge_stack(graph, v, stack):
    n, frames = stack.count, stack.frames
    v.samples += n
    root = graph.is_root(frames[0])
    if root and not stack.end:
        v.roots += n
    else:
        why = stack.end or "ends"
        v.ends[f"{why} at {'root ' if root else ''}{describe(graph, frames[0])}"] += n
    v.pairs += n * (len(frames) - 1)
    for i in range(len(frames) - 1):
        why = graph.wrong(frames[i], frames[i + 1])
        if why:
            v.wrong += n
            v.errors[f"{describe(graph, frames[i])} -> {describe(graph, frames[i + 1])}: {why}"] += n


def judge(graph, sampled):
    """sampled: [Stack] of virtual addresses"""
    v = Verdict()
    for stack in sampled:
        judge_stack(graph, v, stack)
    return v


def of_perf(graph, path):
    """{event: Verdict} of `perf script`"""
    return {name: judge(graph, map(graph.at_vaddr, sampled))
            for name, sampled in sorted(stacks.of_perf(path).items())}


def details(name, v):
    """Lines that say where stacks ended short of a root, and which pairs are wrong."""
    return [f"# {name} {kind} {n}: {text}"
            for kind, rows in (("end", v.ends), ("wrong", v.errors))
            for text, n in rows.most_common(6)]


def main():
    if len(sys.argv) < 4 or sys.argv[1] not in ("perf", "pprof"):
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    graph = Graph(sys.argv[3:])
    verdicts = (of_perf(graph, sys.argv[2]) if sys.argv[1] == "perf" else
                {"ringprof": judge(graph, stacks.of_pprof(sys.argv[2]))})
    for name, v in verdicts.items():
        print(f"{name}\t{v.samples}\t{v.roots}\t{v.pairs}\t{v.wrong}")
        print("\n".join(details(name, v)), end="\n" if v.ends or v.errors else "")
    return 0


if __name__ == "__main__":
    sys.exit(main())
