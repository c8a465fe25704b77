# SPDX-License-Identifier: GPL-2.0
"""What the page's trees must add up to, worked out the slow and plain way.

Everything is a dict from a path (tuple of "object\\nname" keys) to weight.
"""
from collections import defaultdict


def stacks(answer):
    """-> [(root-first list of function ids, self weight)] of every node with self weight"""
    nodes = answer["nodes"]
    paths, out = [[]], []
    for i in range(1, len(nodes["parent"])):
        paths.append(paths[nodes["parent"][i]] + [nodes["func"][i]])
        if nodes["self"][i]:
            out.append((paths[i], nodes["self"][i]))
    return out


def label(answer, f):
    s, funcs = answer["strings"], answer["funcs"]
    return s[funcs["object"][f]] + "|" + s[funcs["name"][f]]


def add_path(tree, answer, path, weight):
    key = ""
    for f in path:
        key += ";" + label(answer, f)
        tree[key] += weight


def bottom_up(answer):
    tree = defaultdict(int)
    for path, w in stacks(answer):
        add_path(tree, answer, path[::-1], w)
    return dict(tree)


def callers(answer, func):
    """Callers of the outermost box of func in each stack, nearest first."""
    tree = defaultdict(int)
    for path, w in stacks(answer):
        if func in path:
            add_path(tree, answer, path[:path.index(func)][::-1], w)
    return dict(tree)


def callees(answer, func):
    tree = defaultdict(int)
    for path, w in stacks(answer):
        if func in path:
            add_path(tree, answer, path[path.index(func) + 1:], w)
    return dict(tree)


def totals(answer):
    """-> {label: [self, total]}, recursion counted once"""
    out = defaultdict(lambda: [0, 0])
    for path, w in stacks(answer):
        for f in set(path):
            out[label(answer, f)][1] += w
        out[label(answer, path[-1])][0] += w
    return dict(out)
