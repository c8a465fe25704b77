// SPDX-License-Identifier: GPL-2.0
#include "store/roll.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "store/history.h"
#include "store/roll_int.h"

/* what a clock that is slewed leaves between two windows */
#define SAME_TIME_NS (100 * NSEC_PER_MSEC)
#define MAX_ENTRIES  (4U << 20)
#define AT_ONCE	     64

static bool near(uint64_t a, uint64_t b)
{
	return a > b ? a - b <= SAME_TIME_NS : b - a <= SAME_TIME_NS;
}

/* Does w go on where what was added ends, in the same step? */
static bool continues(const struct roll *r, const struct window *w)
{
	return !r->whole && !r->raw && near(w->wall_start, r->row.to) &&
	       w->wall_start / r->step == r->row.from / r->step && w->unit == r->head.unit &&
	       r->samples + w->samples < UINT32_MAX && r->cells.n_touched < MAX_ENTRIES;
}

/* Tables of four tiers are more than a cache holds: what is needed next is on its way meanwhile. */
static int add_some(struct roll *r, const struct window_entry *e, uint32_t n)
{
	uint32_t cell[AT_ONCE];

	for (uint32_t i = 0; i < n; i++)
		roll_map_prefetch(r, &e[i]);
	for (uint32_t i = 0; i < n; i++) {
		cell[i] = UINT32_MAX;
		if (!e[i].count && !e[i].weight)
			continue;
		cell[i] = roll_map_entry(r, &e[i]);
		if (cell[i] == UINT32_MAX)
			return -ENOMEM;
		cells_prefetch(&r->cells, cell[i]);
	}
	for (uint32_t i = 0; i < n; i++)
		if (cell[i] != UINT32_MAX)
			cells_add(&r->cells, cell[i], e[i].count, e[i].weight);
	return 0;
}

static int add_entries(struct roll *r, const struct window *w)
{
	int err;

	pthread_mutex_lock(&r->file->lock);
	err = roll_map_follow(&r->map, w->model, r->file->dict);
	for (uint32_t i = 0; !err && i < w->n_entries; i += AT_ONCE)
		err = add_some(r, w->entries + i,
			       w->n_entries - i < AT_ONCE ? w->n_entries - i : AT_ONCE);
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

static void begin_anew(struct roll *r)
{
	memset(&r->row, 0, sizeof(r->row));
	memset(&r->head, 0, sizeof(r->head));
	r->samples = 0;
	r->open = false;
	if (!r->cells.n_touched)
		return;
	/* sums that nobody took: they are no part of the next window */
	roll_map_reset(&r->map);
	cells_reset(&r->cells);
}

/* With room made for it; on a full disk the oldest files go, one at a time. */
static int write_batch(struct roll *r, const struct hfile_batch *b)
{
	struct history *h = r->history;
	uint64_t need = hfile_batch_need(b);
	int err = -ENOSPC;

	if (!history_room(h, need, false))
		return -ENOSPC;
	for (int tries = 0; tries < 8; tries++) {
		err = hfile_commit(r->file, &r->row, b);
		if (err != -ENOSPC)
			break;
		history_sized(h, r->file);
		(void)history_room(h, need, true);
	}
	return err;
}

static int commit(struct roll *r)
{
	struct history *h = r->history;
	struct hfile_batch b = { 0 };
	uint32_t n = r->cells.n_touched;
	cleanup_free struct raw_sample *samples = NULL;
	cleanup_free struct code_entry *e = malloc((n + 1UL) * sizeof(*e));
	int err = e ? history_row_room(h, r->file) : -ENOMEM;

	if (e)
		cells_take(&r->cells, e);
	if (!err && r->raw)
		err = roll_place_samples(r, e, n, &samples);
	if (!err)
		err = hfile_pack(r->file, r->packer, &r->head, e, n, &b);
	if (!err)
		err = write_batch(r, &b);
	hfile_batch_free(&b);
	history_committed(h, r->file, &r->row, err);
	return err;
}

/* Numbers of a file mean nothing in another one: what is open is lost with it. */
static void let_go(struct roll *r)
{
	if (r->open)
		history_lost(r->history, r->tier, -EBADMSG);
	begin_anew(r);
	roll_map_reset(&r->map);
	cells_reset(&r->cells);
	history_release(r->history, r->file);
	r->file = NULL;
}

int roll_flush(struct roll *r)
{
	int err = 0;

	if (r->open && r->file)
		err = commit(r);
	begin_anew(r);
	if (r->file && (err == -EBADMSG || err == -EIO)) {
		/* whatever it is, a new file may go */
		let_go(r);
	} else if (r->file && !r->whole && history_file_is_full(r->history, r->file)) {
		(void)roll_seal(r);
	}
	return err;
}

int roll_seal(struct roll *r)
{
	int err;

	if (!r->file)
		return 0;
	err = hfile_seal(r->file);
	history_sized(r->history, r->file);
	begin_anew(r); /* what is open comes again from the finer tier */
	let_go(r);
	return err;
}

void roll_cut(struct roll *r)
{
	(void)roll_flush(r); /* counted there */
	if (!r->file)
		return;
	r->file->cut = true;
	(void)roll_seal(r);
}

size_t roll_bytes(const struct roll *r)
{
	return roll_map_bytes(&r->map) + cells_bytes(&r->cells) + r->cap_fresh * sizeof(*r->fresh) +
	       (r->file ? dict_bytes(r->file->dict) : 0);
}

static int file_for(struct roll *r, uint64_t wall)
{
	if (r->whole)
		return 0;
	if (r->file && history_is_bad(r->history, r->file))
		let_go(r);
	if (r->file && r->file->day != wall / HISTORY_DAY)
		(void)roll_seal(r);
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
		if (!r->open)
			begin_anew(r);
		return lost;
	}
	add_rest(r, w, first_seq, last_seq);
	if (r->whole || r->raw || r->row.to % r->step == 0 ||
	    r->row.to / r->step != r->row.from / r->step)
		lost = roll_flush(r);
	return lost ? lost : err;
}

int roll_add_raw(struct roll *r, const struct window *w, uint64_t seq,
		 const struct window_event *events, uint32_t n)
{
	int err;

	r->window = w;
	r->events = events;
	r->n_events = n;
	err = roll_add(r, w, seq, seq);
	r->window = NULL;
	r->events = NULL;
	return err;
}

void roll_free(struct roll *r)
{
	roll_map_reset(&r->map);
	cells_reset(&r->cells);
	hfile_unref(r->file);
	free(r->fresh);
	memset(r, 0, sizeof(*r));
}
