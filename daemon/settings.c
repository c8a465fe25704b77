// SPDX-License-Identifier: GPL-2.0
#include "settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"

/* more of either is no use: what is in use fits */
#define MODEL_BYTES (32UL << 20)
#define CHAIN_BYTES (64UL << 20)

#define MAX_CATEGORIES (1 << 20)

int settings_rules(const struct config *c, struct relabel **ret, char *err, size_t errlen)
{
	struct relabel *rules = relabel_new();
	char cause[512] = "";
	int r = rules ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < c->n_relabel; i++) {
		const struct config_rule *u = &c->relabel[i];

		r = relabel_set(rules, u->name, u->key, u->value, u->where, cause, sizeof(cause));
		if (r)
			snprintf(err, errlen, "%s: %s", u->where, *cause ? cause : strerror(-r));
	}
	if (!r)
		r = relabel_check(rules, err, errlen);
	if (r) {
		relabel_unref(rules);
		rules = NULL;
	}
	*ret = rules;
	return r;
}

int settings_labels(const struct config *c, const char *(**ret)[2])
{
	const char *(*l)[2] = calloc(c->n_external_labels + 1, sizeof(*l));

	*ret = l;
	if (!l)
		return -ENOMEM;
	for (size_t i = 0; i < c->n_external_labels; i++) {
		l[i][0] = c->external_labels[i].key;
		l[i][1] = c->external_labels[i].value;
	}
	return 0;
}

int settings_categories(const struct config *c, struct categories **ret, char *err, size_t errlen)
{
	struct buf b = { 0 };
	int r;

	*ret = NULL;
	if (!*c->categories)
		return 0;
	r = buf_read_file(&b, c->categories, MAX_CATEGORIES);
	if (r)
		snprintf(err, errlen, "categories: %s: %s; allowed: a file of at most %d bytes",
			 c->categories, strerror(-r), MAX_CATEGORIES);
	else
		r = categories_parse(ret, b.data ? b.data : "", c->categories, err, errlen);
	buf_free(&b);
	return r;
}

int settings_check_rules(const struct config *c, char *err, size_t errlen)
{
	struct categories *categories;
	struct relabel *rules;
	int r = settings_rules(c, &rules, err, errlen);

	relabel_unref(rules);
	if (r)
		return r;
	r = settings_categories(c, &categories, err, errlen);
	categories_unref(categories);
	return r;
}

struct source_config settings_source(const struct config *c, bool adopt)
{
	return (struct source_config){
		.kind = !strcmp(c->source, "kmod")   ? SOURCE_KMOD
			: !strcmp(c->source, "perf") ? SOURCE_PERF
						     : SOURCE_AUTO,
		.hz = c->frequency,
		.idle_hz = c->idle_frequency,
		.cpus = c->cpus,
		.cgroup = *c->cgroup ? c->cgroup : NULL,
		.ring_bytes = (uint32_t)c->ring_size,
		.rows = !strcmp(c->unwind, "rows"),
		.perf_stack = (uint32_t)c->perf_stack,
		.max_depth = c->max_depth,
		.budget = c->budget,
		.set_budget = c->budget != CONFIG_NO_BUDGET,
		.table_budget = strcmp(c->unwind, "rows") ? 0 : c->unwind_module_memory,
		.set_table_budget = true,
		.adopt = adopt,
	};
}

static bool same_labels(const struct config *a, const struct config *b)
{
	if (a->n_external_labels != b->n_external_labels)
		return false;
	for (size_t i = 0; i < a->n_external_labels; i++)
		if (strcmp(a->external_labels[i].key, b->external_labels[i].key) ||
		    strcmp(a->external_labels[i].value, b->external_labels[i].value))
			return false;
	return true;
}

static bool same_rules(const struct config *a, const struct config *b)
{
	if (a->n_relabel != b->n_relabel)
		return false;
	for (size_t i = 0; i < a->n_relabel; i++)
		if (strcmp(a->relabel[i].name, b->relabel[i].name) ||
		    strcmp(a->relabel[i].key, b->relabel[i].key) ||
		    strcmp(a->relabel[i].value, b->relabel[i].value))
			return false;
	return true;
}

static size_t at_most(uint64_t bytes, size_t most)
{
	return bytes < most ? (size_t)bytes : most;
}

size_t settings_model_bytes(const struct config *c)
{
	return at_most(c->memory / 4, MODEL_BYTES);
}

size_t settings_chain_bytes(const struct config *c)
{
	return at_most(c->memory / 2, CHAIN_BYTES);
}

void settings_tell_changes(const struct config *start, const struct config *live,
			   const struct config *fresh)
{
	char a[32], b[32];

	for (size_t i = 0; i < config_n_options; i++) {
		const struct config_option *o = &config_options[i];
		const char *was = config_value(o->live ? live : start, i, a, sizeof(a));
		const char *now = config_value(fresh, i, b, sizeof(b));

		if (strcmp(was, now))
			log_info("SIGHUP: %s: '%s' becomes '%s'%s", o->name, was, now,
				 o->live ? "" : " after a restart");
	}
	if (!same_labels(live, fresh))
		log_info("SIGHUP: [external_labels] become others");
	if (!same_rules(live, fresh))
		log_info("SIGHUP: rules under [relabel NAME] become others");
}
