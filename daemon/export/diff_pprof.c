// SPDX-License-Identifier: GPL-2.0
/*
 * A diff as profile.proto. What is compared may have changed its addresses,
 * so a location is a function; ids are the functions' numbers, mappings the
 * objects'. Each path with weight of its own is a sample: one of the base,
 * negated and labelled as pprof labels it, one of the head.
 */
#include "export/diff_export.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hmap.h"
#include "base/strtab.h"
#include "export/writer.h"
#include "profile.pb-c.h"

/* numbers of Profile's repeated fields, from profile.proto */
enum { F_SAMPLE_TYPE = 1, F_SAMPLE, F_MAPPING, F_LOCATION, F_FUNCTION, F_STRING };

/* no code is mapped at any of these; pprof wants ranges that do not overlap */
#define MAPPING_SIZE 0x1000

struct encoder {
	const struct diff *d;
	struct writer w;
	struct strtab *strings;
	uint32_t *mapping; /* by function: id of its object's */
	uint32_t *objects; /* mappings' texts, in order of id */
	uint32_t n_objects;
	struct hmap index;
	uint64_t *ids; /* of one sample's locations */
	uint32_t type, unit, label, yes, comment;
};

static int add_text(struct encoder *e, const char *s, uint32_t *ret)
{
	*ret = strtab_add(e->strings, s);
	return *ret == UINT32_MAX ? -ENOMEM : 0;
}

/* Id of the mapping of an object's text, made when new; 0: no memory. */
static uint32_t mapping_id(struct encoder *e, uint32_t text)
{
	uint32_t i;

	HMAP_FOR_EACH (&e->index, hash_mix(text, 0), it, i)
		if (e->objects[i] == text)
			return i + 1;
	if (hmap_insert(&e->index, hash_mix(text, 0), e->n_objects))
		return 0;
	e->objects[e->n_objects++] = text;
	return e->n_objects;
}

/* All texts get their numbers before anything is written. */
static int number_funcs(struct encoder *e)
{
	for (uint32_t i = 0; i < e->d->n_funcs; i++) {
		const struct tree_func *f = &e->d->funcs[i].f;
		uint32_t id;

		if (add_text(e, f->name, &id) || add_text(e, f->system_name, &id) ||
		    add_text(e, f->file, &id) || add_text(e, f->object, &id))
			return -ENOMEM;
		e->mapping[i] = mapping_id(e, id);
		if (!e->mapping[i])
			return -ENOMEM;
	}
	return 0;
}

double diff_base_factor(const struct diff *d)
{
	return d->b.per / d->a.per;
}

static int number_texts(struct encoder *e)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "ringprof " RINGPROF_VERSION ": difference %s; the base is multiplied by %.6g",
		 e->d->mode == DIFF_SHARE  ? "of shares alone"
		 : e->d->mode == DIFF_WORK ? "per unit of work"
					   : "of rates",
		 diff_base_factor(e->d));
	if (add_text(e, e->d->type, &e->type) || add_text(e, e->d->unit, &e->unit) ||
	    add_text(e, "pprof::base", &e->label) || add_text(e, "true", &e->yes) ||
	    add_text(e, text, &e->comment))
		return -ENOMEM;
	return number_funcs(e);
}

/* Paths from the leaf; ids may be NULL. */
static size_t path_ids(const struct diff *d, uint32_t node, uint64_t *ids)
{
	size_t n = 0;

	for (; node; node = d->nodes[node].parent, n++)
		if (ids)
			ids[n] = (uint64_t)d->nodes[node].func + 1;
	return n;
}

static int make_room(struct encoder *e)
{
	size_t deepest = 1, funcs = (size_t)e->d->n_funcs + 1;

	for (uint32_t i = 0; i < e->d->n_nodes; i++) {
		size_t n = path_ids(e->d, i, NULL);

		deepest = n > deepest ? n : deepest;
	}
	e->ids = calloc(deepest, sizeof(*e->ids));
	e->mapping = calloc(funcs, sizeof(*e->mapping));
	e->objects = calloc(funcs, sizeof(*e->objects));
	e->strings = strtab_new();
	return e->ids && e->mapping && e->objects && e->strings ? 0 : -ENOMEM;
}

static void put_value_type(struct encoder *e)
{
	Ringprof__Pprof__ValueType m = RINGPROF__PPROF__VALUE_TYPE__INIT;

	m.type = e->type;
	m.unit = e->unit;
	writer_message(&e->w, F_SAMPLE_TYPE, &m.base);
}

static void put_mappings(struct encoder *e)
{
	for (uint32_t i = 0; i < e->n_objects; i++) {
		Ringprof__Pprof__Mapping m = RINGPROF__PPROF__MAPPING__INIT;

		m.id = (uint64_t)i + 1;
		m.memory_start = ((uint64_t)i + 1) * MAPPING_SIZE;
		m.memory_limit = m.memory_start + MAPPING_SIZE;
		m.filename = e->objects[i];
		m.has_functions = 1;
		m.has_filenames = 1;
		writer_message(&e->w, F_MAPPING, &m.base);
	}
}

static void put_function(struct encoder *e, uint32_t i)
{
	const struct tree_func *f = &e->d->funcs[i].f;
	Ringprof__Pprof__Location l = RINGPROF__PPROF__LOCATION__INIT;
	Ringprof__Pprof__Function m = RINGPROF__PPROF__FUNCTION__INIT;
	Ringprof__Pprof__Line line = RINGPROF__PPROF__LINE__INIT, *list = &line;

	m.id = (uint64_t)i + 1;
	/* these find what number_funcs has added */
	m.name = strtab_add(e->strings, f->name);
	m.system_name = strtab_add(e->strings, f->system_name);
	m.filename = strtab_add(e->strings, f->file);
	m.start_line = f->line;
	writer_message(&e->w, F_FUNCTION, &m.base);
	line.function_id = m.id;
	l.id = m.id;
	l.mapping_id = e->mapping[i];
	l.n_line = 1;
	l.line = &list;
	writer_message(&e->w, F_LOCATION, &l.base);
}

static void put_sample(struct encoder *e, uint32_t node, int64_t value, bool base)
{
	Ringprof__Pprof__Sample m = RINGPROF__PPROF__SAMPLE__INIT;
	Ringprof__Pprof__Label label = RINGPROF__PPROF__LABEL__INIT, *list = &label;

	label.key = e->label;
	label.str = e->yes;
	m.n_label = base;
	m.label = &list;
	m.n_location_id = path_ids(e->d, node, e->ids);
	m.location_id = e->ids;
	m.n_value = 1;
	m.value = &value;
	writer_message(&e->w, F_SAMPLE, &m.base);
}

static int64_t scaled(uint64_t value, double factor)
{
	double v = round((double)value * factor);

	/* doubles hold integers up to 2^53: what needs no scaling keeps its last digit */
	if (factor == 1)
		return value > INT64_MAX ? INT64_MAX : (int64_t)value;
	return v < (double)INT64_MAX ? (int64_t)v : INT64_MAX;
}

static void put_samples(struct encoder *e)
{
	double factor = diff_base_factor(e->d);

	for (uint32_t i = 0; i < e->d->n_nodes && !e->w.err; i++) {
		const struct diff_node *n = &e->d->nodes[i];

		if (n->a_self)
			put_sample(e, i, -scaled(n->a_self, factor), true);
		if (n->b_self)
			put_sample(e, i, scaled(n->b_self, 1), false);
	}
}

static void put_rest(struct encoder *e)
{
	Ringprof__Pprof__Profile m = RINGPROF__PPROF__PROFILE__INIT;
	Ringprof__Pprof__ValueType period = RINGPROF__PPROF__VALUE_TYPE__INIT;
	uint32_t n = strtab_count(e->strings);
	int64_t comment = e->comment;
	struct buf *b = &e->w.b;

	for (uint32_t i = 0; i < n; i++) {
		const char *s = strtab_get(e->strings, i);

		writer_varint(b, F_STRING << 3 | 2);
		writer_varint(b, strlen(s));
		buf_puts(b, s);
		writer_flow(&e->w);
	}
	period.type = e->type;
	period.unit = e->unit;
	m.period_type = &period;
	m.period = (int64_t)e->d->b.period;
	m.time_nanos = (int64_t)e->d->b.wall_from;
	m.duration_nanos = (int64_t)e->d->b.duration;
	m.n_comment = 1;
	m.comment = &comment;
	if (!buf_reserve(b, ringprof__pprof__profile__get_packed_size(&m)))
		b->len += ringprof__pprof__profile__pack(&m, (uint8_t *)b->data + b->len);
}

static int encode(struct encoder *e)
{
	put_value_type(e);
	put_mappings(e);
	for (uint32_t i = 0; i < e->d->n_funcs && !e->w.err; i++)
		put_function(e, i);
	put_samples(e);
	put_rest(e);
	return writer_end(&e->w);
}

int export_diff_pprof(const struct diff *d, struct sink out)
{
	struct encoder e = { .d = d, .w = { .out = out } };
	int r = make_room(&e);

	if (!r)
		r = number_texts(&e);
	if (!r)
		r = encode(&e);
	strtab_free(e.strings);
	hmap_free(&e.index);
	free(e.mapping);
	free(e.objects);
	free(e.ids);
	return r;
}
