// SPDX-License-Identifier: GPL-2.0
#include "store/roll.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "store/history.h"
#include "store/roll_int.h"

/* what a clock that is slewed leaves between two windows */
#define SAME_TIME_NS (100 * NSEC_PER_MSEC)
#define MAX_ENTRIES  (4U << 20)

static bool near(uint64_t a, uint64_t b)
{
	return a > b ? a - b <= SAME_TIME_NS : b - a <= SAME_TIME_NS;
}

/* Does w go on where what was added ends, in the same step? */
static bool continues(const struct roll *r, const struct window *w)
{
	return !r->whole && near(w->wall_start, r->row.to) &&
	       w->wall_start / r->step == r->row.from / r->step && w->unit == r->head.unit &&
	       r->samples + w->samples < UINT32_MAX && r->n < MAX_ENTRIES;
}

static uint64_t entry_hash(uint32_t series, uint32_t local)
{
	return hash_mix(local, series);
}

static int add_up(struct roll *r, uint32_t series, uint32_t local, const struct window_entry *in)
{
	uint64_t hash = entry_hash(series, local);
	struct code_entry *e;
	uint32_t i;

	HMAP_FOR_EACH (&r->index, hash, it, i) {
		e = &r->e[i];
		if (e->series != series || e->local != local)
			continue;
		e->count += in->count;
		e->weight += in->weight;
		return 0;
	}
	e = array_room(r->e, &r->cap, r->n + 1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	r->e = e;
	if (hmap_insert(&r->index, hash, (uint32_t)r->n))
		return -ENOMEM;
	e[r->n++] = (struct code_entry){
		.series = series, .local = local, .count = in->count, .weight = in->weight
	};
	return 0;
}

static int add_entry(struct roll *r, const struct window_entry *in)
{
	uint32_t series = roll_map_thread(r, in->thread), stack, local;

	if (!in->count && !in->weight)
		return 0;
	stack = roll_map_stack(r, in->stack);
	if (series == UINT32_MAX || stack >= UINT32_MAX / 2)
		return -ENOMEM;
	local = dict_local(r->file->dict, series, stack * 2 + !!(in->flags & ENTRY_KERNEL));
	return local == UINT32_MAX ? -ENOMEM : add_up(r, series, local, in);
}

static int add_entries(struct roll *r, const struct window *w)
{
	int err;

	pthread_mutex_lock(&r->file->lock);
	err = roll_map_follow(&r->map, w->model, r->file->dict);
	for (uint32_t i = 0; !err && i < w->n_entries; i++)
		err = add_entry(r, &w->entries[i]);
	pthread_mutex_unlock(&r->file->lock);
	roll_name_fresh(r);
	return err;
}

static void add_loss(struct code_head *h, const struct window_loss *l)
{
	uint32_t i;

	for (i = 0; i < h->n_losses && h->losses[i].mark != l->mark; i++)
		;
	if (i == CODE_MAX_LOSSES)
		i--; /* marks are a small fixed set: sums stay */
	if (i == h->n_losses)
		h->losses[h->n_losses++] = (struct window_loss){ .mark = l->mark };
	h->losses[i].count += l->count;
	h->losses[i].weight += l->weight;
}

static void add_rest(struct roll *r, const struct window *w, uint64_t first_seq, uint64_t last_seq)
{
	struct code_head *h = &r->head;

	if (!r->open) {
		r->row.from = w->wall_start;
		r->row.first_seq = first_seq;
	}
	r->open = true;
	r->row.to = window_wall_end(w);
	r->row.last_seq = last_seq;
	r->samples += w->samples;
	h->covered += w->end - w->start;
	h->period = w->period;
	h->unit = w->unit;
	h->idle += w->idle;
	if (w->cpus > h->cpus)
		h->cpus = w->cpus;
	for (uint32_t i = 0; i < w->n_losses; i++)
		add_loss(h, &w->losses[i]);
}

static int by_number(const void *va, const void *vb)
{
	const struct code_entry *a = va, *b = vb;

	if (a->series != b->series)
		return a->series < b->series ? -1 : 1;
	return (a->local > b->local) - (a->local < b->local);
}

static void begin_anew(struct roll *r)
{
	hmap_clear(&r->index);
	memset(&r->row, 0, sizeof(r->row));
	memset(&r->head, 0, sizeof(r->head));
	r->n = 0;
	r->samples = 0;
	r->open = false;
}

/* With room made for it; on a full disk the oldest files go, one at a time. */
static int write_batch(struct roll *r, const struct hfile_batch *b)
{
	struct history *h = r->history;
	uint64_t need = hfile_batch_need(b);
	int err = -ENOSPC;

	if (!history_room(h, need, false))
		return -ENOSPC;
	for (int tries = 0; err == -ENOSPC && tries < 8; tries++) {
		err = hfile_commit(r->file, &r->row, b);
		history_sized(h, r->file);
		if (err == -ENOSPC)
			(void)history_room(h, need, true);
	}
	return err;
}

static int commit(struct roll *r)
{
	struct history *h = r->history;
	struct hfile_batch b = { 0 };
	int err = history_row_room(h, r->file);

	if (r->n)
		qsort(r->e, r->n, sizeof(*r->e), by_number);
	if (!err)
		err = hfile_pack(r->file, &r->head, r->e, (uint32_t)r->n, &b);
	if (!err)
		err = write_batch(r, &b);
	hfile_batch_free(&b);
	history_committed(h, r->file, &r->row, err);
	return err;
}

int roll_flush(struct roll *r)
{
	int err = 0;

	if (r->open && r->file)
		err = commit(r);
	begin_anew(r);
	if (r->file && (err == -EBADMSG || err == -EIO)) {
		/* whatever it is, a new file may go */
		history_release(r->history, r->file);
		r->file = NULL;
		roll_map_reset(&r->map);
	} else if (r->file && !r->whole && history_file_is_full(r->history, r->file)) {
		roll_seal(r);
	}
	return err;
}

void roll_seal(struct roll *r)
{
	if (!r->file)
		return;
	roll_map_reset(&r->map);
	hfile_seal(r->file);
	history_sized(r->history, r->file);
	history_release(r->history, r->file);
	r->file = NULL;
}

static int file_for(struct roll *r, uint64_t wall)
{
	if (r->whole)
		return 0;
	if (r->file && history_is_bad(r->history, r->file)) {
		roll_map_reset(&r->map);
		history_release(r->history, r->file);
		r->file = NULL;
	}
	if (r->file && r->file->day != wall / HISTORY_DAY)
		roll_seal(r);
	return r->file ? 0 : history_file_for(r->history, r->tier, wall, &r->file);
}

int roll_add(struct roll *r, const struct window *w, uint64_t first_seq, uint64_t last_seq)
{
	int err = 0, lost;

	if (r->open && !continues(r, w))
		err = roll_flush(r);
	lost = file_for(r, w->wall_start);
	if (!lost)
		lost = add_entries(r, w);
	if (lost) {
		history_lost(r->history, r->tier, lost);
		return lost;
	}
	add_rest(r, w, first_seq, last_seq);
	if (r->whole || r->row.to % r->step == 0 || r->row.to / r->step != r->row.from / r->step)
		lost = roll_flush(r);
	return lost ? lost : err;
}

void roll_free(struct roll *r)
{
	roll_map_reset(&r->map);
	hfile_unref(r->file);
	hmap_free(&r->index);
	free(r->e);
	free(r->fresh);
	memset(r, 0, sizeof(*r));
}
