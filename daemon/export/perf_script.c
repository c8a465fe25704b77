// SPDX-License-Identifier: GPL-2.0
/*
 * perf script's text, window by window. Tools count its events and do not add
 * up periods, so a stack seen n times is written n times: at its own times
 * where the store has single samples of the range, else spread over the window.
 */
#include "export/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agg/relabel.h"
#include "agg/window.h"
#include "base/clock.h"
#include "query/feed.h"
#include "query/resolve.h"
#include "query/selector.h"

#define MAX_DEPTH   4096
#define CHECK_EVERY 1024
#define MAX_SAMPLES (4U << 20) /* of one window */

struct moment {	       /* one sample */
	uint64_t time; /* wall ns */
	uint32_t entry;
	uint16_t cpu;
};

struct script {
	struct writer w;
	struct budget budget;
	const struct query_env *env;
	const struct selector *sel;
	struct moment *moments;
	uint32_t n, cap;
	uint64_t from, to;   /* of single samples */
	struct model *model; /* of match; a reference */
	struct match_cache match;
	struct sym_answer answer;
};

/* Starts anew with each model, and follows one that grows. */
static int follow(struct script *s, struct model *m)
{
	uint32_t counts[6];

	if (s->model != m) {
		match_cache_free(&s->match);
		model_unref(s->model);
		s->model = model_ref(m);
		s->match = (struct match_cache){ .sel = s->sel, .model = m };
	}
	model_counts(m, counts);
	return match_cache_follow(&s->match, counts, &s->budget);
}

static int by_time(const void *pa, const void *pb)
{
	const struct moment *a = pa, *b = pb;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	return a->entry < b->entry ? -1 : a->entry > b->entry;
}

static int add_entry(struct script *s, const struct window *w, uint32_t i)
{
	const struct window_entry *e = &w->entries[i];
	uint64_t len = w->end - w->start;
	int r = match_thread(&s->match, e->thread);

	if (r > 0)
		r = match_cpu(s->sel, e->cpu);
	if (r <= 0)
		return r;
	if (e->count > MAX_SAMPLES - s->n)
		return -EFBIG;
	if (BUDGET_ROOM(&s->budget, s->moments, s->cap, (uint64_t)s->n + e->count))
		return -ENOMEM;
	for (uint32_t k = 0; k < e->count; k++)
		s->moments[s->n++] =
			(struct moment){ .time = w->wall_start +
						 (uint64_t)((double)len * (k + 0.5) / e->count),
					 .entry = i,
					 .cpu = e->cpu };
	return 0;
}

/* Words of a line are told apart by white space; texts are made whole as answers' are. */
static void put_word(struct script *s, const char *t, const char *none)
{
	struct buf *b = &s->w.b;
	size_t at = b->len;

	buf_utf8(b, t && *t ? t : none);
	for (; !b->err && at < b->len; at++)
		if ((unsigned char)b->data[at] < 0x20 || b->data[at] == 0x7f)
			b->data[at] = '?';
}

static void put_frame(struct script *s, const struct model_object *o, uint64_t off)
{
	uint64_t addr = query_address(s->env, o, off);

	query_resolve(s->env, o, off, budget_line_ns(&s->budget), &s->answer);
	for (uint32_t i = 0; i < s->answer.n; i++) {
		buf_printf(&s->w.b, "\t%16" PRIx64 " ", addr);
		put_word(s, s->answer.lines[i].name, "[unknown]");
		buf_puts(&s->w.b, " (");
		if (o->kind == FRAME_KERNEL && s->answer.module[0]) {
			buf_putc(&s->w.b, '[');
			put_word(s, s->answer.module, "");
			buf_putc(&s->w.b, ']');
		} else {
			put_word(s, o->kind == FRAME_MARK ? "[ringprof]" : o->name, "[unknown]");
		}
		buf_puts(&s->w.b, ")\n");
	}
}

static int put_stack(struct script *s, const struct window *w, uint32_t stack)
{
	for (unsigned int depth = 0; stack && depth < MAX_DEPTH; depth++) {
		const struct model_stack *k = model_stack(w->model, stack);
		const struct model_frame *f = model_frame(w->model, k->frame);

		if (k->parent >= stack)
			return -EBADMSG;
		put_frame(s, model_object(w->model, f->object), f->off);
		stack = k->parent;
	}
	buf_putc(&s->w.b, '\n');
	return 0;
}

static int put_sample(struct script *s, const struct window *w, const struct moment *m)
{
	const struct window_entry *e = &w->entries[m->entry];
	const struct model_thread *t = model_thread(w->model, e->thread);
	const struct model_proc *p = model_proc(w->model, t->proc);
	const struct model_series *l = model_series(w->model, p->series);
	const char *comm = series_get(l, "comm");
	int r;

	put_word(s, p->comm && *p->comm ? p->comm : comm, "unknown");
	buf_printf(&s->w.b, " %7d/%-7d [%03u] %" PRIu64 ".%09" PRIu64 ": %10" PRIu64, p->pid,
		   t->tid, m->cpu, m->time / NSEC_PER_SEC, m->time % NSEC_PER_SEC,
		   e->count ? e->weight / e->count : 0);
	buf_puts(&s->w.b, " cpu-clock:\n");
	r = put_stack(s, w, e->stack);
	writer_flow(&s->w);
	return r ? r : s->w.err;
}

/* As perf's own remarks: readers of this text pass over lines that begin so. */
static void put_losses(struct script *s, const struct window *w)
{
	for (uint32_t i = 0; i < w->n_losses; i++) {
		const struct window_loss *l = &w->losses[i];

		if (!l->count && !l->weight)
			continue;
		query_resolve(s->env,
			      &(const struct model_object){ .kind = FRAME_MARK, .name = "" },
			      l->mark, NULL, &s->answer);
		buf_puts(&s->w.b, "# ");
		put_word(s, s->answer.lines[0].name, "[lost]");
		buf_printf(&s->w.b,
			   " of the host, %" PRIu64 ".%09" PRIu64 " to %" PRIu64 ".%09" PRIu64
			   ": %" PRIu64 " samples, %" PRIu64 " ns of CPU time\n",
			   w->wall_start / NSEC_PER_SEC, w->wall_start % NSEC_PER_SEC,
			   window_wall_end(w) / NSEC_PER_SEC, window_wall_end(w) % NSEC_PER_SEC,
			   l->count, l->weight);
		writer_flow(&s->w);
	}
}

static int put_moments(struct script *s, const struct window *w)
{
	int r = 0;

	put_losses(s, w);
	for (uint32_t i = 0; !r && i < s->n; i++) {
		if (i % CHECK_EVERY == 0)
			r = budget_check(&s->budget);
		if (!r)
			r = put_sample(s, w, &s->moments[i]);
	}
	return r;
}

static int put_window(void *arg, struct window *w)
{
	struct script *s = arg;
	int r = follow(s, w->model);

	s->n = 0;
	for (uint32_t i = 0; !r && i < w->n_entries; i++)
		r = add_entry(s, w, i);
	if (s->n)
		qsort(s->moments, s->n, sizeof(*s->moments), by_time);
	return r ? r : put_moments(s, w);
}

static int add_single(struct script *s, const struct window *w, const struct raw_sample *x)
{
	uint64_t time = w->wall_start + x->us * UINT64_C(1000);
	int r = time < s->from || time >= s->to
			? 0
			: match_thread(&s->match, w->entries[x->entry].thread);

	if (r > 0)
		r = match_cpu(s->sel, x->cpu);
	if (r <= 0)
		return r;
	if (BUDGET_ROOM(&s->budget, s->moments, s->cap, (uint64_t)s->n + 1))
		return -ENOMEM;
	s->moments[s->n++] = (struct moment){ .time = time, .entry = x->entry, .cpu = x->cpu };
	return 0;
}

/* They come in order of time. */
static int put_raw(void *arg, struct window *w, const struct raw_sample *x, uint32_t n)
{
	struct script *s = arg;
	int r = follow(s, w->model);

	s->n = 0;
	for (uint32_t i = 0; !r && i < n; i++)
		r = add_single(s, w, &x[i]);
	return r ? r : put_moments(s, w);
}

static int put_all(struct script *s, const struct query_input *in)
{
	struct store_ask ask = { .from = in->from,
				 .to = in->to,
				 .sel = s->sel,
				 .cancelled = s->budget.cancelled,
				 .deadline = s->budget.deadline };

	if (in->list || in->busiest || !store_raw_covers(s->env->store, in->from, in->to, s->sel))
		return query_feed(s->env, in, s->sel, &s->budget, put_window, s, NULL);
	s->from = in->from;
	s->to = in->to;
	return store_raw(s->env->store, &ask, put_raw, s);
}

int export_perf_script(const struct query_env *env, const struct query_input *in,
		       const struct selector *sel, const struct query_limits *lim, struct sink out)
{
	struct script *s = calloc(1, sizeof(*s));
	int r, e;

	if (!s)
		return -ENOMEM;
	s->w.out = out;
	s->env = env;
	s->sel = sel;
	budget_init(&s->budget, lim);
	r = put_all(s, in);
	e = writer_end(&s->w);
	match_cache_free(&s->match);
	model_unref(s->model);
	free(s->moments);
	free(s);
	return r ? r : e;
}
