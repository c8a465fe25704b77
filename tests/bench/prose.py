# SPDX-License-Identifier: GPL-2.0
"""Figures of tests/bench/bench.json in README's own sentences; see tests/bench/figures."""
import re

WHOLE = [f"whole.{load}.{hz}.daemon" for load in ("compile", "pgbench") for hz in (99, 999)]


def of(name):
    return lambda f: f[name]


def share(part, of_what):
    return lambda f: 100 * f[part] / f[of_what]


# a sentence with a {} for each figure, wherever its lines end; how each is written and where it comes from
PROSE = (
    ("22 frames: {} instructions; `perf record -g` {}, bpftrace {} |",
     *((",.0f", of(f"{tool}.fp22.insn_per_sample")) for tool in ("ringprof", "perf_g", "bpftrace"))),
    ("{} % of the former are aggregation", (".0f", share("ringprofd.aggregate.insn", "ringprofd.insn_per_sample"))),
    ("PostgreSQL has no frame pointers: its {} frames", (".0f", of("ringprof.postgres.frames_per_sample"))),
    ("a compile loses {} and {} %, PostgreSQL {} and {} %",
     *((".2g", of(f"whole.{load}.{hz}.loss")) for load in ("compile", "pgbench") for hz in (99, 999))),
    ("the daemon takes {} to {} % (`daemon`)", (".2g", lambda f: min(f[n] for n in WHOLE)),
     (".2g", lambda f: max(f[n] for n in WHOLE))),
    ("Of a compiler at 999 Hz {} % of its part is the history",
     (".0f", share("whole.compile.999.daemon.history", "whole.compile.999.daemon"))),
)


def sentence(text, figures, words, *wanted):
    """text with the sentence's numbers as they are in figures, and what is wrong with it, or nothing."""
    pattern = r"-?[\d.,]*\d(?:e[+-]?\d+)?".join(f"({re.escape(w)})".replace(r"\ ", r"\s+") for w in words.split("{}"))
    found = list(re.finditer(pattern, text))
    if len(found) != 1:
        return text, f"the sentence '{words}' is there {len(found)} times, not once"
    try:
        numbers = [format(value(figures), how) for how, value in wanted] + [""]
    except KeyError as e:
        return text, f"the sentence '{words}' needs {e}, which was not measured"
    now = "".join(w + n for w, n in zip(found[0].groups(), numbers))
    return text[:found[0].start()] + now + text[found[0].end():], None


def prose(text, data):
    """text with all sentences of PROSE as they are to be, and what is wrong with them."""
    figures = {name: f["value"] for name, f in data["figures"].items()}
    wrong = []
    for words, *wanted in PROSE:
        text, why = sentence(text, figures, words, *wanted)
        wrong += [why] if why else []
    return text, wrong
