# SPDX-License-Identifier: GPL-2.0
"""What the figures of make bench are held to; see tests/bench/figures.

A goal may be missed with a reason, which says how far: what is beyond that fails
again, and so does a reason for what is met.
"""

# what, pattern of figures (the worst counts), most, unit
GOALS = (
    ("22 frames, frame pointers", r"ringprof\.fp22\.insn_per_sample", 2450, "insn"),
    ("a frame more, unwind rows", r"ringprof\.rows22to100\.insn_per_frame", 150, "insn"),
    ("ring, steady loads", r"ringprof\.(fp\d+|rows\d+|kernel)(_\d+hz)?\.bytes_per_sample", 48, "bytes"),
    ("ring, mixed loads", r"ringprof\.(mixed|fork|postgres)\.bytes_per_sample", 90, "bytes"),
    ("daemon, ring to closed window", r"ringprofd\.insn_per_sample", 3000, "insn"),
    ("daemon's memory, 200 processes, 300 files, 2 CPUs", r"ringprofd\.rss_mib", 64, "MiB"),
    ("daemon's memory, 5,000 processes, perf source", r"ringprofd\.rss_5000_mib", 200, "MiB"),
    ("daemon on an idle host, 99 Hz", r"idle\.(ringprof|perf)\.daemon_cpu", 200, "ppm"),
    ("daemon on an idle host, idle-frequency = 10", r"idle\.(ringprof|perf)_idle\.daemon_cpu", 200, "ppm"),
    ("100,000 stacks to pprof, each", r"pprof\.encode_us_per_stack", 1, "us"),
    ("their memory, gzip included, by their size", r"pprof\.memory_to_size", 3, "times"),
    ("a compile's loss at 99 Hz, daemon included", r"whole\.compile\.99\.loss", 0.06, "%"),
    ("pgbench's loss at 99 Hz, daemon included", r"whole\.pgbench\.99\.loss", 0.06, "%"),
    ("a compile's loss at 999 Hz, daemon included", r"whole\.compile\.999\.loss", 0.6, "%"),
    ("pgbench's loss at 999 Hz, daemon included", r"whole\.pgbench\.999\.loss", 0.6, "%"),
    ("a compile's loss on a host, upper bound", r"whole\.host\.compile\.99\.loss_high", 1, "%"),
    ("pgbench's loss on a host, upper bound", r"whole\.host\.pgbench\.99\.loss_high", 1, "%"),
)

# 5,000 instructions a sample of a CPU that does one a nanosecond
DAEMON_99 = "samples of 5,000 instructions are 0.05 % by themselves, and the daemon comes on top: see its parts and the bounds below"
DAEMON_999 = "samples are 0.5 % by themselves, and the daemon comes on top: see its parts and the bounds below"
# figure: the most that the reason is good for (of a loss its upper bound), the reason
REASONS = {
    "whole.compile.99.loss": (1.2, DAEMON_99),
    "whole.pgbench.99.loss": (2.3, DAEMON_99),
    "whole.compile.999.loss": (3.8, DAEMON_999),
    "whole.pgbench.999.loss": (3.3, DAEMON_999),
    "whole.host.compile.99.loss_high": (1.5, "a shared host of two hyperthreads: two runs without ringprof differ by more than "
                                             "it takes, and 60 pairs leave the mean so wide"),
}
