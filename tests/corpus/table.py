#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Judges all that was sampled of the corpus.

  table.py DIR [alone]    DIR/list names the programs: NAME KIND [PROGRAM [LIBRARY...]]

KIND is compiled (PROGRAM and LIBRARY are disassembled for their call graph),
altstack (the same; of stacks that go on outside the copied one no share is
asked for, only not less than perf's), packaged (only that there are calls is looked at), jit
(the same, but for code that no file holds), or shown (as jit, and whatever comes out passes).

Of each there are DIR/NAME.perf (perf script: events dw and fp, of the same run)
and DIR/NAME.pb.gz (ringprof). alone: nothing but ringprof sampled, there is no DIR/NAME.perf. Writes the table to DIR/table.txt and a verdict
per line to stdout: "PASS TEXT" or "FAIL TEXT", what is wrong behind '#'.

A program passes when 99 % of ringprof's stacks reach a root: of all its builds
together, and of each one but for the sampling error of some 400 samples. Nor may
they be fewer than perf's with DWARF unwinding, but for the error of both, and of
its pairs of frames hardly any may be wrong: 0.1 % in all, 0.5 % of one program.
"""
import concurrent.futures
import math
import os
import sys

import judge
import stacks

COMPILED = ("compiled", "altstack")
MIN_SAMPLES = 150
MIN_SHARE = 0.99
MAX_WRONG_ALL = 0.001
MAX_WRONG_ONE = 0.005
ALONE = sys.argv[2:] == ["alone"]


def judge_program(job):
    directory, name, kind, *files = job
    graph = judge.Graph(files if kind in COMPILED else [], jit=kind in ("jit", "shown"))
    perf = {} if ALONE else judge.of_perf(graph, f"{directory}/{name}.perf")
    nothing = judge.Verdict()
    own = judge.judge(graph, stacks.of_pprof(f"{directory}/{name}.pb.gz"))
    return name, kind, [own, perf.get("dw", nothing), perf.get("fp", nothing)]


def below(v, p):
    """Does v reach fewer roots than p, by more than chance lets two samples differ?"""
    a, b = v.roots / v.samples, p.roots / p.samples
    both = (v.roots + p.roots) / (v.samples + p.samples)
    error = math.sqrt(both * (1 - both) * (1 / v.samples + 1 / p.samples))
    return a < b - 3 * error - 1e-9


def problems(v, dwarf, kind):
    """Why a program of this kind does not pass, [] it does."""
    if v.samples < MIN_SAMPLES:
        return [f"only {v.samples} samples"]
    out = []
    least = MIN_SHARE * v.samples - 3 * math.sqrt(MIN_SHARE * (1 - MIN_SHARE) * v.samples)
    if v.roots < least and kind != "altstack":
        out.append(f"{v.roots} of {v.samples} stacks reach a root")
    if not ALONE and not dwarf.samples:
        out.append("perf took no samples to compare with")
    elif not ALONE and below(v, dwarf):
        out.append("perf --call-graph dwarf reaches more roots")
    # a lone one is less than it takes to tell
    if v.wrong > max(2, MAX_WRONG_ONE * v.pairs):
        out.append(f"{v.wrong} of {v.pairs} pairs of frames are wrong")
    return out


def percent(part, whole, digits=2):
    return f"{100 * part / whole:.{digits}f}" if whole else "-"


def row(name, verdicts):
    cells = [f"{name:22}"]
    for v in verdicts:
        cells.append(f"{v.samples:7} {percent(v.roots, v.samples):>7} "
                     f"{percent(v.wrong, v.pairs, 3):>7}")
    return " |".join(cells)


def table(results):
    profilers = (["ringprof, module"] if ALONE else
                 ["ringprof, perf source", "perf --call-graph dwarf", "perf, frame pointers"])
    lines = [f"{'':22} |" + " |".join(f"{name:^23}" for name in profilers),
             f"{'program':22} |" + " |".join(["samples root, % wrong,%"] * len(profilers))]
    return lines + [row(name, verdicts[:len(profilers)]) for name, _, verdicts in results]


def total(results):
    pairs = sum(v[0].pairs for _, kind, v in results if kind in COMPILED)
    wrong = sum(v[0].wrong for _, kind, v in results if kind in COMPILED)
    text = f"wrong pairs of frames in all: {wrong} of {pairs} ({percent(wrong, pairs, 3)} %)"
    return text, wrong <= MAX_WRONG_ALL * pairs


def by_program(results):
    """-> text, good, of each compiled program: all its builds (LEVEL_PROGRAM) together."""
    sums = {}
    for name, kind, (v, _, _) in results:
        if kind != "altstack":
            s = sums.setdefault(name.split("_")[-1] if kind == "compiled" else name, [0, 0])
            s[0] += v.roots
            s[1] += v.samples
        if kind == "shown":
            sums.pop(name, None)
    for program, (roots, samples) in sums.items():
        yield (f"{program}, all builds: {roots} of {samples} stacks reach a root ({percent(roots, samples)} %)",
               roots >= MIN_SHARE * samples)


def main():
    directory = sys.argv[1]
    with open(f"{directory}/list") as f:
        jobs = [[directory, *line.split()] for line in f]
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        results = list(pool.map(judge_program, jobs))
    text, good = total(results)
    lines = table(results)
    # of packaged programs pairs are no figure: what calls there are is not known
    known = any(kind in COMPILED for _, kind, _ in results)
    with open(f"{directory}/table.txt", "w") as f:
        f.write("\n".join(lines + [text] * known) + "\n")
    for name, kind, (v, dwarf, _) in results:
        bad = problems(v, dwarf, kind) if kind != "shown" else []
        print(f"FAIL {name}: {'; '.join(bad)}" if bad else
              f"PASS {name}: {percent(v.roots, v.samples)} % of {v.samples} stacks reach a root")
        if v.ends or v.wrong:
            print("\n".join(judge.details(name, v)))
    for verdict, fine in [*by_program(results), *[(text, good)] * known]:
        print(f"{'PASS' if fine else 'FAIL'} {verdict}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
