// SPDX-License-Identifier: GPL-2.0
/*
 * Reading segments. They come from a file, so from anybody: every number is
 * checked against what is there, and a row that turns out to be one that was
 * there before (so that numbers would shift) makes the segment a bad one.
 *
 * A segment: texts; objects; frames (objects, then offsets); stacks (parents,
 * then frames); label sets; locals by label set; names. Columns rather than
 * rows, differences rather than numbers: that is what zstd makes small.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agg/relabel.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "store/dict_int.h"
#include "store/varint.h"

#define MAX_TEXT 16384

struct dict *dict_new(void)
{
	struct dict *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->refs = 1;
	pthread_mutex_init(&d->lock, NULL);
	d->model = model_new();
	d->names = name_table_new();
	if (!d->model || !d->names) {
		dict_unref(d);
		return NULL;
	}
	for (int i = 0; i < DICT_FILES; i++)
		d->written[i].stacks = 1; /* the empty stack needs no row */
	return d;
}

struct dict *dict_ref(struct dict *d)
{
	__atomic_add_fetch(&d->refs, 1, __ATOMIC_RELAXED);
	return d;
}

void dict_unref(struct dict *d)
{
	if (!d || __atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL))
		return;
	for (size_t i = 0; i < d->n_series; i++)
		free(d->series[i].code);
	free(d->named);
	free(d->series);
	free(d->texts);
	hmap_free(&d->text_index);
	hmap_free(&d->local_index);
	name_table_unref(d->names);
	model_unref(d->model);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

size_t dict_bytes(const struct dict *d)
{
	return sizeof(*d) + model_bytes(d->model) + name_table_bytes(d->names) +
	       d->cap_texts * sizeof(char *) + d->cap_series * sizeof(*d->series) + d->local_bytes +
	       hmap_bytes(&d->text_index) + hmap_bytes(&d->local_index) +
	       d->cap_named * sizeof(*d->named);
}

static int read_texts(struct dict *d, struct bytes *in)
{
	uint32_t n = get_count(in);
	const char **t = array_room(d->texts, &d->cap_texts, d->n_texts + n + 1, sizeof(*t));
	char text[MAX_TEXT];

	if (!t)
		return -ENOMEM;
	d->texts = t;
	for (uint32_t i = 0; i < n && !in->bad; i++) {
		uint32_t len = get_below(in, MAX_TEXT);
		const uint8_t *p = get_bytes(in, len);

		if (!p || memchr(p, '\0', len))
			return -EBADMSG;
		memcpy(text, p, len);
		text[len] = '\0';
		d->text_bytes += len;
		t[d->n_texts] = model_string(d->model, text);
		if (!t[d->n_texts++])
			return -ENOMEM;
	}
	return in->bad ? -EBADMSG : 0;
}

static const char *get_text(struct dict *d, struct bytes *in)
{
	uint32_t i = get_below(in, d->n_texts);

	return in->bad ? "" : d->texts[i];
}

static int read_objects(struct dict *d, struct bytes *in)
{
	uint32_t n = get_count(in), counts[6];

	model_counts(d->model, counts);
	for (uint32_t i = 0; i < n && !in->bad; i++) {
		struct stored_names s = { .object = counts[0] + i }, *h;
		const char *build_id;
		const uint8_t *key;

		s.kind = (enum frame_kind)get_below(in, FRAME_MARK + 1);
		s.name = get_text(d, in);
		build_id = get_text(d, in);
		key = s.kind == FRAME_USER ? get_bytes(in, sizeof(s.key.file)) : NULL;
		if (key)
			memcpy(s.key.file, key, sizeof(s.key.file));
		s.key.epoch = get_varint(in);
		s.key.jit = get_varint(in);
		if (in->bad)
			break;
		h = name_table_object(d->names, &s);
		if (!h || model_add_stored(d->model, s.kind, s.name, build_id, h) != s.object)
			return -ENOMEM;
	}
	return in->bad ? -EBADMSG : 0;
}

/* The next n varints are left behind; they are read by the copy that is given. */
static struct bytes skip_column(struct bytes *in, uint32_t n)
{
	struct bytes column = *in;

	for (uint32_t i = 0; i < n && !in->bad; i++)
		get_varint(in);
	return column;
}

static int read_frames(struct dict *d, struct bytes *in)
{
	uint32_t n = get_count(in), counts[6];
	struct bytes objects = skip_column(in, n);
	uint64_t off = 0;

	model_counts(d->model, counts);
	for (uint32_t i = 0; i < n && !in->bad; i++) {
		uint32_t object = get_below(&objects, counts[0]), f;

		off += (uint64_t)get_signed(in);
		if (objects.bad)
			return -EBADMSG;
		f = model_add_frame(d->model, object, off);
		if (f != counts[1] + i)
			return f == UINT32_MAX ? -ENOMEM : -EBADMSG;
	}
	return in->bad ? -EBADMSG : 0;
}

static int read_stacks(struct dict *d, struct bytes *in)
{
	uint32_t n = get_count(in), counts[6];
	struct bytes parents = skip_column(in, n);
	int64_t frame = 0;

	model_counts(d->model, counts);
	for (uint32_t i = 0; i < n && !in->bad; i++) {
		uint32_t own = counts[2] + i, up = get_below(&parents, own), s;

		frame = get_next(frame, in);
		if (parents.bad || frame < 0 || frame >= counts[1])
			return -EBADMSG;
		s = model_add_stack(d->model, own - 1 - up, (uint32_t)frame);
		if (s != own)
			return s == UINT32_MAX ? -ENOMEM : -EBADMSG;
	}
	return in->bad ? -EBADMSG : 0;
}

static int number_of(const struct model_series *s, const char *key)
{
	const char *v = series_get(s, key);

	return v ? atoi(v) : 0;
}

/*
 * One process and one thread a label set, of its number: what windows from
 * disk refer to. Raw files alone know their numbers.
 */
static int add_thread(struct dict *d, uint32_t series)
{
	const struct model_series *s = model_series(d->model, series);
	struct model_proc p = { .series = series, .comm = "", .exe = "" };
	uint32_t proc;

	p.pid = number_of(s, DICT_PID);
	proc = model_add_proc(d->model, &p);
	if (proc == UINT32_MAX ||
	    model_add_thread(d->model, proc, number_of(s, DICT_TID)) == UINT32_MAX)
		return -ENOMEM;
	return proc == series ? 0 : -EBADMSG;
}

static int series_room(struct dict *d)
{
	struct dict_series *s = array_room(d->series, &d->cap_series, d->n_series + 1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	d->series = s;
	memset(&s[d->n_series], 0, sizeof(*s));
	return 0;
}

/* After the model has it: its own row here. */
int dict_series_added(struct dict *d, uint32_t series)
{
	int r = series == d->n_series ? series_room(d) : -EBADMSG;

	if (!r)
		r = add_thread(d, series);
	if (!r)
		d->n_series++;
	return r;
}

static int read_series(struct dict *d, struct bytes *in)
{
	uint32_t n = get_count(in);

	for (uint32_t i = 0; i < n && !in->bad; i++) {
		struct model_series s = { .n = get_below(in, MODEL_MAX_LABELS + 1) };
		uint32_t number;
		int r;

		for (uint32_t l = 0; l < s.n; l++) {
			s.labels[l].key = get_text(d, in);
			s.labels[l].value = get_text(d, in);
		}
		if (in->bad)
			break;
		number = model_add_series(d->model, &s);
		r = number == UINT32_MAX ? -ENOMEM : dict_series_added(d, number);
		if (r)
			return r;
	}
	return in->bad ? -EBADMSG : 0;
}

int dict_local_room(struct dict *d, struct dict_series *s, uint32_t more)
{
	size_t cap = s->cap;
	uint32_t *code = array_room(s->code, &cap, (size_t)s->n + more, sizeof(*code));

	if (!code)
		return -ENOMEM;
	d->local_bytes += (cap - s->cap) * sizeof(*code);
	s->code = code;
	s->cap = (uint32_t)cap;
	return 0;
}

static int read_locals(struct dict *d, struct bytes *in)
{
	uint32_t groups = get_count(in), counts[6];

	model_counts(d->model, counts);
	for (uint32_t g = 0; g < groups && !in->bad; g++) {
		uint32_t i = get_below(in, d->n_series), n = get_count(in);
		int64_t code = 0;

		if (in->bad)
			break;
		if (dict_local_room(d, &d->series[i], n))
			return -ENOMEM;
		while (n-- && !in->bad) {
			code = get_next(code, in);
			if (code < 0 || code / 2 >= counts[2])
				return -EBADMSG;
			d->series[i].code[d->series[i].n++] = (uint32_t)code;
		}
	}
	return in->bad ? -EBADMSG : 0;
}

static void read_lines(struct dict *d, struct bytes *in, struct sym_line *lines, uint32_t n)
{
	for (uint32_t i = 0; i < n && !in->bad; i++) {
		struct sym_line *l = &lines[i];
		uint32_t system;

		l->name = get_text(d, in);
		system = get_below(in, d->n_texts + 1);
		l->system_name = system ? d->texts[system - 1] : l->name;
		l->file = get_text(d, in);
		l->start_line = get_below(in, UINT32_MAX);
		l->line = (uint32_t)get_next(l->start_line, in);
	}
}

static int read_names(struct dict *d, struct bytes *in)
{
	struct sym_line lines[SYM_MAX_LINES];
	uint32_t n = get_count(in), counts[6];
	int64_t frame = 0;

	model_counts(d->model, counts);
	for (uint32_t i = 0; i < n && !in->bad; i++) {
		struct name_row row = { .lines = lines };
		const struct model_frame *f;

		frame = get_next(frame, in);
		if (in->bad || frame < 0 || frame >= counts[1])
			return -EBADMSG;
		f = model_frame(d->model, (uint32_t)frame);
		row.object = f->object;
		row.off = f->off;
		row.has_vaddr = get_below(in, 2);
		row.bias = get_signed(in);
		row.func_start = f->off + (uint64_t)row.bias - (uint64_t)get_signed(in);
		row.module = get_text(d, in);
		row.n_lines = get_below(in, SYM_MAX_LINES + 1);
		read_lines(d, in, lines, row.n_lines);
		if (!in->bad && name_table_add(d->names, &row))
			return -ENOMEM;
	}
	return in->bad ? -EBADMSG : 0;
}

int dict_read(struct dict *d, const void *raw, size_t len)
{
	static int (*const parts[])(struct dict * d,
				    struct bytes * in) = { read_texts,	read_objects, read_frames,
							   read_stacks, read_series,  read_locals,
							   read_names };
	struct bytes in = { .p = raw, .end = (const uint8_t *)raw + len };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		int r = parts[i](d, &in);

		if (r)
			return r;
	}
	dict_mark_all(d, 0);
	return in.p == in.end ? 0 : -EBADMSG;
}
