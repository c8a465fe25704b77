// SPDX-License-Identifier: GPL-2.0
/*
 * Encodes a profile's rows. protobuf-c packs one message at a time; the
 * fields of Profile that repeat are framed here (tag, length, message), which
 * is what the encoding of the whole message would be, without the whole.
 */
#include "export/pprof.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export/writer.h"
#include "profile.pb-c.h"

/* numbers of Profile's repeated fields, from profile.proto */
enum { F_SAMPLE_TYPE = 1, F_SAMPLE, F_MAPPING, F_LOCATION, F_FUNCTION, F_STRING };

/* texts that are not in the rows; numbered before anything is written */
struct texts {
	uint32_t samples, count, cpu, nanoseconds, service_name, pid, tid;
	uint32_t comment[3], n_comment;
};

struct encoder {
	struct pprof *p;
	struct writer w;
	struct texts t;
	uint64_t *ids; /* of the locations of one sample */
};

static void put_sample_type(struct encoder *e, uint32_t type, uint32_t unit)
{
	Ringprof__Pprof__ValueType m = RINGPROF__PPROF__VALUE_TYPE__INIT;

	m.type = type;
	m.unit = unit;
	writer_message(&e->w, F_SAMPLE_TYPE, &m.base);
}

static void put_mapping(struct encoder *e, const struct pprof_mapping *row)
{
	Ringprof__Pprof__Mapping m = RINGPROF__PPROF__MAPPING__INIT;

	m.id = row->id;
	m.memory_start = row->start;
	m.memory_limit = row->limit;
	m.file_offset = row->offset;
	m.filename = row->name;
	m.build_id = row->build_id;
	m.has_functions = 1; /* all that can be named is: no reader should try again */
	m.has_filenames = row->has_files;
	m.has_line_numbers = row->has_lines;
	m.has_inline_frames = row->has_inlines;
	writer_message(&e->w, F_MAPPING, &m.base);
}

static void put_location(struct encoder *e, uint32_t i)
{
	const struct pprof_location *row = &e->p->locations[i];
	const struct pprof_mapping *mapping = &e->p->mappings[row->mapping];
	Ringprof__Pprof__Location m = RINGPROF__PPROF__LOCATION__INIT;
	Ringprof__Pprof__Line lines[SYM_MAX_LINES], *list[SYM_MAX_LINES];

	for (uint32_t k = 0; k < row->n_lines; k++) {
		const struct pprof_line *l = &e->p->lines[row->first_line + k];

		ringprof__pprof__line__init(&lines[k]);
		lines[k].function_id = l->function + 1;
		lines[k].line = l->line;
		list[k] = &lines[k];
	}
	m.id = i + 1;
	m.mapping_id = mapping->id;
	m.address = mapping->kind == FRAME_MARK ? 0 : row->address;
	m.n_line = row->n_lines;
	m.line = list;
	writer_message(&e->w, F_LOCATION, &m.base);
}

static void put_function(struct encoder *e, uint32_t i)
{
	const struct pprof_function *row = &e->p->functions[i];
	Ringprof__Pprof__Function m = RINGPROF__PPROF__FUNCTION__INIT;

	m.id = i + 1;
	m.name = row->name;
	m.system_name = row->system_name;
	m.filename = row->file;
	m.start_line = row->start_line;
	writer_message(&e->w, F_FUNCTION, &m.base);
}

static void put_label(Ringprof__Pprof__Label *room, Ringprof__Pprof__Label **list, size_t *n,
		      uint32_t key, uint32_t str, int64_t num)
{
	Ringprof__Pprof__Label *l = &room[*n];

	ringprof__pprof__label__init(l);
	l->key = key;
	l->str = str;
	l->num = num;
	/* readers drop a number 0 that has no unit: CPU 0 */
	l->num_unit = str ? 0 : key;
	list[(*n)++] = l;
}

/* Path numbers grow away from the root, so this goes leaf first, and ends. */
static size_t path_ids(const struct pprof *p, uint32_t path, uint64_t *ids)
{
	const struct path *paths = p->merge.paths.p;
	size_t n = 0;

	for (; path; path = paths[path].parent)
		ids[n++] = (uint64_t)paths[path].key + 1;
	return n;
}

/* Room for the deepest path, taken before the first byte goes out. */
static int make_id_room(struct encoder *e)
{
	const struct paths *paths = &e->p->merge.paths;
	uint32_t *depth = budget_zalloc(&e->p->budget, paths->n, sizeof(*depth)), deepest = 1;

	if (!depth)
		return -ENOMEM;
	for (uint32_t i = 1; i < paths->n; i++) {
		depth[i] = depth[paths->p[i].parent] + 1;
		deepest = depth[i] > deepest ? depth[i] : deepest;
	}
	free(depth);
	budget_return(&e->p->budget, (size_t)paths->n * sizeof(*depth));
	e->ids = budget_zalloc(&e->p->budget, deepest, sizeof(*e->ids));
	return e->ids ? 0 : -ENOMEM;
}

static void put_sample(struct encoder *e, const struct pprof_sample *row)
{
	Ringprof__Pprof__Sample m = RINGPROF__PPROF__SAMPLE__INIT;
	Ringprof__Pprof__Label room[4], *labels[4];
	const struct pprof_labels *l = &e->p->labels[row->labels];
	int64_t values[2] = { (int64_t)row->count, (int64_t)row->weight };

	m.n_location_id = path_ids(e->p, row->path, e->ids);
	m.location_id = e->ids;
	m.n_value = 2;
	m.value = values;
	if (l->service)
		put_label(room, labels, &m.n_label, e->t.service_name, l->service, 0);
	if (l->pid >= 0)
		put_label(room, labels, &m.n_label, e->t.pid, 0, l->pid);
	if (l->tid >= 0)
		put_label(room, labels, &m.n_label, e->t.tid, 0, l->tid);
	if (l->cpu >= 0)
		put_label(room, labels, &m.n_label, e->t.cpu, 0, l->cpu);
	m.label = labels;
	writer_message(&e->w, F_SAMPLE, &m.base);
}

static void put_strings(struct encoder *e)
{
	uint32_t n = strtab_count(e->p->strings);

	for (uint32_t i = 0; i < n; i++) {
		const char *s = strtab_get(e->p->strings, i);
		size_t len = strlen(s);

		writer_varint(&e->w.b, F_STRING << 3 | 2);
		writer_varint(&e->w.b, len);
		buf_append(&e->w.b, s, len);
		writer_flow(&e->w);
	}
}

/* what does not repeat, and the comments: Profile itself, packed without its rows */
static void put_rest(struct encoder *e)
{
	const struct stack_merge_totals *t = &e->p->merge.totals;
	const struct pprof_options *opt = e->p->opt;
	Ringprof__Pprof__Profile m = RINGPROF__PPROF__PROFILE__INIT;
	Ringprof__Pprof__ValueType period = RINGPROF__PPROF__VALUE_TYPE__INIT;
	int64_t comments[3];
	struct buf *b = &e->w.b;

	period.type = e->t.cpu;
	period.unit = e->t.nanoseconds;
	m.period_type = &period;
	m.period = (int64_t)t->period;
	m.time_nanos = (int64_t)(opt->time_nanos ? opt->time_nanos : t->wall_from);
	m.duration_nanos = (int64_t)(opt->duration_nanos ? opt->duration_nanos : t->duration);
	m.default_sample_type = e->t.cpu;
	for (uint32_t i = 0; i < e->t.n_comment; i++)
		comments[i] = e->t.comment[i];
	m.n_comment = e->t.n_comment;
	m.comment = comments;
	if (!buf_reserve(b, ringprof__pprof__profile__get_packed_size(&m)))
		b->len += ringprof__pprof__profile__pack(&m, (uint8_t *)b->data + b->len);
}

static int add_comment(struct encoder *e, const char *text)
{
	return budget_text(&e->p->budget, e->p->strings, text, &e->t.comment[e->t.n_comment++]);
}

static int add_comments(struct encoder *e)
{
	const struct pprof *p = e->p;
	char text[192];
	int r = 0;

	if (p->opt->comment && *p->opt->comment)
		r = add_comment(e, p->opt->comment);
	snprintf(text, sizeof(text),
		 "ringprof " RINGPROF_VERSION ": source lines known for %" PRIu32 " of %" PRIu32
		 " functions",
		 p->with_lines, p->n_functions);
	if (!r)
		r = add_comment(e, text);
	if (r || selector_is_all(p->merge.sel) || !p->merge.totals.lost_samples)
		return r;
	snprintf(text, sizeof(text),
		 "lost on the whole host in this time, in no stack here: %" PRIu64 " samples, "
		 "%" PRIu64 " ns",
		 p->merge.totals.lost_samples, p->merge.totals.lost_weight);
	return add_comment(e, text);
}

static int number_texts(struct encoder *e)
{
	const struct {
		const char *text;
		uint32_t *id;
	} list[] = {
		{ "samples", &e->t.samples },
		{ "count", &e->t.count },
		{ "cpu", &e->t.cpu },
		{ "nanoseconds", &e->t.nanoseconds },
		{ "service_name", &e->t.service_name },
		{ "pid", &e->t.pid },
		{ "tid", &e->t.tid },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (budget_text(&e->p->budget, e->p->strings, list[i].text, list[i].id))
			return -ENOMEM;
	return add_comments(e);
}

static void put_all(struct encoder *e)
{
	const struct pprof *p = e->p;

	put_sample_type(e, e->t.samples, e->t.count);
	put_sample_type(e, e->t.cpu, e->t.nanoseconds);
	for (uint32_t i = 0; i < p->n_mappings; i++)
		put_mapping(e, &p->mappings[p->order[i]]);
	for (uint32_t i = 0; i < p->n_locations && !e->w.err; i++)
		put_location(e, i);
	for (uint32_t i = 0; i < p->n_functions && !e->w.err; i++)
		put_function(e, i);
	for (uint32_t i = 0; i < p->n_samples && !e->w.err; i++)
		put_sample(e, &p->samples[i]);
	put_strings(e);
	put_rest(e);
}

int pprof_write(struct pprof *p, struct sink out)
{
	struct encoder e = { .p = p, .w = { .out = out } };
	int r = number_texts(&e);

	if (!r)
		r = make_id_room(&e);
	if (!r) {
		put_all(&e);
		r = writer_end(&e.w);
	}
	free(e.ids);
	return r;
}
