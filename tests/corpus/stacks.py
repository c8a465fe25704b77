# SPDX-License-Identifier: GPL-2.0
"""Sampled user stacks of one program, whoever sampled them, in one form.

A frame is (object, address, name): the path of the mapped file, the place to
look up there (of a caller: the byte before the return address) and the
profiler's own name for it. The place is a virtual address in a profile of
ringprof, an offset in the file in what perf script prints. Stacks go from the root to the leaf.
"""
import collections
import gzip
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import pprof  # noqa: E402

# end: why the profiler itself says that the stack is not whole, "" it is
Stack = collections.namedtuple("Stack", "count frames end")

FRAME = re.compile(r"\s+([0-9a-f]+) (.*?)(?:\+0x[0-9a-f]+)? \(([^()]*(?: \(deleted\))?)\)$")



def of_perf(path):
    """`perf script -F event,ip,sym,symoff,dso` -> {event: [Stack]}

    Event fp is a chain of frame pointers: its callers stand there as they are
    on the stack, behind the call.
    """
    events, name, frames = {}, None, []

    def close():
        if frames:
            events.setdefault(name, []).append(Stack(1, frames[::-1], ""))
            frames.clear()

    with open(path, errors="replace") as f:
        for line in f:
            if m := FRAME.match(line):
                addr = int(m[1], 16) - (1 if name == "fp" and frames else 0)
                frames.append((m[3], addr, m[2]))
            elif m := re.match(r"\s*(\w+):", line):
                close()
                name = m[1]
    close()
    return events


def of_pprof(path, kernel=False):
    """A profile of ringprof -> [Stack], without the samples that were lost.

    kernel: with the kernel's frames, and the stacks that have no others; else user frames alone
    """
    with gzip.open(path) as f:
        raw = f.read()
    out = []
    for values, places in pprof.located(raw):
        top = places[0].names[-1] if places else ""
        if top.startswith("[lost"):
            continue
        end = re.match(r"\[truncated: (.*)\]$", top)
        frames = [(p.object, p.address, p.names[-1]) for p in places[1 if end else 0:]
                  if kernel or not p.address >> 63]
        if frames:
            out.append(Stack(values[0], frames, end[1] if end else ""))
    return out
