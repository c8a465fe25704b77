// SPDX-License-Identifier: GPL-2.0
/*
 * pprof_read: unzip, decode, choose a column, places -> functions, samples ->
 * paths -> nodes. protobuf-c decodes into messages of some tens of bytes for
 * what may be two bytes in the file, so its allocator has a limit of its own.
 */
#include "export/pprof_read.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/pprof_read_int.h"
#include "query/tree.h"

#define MAX_RAW	  (512UL << 20)
#define MAX_BYTES (2UL << 30)
#define MAX_NS	  (30 * 1000000000ULL)

struct limited { /* what decoding has taken; what it gives back is not counted */
	size_t used, max;
	bool hit;
};

static void *limited_alloc(void *arg, size_t n)
{
	struct limited *l = arg;

	if (n > l->max - l->used) {
		l->hit = true;
		return NULL;
	}
	l->used += n;
	return malloc(n);
}

static void limited_free(void *arg, void *p)
{
	free(p);
}

int pprof_refuse(struct pprof_reader *rd, int r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(rd->err, rd->errlen, fmt, ap);
	va_end(ap);
	return r;
}

static int add_self(struct pprof_reader *rd, uint32_t path, uint64_t value, uint64_t samples)
{
	if (path >= rd->n_self) {
		if (BUDGET_ROOM(&rd->budget, rd->self, rd->cap_self, (uint64_t)path + 1))
			return -ENOMEM;
		memset(rd->self + rd->n_self, 0, (rd->cap_self - rd->n_self) * sizeof(*rd->self));
		rd->n_self = rd->cap_self;
	}
	rd->self[path].value += value;
	rd->self[path].samples += samples;
	return 0;
}

/* The path of a sample's stack: the root's own when it has none. */
static int sample_path(struct pprof_reader *rd, const Ringprof__Pprof__Sample *s, uint32_t *ret)
{
	uint32_t path = 0;

	for (size_t i = s->n_location_id; i-- > 0;) {
		uint32_t at = pprof_find_location(rd, s->location_id[i]);

		if (at == UINT32_MAX)
			return pprof_refuse(rd, -EBADMSG,
					    "a sample has a location that is not there");
		for (uint32_t k = 0; k < rd->places[at].n; k++) {
			uint32_t key = rd->keys[rd->places[at].first + k];

			if (paths_child(&rd->paths, &rd->budget, path, key, &path))
				return -ENOMEM;
		}
	}
	*ret = path;
	return 0;
}

/* Adds a sample; *sum and *count are what all samples come to, so that no total overflows. */
static int add_sample(struct pprof_reader *rd, const Ringprof__Pprof__Sample *s, uint64_t *sum,
		      uint64_t *count)
{
	uint64_t value, samples;
	uint32_t path = 0;
	int r;

	if (s->n_value != rd->p->n_sample_type)
		return pprof_refuse(rd, -EBADMSG, "a sample has %zu values for %zu sample types",
				    s->n_value, rd->p->n_sample_type);
	for (size_t i = 0; i < s->n_value; i++)
		if (s->value[i] < 0)
			return pprof_refuse(rd, -EINVAL,
					    "it has negative values: it is a "
					    "difference of profiles already");
	samples = pprof_row_samples(rd, s->value);
	if (__builtin_mul_overflow((uint64_t)s->value[rd->column], rd->factor, &value) ||
	    __builtin_add_overflow(*sum, value, sum) ||
	    __builtin_add_overflow(*count, samples, count) || *sum > INT64_MAX ||
	    *count > INT64_MAX)
		return pprof_refuse(rd, -EBADMSG, "its values add up to more than 2^63");
	if (!value)
		return 0;
	r = sample_path(rd, s, &path);
	return r ? r : add_self(rd, path, value, samples);
}

static int add_samples(struct pprof_reader *rd)
{
	uint64_t sum = 0, count = 0, steps = 0;
	int r = 0;

	for (size_t i = 0; !r && i < rd->p->n_sample; i++) {
		r = add_sample(rd, rd->p->sample[i], &sum, &count);
		/* a deep stack is as long a way as many short ones */
		steps += rd->p->sample[i]->n_location_id + 1;
		if (!r && steps > 4096) {
			steps = 0;
			r = budget_check(&rd->budget);
		}
	}
	return r;
}

/* Paths -> nodes with totals: children have the larger numbers, so one pass back adds up. */
static int make_nodes(struct pprof_reader *rd)
{
	const struct paths *p = &rd->paths;
	struct tree *t = rd->tree;

	t->nodes = budget_zalloc(&rd->budget, p->n, sizeof(*t->nodes));
	if (!t->nodes)
		return -ENOMEM;
	t->n_nodes = p->n;
	for (uint32_t i = p->n; i-- > 0;) {
		struct tree_node *n = &t->nodes[i], *up = &t->nodes[p->p[i].parent];

		n->parent = p->p[i].parent;
		n->func = p->p[i].key;
		if (i < rd->n_self) {
			n->self = rd->self[i].value;
			n->self_samples = rd->self[i].samples;
		}
		n->total += n->self;
		n->total_samples += n->self_samples;
		if (i) {
			up->total += n->total;
			up->total_samples += n->total_samples;
		}
	}
	return 0;
}

/* Losses stand below the root and are not part of the total, as in query_tree. */
static void fill_totals(struct pprof_reader *rd)
{
	const pprof_profile *p = rd->p;
	struct tree *t = rd->tree;

	t->total = t->nodes[0].total;
	t->samples = t->nodes[0].total_samples;
	for (uint32_t i = 1; i < t->n_nodes; i++) {
		const struct tree_node *n = &t->nodes[i];
		const struct tree_func *f = &t->funcs[n->func];

		if (n->parent || f->kind != FRAME_MARK)
			continue;
		if (!strncmp(f->name, "[lost", 5)) {
			t->lost += n->total;
			t->lost_samples += n->total_samples;
			t->lost_included = true;
		} else if (!strncmp(f->name, "[truncated", 10)) {
			t->truncated += n->total;
		}
	}
	t->total -= t->lost;
	t->samples -= t->lost_samples;
	t->in_samples = !strcmp(rd->info->unit, "count");
	t->duration = p->duration_nanos > 0 ? (uint64_t)p->duration_nanos : 0;
	t->wall_from = p->time_nanos > 0 ? (uint64_t)p->time_nanos : 0;
	t->wall_to = t->wall_from + t->duration;
	if (p->period > 0 && p->period_type &&
	    !strcmp(pprof_text(p, p->period_type->unit), rd->info->unit))
		t->period = (uint64_t)p->period;
}

static int build(struct pprof_reader *rd, const char *wanted)
{
	int r = pprof_check_texts(rd);

	if (!r)
		r = pprof_choose_type(rd, wanted);
	if (!r && (rd->p->n_location >= HMAP_DEAD || rd->p->n_function >= HMAP_DEAD))
		r = -ENOMEM;
	if (!r)
		r = pprof_read_places(rd);
	if (!r)
		r = paths_init(&rd->paths, &rd->budget);
	if (!r)
		r = add_samples(rd);
	if (!r)
		r = make_nodes(rd);
	if (r)
		return r;
	fill_totals(rd);
	return tree_link(rd->tree);
}

static void release(struct pprof_reader *rd)
{
	hmap_free(&rd->functions);
	hmap_free(&rd->mappings);
	hmap_free(&rd->locations);
	hmap_free(&rd->func_index);
	paths_free(&rd->paths);
	free(rd->keys);
	free(rd->places);
	free(rd->self);
}

static int read_profile(struct pprof_reader *rd, const struct pprof_read_options *opt)
{
	const struct query_limits lim = { .max_bytes = opt->max_bytes ? opt->max_bytes : MAX_BYTES,
					  .max_ns = opt->max_ns ? opt->max_ns : MAX_NS };
	int r = -ENOMEM;

	budget_init(&rd->budget, &lim);
	rd->tree = calloc(1, sizeof(*rd->tree));
	if (rd->tree)
		rd->tree->strings = strtab_new();
	if (rd->tree && rd->tree->strings)
		r = build(rd, opt->sample_type);
	release(rd);
	return r;
}

static int decode(struct pprof_reader *rd, const struct buf *raw,
		  const struct pprof_read_options *opt)
{
	struct limited lim = { .max = opt->max_bytes ? opt->max_bytes : MAX_BYTES };
	ProtobufCAllocator alloc = { .alloc = limited_alloc,
				     .free = limited_free,
				     .allocator_data = &lim };
	pprof_profile *p =
		ringprof__pprof__profile__unpack(&alloc, raw->len, (const uint8_t *)raw->data);
	int r;

	if (!p)
		return lim.hit ? -ENOMEM : -EBADMSG;
	rd->p = p;
	r = read_profile(rd, opt);
	ringprof__pprof__profile__free_unpacked(p, &alloc);
	return r;
}

/* What a bare errno means here. */
static const char *cause(int r)
{
	switch (r) {
	case -EFBIG:
		return "it is larger than what is read, unzipped";
	case -ENOMEM:
		return "it takes more memory than what is given to it";
	case -ETIMEDOUT:
		return "it takes longer than what is given to it";
	default:
		return "it is no profile, or cut off";
	}
}

int pprof_read(const void *data, size_t n, const struct pprof_read_options *opt, struct tree **ret,
	       struct pprof_info *info, char *err, size_t errlen)
{
	static const struct pprof_read_options plain;
	struct pprof_reader rd = { .info = info, .err = err, .errlen = errlen };
	struct buf raw = { 0 };
	int r;

	if (!opt)
		opt = &plain;
	memset(info, 0, sizeof(*info));
	*err = '\0';
	r = pprof_unzip(data, n, opt->max_raw ? opt->max_raw : MAX_RAW, &raw);
	if (!r && !raw.len)
		r = pprof_refuse(&rd, -EBADMSG, "it is empty");
	if (!r)
		r = decode(&rd, &raw, opt);
	buf_free(&raw);
	if (r) {
		tree_free(rd.tree);
		if (!*err)
			snprintf(err, errlen, "%s", cause(r));
		return r;
	}
	*ret = rd.tree;
	return 0;
}
