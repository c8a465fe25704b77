// SPDX-License-Identifier: GPL-2.0
#include "store/match.h"

#include <stdio.h>
#include <string.h>

/* a sample as a selector sees it */
struct subject {
	const struct model_series *series;
	const char *comm, *exe;
	int64_t pid, tid, cpu;
};

static const char *label(const struct model_series *s, const char *key)
{
	for (uint32_t i = 0; i < s->n && i < MODEL_MAX_LABELS; i++)
		if (!strcmp(s->labels[i].key, key))
			return s->labels[i].value;
	return "";
}

static int test_number(const struct matcher *m, int64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)v);
	return matcher_test(m, text);
}

/* comm and exe: the label set's, else the process's */
static int test_name(const struct matcher *m, const struct subject *s)
{
	const char *own = strcmp(m->key, "comm") ? s->exe : s->comm;
	const char *text = label(s->series, m->key);

	return matcher_test(m, *text ? text : own ? own : "");
}

static int test(const struct matcher *m, const struct subject *s)
{
	switch (m->scope) {
	case SCOPE_THREAD:
		return test_number(m, s->tid);
	case SCOPE_CPU:
		return test_number(m, s->cpu);
	case SCOPE_PROC:
		return strcmp(m->key, "pid") ? test_name(m, s) : test_number(m, s->pid);
	default:
		return matcher_test(m, label(s->series, m->key));
	}
}

static int test_all(const struct selector *sel, const struct subject *s)
{
	for (uint32_t i = 0; sel && i < sel->n; i++) {
		int r = test(&sel->m[i], s);

		if (r <= 0)
			return r;
	}
	return 1;
}

int store_match_labels(const struct selector *sel, const struct model_series *s)
{
	return test_all(sel, &(struct subject){ .series = s });
}

int store_match_entry(const struct selector *sel, const struct model *m,
		      const struct window_entry *e)
{
	const struct model_thread *t = model_thread(m, e->thread);
	const struct model_proc *p = model_proc(m, t->proc);

	return test_all(sel, &(struct subject){ .series = model_series(m, p->series),
						.comm = p->comm,
						.exe = p->exe,
						.pid = p->pid,
						.tid = t->tid,
						.cpu = e->cpu });
}

bool store_match_needs_memory(const struct selector *sel)
{
	for (uint32_t i = 0; sel && i < sel->n; i++)
		if (sel->m[i].scope == SCOPE_THREAD || sel->m[i].scope == SCOPE_CPU ||
		    (sel->m[i].scope == SCOPE_PROC && !strcmp(sel->m[i].key, "pid")))
			return true;
	return false;
}

static bool is_host(const struct matcher *m)
{
	return !strcmp(m->key, "host");
}

bool store_match_names_host(const struct selector *sel)
{
	for (uint32_t i = 0; sel && i < sel->n; i++)
		if (is_host(&sel->m[i]))
			return true;
	return false;
}

int store_match_host(const struct selector *sel, const char *host)
{
	for (uint32_t i = 0; sel && i < sel->n; i++) {
		int r = is_host(&sel->m[i]) ? matcher_test(&sel->m[i], host) : 1;

		if (r <= 0)
			return r;
	}
	return 1;
}

int store_match_host_of(const struct selector *sel, const struct model *m)
{
	uint32_t counts[6];
	int r = 0;

	model_counts(m, counts);
	for (uint32_t i = 0; !r && i < counts[3]; i++)
		r = store_match_host(sel, label(model_series(m, i), "host"));
	return r;
}
