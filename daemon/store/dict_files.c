// SPDX-License-Identifier: GPL-2.0
/*
 * What each file has of a dictionary that several share. Tables grow at their
 * end, so a count says it. Names come in any order, and late: those that some
 * file lacks are listed as they came, and a count says it of the list.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "store/dict_int.h"

void dict_mark_all(struct dict *d, unsigned int file)
{
	uint32_t counts[6];

	model_counts(d->model, counts);
	d->written[file] = (struct dict_mark){ .texts = (uint32_t)d->n_texts,
					       .objects = counts[0],
					       .frames = counts[1],
					       .stacks = counts[2],
					       .series = (uint32_t)d->n_series,
					       .named = (uint32_t)d->n_named };
	for (size_t i = 0; i < d->n_series; i++)
		d->series[i].written[file] = d->series[i].n;
}

int dict_named(struct dict *d, uint32_t frame)
{
	uint32_t *n = array_room(d->named, &d->cap_named, d->n_named + 1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	d->named = n;
	n[d->n_named++] = frame;
	return 0;
}

/* Names that all files have are listed no more: the first n. */
static void drop_named(struct dict *d, size_t n)
{
	d->n_named -= n;
	memmove(d->named, d->named + n, d->n_named * sizeof(*d->named));
	for (unsigned int i = 0; i < d->n_files; i++)
		d->written[i].named -= (uint32_t)n;
}

void dict_written(struct dict *d, unsigned int file)
{
	size_t least = SIZE_MAX;

	dict_mark_all(d, file);
	for (unsigned int i = 0; i < d->n_files; i++)
		if (d->written[i].named < least)
			least = d->written[i].named;
	/* not a few of many, again and again */
	if (least && least >= d->n_named / 2)
		drop_named(d, least);
}

/* Lists all names there are, before the others; each file has them. 0 or -ENOMEM. */
static int list_all(struct dict *d)
{
	uint32_t counts[6], n = 0, *all;
	struct name_row row;

	model_counts(d->model, counts);
	all = malloc((counts[1] + d->n_named + 1) * sizeof(*all));
	if (!all)
		return -ENOMEM;
	for (uint32_t i = 0; i < counts[1]; i++) {
		const struct model_frame *f = model_frame(d->model, i);

		if (name_table_get(d->names, f->object, f->off, &row))
			all[n++] = i;
	}
	if (d->n_named)
		memcpy(all + n, d->named, d->n_named * sizeof(*all));
	free(d->named);
	d->named = all;
	d->cap_named = counts[1] + d->n_named + 1;
	d->n_named += n;
	for (int i = 0; i < DICT_FILES; i++)
		d->written[i].named += n;
	return 0;
}

int dict_mark_read(struct dict *d)
{
	int r = list_all(d);

	for (int i = 1; i < DICT_FILES; i++)
		d->written[i].named = 0;
	return r;
}

int dict_unwritten(struct dict *d, unsigned int file)
{
	int r = list_all(d);

	d->written[file] = (struct dict_mark){ .stacks = 1 };
	for (size_t i = 0; i < d->n_series; i++)
		d->series[i].written[file] = 0;
	return r;
}

/* ---- is one the beginning of the other? ---- */

static bool same_texts(const struct dict *d, const struct dict *part)
{
	if (part->n_texts > d->n_texts)
		return false;
	for (size_t i = 0; i < part->n_texts; i++)
		if (strcmp(d->texts[i], part->texts[i]))
			return false;
	return true;
}

static bool same_series(const struct model_series *a, const struct model_series *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (strcmp(a->labels[i].key, b->labels[i].key) ||
		    strcmp(a->labels[i].value, b->labels[i].value))
			return false;
	return true;
}

static bool same_locals(const struct dict_series *s, const struct dict_series *part)
{
	return part->n <= s->n &&
	       (!part->n || !memcmp(s->code, part->code, part->n * sizeof(*s->code)));
}

/* Rows of a and b that both have, up to what b has. */
static bool same_rows(const struct model *a, const struct model *b, const uint32_t n[6])
{
	for (uint32_t i = 0; i < n[0]; i++)
		if (!dict_same_object(model_object(a, i), model_object(b, i),
				      &model_object(b, i)->stored->key))
			return false;
	for (uint32_t i = 0; i < n[1]; i++)
		if (model_frame(a, i)->object != model_frame(b, i)->object ||
		    model_frame(a, i)->off != model_frame(b, i)->off)
			return false;
	for (uint32_t i = 0; i < n[2]; i++)
		if (model_stack(a, i)->parent != model_stack(b, i)->parent ||
		    model_stack(a, i)->frame != model_stack(b, i)->frame)
			return false;
	for (uint32_t i = 0; i < n[3]; i++)
		if (!same_series(model_series(a, i), model_series(b, i)))
			return false;
	return true;
}

static bool begins_with(const struct dict *d, const struct dict *part)
{
	uint32_t counts[6], n[6];

	model_counts(d->model, counts);
	model_counts(part->model, n);
	for (int i = 0; i < 6; i++)
		if (n[i] > counts[i])
			return false;
	if (!same_texts(d, part) || !same_rows(d->model, part->model, n))
		return false;
	for (size_t i = 0; i < part->n_series; i++)
		if (!same_locals(&d->series[i], &part->series[i]))
			return false;
	return true;
}

/* A mangled name may have become readable since part was written. */
static bool same_names(const struct name_row *a, const struct name_row *b)
{
	if (a->n_lines != b->n_lines)
		return false;
	for (uint32_t i = 0; i < a->n_lines; i++)
		if (strcmp(a->lines[i].name, b->lines[i].name) != 0)
			return false;
	return true;
}

/* Has part the frame's name, as good as d's is? */
static bool has_name(const struct dict *d, uint32_t frame, const struct dict *part)
{
	const struct model_frame *f = model_frame(d->model, frame);
	struct name_row own, its;

	return name_table_get(d->names, f->object, f->off, &own) &&
	       name_table_get(part->names, f->object, f->off, &its) && same_names(&own, &its) &&
	       own.has_vaddr == its.has_vaddr;
}

/*
 * Puts the listed names that part has before those that it does not: how many.
 * Only among those that all files marked before have, so that their marks stay
 * true: what is behind them a coarser file mostly lacks, too.
 */
static uint32_t sort_named(struct dict *d, const struct dict *part)
{
	uint32_t all = (uint32_t)d->n_named, n = 0;

	for (unsigned int i = 0; i < d->n_files; i++)
		if (d->written[i].named && d->written[i].named < all)
			all = d->written[i].named;
	for (uint32_t i = 0; i < all; i++) {
		uint32_t frame = d->named[i];

		if (!has_name(d, frame, part))
			continue;
		d->named[i] = d->named[n];
		d->named[n++] = frame;
	}
	return n;
}

bool dict_continues(struct dict *d, unsigned int file, const struct dict *part)
{
	if (!begins_with(d, part))
		return false;
	d->written[file] = part->written[0];
	d->written[file].named = sort_named(d, part);
	for (size_t i = 0; i < part->n_series; i++)
		d->series[i].written[file] = part->series[i].n;
	return true;
}
