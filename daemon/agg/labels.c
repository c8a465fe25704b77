// SPDX-License-Identifier: GPL-2.0
/*
 * A process's label set: what the process table knows, host and external
 * labels, sorted by key, empty ones left out, service_name always there. What
 * the host itself says of a process wins over an external label of that name.
 */
#include <errno.h>
#include <string.h>

#include "agg/agg_internal.h"
#include "base/cleanup.h"

#define MAX_LABELS ARRAY_SIZE(((struct model_series *)0)->labels)

/* Puts key=value in its place; an existing key stays as it is, a full set too. */
static void put_label(struct model_series *s, const char *key, const char *value)
{
	uint32_t i;

	if (!value || !*value || s->n == MAX_LABELS)
		return;
	for (i = 0; i < s->n; i++) {
		int r = strcmp(key, s->labels[i].key);

		if (!r)
			return;
		if (r < 0)
			break;
	}
	memmove(&s->labels[i + 1], &s->labels[i], (s->n - i) * sizeof(s->labels[0]));
	s->labels[i].key = key;
	s->labels[i].value = value;
	s->n++;
}

/* Keeps copies for ever: the configuration's strings may go. */
static int put_copy(struct agg *a, const char *key, const char *value)
{
	uint32_t k = strtab_add(a->names, key), v = strtab_add(a->names, value);

	if (k == UINT32_MAX || v == UINT32_MAX)
		return -ENOMEM;
	put_label(&a->fixed, strtab_get(a->names, k), strtab_get(a->names, v));
	return 0;
}

int agg_labels_init(struct agg *a, const struct agg_config *cfg)
{
	int r = put_copy(a, "host", cfg->host ? cfg->host : "");

	for (uint32_t i = 0; i < cfg->n_external && !r; i++)
		r = put_copy(a, cfg->external[i][0], cfg->external[i][1]);
	return r;
}

static void put_fixed(const struct agg *a, struct model_series *s)
{
	for (uint32_t i = 0; i < a->fixed.n; i++)
		put_label(s, a->fixed.labels[i].key, a->fixed.labels[i].value);
}

const char *agg_service_name(const struct process *p)
{
	const struct process_labels *l = &p->labels;

	if (l->service_name && *l->service_name)
		return l->service_name;
	return l->comm && *l->comm ? l->comm : "unknown";
}

static void series_of(const struct agg *a, const struct process *p, struct model_series *s)
{
	const struct process_labels *l = &p->labels;

	memset(s, 0, sizeof(*s));
	put_label(s, "service_name", agg_service_name(p));
	put_label(s, "comm", l->comm);
	put_label(s, "exe", l->exe);
	put_label(s, "unit", l->unit);
	put_label(s, "container_id", l->container_id);
	put_label(s, "user", l->user);
	put_fixed(a, s);
}

static uint32_t other_series(struct agg *a)
{
	struct model_series s;

	memset(&s, 0, sizeof(s));
	put_label(&s, "service_name", "other");
	put_fixed(a, &s);
	return model_add_series(a->model, &s);
}

static uint32_t add_series(struct agg *a, const struct process *p)
{
	struct model_series s;
	uint32_t counts[6], i;

	series_of(a, p, &s);
	model_counts(a->model, counts);
	/* one place is kept for "other" */
	if (!a->max_series || counts[3] + 1 < a->max_series)
		return model_add_series(a->model, &s);
	i = model_find_series(a->model, &s);
	if (i != UINT32_MAX)
		return i;
	stat_add(&a->c.series_other, 1);
	return other_series(a);
}

uint32_t agg_model_proc(struct agg *a, const struct process *p)
{
	struct model_proc row = {
		.pid = p->pid,
		.start_time = p->start_time,
		.comm = p->labels.comm ? p->labels.comm : "",
		.exe = p->labels.exe ? p->labels.exe : "",
		.series = add_series(a, p),
	};

	return row.series == UINT32_MAX ? UINT32_MAX : model_add_proc(a->model, &row);
}
