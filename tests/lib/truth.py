# SPDX-License-Identifier: GPL-2.0
"""Measured profiles against what is known of a workload.

A stack is a list of addresses from the root to the sampled pc, as ringtool -s
writes it: the first one is the end mark (why the walk ended). Workloads are
linked at fixed addresses, so nm alone names their functions: the symbolizer
that is being tested has no part in this.
"""
import bisect
import collections
import math
import subprocess

END_MARK = 0x8000000000000000
END_MASK = 0xFFFFFFFFFFFFF000
KERNEL = 1 << 63
SAMPLE_KERNEL = 1

Sample = collections.namedtuple("Sample", "tgid tid cpu flags weight end stack")


def binomial_z(hits, n, p):
    """How many standard errors `hits` of `n` is away from a share of `p`."""
    if n <= 0:
        raise ValueError("no samples")
    if not 0 < p < 1:
        raise ValueError(f"share {p}")
    return (hits - n * p) / math.sqrt(n * p * (1 - p))


def read_samples(path):
    """-> [Sample]; end is the number in the end mark, stack has no mark."""
    samples = []
    with open(path) as f:
        for line in f:
            tgid, tid, cpu, flags, weight, text = line.split()
            addrs = [int(a, 16) for a in text.split(";")]
            if addrs[0] & END_MASK != END_MARK:
                raise ValueError(f"{path}: a stack without an end mark: {line[:80]}")
            samples.append(Sample(int(tgid), int(tid), int(cpu), int(flags), int(weight),
                                  addrs[0] & ~END_MASK, addrs[1:]))
    return samples


class Symbols:
    """Functions of fixed addresses: of a program linked so, or of the kernel."""

    def __init__(self, rows):
        """rows: (start, size or None for up to the next one, name)"""
        self.rows = sorted(rows)
        self.starts = [r[0] for r in self.rows]

    def name(self, addr):
        i = bisect.bisect_right(self.starts, addr) - 1
        if i < 0:
            return None
        start, size, name = self.rows[i]
        return name if size is None or addr < start + size else None


def program_symbols(path):
    out = subprocess.run(["nm", "-S", "--defined-only", path], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    rows = []
    for line in out.splitlines():
        f = line.split()
        if len(f) == 4 and f[2] in "tTwW":
            rows.append((int(f[0], 16), int(f[1], 16), f[3]))
    if not rows:
        raise ValueError(f"{path}: no symbols")
    return Symbols(rows)


def kernel_symbols(path="/proc/kallsyms"):
    rows = []
    with open(path) as f:
        for line in f:
            addr, kind, name = line.split()[:3]
            if kind in "tTwW":
                rows.append((int(addr, 16), None, name))
    if not any(r[0] for r in rows):
        raise ValueError(f"{path}: addresses are hidden")
    return Symbols(rows)


def names(stack, user, kernel=None):
    """Names from the root to the leaf; callers are looked up at address - 1."""
    out = []
    for i, addr in enumerate(stack):
        at = addr if i == len(stack) - 1 else addr - 1
        if addr & KERNEL:
            out.append("[k]" + ((kernel and kernel.name(at)) or ""))
        else:
            # the user pc below a system call is no return address
            found = user.name(at)
            if found is None and i + 1 < len(stack) and stack[i + 1] & KERNEL:
                found = user.name(addr)
            out.append(found)
    return out
