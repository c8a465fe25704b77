// SPDX-License-Identifier: GPL-2.0
/*
 * A process's label set: what the process table knows, host and external
 * labels, sorted by key, empty ones left out, service_name always there. What
 * the host itself says of a process wins over an external label of that name.
 * Rules of the settings have the last word.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agg/agg_internal.h"
#include "base/cleanup.h"

static void put_label(struct agg *a, struct model_series *s, const char *key, const char *value)
{
	if (value && *value && !series_put(s, key, value, true))
		stat_add(&a->c.labels_full, 1);
}

/* What agg_set_labels hands to the collector. */
struct agg_labels {
	struct relabel *rules;
	uint32_t n;
	struct {
		char *key, *value;
	} pairs[];
};

static void coming_free(struct agg_labels *l)
{
	if (!l)
		return;
	for (uint32_t i = 0; i < l->n; i++) {
		free(l->pairs[i].key);
		free(l->pairs[i].value);
	}
	relabel_unref(l->rules);
	free(l);
}

static bool copy_pair(struct agg_labels *l, const char *key, const char *value)
{
	l->pairs[l->n].key = strdup(key);
	l->pairs[l->n].value = strdup(value);
	l->n++;
	return l->pairs[l->n - 1].key && l->pairs[l->n - 1].value;
}

static struct agg_labels *copy_labels(const struct agg_config *cfg)
{
	struct agg_labels *l = calloc(1, sizeof(*l) + (1 + cfg->n_external) * sizeof(*l->pairs));
	bool good = l && copy_pair(l, "host", cfg->host ? cfg->host : "");

	for (uint32_t i = 0; good && i < cfg->n_external; i++)
		good = copy_pair(l, cfg->external[i][0], cfg->external[i][1]);
	if (!good) {
		coming_free(l);
		return NULL;
	}
	l->rules = relabel_ref(cfg->relabel);
	return l;
}

int agg_set_labels(struct agg *a, const struct agg_config *cfg)
{
	struct agg_labels *l = copy_labels(cfg), *old;

	if (!l)
		return -ENOMEM;
	pthread_mutex_lock(&a->lock);
	old = a->coming;
	a->coming = l;
	pthread_mutex_unlock(&a->lock);
	coming_free(old);
	return 0;
}

/* Keeps copies for ever, as series refer to them. */
static bool put_copy(struct agg *a, struct model_series *s, const char *key, const char *value)
{
	uint32_t k = strtab_add(a->names, key), v = strtab_add(a->names, value);

	if (k == UINT32_MAX || v == UINT32_MAX)
		return false;
	put_label(a, s, strtab_get(a->names, k), strtab_get(a->names, v));
	return true;
}

static struct agg_labels *take_coming(struct agg *a)
{
	struct agg_labels *l;

	pthread_mutex_lock(&a->lock);
	l = a->coming;
	a->coming = NULL;
	pthread_mutex_unlock(&a->lock);
	return l;
}

/* Without memory all stays as it was. */
void agg_take_labels(struct agg *a)
{
	struct agg_labels *l = take_coming(a);
	struct model_series fixed = { 0 };
	bool good = l;

	for (uint32_t i = 0; good && i < l->n; i++)
		good = put_copy(a, &fixed, l->pairs[i].key, l->pairs[i].value);
	/* a new model: every process gets its labels anew */
	if (good && !agg_new_model(a)) {
		a->fixed = fixed;
		relabel_unref(a->relabel);
		a->relabel = relabel_ref(l->rules);
		/* they may have been in force before, and count on */
		a->failures_before =
			a->c.relabel_failures - (a->relabel ? relabel_failures(a->relabel) : 0);
	}
	coming_free(l);
}

void agg_labels_free(struct agg *a)
{
	coming_free(a->coming);
	relabel_unref(a->relabel);
}

static void put_fixed(struct agg *a, struct model_series *s)
{
	for (uint32_t i = 0; i < a->fixed.n; i++)
		put_label(a, s, a->fixed.labels[i].key, a->fixed.labels[i].value);
}

const char *agg_service_name(const struct process *p)
{
	const struct process_labels *l = &p->labels;

	if (l->service_name && *l->service_name)
		return l->service_name;
	return l->comm && *l->comm ? l->comm : "unknown";
}

/* What only rules see, and what begins with two underscores, is no label of a series. */
static void remove_hidden(struct model_series *s)
{
	for (uint32_t i = s->n; i--;)
		if (!strncmp(s->labels[i].key, "__", 2))
			series_remove(s, i);
}

/* false: a rule drops the process. */
static bool relabel(struct agg *a, const struct process *p, struct model_series *s)
{
	uint64_t full = 0;
	bool keep;

	if (relabel_is_empty(a->relabel))
		return true;
	put_label(a, s, "__cgroup__", p->labels.cgroup);
	keep = relabel_apply(a->relabel, s, &full);
	remove_hidden(s);
	put_label(a, s, "service_name", "unknown");
	stat_add(&a->c.labels_full, full);
	stat_add(&a->c.relabel_failures,
		 a->failures_before + relabel_failures(a->relabel) - a->c.relabel_failures);
	return keep;
}

/* false: a rule drops the process. */
static bool series_of(struct agg *a, const struct process *p, struct model_series *s)
{
	const struct process_labels *l = &p->labels;

	memset(s, 0, sizeof(*s));
	put_label(a, s, "service_name", agg_service_name(p));
	put_label(a, s, "service_version", l->service_version);
	put_label(a, s, "deployment_environment", l->deployment_environment);
	put_label(a, s, "comm", l->comm);
	put_label(a, s, "exe", l->exe);
	put_label(a, s, "build_id", l->build_id);
	put_label(a, s, "unit", l->unit);
	put_label(a, s, "container_id", l->container_id);
	put_label(a, s, "container", l->container);
	put_label(a, s, "pod", l->pod);
	put_label(a, s, "namespace", l->ns);
	put_label(a, s, "user", l->user);
	put_fixed(a, s);
	return relabel(a, p, s);
}

static uint32_t other_series(struct agg *a)
{
	struct model_series s;

	memset(&s, 0, sizeof(s));
	put_label(a, &s, "service_name", "other");
	put_fixed(a, &s);
	return model_add_series(a->model, &s);
}

static uint32_t add_series(struct agg *a, const struct model_series *s)
{
	uint32_t counts[6], i;

	model_counts(a->model, counts);
	/* one place is kept for "other" */
	if (!a->max_series || counts[3] + 1 < a->max_series)
		return model_add_series(a->model, s);
	i = model_find_series(a->model, s);
	if (i != UINT32_MAX)
		return i;
	stat_add(&a->c.series_other, 1);
	return other_series(a);
}

uint32_t agg_model_proc(struct agg *a, const struct process *p, const char **service)
{
	struct model_proc row = { .pid = p->pid,
				  .start_time = p->start_time,
				  .comm = p->labels.comm ? p->labels.comm : "",
				  .exe = p->labels.exe ? p->labels.exe : "" };
	struct model_series s;
	bool keep = series_of(a, p, &s);

	*service = series_get(&s, "service_name");
	if (!keep)
		return AGG_PROC_DROPPED;
	row.series = add_series(a, &s);
	return row.series == UINT32_MAX ? UINT32_MAX : model_add_proc(a->model, &row);
}
