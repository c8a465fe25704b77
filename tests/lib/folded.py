#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Judges folded stacks ("root;...;leaf N", N samples).

  folded.py shares FILE TRUTH.json   self shares of the truth's functions: |z| < 5
  folded.py has FILE A B C ...       some stack holds A, B, C in this order
  folded.py sum FILE                 prints the samples
"""
import json
import math
import sys


def read(path):
    stacks = []
    with open(path, errors="replace") as f:
        for line in f:
            stack, n = line.rstrip("\n").rsplit(" ", 1)
            stacks.append((stack.split(";"), int(n)))
    return stacks


def innermost(stack, names):
    """The innermost frame that is one of names: kernel work for it counts as its own."""
    for frame in reversed(stack):
        if frame in names:
            return frame
    return None


def shares(path, truth_path):
    with open(truth_path) as f:
        truth = {k: v for k, v in json.load(f).items() if k.startswith("phase_")}
    total_ns = sum(truth.values())
    hits = dict.fromkeys(truth, 0)
    for stack, n in read(path):
        name = innermost(stack, truth)
        if name:
            hits[name] += n
    n = sum(hits.values())
    print(f"# {n} samples in the phases")
    good = n >= 200
    for name, ns in truth.items():
        p = ns / total_ns
        z = (hits[name] - n * p) / math.sqrt(n * p * (1 - p)) if n else math.inf
        print(f"# {name}: truth {p:.4f} measured {hits[name] / max(n, 1):.4f} z {z:+.2f}")
        good &= abs(z) < 5
    return good


def has(path, names):
    for stack, _ in read(path):
        i = 0
        for frame in stack:
            if i < len(names) and frame == names[i]:
                i += 1
        if i == len(names):
            return True
    return False


def main():
    verb, path, *rest = sys.argv[1:]
    if verb == "shares":
        return 0 if shares(path, rest[0]) else 1
    if verb == "has":
        return 0 if has(path, rest) else 1
    if verb == "sum":
        print(sum(n for _, n in read(path)))
        return 0
    return 2


sys.exit(main())
