# SPDX-License-Identifier: GPL-2.0
"""Profiles for the page's tests, in the daemon's flame graph format.

KNOWN is small enough to add up by hand; generated() has any number of nodes
with names, shapes and weights as on a real host; hostile() has names that
try to be markup.
"""
import random

USER, KERNEL, VDSO, JIT, UNKNOWN, MARK = range(6)
PERIOD = 10_000_000

# (name, object, kind, self samples, children); 1000 samples in all
KNOWN = ("total", "", UNKNOWN, 0, [
    ("main", "/usr/bin/app", USER, 0, [
        ("alpha", "/usr/bin/app", USER, 500, [
            ("memcpy", "/usr/lib/libc.so.6", USER, 200, [])]),
        ("beta", "/usr/bin/app", USER, 50, [
            ("memcpy", "/usr/lib/libc.so.6", USER, 100, []),
            ("gamma", "/usr/bin/app", USER, 20, [
                ("alpha", "/usr/bin/app", USER, 30, [])])]),
        ("loop~", "[anon]", JIT, 40, []),
        ("do_syscall_64", "[kernel.kallsyms]", KERNEL, 0, [
            ("copy_page", "[kernel.kallsyms]", KERNEL, 40, [])])]),
    ("[truncated: frame pointer]", "", MARK, 0, [
        ("helper", "/usr/lib/libhelper.so", USER, 10, [])]),
    ("[lost: ring full]", "", MARK, 10, []),
])


class Writer:
    """Interns strings and functions, takes nodes in pre-order."""

    def __init__(self):
        self.strings, self.string_ids = [], {}
        self.funcs = {"name": [], "object": [], "file": [], "line": [], "kind": []}
        self.func_ids = {}
        self.nodes = {"parent": [], "func": [], "self": [], "total": []}

    def string(self, s):
        if s not in self.string_ids:
            self.string_ids[s] = len(self.strings)
            self.strings.append(s)
        return self.string_ids[s]

    def func(self, name, obj, kind, file="", line=0):
        key = (name, obj)
        if key not in self.func_ids:
            self.func_ids[key] = len(self.func_ids)
            for k, v in (("name", self.string(name)), ("object", self.string(obj)),
                         ("file", self.string(file)), ("line", line), ("kind", kind)):
                self.funcs[k].append(v)
        return self.func_ids[key]

    def node(self, parent, func, self_weight, total):
        for k, v in (("parent", parent), ("func", func), ("self", self_weight), ("total", total)):
            self.nodes[k].append(v)
        return len(self.nodes["parent"]) - 1

    def answer(self, now_ms, **more):
        total = self.nodes["total"][0]
        return {"version": 1, "type": "process_cpu:cpu:nanoseconds:cpu:nanoseconds",
                "unit": "nanoseconds", "period": PERIOD, "from_ms": now_ms - 300_000,
                "to_ms": now_ms, "total": total, "samples": total // PERIOD, "lost": 0,
                "lost_samples": 0, "truncated": 0, "cut": False, "cpus": 2, "windows": 30,
                "strings": self.strings, "funcs": self.funcs, "nodes": self.nodes} | more


def weight(node):
    return node[3] + sum(weight(c) for c in node[4])


def from_tuples(root, now_ms, **more):
    w = Writer()

    def add(node, parent):
        name, obj, kind, own, children = node
        me = w.node(parent, w.func(name, obj, kind), own * PERIOD, weight(node) * PERIOD)
        for c in sorted(children, key=weight, reverse=True):
            add(c, me)

    add(root, -1)
    return w.answer(now_ms, **more)


def known(now_ms):
    return from_tuples(KNOWN, now_ms, lost=10 * PERIOD, lost_samples=10, truncated=10 * PERIOD)


def empty(now_ms):
    return from_tuples(("total", "", UNKNOWN, 0, []), now_ms, windows=0)


def hostile(now_ms):
    evil = "<img src=x onerror=alert(1)>\u202egnp.exe\x00\n" + "A" * 9000
    return from_tuples(("total", "", UNKNOWN, 0, [
        (evil, "/tmp/<script>alert(1)</script>", USER, 5, []),
        ("\"><b>", "", UNKNOWN, 5, [])]), now_ms)


def make_functions(rng, n):
    """Names and binaries in the proportions of a busy build-and-serve host."""
    objects = [("/usr/lib/x86_64-linux-gnu/libc.so.6", USER, 0.12), ("/usr/bin/python3.11", USER, 0.14),
               ("/usr/lib/gcc/x86_64-linux-gnu/12/cc1plus", USER, 0.22), ("/usr/sbin/nginx", USER, 0.08),
               ("/usr/lib/postgresql/15/bin/postgres", USER, 0.12), ("/usr/bin/node", USER, 0.06),
               ("/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30", USER, 0.03),
               ("/usr/lib/x86_64-linux-gnu/libssl.so.3", USER, 0.03),
               ("[kernel.kallsyms]", KERNEL, 0.13), ("[ext4]", KERNEL, 0.02), ("[anon]", JIT, 0.05)]
    verb = "read write alloc free parse find insert lookup hash copy scan push emit fold walk merge".split()
    noun = "node buffer page tree token stmt index row key block frame cache entry symbol list".split()
    out = []
    for i in range(n):
        obj, kind, _ = rng.choices(objects, [o[2] for o in objects])[0]
        base = f"{rng.choice(verb)}_{rng.choice(noun)}"
        if "cc1plus" in obj or "stdc++" in obj:
            name = f"cp::{rng.choice(noun)}<{rng.choice(noun)}*, std::less<{rng.choice(noun)}>>::{base}_{i}(int, {rng.choice(noun)} const&)"
        elif kind == JIT:
            name = f"LazyCompile:~{base} /srv/app/{rng.choice(noun)}.js:{i}"
        elif kind == KERNEL:
            name = f"{rng.choice(['', '__', 'do_', 'vfs_', 'ext4_'])}{base}_{i}"
        else:
            name = f"{base}_{i}"
        file = f"/build/src/{rng.choice(noun)}.c" if rng.random() < 0.7 else ""
        out.append((name, obj, kind, file, rng.randrange(1, 4000)))
    return out


def generated(n_nodes, now_ms, seed=1, n_funcs=12_000):
    """A profile of exactly n_nodes nodes, weights heavy-tailed, stacks about 20 to 60 deep."""
    rng = random.Random(seed)
    pool = make_functions(rng, n_funcs)
    parent, func, depth, children = [-1], [None], [0], [[]]
    tips = [0]
    while len(parent) < n_nodes:
        # grow a chain from some node: deep stacks with shared callers
        at = tips[int(len(tips) * rng.random() ** 2)] if rng.random() < 0.8 else rng.randrange(len(parent))
        for _ in range(rng.randrange(1, 12)):
            if len(parent) >= n_nodes or depth[at] > 90:
                break
            parent.append(at)
            func.append(pool[int(len(pool) * rng.random() ** 1.7)])
            depth.append(depth[at] + 1)
            children.append([])
            children[at].append(len(parent) - 1)
            at = len(parent) - 1
        tips.append(at)
    own = [int(rng.paretovariate(0.9)) if not c or rng.random() < 0.25 else 0 for c in children]
    total = own[:]
    for i in range(n_nodes - 1, 0, -1):
        total[parent[i]] += total[i]
    w = Writer()
    root = w.func("total", "", UNKNOWN)
    stack = [(0, -1)]
    while stack:
        i, p = stack.pop()
        f = root if func[i] is None else w.func(*func[i])
        me = w.node(p, f, own[i] * PERIOD, total[i] * PERIOD)
        stack += [(c, me) for c in sorted(children[i], key=lambda c: total[c])]
    return w.answer(now_ms, lost=total[0] * PERIOD // 400, lost_samples=total[0] // 400,
                    truncated=total[0] * PERIOD // 70, cpus=8)
