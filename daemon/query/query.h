/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Range + selector -> merged stack tree. Runs on the full tree; cutting is
 * for display and for the exporters. Every result carries totals, losses,
 * truncation and the sampling error. Any thread; works on window references
 * and never holds up the collector.
 *
 * Takes windows (a list's, or the store's by its feed), gives a tree. Never
 * opens files; names come through query/resolve.h alone.
 */
#ifndef RINGPROF_QUERY_QUERY_H
#define RINGPROF_QUERY_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "store/store.h"
#include "sym/symbols.h"

#define QUERY_TYPE_CPU	   "process_cpu:cpu:nanoseconds:cpu:nanoseconds"
#define QUERY_TYPE_SAMPLES "process_cpu:samples:count:cpu:nanoseconds"

enum match_op { MATCH_EQ, MATCH_NE, MATCH_RE, MATCH_NRE };

/*
 * TYPE{selector}: Prometheus matchers, anchored regular expressions (PCRE2,
 * with match limits: bounded time), aliases service version env. TYPE or the
 * braces may be missing: "", "{comm="x"}", "comm="x"" and TYPE alone will do.
 * pid, tid, cpu may be matched as labels too; comm and exe are the process's
 * where its label set has none. A missing label is "". Texts are quoted with
 * " or ' (escapes as in Prometheus) or ` (raw).
 */
struct selector;
/* 0 or -EINVAL with err "position N: cause; allowed: ..." */
int selector_parse(struct selector **ret, const char *text, char *err, size_t errlen);
void selector_free(struct selector *s);
bool selector_is_samples(const struct selector *s); /* type asked for was the sample count */
bool selector_is_all(const struct selector *s);	    /* no matcher: the whole host */

/*
 * Prometheus-like times: RFC 3339 with zone, unix s (up to 11 digits, fraction
 * allowed), ms (12..14), us (15..17), ns (18, 19), now, now-1h30m (units ms s m
 * h d w). Wall ns; 0 or -EINVAL, *ret untouched.
 */
int query_time_parse(const char *text, uint64_t now_wall, uint64_t *ret);

/*
 * Which windows: those of a list; or, list NULL, those of the store's history
 * that overlap [from, to), wall ns. Up to a minute is answered to the moment, not by
 * whole windows, while there are single samples of all of it.
 */
struct query_input {
	const struct window_list *list;
	uint64_t from, to;
	uint64_t step;	/* no window of the history longer than this, ns; 0: the store's choice */
	double busiest; /* history: only this part (0..1) of the windows, busiest first; 0: all */
};
#define QUERY_LIST(l) (&(const struct query_input){ .list = (l) })

/* Node 0 is the root ("total"). Children of a node are chained by next. */
struct tree_node {
	uint32_t parent, first_child, next;
	uint32_t func;	      /* index into tree.funcs */
	uint64_t self, total; /* ns, or samples if tree.in_samples */
	uint64_t self_samples, total_samples;
	double se; /* standard error of total / nodes[0].total; see struct tree.errors */
};

struct tree_func {			       /* what a node merges by: function of an object */
	const char *name, *system_name, *file; /* live as long as the tree */
	const char *object;		       /* path or "[kernel.kallsyms]", ... */
	enum frame_kind kind;
	uint32_t line;		  /* of the function's start, 0 unknown */
	double self_se, total_se; /* of its share of nodes[0].total; a recursive one counts once */
};

struct tree {
	struct tree_node *nodes;
	uint32_t n_nodes;
	struct tree_func *funcs;
	uint32_t n_funcs;
	/* what the answer rests on */
	uint64_t total, samples; /* losses not included; total in the nodes' unit */
	uint64_t lost,
		lost_samples; /* of [lost: ...] in range, host-wide; lost in the nodes' unit */
	uint64_t truncated;   /* of stacks that end in [truncated: ...], in the nodes' unit */
	uint64_t left_out;    /* taken by the selector, dropped by focus or ignore; not in total */
	uint64_t wall_from, wall_to; /* covered by windows, ns */
	/* duration: what could be sampled of that time; windows: in which something could */
	uint64_t period, duration;
	uint32_t windows, cpus;
	bool lost_included;	/* [lost: ...] frames are nodes below the root */
	bool in_samples;	/* QUERY_TYPE_SAMPLES was asked for */
	struct strtab *strings; /* owns the texts of funcs */
	/*
	 * How standard errors (of nodes and funcs) were found. Samples of one
	 * stretch of time are not independent, so the range is cut into up to 32
	 * stretches and the share's change from one to the next tells. Fewer than 8
	 * stretches have windows: the binomial error of that many samples; and
	 * never less than that.
	 */
	uint32_t stretches; /* that had windows */
	bool errors;	    /* se fields are filled (query_tree does) */
	struct store_used used;
};

/* What frames are merged by. */
enum merge_by { MERGE_FUNCTION, MERGE_LINE, MERGE_ADDRESS, MERGE_BINARY, MERGE_CATEGORY };

struct frame_filter;
struct categories;

/*
 * How frames are shown; all 0: merged by function, inlined functions are
 * frames of their own. All but no_inlines and merge shape trees alone.
 */
struct query_view {
	bool no_inlines; /* an inlined function counts as the one that it is in */
	/* by line: "function file:line"; by binary, category: runs of equal frames are one frame */
	enum merge_by merge;
	const struct categories *categories;	   /* NULL: the built-in rules */
	bool invert;				   /* leaves are outermost */
	const struct frame_filter *focus, *ignore; /* stacks with, without a frame that matches */
	/* frames that match are left out of their stacks; of one without others "[hidden]" is left */
	const struct frame_filter *hide;
	/* labels whose "name=value" become the outermost frames; pid, tid, comm and exe too */
	const char *const *group_by;
	uint32_t n_group_by;
};

/*
 * focus, ignore, hide: an unanchored regular expression (PCRE2, match limits),
 * looked for in a frame's function, object and file. 0; -ENOMEM; -EINVAL with
 * "position N: cause" in err.
 */
int frame_filter_parse(struct frame_filter **ret, const char *text, char *err, size_t errlen);
void frame_filter_free(struct frame_filter *f); /* NULL is fine */

struct query_env {
	struct store *store;
	struct symbols *symbols;
	struct query_view view;
};

struct query_limits {
	size_t max_bytes;     /* memory of one query, 0: 512 MiB */
	uint64_t max_ns;      /* run time, 0: 10 s */
	uint64_t line_ns;     /* of it for reading debug information, 0: as much as it takes */
	const int *cancelled; /* stop when it turns non-zero; may be NULL */
};

/*
 * Merges by function of an object, whatever model a window belongs to. Texts
 * are valid UTF-8 without control characters, at most QUERY_TEXT_MAX bytes.
 * Children are chained heaviest first; a parent's index is below its
 * children's. 0; -ETIMEDOUT, -ENOMEM, -ECANCELED by the limits; -ELOOP: a
 * regular expression passed its match limit; -EBADMSG: a window refers to what
 * its model does not hold; the store's errors. Free with tree_free.
 */
#define QUERY_TEXT_MAX 16384
int query_tree(const struct query_env *env, const struct query_input *in,
	       const struct selector *sel, const struct query_limits *lim, struct tree **ret);
void tree_free(struct tree *t);

/*
 * Cuts a tree for display: keeps the max_nodes heaviest nodes (ancestors of a
 * kept node are kept); what was cut is added up in an "(other)" child of its
 * parent (these come on top of max_nodes). Totals do not change. 0 = all.
 * 0 or -ENOMEM, then the tree is as before.
 */
int tree_cut(struct tree *t, uint32_t max_nodes);

#endif
