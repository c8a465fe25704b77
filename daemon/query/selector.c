// SPDX-License-Identifier: GPL-2.0
/*
 * Evaluates a selector. An entry of a window is matched by four rows that many
 * entries share: its CPU, its thread, that one's process, that one's label
 * set. Each row's result is kept, so that a regular expression runs once per
 * distinct label set and not once per entry.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "query/selector.h"

#include <errno.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/budget.h"
#include "query/labels.h"

enum { UNKNOWN, NO, YES };

int matcher_compile(struct matcher *m, char *err, size_t errlen)
{
	return regex_compile(&m->re, m->value, PCRE2_ANCHORED | PCRE2_ENDANCHORED, err, errlen);
}

int matcher_test(const struct matcher *m, const char *text)
{
	int r;

	switch (m->op) {
	case MATCH_EQ:
		return !strcmp(text, m->value);
	case MATCH_NE:
		return strcmp(text, m->value) != 0;
	case MATCH_RE:
		return regex_test(m->re, text);
	default:
		r = regex_test(m->re, text);
		return r < 0 ? r : !r;
	}
}

void matcher_free(struct matcher *m)
{
	free(m->key);
	free(m->value);
	pcre2_code_free(m->re);
}

void selector_free(struct selector *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->n; i++)
		matcher_free(&s->m[i]);
	free(s);
}

bool selector_is_samples(const struct selector *s)
{
	return s && s->samples;
}

bool selector_is_all(const struct selector *s)
{
	return !s || !s->n;
}

uint32_t selector_labels(const struct selector *s, const char **ret, uint32_t max)
{
	uint32_t n = 0, k;

	for (uint32_t i = 0; s && i < s->n && n < max; i++) {
		for (k = 0; k < n && strcmp(ret[k], s->m[i].key) != 0; k++)
			;
		if (k == n)
			ret[n++] = s->m[i].key;
	}
	return n;
}

static const char *series_label(const struct model_series *s, const char *key)
{
	uint32_t max = sizeof(s->labels) / sizeof(s->labels[0]);

	for (uint32_t i = 0; i < s->n && i < max; i++)
		if (!strcmp(s->labels[i].key, key))
			return s->labels[i].value;
	return "";
}

static int match_series_labels(const struct selector *sel, const struct model_series *s)
{
	for (uint32_t i = 0; i < sel->n; i++) {
		int r;

		if (sel->m[i].scope != SCOPE_SERIES)
			continue;
		r = matcher_test(&sel->m[i], series_label(s, sel->m[i].key));
		if (r <= 0)
			return r;
	}
	return 1;
}

static int match_number(const struct selector *sel, enum matcher_scope scope, const char *key,
			long long v)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", v);
	for (uint32_t i = 0; i < sel->n; i++) {
		int r;

		if (sel->m[i].scope != scope || strcmp(sel->m[i].key, key) != 0)
			continue;
		r = matcher_test(&sel->m[i], text);
		if (r <= 0)
			return r;
	}
	return 1;
}

/* comm and exe: the label set's, else the process's */
static int match_proc_names(const struct selector *sel, const struct model_proc *p,
			    const struct model_series *s)
{
	for (uint32_t i = 0; i < sel->n; i++) {
		const struct matcher *m = &sel->m[i];
		const char *own, *text;
		int r;

		if (m->scope != SCOPE_PROC || !strcmp(m->key, "pid"))
			continue;
		own = strcmp(m->key, "comm") ? p->exe : p->comm;
		text = series_label(s, m->key);
		r = matcher_test(m, *text ? text : own ? own : "");
		if (r <= 0)
			return r;
	}
	return 1;
}

static int remember(uint8_t *slot, int r)
{
	if (r >= 0)
		*slot = r ? YES : NO;
	return r;
}

static int match_series(struct match_cache *c, uint32_t i)
{
	if (i >= c->n_series)
		return -EBADMSG;
	if (c->series[i] != UNKNOWN)
		return c->series[i] == YES;
	return remember(&c->series[i], match_series_labels(c->sel, model_series(c->model, i)));
}

static int match_proc(struct match_cache *c, uint32_t i)
{
	const struct model_proc *p;
	int r;

	if (i >= c->n_procs)
		return -EBADMSG;
	if (c->procs[i] != UNKNOWN)
		return c->procs[i] == YES;
	p = model_proc(c->model, i);
	r = match_series(c, p->series);
	if (r > 0 && c->sel->uses[SCOPE_PROC])
		r = match_number(c->sel, SCOPE_PROC, "pid", p->pid);
	if (r > 0 && c->sel->uses[SCOPE_PROC])
		r = match_proc_names(c->sel, p, model_series(c->model, p->series));
	return remember(&c->procs[i], r);
}

int match_thread(struct match_cache *c, uint32_t i)
{
	const struct model_thread *t;
	int r;

	if (i >= c->n_threads)
		return -EBADMSG;
	if (c->threads[i] != UNKNOWN)
		return c->threads[i] == YES;
	t = model_thread(c->model, i);
	if (selector_is_all(c->sel))
		r = t->proc < c->n_procs ? 1 : -EBADMSG;
	else
		r = match_proc(c, t->proc);
	if (r > 0 && c->sel && c->sel->uses[SCOPE_THREAD])
		r = match_number(c->sel, SCOPE_THREAD, "tid", t->tid);
	return remember(&c->threads[i], r);
}

int match_cpu(const struct selector *sel, uint16_t cpu)
{
	if (!sel || !sel->uses[SCOPE_CPU])
		return 1;
	return match_number(sel, SCOPE_CPU, "cpu", cpu);
}

static int follow(struct budget *b, uint8_t **p, uint32_t *n, uint32_t want)
{
	uint8_t *q;

	if (*p && want == *n)
		return 0;
	if (budget_charge(b, want - *n))
		return -ENOMEM;
	q = realloc(*p, want ? want : 1);
	if (!q)
		return -ENOMEM;
	memset(q + *n, UNKNOWN, want - *n);
	*p = q;
	*n = want;
	return 0;
}

int match_cache_follow(struct match_cache *c, const uint32_t counts[6], struct budget *b)
{
	int r = follow(b, &c->series, &c->n_series, counts[3]);

	if (!r)
		r = follow(b, &c->procs, &c->n_procs, counts[4]);
	if (!r)
		r = follow(b, &c->threads, &c->n_threads, counts[5]);
	return r;
}

void match_cache_free(struct match_cache *c)
{
	free(c->series);
	free(c->procs);
	free(c->threads);
}
