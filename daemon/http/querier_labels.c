// SPDX-License-Identifier: GPL-2.0
/* ProfileTypes, LabelNames, LabelValues, Series. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "http/querier.h"

#define MAX_MATCHERS 64

static const char *const types[] = { QUERY_TYPE_CPU, QUERY_TYPE_SAMPLES };

static int set(char **field, const char *s, size_t n)
{
	*field = strndup(s, n);
	return *field ? 0 : -ENOMEM;
}

/* "name:sample_type:sample_unit:period_type:period_unit" */
static int fill_type(Ringprof__Pprof__QuerierProfileType *t, const char *id)
{
	char **fields[] = { &t->name, &t->sample_type, &t->sample_unit, &t->period_type,
			    &t->period_unit };
	int r = set(&t->id, id, strlen(id));

	for (size_t i = 0; !r && i < ARRAY_SIZE(fields); i++) {
		size_t n = strcspn(id, ":");

		r = set(fields[i], id, n);
		id += n + (id[n] == ':');
	}
	return r;
}

int querier_types(struct request *req, const ProtobufCMessage *in, ProtobufCMessage *out, char *err,
		  size_t errlen)
{
	Ringprof__Pprof__QuerierTypesResponse *o = (void *)out;

	o->profile_types = calloc(ARRAY_SIZE(types), sizeof(*o->profile_types));
	for (size_t i = 0; o->profile_types && i < ARRAY_SIZE(types); i++) {
		Ringprof__Pprof__QuerierProfileType *t =
			(void *)pb_new(&ringprof__pprof__querier_profile_type__descriptor);

		if (!t)
			return -ENOMEM;
		o->profile_types[o->n_profile_types++] = t;
		if (fill_type(t, types[i]))
			return -ENOMEM;
	}
	return o->profile_types ? 0 : -ENOMEM;
}

/* Label sets that one of the matchers takes; an empty one takes all. */
static int read_sets(struct request *req, char *const *matchers, size_t n, int64_t start,
		     int64_t end, const char *key, struct label_sets **ret, char *err,
		     size_t errlen)
{
	const struct query_limits lim = api_limits(req);
	struct selector *sel[MAX_MATCHERS];
	struct label_ask ask = { .sel = sel, .all_hosts = label_is_host(key) };
	uint32_t n_sel = 0;
	bool all = !n;
	char cause[256] = "";
	int r = querier_range(start, end, &ask.from, &ask.to, err, errlen);

	if (!r && n > MAX_MATCHERS) {
		snprintf(err, errlen, "matchers: more than %d", MAX_MATCHERS);
		r = -EINVAL;
	}
	for (size_t i = 0; !r && i < n; i++) {
		r = selector_parse(&sel[n_sel], matchers[i], cause, sizeof(cause));
		if (r == -EINVAL)
			snprintf(err, errlen, "matchers: %s", cause);
		if (!r)
			all |= selector_is_all(sel[n_sel++]);
	}
	ask.n_sel = all ? 0 : n_sel;
	if (!r)
		r = query_label_sets(&req->srv->env.query, &ask, &lim, ret);
	for (uint32_t i = 0; i < n_sel; i++)
		selector_free(sel[i]);
	return r;
}

static int copy_words(Ringprof__Pprof__QuerierNamesResponse *o, const char *const *words,
		      uint32_t n)
{
	o->names = calloc((size_t)n + 1, sizeof(*o->names));
	if (!o->names)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		o->names[i] = strdup(words[i]);
		if (!o->names[i])
			return -ENOMEM;
		o->n_names++;
	}
	return 0;
}

static int answer_words(struct request *req, char *const *matchers, size_t n_matchers,
			int64_t start, int64_t end, const char *key, ProtobufCMessage *out,
			char *err, size_t errlen)
{
	struct label_sets *sets = NULL;
	cleanup_free const char **words = NULL;
	uint32_t n = 0;
	int r = read_sets(req, matchers, n_matchers, start, end, key, &sets, err, errlen);

	if (!r)
		r = label_sets_words(sets, key, &words, &n);
	if (!r)
		r = copy_words((void *)out, words, n);
	label_sets_free(sets);
	return r;
}

int querier_names(struct request *req, const ProtobufCMessage *in, ProtobufCMessage *out, char *err,
		  size_t errlen)
{
	const Ringprof__Pprof__QuerierNamesRequest *q = (const void *)in;

	return answer_words(req, q->matchers, q->n_matchers, q->start, q->end, NULL, out, err,
			    errlen);
}

int querier_values(struct request *req, const ProtobufCMessage *in, ProtobufCMessage *out,
		   char *err, size_t errlen)
{
	static const char *const name[] = { "process_cpu" };
	const Ringprof__Pprof__QuerierValuesRequest *q = (const void *)in;

	if (!strcmp(q->name, "__profile_type__"))
		return copy_words((void *)out, types, ARRAY_SIZE(types));
	if (!strcmp(q->name, "__name__"))
		return copy_words((void *)out, name, 1);
	return answer_words(req, q->matchers, q->n_matchers, q->start, q->end, label_alias(q->name),
			    out, err, errlen);
}

/* ---- Series ---- */

static bool wanted(const Ringprof__Pprof__QuerierSeriesRequest *q, const char *key)
{
	for (size_t i = 0; i < q->n_label_names; i++)
		if (!strcmp(label_alias(q->label_names[i]), key))
			return true;
	return !q->n_label_names;
}

static int copy_set(Ringprof__Pprof__QuerierLabels *l, const struct label_set *s,
		    const Ringprof__Pprof__QuerierSeriesRequest *q)
{
	l->labels = calloc((size_t)s->n + 1, sizeof(*l->labels));
	if (!l->labels)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->n; i++) {
		if (!wanted(q, s->labels[i].key))
			continue;
		l->labels[l->n_labels] = querier_pair(s->labels[i].key, s->labels[i].value);
		if (!l->labels[l->n_labels])
			return -ENOMEM;
		l->n_labels++;
	}
	return 0;
}

/* Is what is asked of the set new? 1, 0, -ENOMEM */
static int is_new(struct strtab *seen, const struct label_set *s,
		  const Ringprof__Pprof__QuerierSeriesRequest *q)
{
	uint32_t before = strtab_count(seen);
	struct buf b = { 0 };
	int r;

	buf_putc(&b, '{');
	for (uint32_t i = 0; i < s->n; i++)
		if (wanted(q, s->labels[i].key))
			buf_printf(&b, "%s\x1f%s\x1e", s->labels[i].key, s->labels[i].value);
	r = b.err ? b.err : strtab_add_n(seen, b.data, b.len) == UINT32_MAX ? -ENOMEM : 0;
	buf_free(&b);
	return r ? r : strtab_count(seen) > before;
}

static int copy_sets(Ringprof__Pprof__QuerierSeriesResponse *o, const struct label_sets *sets,
		     const Ringprof__Pprof__QuerierSeriesRequest *q, struct strtab *seen)
{
	o->labels_set = calloc((size_t)sets->n + 1, sizeof(*o->labels_set));
	if (!o->labels_set)
		return -ENOMEM;
	for (uint32_t i = 0; i < sets->n; i++) {
		Ringprof__Pprof__QuerierLabels *l;
		int r = is_new(seen, &sets->set[i], q);

		if (r < 0)
			return r;
		if (!r)
			continue;
		l = (void *)pb_new(&ringprof__pprof__querier_labels__descriptor);
		if (!l)
			return -ENOMEM;
		o->labels_set[o->n_labels_set++] = l;
		if (copy_set(l, &sets->set[i], q))
			return -ENOMEM;
	}
	return 0;
}

int querier_series(struct request *req, const ProtobufCMessage *in, ProtobufCMessage *out,
		   char *err, size_t errlen)
{
	const Ringprof__Pprof__QuerierSeriesRequest *q = (const void *)in;
	struct label_sets *sets = NULL;
	struct strtab *seen;
	int r;

	/* each is compared with each label of each set */
	if (q->n_label_names > MAX_MATCHERS) {
		snprintf(err, errlen, "label_names: more than %d", MAX_MATCHERS);
		return -EINVAL;
	}
	seen = strtab_new();
	r = seen ? 0 : -ENOMEM;
	if (!r)
		r = read_sets(req, q->matchers, q->n_matchers, q->start, q->end, NULL, &sets, err,
			      errlen);
	if (!r)
		r = copy_sets((void *)out, sets, q, seen);
	label_sets_free(sets);
	strtab_free(seen);
	return r;
}
