// SPDX-License-Identifier: GPL-2.0
/* Label sets of the history, and names near to a misspelt one. */
#include "query/labels.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "query/feed.h"
#include "query/selector.h"

#define RECENT_NS (3600 * NSEC_PER_SEC)

struct gather {
	struct budget budget;
	struct label_sets *sets;
	uint32_t cap;
	struct hmap index;
};

static const char *const standard[] = {
	"build_id",
	"comm",
	"container",
	"container_id",
	"cpu",
	"deployment_environment",
	"exe",
	"host",
	"namespace",
	"pid",
	"pod",
	"service_name",
	"service_version",
	"tid",
	"unit",
	"user",
};

bool label_is_standard(const char *label)
{
	for (size_t i = 0; i < ARRAY_SIZE(standard); i++)
		if (!strcmp(standard[i], label))
			return true;
	return false;
}

bool label_is_host(const char *key)
{
	return key && !strcmp(key, "host");
}

static bool same_set(const struct label_set *a, const struct model_series *b, const uint32_t *ids,
		     const struct strtab *t)
{
	if (a->n != b->n)
		return false;
	/* texts are interned: equal texts are equal pointers */
	for (uint32_t i = 0; i < a->n; i++)
		if (a->labels[i].key != strtab_get(t, ids[2 * i]) ||
		    a->labels[i].value != strtab_get(t, ids[2 * i + 1]))
			return false;
	return true;
}

static int add_set(struct gather *g, const struct model_series *s, const uint32_t *ids,
		   uint64_t hash)
{
	struct label_sets *l = g->sets;
	struct label_set *set;

	if (l->n == LABEL_SETS_MAX) {
		l->cut = true;
		return 0;
	}
	if (BUDGET_ROOM(&g->budget, l->set, g->cap, (uint64_t)l->n + 1))
		return -ENOMEM;
	set = &l->set[l->n];
	set->n = s->n;
	set->labels = budget_zalloc(&g->budget, s->n, sizeof(*set->labels));
	if (!set->labels)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n; i++) {
		set->labels[i].key = strtab_get(l->strings, ids[2 * i]);
		set->labels[i].value = strtab_get(l->strings, ids[2 * i + 1]);
	}
	return budget_hmap_insert(&g->budget, &g->index, hash, l->n++);
}

static int take_set(void *arg, uint64_t from, uint64_t to, uint64_t sampled,
		    const struct model_series *s, uint64_t samples, uint64_t weight)
{
	struct gather *g = arg;
	uint32_t ids[2 * MODEL_MAX_LABELS], i;
	uint64_t hash = 0;
	int r = 0;

	if (!s || s->n > MODEL_MAX_LABELS)
		return s ? -EBADMSG : budget_check(&g->budget);
	for (i = 0; !r && i < s->n; i++) {
		r = budget_text(&g->budget, g->sets->strings, s->labels[i].key, &ids[2 * i]);
		if (!r)
			r = budget_text(&g->budget, g->sets->strings, s->labels[i].value,
					&ids[2 * i + 1]);
		hash = hash_mix(hash, (uint64_t)ids[2 * i] << 32 | ids[2 * i + 1]);
	}
	if (r)
		return r;
	HMAP_FOR_EACH (&g->index, hash, it, i)
		if (same_set(&g->sets->set[i], s, ids, g->sets->strings))
			return 0;
	return add_set(g, s, ids, hash);
}

static int gather_all(struct gather *g, const struct query_env *env, const struct label_ask *what)
{
	struct store_ask ask = { .from = what->from,
				 .to = what->to,
				 .totals_only = true,
				 .all_hosts = what->all_hosts,
				 .cancelled = g->budget.cancelled,
				 .deadline = g->budget.deadline };
	int r = what->n_sel ? 0 : store_series(env->store, &ask, take_set, g);

	for (uint32_t i = 0; !r && i < what->n_sel; i++) {
		ask.sel = what->sel[i];
		r = store_series(env->store, &ask, take_set, g);
	}
	return r;
}

int query_label_sets(const struct query_env *env, const struct label_ask *ask,
		     const struct query_limits *lim, struct label_sets **ret)
{
	struct gather g = { .sets = calloc(1, sizeof(*g.sets)) };
	int r = -ENOMEM;

	if (!g.sets)
		return r;
	budget_init(&g.budget, lim);
	g.sets->strings = strtab_new();
	if (g.sets->strings)
		r = gather_all(&g, env, ask);
	hmap_free(&g.index);
	if (r)
		label_sets_free(g.sets);
	else
		*ret = g.sets;
	return r;
}

void label_sets_free(struct label_sets *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->n; i++)
		free(s->set[i].labels);
	free(s->set);
	strtab_free(s->strings);
	free(s);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int label_sets_words(const struct label_sets *s, const char *key, const char ***ret, uint32_t *n)
{
	uint64_t all = 1;
	const char **w;
	uint32_t kept = 0, count = 0;

	for (uint32_t i = 0; i < s->n; i++)
		all += s->set[i].n;
	w = malloc(all * sizeof(*w));
	if (!w)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n; i++) {
		for (uint32_t k = 0; k < s->set[i].n; k++) {
			if (key && strcmp(s->set[i].labels[k].key, key) != 0)
				continue;
			w[count++] = key ? s->set[i].labels[k].value : s->set[i].labels[k].key;
		}
	}
	qsort(w, count, sizeof(*w), by_text);
	for (uint32_t i = 0; i < count; i++)
		if (*w[i] && (!kept || strcmp(w[kept - 1], w[i]) != 0))
			w[kept++] = w[i];
	*ret = w;
	*n = kept;
	return 0;
}

/* ---- near names ---- */

#define MAX_NEAR 48

/* Letters to change, add or take away; large for long texts. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[MAX_NEAR + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > MAX_NEAR || lb > MAX_NEAR)
		return UINT32_MAX;
	for (unsigned int k = 0; k <= lb; k++)
		row[k] = k;
	for (unsigned int i = 1; i <= la; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (unsigned int k = 1; k <= lb; k++) {
			unsigned int best = diagonal + (a[i - 1] != b[k - 1]);

			best = best < row[k] + 1 ? best : row[k] + 1;
			best = best < row[k - 1] + 1 ? best : row[k - 1] + 1;
			diagonal = row[k];
			row[k] = best;
		}
	}
	return row[lb];
}

static void nearer(const char *label, const char *known, unsigned int *best, char *near, size_t len)
{
	unsigned int d = distance(label, known);

	if (d >= *best)
		return;
	*best = d;
	snprintf(near, len, "%s", known);
}

/* Looks for the label in the sets of a range; near as query_label_known, found or not. */
static int look_for(const struct query_env *env, uint64_t from, uint64_t to, const char *label,
		    const struct query_limits *lim, char *near, size_t len)
{
	struct label_sets *sets = NULL;
	cleanup_free const char **words = NULL;
	/* further than three letters, or than a third of it, is another word */
	unsigned int best = strlen(label) < 9 ? (unsigned int)strlen(label) / 3 + 1 : 4;
	uint32_t n = 0;
	const struct label_ask ask = { .from = from, .to = to, .all_hosts = true };
	int r = query_label_sets(env, &ask, lim, &sets);

	*near = '\0';
	if (!r)
		r = label_sets_words(sets, NULL, &words, &n);
	for (size_t i = 0; !r && i < ARRAY_SIZE(standard); i++)
		nearer(label, standard[i], &best, near, len);
	for (uint32_t i = 0; r >= 0 && i < n; i++) {
		nearer(label, words[i], &best, near, len);
		r |= !strcmp(words[i], label);
	}
	label_sets_free(sets);
	return r;
}

int query_label_known(const struct query_env *env, const char *label,
		      const struct query_limits *lim, char *near, size_t len)
{
	const struct query_input all = { .to = UINT64_MAX };
	uint64_t from, to;
	int r = 0;

	/* most labels that there are were there just now: the whole history is asked for the others */
	if (query_extent(env, &all, NULL, &from, &to) && to - from > RECENT_NS)
		r = look_for(env, to - RECENT_NS, UINT64_MAX, label, lim, near, len);
	return r ? r : look_for(env, 0, UINT64_MAX, label, lim, near, len);
}
