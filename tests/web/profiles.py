# SPDX-License-Identifier: GPL-2.0
"""Profiles for the page's tests, in the daemon's flame graph format.

KNOWN is small enough to add up by hand; generated() has any number of nodes
with names, shapes and weights as on a real host; hostile() has names that
try to be markup.
"""
import functools
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


def known(now_ms, **more):
    # as the daemon counts: losses are boxes, but not in total and samples
    return from_tuples(KNOWN, now_ms, total=990 * PERIOD, samples=990, lost=10 * PERIOD, lost_samples=10,
                       truncated=10 * PERIOD, **more)


def empty(now_ms):
    return from_tuples(("total", "", UNKNOWN, 0, []), now_ms, windows=0)


def hostile(now_ms):
    evil = "<img src=x onerror=alert(1)>\u202egnp.exe\x00\n" + "A" * 9000
    return from_tuples(("total", "", UNKNOWN, 0, [
        (evil, "/tmp/<script>alert(1)</script>", USER, 5, []),
        ("\"><b>", "", UNKNOWN, 5, [])]), now_ms)


VERB = ("read write alloc free parse find insert lookup hash copy scan push emit fold walk merge "
        "split encode decode load store bind resolve visit").split()
NOUN = ("node buffer page tree token stmt index row key block frame cache entry symbol list path "
        "string header chunk scope tuple range slot batch").split()
TAIL = ["", "_locked", "_slow", "_fast", "_one", "_all", "_range", "_at", "_next", "_impl", "_cold", "_rcu"]
LIB = "/usr/lib/x86_64-linux-gnu/"
KERNEL_TEXT = "[kernel.kallsyms]"

# binary -> (share of new top-level stacks, where a frame of it may call into)
BINARIES = {
    "/usr/lib/gcc/x86_64-linux-gnu/12/cc1plus": (5, [LIB + "libc.so.6", KERNEL_TEXT]),
    "/usr/lib/postgresql/15/bin/postgres": (4, [LIB + "libc.so.6", KERNEL_TEXT]),
    "/usr/bin/python3.11": (3, [LIB + "libc.so.6", LIB + "libssl.so.3", KERNEL_TEXT]),
    "/usr/sbin/nginx": (2, [LIB + "libssl.so.3", LIB + "libc.so.6", KERNEL_TEXT]),
    "/usr/bin/node": (2, ["[anon]", LIB + "libc.so.6", KERNEL_TEXT]),
    "[anon]": (0, ["/usr/bin/node"]),
    LIB + "libssl.so.3": (0, [LIB + "libc.so.6"]),
    LIB + "libc.so.6": (0, [KERNEL_TEXT, "[vdso]"]),
    "[vdso]": (0, []),
    KERNEL_TEXT: (1, ["[ext4]", "[nf_tables]"]),
    "[ext4]": (0, [KERNEL_TEXT]),
    "[nf_tables]": (0, [KERNEL_TEXT]),
}
KINDS = {"[anon]": JIT, "[vdso]": VDSO, KERNEL_TEXT: KERNEL, "[ext4]": KERNEL, "[nf_tables]": KERNEL}


def function_name(rng, obj):
    verb, noun, tail = rng.choice(VERB), rng.choice(NOUN), rng.choice(TAIL)
    if "cc1plus" in obj:
        return (f"cp::{rng.choice(NOUN)}_{noun}<{rng.choice(NOUN)}*, std::less<{rng.choice(NOUN)}>>::"
                f"{verb}{tail}(int, {rng.choice(NOUN)} const&)")
    if obj == "[anon]":
        return f"LazyCompile:~{verb}{noun.title()} /srv/app/{rng.choice(NOUN)}.js:{rng.randrange(900)}"
    if obj == "[vdso]":
        return "__vdso_clock_gettime"
    prefix = {KERNEL_TEXT: ["", "__", "do_", "vfs_"], "[ext4]": ["ext4_"], "[nf_tables]": ["nft_"],
              "/usr/sbin/nginx": ["ngx_http_", "ngx_"], "/usr/bin/python3.11": ["_Py", "Py"],
              LIB + "libssl.so.3": ["ssl3_", "EVP_"]}.get(obj, [""])
    return f"{rng.choice(prefix)}{verb}_{noun}{tail}"


def next_function(rng, obj, pools):
    """A callee of a frame in obj: mostly the same binary, else one it may call into."""
    callees = BINARIES[obj][1]
    if callees and rng.random() < 0.11:
        obj = rng.choice(callees)
    pool = pools.setdefault(obj, [])
    if len(pool) < 40 or rng.random() < 600 / (600 + len(pool)) * 0.5:
        file = f"/build/src/{rng.choice(NOUN)}.c" if rng.random() < 0.7 else ""
        pool.append((function_name(rng, obj), obj, KINDS.get(obj, USER), file, rng.randrange(1, 4000)))
    return pool[int(len(pool) * rng.random() ** 1.6)]


@functools.lru_cache(maxsize=8)
def generated(n_nodes, now_ms, seed=1):
    """Made once and shared: not to be changed. A profile of exactly n_nodes nodes: shares heavy-tailed, stacks 10 to 90 deep as on a busy host."""
    rng = random.Random(seed)
    pools = {}
    parent, func, depth, children = [-1], [None], [0], [[]]

    def grow(at, f):
        parent.append(at)
        func.append(f)
        depth.append(depth[at] + 1)
        children.append([])
        children[at].append(len(parent) - 1)
        return len(parent) - 1

    for obj, (share, _) in BINARIES.items():
        for i in range(share):
            entry = "ret_from_fork" if obj == KERNEL_TEXT else "_start" if i == 0 else f"thread_main_{i}"
            at = grow(0, (entry, obj, KINDS.get(obj, USER), "", 0))
            for _ in range(3):
                at = grow(at, next_function(rng, obj, pools))
    while len(parent) < n_nodes:
        # a new branch off some frame, older frames more often: stacks share their callers
        at = 1 + int((len(parent) - 1) * rng.random() ** 1.5)
        for _ in range(min(rng.randrange(1, 12), n_nodes - len(parent))):
            if depth[at] < 90 and func[at][1] != "[vdso]":
                at = grow(at, next_function(rng, func[at][1], pools))
            else:
                at = parent[at]
    own = [min(2000, int(rng.paretovariate(1.1))) if not c or rng.random() < 0.15 else 0 for c in children]
    own[0] = 0
    total = own[:]
    for i in range(n_nodes - 1, 0, -1):
        total[parent[i]] += total[i]
    return write_generated(func, children, own, total, now_ms)


def write_generated(func, children, own, total, now_ms):
    w = Writer()
    root = w.func("total", "", UNKNOWN)
    stack = [(0, -1)]
    while stack:
        i, p = stack.pop()
        f = root if func[i] is None else w.func(*func[i])
        me = w.node(p, f, own[i] * PERIOD, total[i] * PERIOD)
        stack += [(c, me) for c in sorted(children[i], key=lambda c: total[c])]
    all_ns = total[0] * PERIOD
    return w.answer(now_ms, lost=all_ns // 400, lost_samples=total[0] // 400, truncated=all_ns // 70,
                    cpus=1 + all_ns // 200_000_000_000)


def chain(depth, now_ms):
    """One stack this deep."""
    node = ("leaf", "/usr/bin/app", USER, 10, [])
    for i in range(depth - 1, 0, -1):
        node = (f"level_{i}", "/usr/bin/app", USER, 0, [node])
    w = Writer()
    parent = w.node(-1, w.func("total", "", UNKNOWN), 0, 10 * PERIOD)
    while True:
        name, obj, kind, own, children = node
        parent = w.node(parent, w.func(name, obj, kind), own * PERIOD, 10 * PERIOD)
        if not children:
            return w.answer(now_ms)
        node = children[0]
