/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where samples come from. Two sources, one stream of events:
 *
 *   kmod   the ringprof module: rings of /dev/ringprof, control by netlink
 *   perf   perf_event_open cpu-clock on every CPU, where no module can be
 *          loaded
 *
 * Both open the same side band (per-CPU PERF_COUNT_SW_DUMMY events). A drain
 * notes T = now and the heads of the sample rings, then those of the side band,
 * and delivers in time order everything older than T - SOURCE_LAG; the rest
 * waits in its ring for the next drain. So the receiver sees one history in
 * order and needs no lists of old mappings.
 *
 * One thread uses a source. Takes: struct source_config. Never: symbols,
 * process state, HTTP.
 */
#ifndef RINGPROF_SOURCE_SOURCE_H
#define RINGPROF_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/ringprof.h>

#include "source/chains.h"
#include "source/event.h"

enum source_kind { SOURCE_AUTO, SOURCE_KMOD, SOURCE_PERF };

/* a record may be published this long after its time (the sampler's own run, IRQs off) */
#define SOURCE_LAG_NS 5000000ULL

/* user registers by DWARF number: 6 is rbp, 7 rsp, 16 the pc */
#define SOURCE_REGS 17

/* What user code was at when a sample of the perf source was taken. */
struct user_stack {
	uint64_t time, cgroup;
	int32_t pid, tid;
	uint64_t regs[SOURCE_REGS];
	const void *stack; /* bytes from rsp on, as much as was copied */
	size_t len;
	bool cut;    /* the copy ends before the stack does, as far as can be told */
	bool compat; /* 32-bit code: no rows, frame pointers of 4 bytes */
};

/* The callers of its pc. */
struct user_frames {
	uint64_t *addr; /* leaf side first, as chain nodes are (uapi header, CALL CHAINS) */
	uint32_t n;	/* in: room; out: number */
	enum ringprof_end end;
	uint32_t flags;			/* RINGPROF_SAMPLE_* found */
	uint64_t row_frames, fp_frames; /* stepped over by rows, by frame pointers */
};

/*
 * Walks a user stack. Called from source_drain in time order: everything the
 * side band told before `time` was delivered. May block for as long as the
 * rings can wait.
 */
typedef void (*source_unwind_fn)(void *arg, const struct user_stack *in, struct user_frames *out);

struct source_config {
	enum source_kind kind;
	uint32_t hz;	  /* 0: the module's own setting, or RINGPROF_DEFAULT_HZ */
	uint32_t idle_hz; /* the collector's: rate of an idle host (agg/idle.h), 0: the same */
	const char *cpus; /* list, NULL or "": default mask */
	/*
	 * Profile only these processes and what they fork from the open on; n_pids 0:
	 * all. Both sources filter here and not in the kernel: only the side band, in
	 * time order, knows a child from its first moment. The side band itself is
	 * never filtered.
	 */
	const pid_t *pids;
	size_t n_pids;
	const char *cgroup;	 /* path below the cgroup mount, NULL: all */
	bool no_kernel, no_user; /* only user mode, only kernel mode */
	uint32_t ring_bytes;	 /* per CPU, 0: by rate */
	uint32_t perf_max_stack; /* perf source: 0 = as /proc/sys/kernel/perf_event_max_stack says */
	/*
	 * Unwind rows for user stacks, else frame pointers alone. perf source: by
	 * `unwind` from copies of perf_stack bytes (a multiple of 8, 0: frame
	 * pointers); kmod: the module's tables.
	 */
	bool rows;
	uint32_t perf_stack;
	source_unwind_fn unwind;
	void *unwind_arg;
	uint32_t max_depth; /* user frames, 0: the module's own, or RINGPROF_MAX_DEPTH */
	/* kmod: share of a CPU that sampling may take, in 1/10000, 0: no limit; bytes of tables */
	uint32_t budget;
	uint64_t table_budget;
	bool set_budget, set_table_budget; /* else they stay as the module has them */
	bool adopt; /* kmod: when it samples already, leave its settings as they are */
};

/* A copy that owns its strings and pids; 0 or -ENOMEM. */
int source_config_copy(struct source_config *to, const struct source_config *from);
void source_config_free(struct source_config *s); /* of such a copy, or zeroes */

struct source_info {
	enum source_kind kind; /* which one it became */
	const char *name;      /* "kmod", "perf" */
	char why[256];	       /* auto: why this one, in words */
	char stacks[256];      /* how user stacks are walked, in words */
	bool rows;	       /* by unwind rows where there are some */
	uint32_t perf_stack;   /* perf: bytes of stack copied for each sample */
	uint32_t hz;	       /* asked for: the period tells what is in force */
	uint64_t period;       /* ns (or cycles) a sample stands for now */
	uint32_t unit;	       /* enum ringprof_unit */
	uint32_t clock;	       /* clockid of event times */
	uint32_t cpus;	       /* CPUs sampled; 0: it does not sample now */
	uint32_t budget;       /* kmod: what the governor keeps to, 1/10000 of a CPU; 0: none */
	char module_version[64];
	uint32_t abi_major, abi_minor;
	uint64_t features;
	uint64_t instance; /* kmod: of this load of the module */
};

/* ns of CPU time that a sample stands for, by what is in force or, of cycles, by what was asked for. */
static inline uint64_t source_period_ns(const struct source_info *info)
{
	return info->unit == RINGPROF_UNIT_NS || !info->hz ? info->period
							   : 1000000000ULL / info->hz;
}

/*
 * Counters since open, summed over CPUs. outcome[] by enum ringprof_outcome
 * (perf source: EMITTED, IDLE and its losses mapped to the same names).
 */
struct source_counters {
	uint64_t calls;
	uint64_t outcome[16];
	uint64_t missed;	  /* timer periods that never fired */
	uint64_t detached;	  /* samples taken before this reader attached, dropped */
	uint64_t detached_before; /* of these, before the source was opened: no window has them */
	uint64_t chain_hits, nodes, bytes, frames;
	uint64_t node_limit_hits, handler_ns;
	uint64_t unwind[16]; /* by enum ringprof_unwind_counter */
	uint64_t sideband_records, sideband_lost;
	uint64_t corrupt; /* ring bytes dropped as impossible */
	/*
	 * Of these, the bytes whose samples no other counter has: where records could
	 * not be told apart. A sample dropped as a whole is among lost_samples.
	 */
	uint64_t unreadable;
	/* of the emitted ones, dropped here: chain table full, impossible, or behind what was */
	uint64_t lost_samples;
	uint64_t late; /* events older than what was delivered already; delivered as of then */
};

struct source;

/*
 * Opens, does not sample yet; the side band is on from here. cfg's pointers are
 * needed only during the call, chains as long as the source. 0, or -errno with a
 * sentence in err naming the thing, the cause and the way out (-EBUSY: another
 * reader, named; SOURCE_AUTO does not go round it to perf).
 */
int source_open(struct source **ret, const struct source_config *cfg, struct chains *chains,
		char *err, size_t errlen);
/* NULL is fine. A kmod source stops the module, whoever started it: nobody reads any more. */
void source_close(struct source *s);
int source_start(struct source *s, char *err, size_t errlen);
/* What was sampled until then is delivered by a drain SOURCE_LAG_NS later. */
int source_stop(struct source *s);
/* What it samples by, as last seen: the module is asked when its rings show a change, and every 8 s. */
const struct source_info *source_info(struct source *s);
/* Sees to it that this is up to date. 0, or -errno: it could not be asked. */
int source_look(struct source *s);

/* Becomes readable (POLLIN) when a ring is half full; -1 if there is none. */
int source_fd(const struct source *s);

/*
 * Delivers what is due, in time order, and follows CPUs that come and go. When
 * the chain table is full it ends early, the rest being due at the next drain,
 * which begins with a new table (chains_generation changes only there). Gives the time up to which (exclusive)
 * the history is now complete, mono ns, in *ret_upto. 0 or -errno; an error
 * means that this source is gone (module unloaded, ABI changed).
 */
int source_drain(struct source *s, event_fn fn, void *arg, uint64_t *ret_upto);

/* Reads the counters; cheap enough for each drain. */
int source_counters(struct source *s, struct source_counters *ret);
/* Adds every counter of more to sum's. */
void source_counters_add(struct source_counters *sum, const struct source_counters *more);
/* Bytes of user memory held, for /metrics. */
size_t source_bytes(const struct source *s);

#endif
