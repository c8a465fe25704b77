/* SPDX-License-Identifier: GPL-2.0 */
/* Made-up models and windows for the tests of queries and exports. */
#ifndef RINGPROF_TEST_QUERY_WINDOWS_H
#define RINGPROF_TEST_QUERY_WINDOWS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agg/model.h"
#include "agg/window.h"
#include "base/clock.h"
#include "query/query.h"

/* ---- model ---- */

static inline uint32_t fix_series(struct model *m, const char *service, const char *extra_key,
				  const char *extra)
{
	struct model_series s = { .n = 1 };

	s.labels[0].key = model_string(m, "service_name");
	s.labels[0].value = model_string(m, service);
	if (extra_key) {
		int first = strcmp(extra_key, "service_name") < 0;

		s.labels[1] = s.labels[0];
		s.labels[!first].key = model_string(m, extra_key);
		s.labels[!first].value = model_string(m, extra);
		s.n = 2;
	}
	return model_add_series(m, &s);
}

/* a process with one thread of the same id; gives the thread */
static inline uint32_t fix_thread(struct model *m, uint32_t series, int32_t pid, const char *comm)
{
	struct model_proc p;

	memset(&p, 0, sizeof(p));
	p.pid = pid;
	p.series = series;
	p.comm = model_string(m, comm);
	p.exe = model_string(m, "/usr/bin/x");
	return model_add_thread(m, model_add_proc(m, &p), pid);
}

static inline uint32_t fix_object(struct model *m, enum frame_kind kind, const char *name)
{
	return model_add_object(m, kind, NULL, name, kind == FRAME_USER ? "c0ffee" : "");
}

/* offs end with 0, root first */
static inline uint32_t fix_stack(struct model *m, uint32_t object, const uint64_t *offs)
{
	uint32_t s = 0;

	for (; *offs; offs++)
		s = model_add_stack(m, s, model_add_frame(m, object, *offs));
	return s;
}
#define FIX_STACK(m, object, ...) fix_stack(m, object, (const uint64_t[]){ __VA_ARGS__, 0 })

/* ---- windows ---- */

#define FIX_WALL 1700000000000000000ULL

static inline struct window *fix_window(struct model *m, uint32_t n, const struct window_entry *e,
					uint32_t n_losses, const struct window_loss *l,
					uint32_t number)
{
	struct window *w = calloc(1, sizeof(*w));

	w->refs = 1;
	w->model = model_ref(m);
	w->start = 1000 + number * WINDOW_NS;
	w->end = w->start + WINDOW_NS;
	w->wall_start = FIX_WALL + number * WINDOW_NS;
	w->period = 10000000;
	w->cpus = 2;
	w->n_entries = n;
	w->n_losses = n_losses;
	w->entries = calloc(n ? n : 1, sizeof(*e));
	w->losses = calloc(n_losses ? n_losses : 1, sizeof(*l));
	for (uint32_t i = 0; i < n; i++)
		w->entries[i] = e[i];
	for (uint32_t i = 0; i < n_losses; i++)
		w->losses[i] = l[i];
	for (uint32_t i = 0; i < n; i++) {
		w->samples += e[i].count;
		w->weight += e[i].weight;
	}
	return w;
}

static inline struct window_entry fix_entry(uint32_t stack, uint32_t thread, uint32_t count)
{
	return (struct window_entry){
		.stack = stack, .thread = thread, .count = count, .weight = count * 10000000ULL
	};
}

static inline void fix_free(struct window_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		window_unref(l->w[i]);
	l->n = 0;
}

#endif
