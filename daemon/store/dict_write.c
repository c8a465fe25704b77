// SPDX-License-Identifier: GPL-2.0
/* Adding to a file's numbering, and writing what was added as a segment: see dict.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agg/relabel.h"
#include "base/array.h"
#include "store/dict_int.h"
#include "store/varint.h"

/* a text that no file takes: cut, as an answer would cut it */
#define TEXT_CUT 16384

static uint64_t pointer_hash(const char *s)
{
	return hash_mix((uint64_t)(uintptr_t)s, 1);
}

/* Number of one of the model's strings; UINT32_MAX: it has none. */
static uint32_t text_number(const struct dict *d, const char *s)
{
	uint32_t i;

	HMAP_FOR_EACH (&d->text_index, pointer_hash(s), it, i)
		if (d->texts[i] == s)
			return i;
	return UINT32_MAX;
}

static int index_text(struct dict *d, uint32_t i)
{
	return hmap_insert(&d->text_index, pointer_hash(d->texts[i]), i);
}

/* The model's string for s, which has a number from now on; NULL: no memory. */
static const char *add_text(struct dict *d, const char *s)
{
	char cut[TEXT_CUT];
	const char **t, *own;

	if (!*s && d->empty)
		return d->empty;
	if (strnlen(s, TEXT_CUT) == TEXT_CUT) {
		memcpy(cut, s, TEXT_CUT - 1);
		cut[TEXT_CUT - 1] = '\0';
		s = cut;
	}
	own = model_string(d->model, s);
	if (!own || text_number(d, own) != UINT32_MAX)
		return own;
	t = array_room(d->texts, &d->cap_texts, d->n_texts + 1, sizeof(*t));
	if (!t)
		return NULL;
	d->texts = t;
	t[d->n_texts] = own;
	if (index_text(d, (uint32_t)d->n_texts))
		return NULL;
	d->n_texts++;
	d->text_bytes += strlen(own);
	return own;
}

static uint64_t local_hash(uint32_t series, uint32_t code)
{
	return hash_mix(code, (uint64_t)series + 7);
}

int dict_make_writable(struct dict *d, unsigned int n_files)
{
	/* before anything is added that is in no file */
	int r = dict_mark_read(d);

	d->n_files = n_files;
	for (uint32_t i = 0; !r && i < d->n_texts; i++)
		if (text_number(d, d->texts[i]) == UINT32_MAX)
			r = index_text(d, i);
	for (uint32_t s = 0; s < d->n_series; s++)
		for (uint32_t i = 0; !r && i < d->series[s].n; i++)
			r = hmap_insert(&d->local_index, local_hash(s, d->series[s].code[i]), i);
	d->empty = r ? NULL : add_text(d, "");
	if (!r && !d->empty)
		r = -ENOMEM;
	return r;
}

static bool same_key(const struct stored_key *a, const struct stored_key *b)
{
	return a->epoch == b->epoch && a->jit == b->jit &&
	       !memcmp(a->file, b->file, sizeof(a->file));
}

bool dict_same_object(const struct model_object *have, const struct model_object *o,
		      const struct stored_key *key)
{
	return have->kind == o->kind && !strcmp(have->name, o->name) &&
	       !strcmp(have->build_id, o->build_id) && same_key(&have->stored->key, key);
}

/* few and asked for once per model and object: looked through */
uint32_t dict_object(struct dict *d, const struct model_object *o, const struct stored_key *key)
{
	struct stored_names s = { .kind = o->kind, .key = *key }, *h;
	const char *build_id;
	uint32_t counts[6];

	model_counts(d->model, counts);
	for (uint32_t i = counts[0]; i--;)
		if (dict_same_object(model_object(d->model, i), o, key))
			return i;
	s.object = counts[0];
	s.name = add_text(d, o->name);
	build_id = add_text(d, o->build_id);
	if (!s.name || !build_id)
		return UINT32_MAX;
	h = name_table_object(d->names, &s);
	return h ? model_add_stored(d->model, o->kind, s.name, build_id, h) : UINT32_MAX;
}

uint32_t dict_series(struct dict *d, const struct model_series *labels, const char *comm,
		     const char *exe)
{
	struct model_series s = *labels;
	uint32_t i;

	if (comm && *comm)
		series_put(&s, "comm", comm, true);
	if (exe && *exe)
		series_put(&s, "exe", exe, true);
	for (i = 0; i < s.n; i++) {
		s.labels[i].key = add_text(d, s.labels[i].key);
		s.labels[i].value = add_text(d, s.labels[i].value);
		if (!s.labels[i].key || !s.labels[i].value)
			return UINT32_MAX;
	}
	i = model_add_series(d->model, &s);
	if (i == UINT32_MAX || i < d->n_series)
		return i;
	return dict_series_added(d, i) ? UINT32_MAX : i;
}

uint32_t dict_local(struct dict *d, uint32_t series, uint32_t code)
{
	struct dict_series *s = &d->series[series];
	uint64_t hash = local_hash(series, code);
	uint32_t i;

	HMAP_FOR_EACH (&d->local_index, hash, it, i)
		if (i < s->n && s->code[i] == code)
			return i;
	if (dict_local_room(d, s, 1) || hmap_insert(&d->local_index, hash, s->n))
		return UINT32_MAX;
	s->code[s->n] = code;
	return s->n++;
}

static int copy_lines(struct dict *d, const struct sym_answer *a, struct sym_line *lines)
{
	for (uint32_t i = 0; i < a->n; i++) {
		const struct sym_line *l = &a->lines[i];

		lines[i] = *l;
		lines[i].name = add_text(d, l->name);
		lines[i].system_name = l->system_name && l->system_name != l->name
					       ? add_text(d, l->system_name)
					       : lines[i].name;
		lines[i].file = add_text(d, l->file ? l->file : "");
		if (!lines[i].name || !lines[i].system_name || !lines[i].file)
			return -ENOMEM;
	}
	return 0;
}

int dict_name(struct dict *d, uint32_t frame, const struct sym_answer *a, bool has_vaddr,
	      int64_t bias)
{
	const struct model_frame *f = model_frame(d->model, frame);
	struct sym_line lines[SYM_MAX_LINES];
	struct name_row row = { .object = f->object,
				.off = f->off,
				.func_start = a->func_start,
				.bias = bias,
				.has_vaddr = has_vaddr,
				.n_lines = a->n,
				.lines = lines };

	row.module = add_text(d, a->module);
	if (a->n > SYM_MAX_LINES || !row.module || copy_lines(d, a, lines) ||
	    name_table_add(d->names, &row))
		return -ENOMEM;
	return dict_named(d, frame);
}

/* ---- writing ---- */

static void put_text(const struct dict *d, struct buf *out, const char *s)
{
	put_varint(out, text_number(d, s));
}

static void put_texts(const struct dict *d, uint32_t from, struct buf *out)
{
	put_varint(out, d->n_texts - from);
	for (size_t i = from; i < d->n_texts; i++) {
		size_t n = strlen(d->texts[i]);

		put_varint(out, n);
		buf_append(out, d->texts[i], n);
	}
}

static void put_objects(const struct dict *d, uint32_t from, uint32_t n, struct buf *out)
{
	put_varint(out, n - from);
	for (uint32_t i = from; i < n; i++) {
		const struct model_object *o = model_object(d->model, i);

		put_varint(out, o->kind);
		put_text(d, out, o->name);
		put_text(d, out, o->build_id);
		if (o->kind == FRAME_USER)
			buf_append(out, o->stored->key.file, sizeof(o->stored->key.file));
		put_varint(out, o->stored->key.epoch);
		put_varint(out, o->stored->key.jit);
	}
}

static void put_frames(const struct dict *d, uint32_t from, uint32_t n, struct buf *out)
{
	uint64_t off = 0;

	put_varint(out, n - from);
	for (uint32_t i = from; i < n; i++)
		put_varint(out, model_frame(d->model, i)->object);
	for (uint32_t i = from; i < n; i++) {
		put_signed(out, (int64_t)(model_frame(d->model, i)->off - off));
		off = model_frame(d->model, i)->off;
	}
}

static void put_stacks(const struct dict *d, uint32_t from, uint32_t n, struct buf *out)
{
	int64_t frame = 0;

	put_varint(out, n - from);
	for (uint32_t i = from; i < n; i++)
		put_varint(out, i - 1 - model_stack(d->model, i)->parent);
	for (uint32_t i = from; i < n; i++) {
		put_signed(out, model_stack(d->model, i)->frame - frame);
		frame = model_stack(d->model, i)->frame;
	}
}

static void put_series(const struct dict *d, uint32_t from, struct buf *out)
{
	put_varint(out, d->n_series - from);
	for (uint32_t i = from; i < d->n_series; i++) {
		const struct model_series *s = model_series(d->model, i);

		put_varint(out, s->n);
		for (uint32_t l = 0; l < s->n; l++) {
			put_text(d, out, s->labels[l].key);
			put_text(d, out, s->labels[l].value);
		}
	}
}

static void put_locals(const struct dict *d, unsigned int file, struct buf *out)
{
	uint32_t groups = 0;

	for (uint32_t i = 0; i < d->n_series; i++)
		groups += d->series[i].n > d->series[i].written[file];
	put_varint(out, groups);
	for (uint32_t i = 0; i < d->n_series; i++) {
		const struct dict_series *s = &d->series[i];
		int64_t code = 0;

		if (s->n == s->written[file])
			continue;
		put_varint(out, i);
		put_varint(out, s->n - s->written[file]);
		for (uint32_t k = s->written[file]; k < s->n; k++) {
			put_signed(out, s->code[k] - code);
			code = s->code[k];
		}
	}
}

static void put_name(const struct dict *d, struct buf *out, const struct name_row *r)
{
	put_varint(out, r->has_vaddr);
	put_signed(out, r->bias);
	put_signed(out, (int64_t)(r->off + (uint64_t)r->bias - r->func_start));
	put_text(d, out, r->module);
	put_varint(out, r->n_lines);
	for (uint32_t i = 0; i < r->n_lines; i++) {
		const struct sym_line *l = &r->lines[i];

		put_text(d, out, l->name);
		put_varint(out,
			   l->system_name == l->name ? 0 : text_number(d, l->system_name) + 1U);
		put_text(d, out, l->file);
		put_varint(out, l->start_line);
		put_signed(out, (int64_t)l->line - l->start_line);
	}
}

static void put_names(const struct dict *d, uint32_t from, struct buf *out)
{
	int64_t frame = 0;

	put_varint(out, d->n_named - from);
	for (size_t i = from; i < d->n_named; i++) {
		const struct model_frame *f = model_frame(d->model, d->named[i]);
		struct name_row row = { .module = d->empty };

		/* it is there: what is listed has got its name, and keeps one */
		(void)name_table_get(d->names, f->object, f->off, &row);
		put_signed(out, d->named[i] - frame);
		frame = d->named[i];
		put_name(d, out, &row);
	}
}

static bool is_dirty(const struct dict *d, unsigned int file, const uint32_t counts[6])
{
	const struct dict_mark *m = &d->written[file];

	for (uint32_t i = 0; i < d->n_series; i++)
		if (d->series[i].n > d->series[i].written[file])
			return true;
	return d->n_texts > m->texts || counts[0] > m->objects || counts[1] > m->frames ||
	       counts[2] > m->stacks || d->n_series > m->series || d->n_named > m->named;
}

void dict_segment(const struct dict *d, unsigned int file, struct buf *out)
{
	const struct dict_mark *m = &d->written[file];
	uint32_t counts[6];

	model_counts(d->model, counts);
	if (!is_dirty(d, file, counts))
		return;
	put_texts(d, m->texts, out);
	put_objects(d, m->objects, counts[0], out);
	put_frames(d, m->frames, counts[1], out);
	put_stacks(d, m->stacks, counts[2], out);
	put_series(d, m->series, out);
	put_locals(d, file, out);
	put_names(d, m->named, out);
}
