#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Judges the samples of a storm of short processes.

  storm.py HZ NS PARENT PARENT.pb.gz CHILD CHILD.pb.gz

HZ: samples a second and CPU; NS: CPU time the kernel booked for the storm. The
profiles are what carries the right cgroup and the exe of PARENT, and of CHILD.
99 % of the samples that the CPU time stands for must be there, and in the right
places: every frame in a file that the process can have mapped, named as nm
names it where the file is the process's own program.
"""
import collections
import math
import sys

import stacks
from elf import Program

SHARE = 0.99


def is_right(program, frame):
    path, addr, name = frame
    if addr >> 63:
        return True
    if path != program.path:
        return path == "[vdso]" or path.startswith("/")
    start = program.function(addr)
    return start is not None and program.name(start) in (name, name + "@plt")


def judge(path, profile):
    """-> (samples, of these right ones, what was wrong)"""
    program, wrong = Program(path), collections.Counter()
    n = right = 0
    for stack in stacks.of_pprof(profile, kernel=True):
        bad = [f for f in stack.frames if not is_right(program, f)]
        n += stack.count
        if bad:
            wrong[f"{bad[0][2]} in {bad[0][0]}"] += stack.count
        else:
            right += stack.count
    for text, count in wrong.most_common(5):
        print(f"# {path.split('/')[-1]}: {count} with {text}")
    return n, right


def main():
    hz, ns = float(sys.argv[1]), int(sys.argv[2])
    a, a_right = judge(*sys.argv[3:5])
    b, b_right = judge(*sys.argv[5:7])
    expected = ns * hz / 1e9
    error = 3 * math.sqrt(expected * SHARE * (1 - SHARE))
    print(f"# {ns / 1e9:.2f} s of CPU time: {expected:.0f} samples at {hz:.0f} Hz; with exe and "
          f"cgroup: {a} + {b} ({100 * (a + b) / expected:.2f} %), of these with the right names: "
          f"{a_right} + {b_right} ({100 * (a_right + b_right) / max(a + b, 1):.2f} %)")
    if min(a, b) < expected / 4:
        return 1
    return 0 if a_right + b_right >= SHARE * expected - error else 1


if __name__ == "__main__":
    sys.exit(main())
