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

#define MAX_ENTRIES (4U << 20)
#define AT_ONCE	    64
#define AHEAD	    8 /* entries: as long as memory takes */

void roll_init(struct roll *r, struct history *h, uint32_t first, unsigned int n,
	       ZSTD_CCtx **packer)
{
	*r = (struct roll){ .history = h, .n = n, .packer = packer, .cells.n_sums = n };
	for (unsigned int i = 0; i < n; i++) {
		r->tiers[i].tier = first + i;
		r->tiers[i].step = history_steps[first + i - TIER_10S];
	}
}

/* Does w go on where what was added ends, in the same step? */
static bool continues(const struct roll *r, unsigned int i, const struct window *w)
{
	const struct roll_tier *t = &r->tiers[i];

	return !r->whole && !r->raw && roll_is_near(w->wall_start, t->row.to) &&
	       w->wall_start / t->step == t->row.from / t->step && w->unit == t->head.unit &&
	       t->samples + w->samples < UINT32_MAX && r->cells.n_touched[i] < MAX_ENTRIES;
}

static bool is_complete(const struct roll *r, unsigned int i)
{
	const struct roll_tier *t = &r->tiers[i];

	return r->whole || r->raw || t->row.to % t->step == 0 ||
	       t->row.to / t->step != t->row.from / t->step;
}

/* The tables are more than a cache holds: what is needed next is on its way meanwhile. */
static int place_some(struct roll *r, const struct window_entry *e, uint32_t n, uint32_t *place)
{
	for (uint32_t i = 0; i < n; i++)
		roll_map_prefetch(r, &e[i]);
	for (uint32_t i = 0; i < n; i++) {
		place[i] = UINT32_MAX;
		if (!e[i].count && !e[i].weight)
			continue;
		place[i] = roll_map_entry(r, &e[i]);
		if (place[i] == UINT32_MAX)
			return -ENOMEM;
	}
	return 0;
}

/* Finds the cells of all entries; nothing is added yet, so that a window is added whole or not. */
static int place_entries(struct roll *r, const struct window *w)
{
	uint32_t *p = array_room(r->places, &r->cap_places, w->n_entries + 1UL, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	r->places = p;
	pthread_mutex_lock(&r->dict->lock);
	err = roll_map_follow(&r->map, w->model, r->dict);
	for (uint32_t i = 0; !err && i < w->n_entries; i += AT_ONCE)
		err = place_some(r, w->entries + i,
				 w->n_entries - i < AT_ONCE ? w->n_entries - i : AT_ONCE, p + i);
	pthread_mutex_unlock(&r->dict->lock);
	history_count_others(r->history, r->others);
	r->others = 0;
	roll_name_fresh(r);
	return err;
}

static void add_entries(struct roll *r, unsigned int tiers, const struct window *w)
{
	for (uint32_t i = 0; i < w->n_entries; i++) {
		const struct window_entry *e = &w->entries[i];

		if (i + AHEAD < w->n_entries && r->places[i + AHEAD] != UINT32_MAX)
			cells_prefetch(&r->cells, r->places[i + AHEAD]);
		if (r->places[i] != UINT32_MAX)
			cells_add(&r->cells, r->places[i], tiers, e->count, e->weight);
	}
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

static void add_rest(struct roll_tier *t, const struct window *w, uint64_t first_seq,
		     uint64_t last_seq)
{
	struct code_head *h = &t->head;

	if (!t->open) {
		t->row.from = w->wall_start;
		t->row.first_seq = first_seq;
	}
	t->open = true;
	t->row.to = window_wall_end(w);
	t->row.last_seq = last_seq;
	t->samples += w->samples;
	h->covered += window_sampled(w);
	if (window_sampled(w) || !h->period)
		h->period = w->period;
	h->unit = w->unit;
	h->idle += w->idle;
	if (w->cpus > h->cpus)
		h->cpus = w->cpus;
	for (uint32_t i = 0; i < w->n_losses; i++)
		add_loss(h, &w->losses[i]);
}

void roll_drop(struct roll *r, unsigned int i)
{
	struct roll_tier *t = &r->tiers[i];

	if (r->cells.n_touched[i])
		cells_take(&r->cells, i, NULL);
	memset(&t->row, 0, sizeof(t->row));
	memset(&t->head, 0, sizeof(t->head));
	t->samples = 0;
	t->open = false;
}

/* With room made for it; on a full disk the oldest files go, one at a time. */
static int write_batch(struct history *h, struct roll_tier *t, const struct hfile_batch *b)
{
	uint64_t need = hfile_batch_need(b);
	int err = -ENOSPC;

	if (!history_room(h, need, false))
		return -ENOSPC;
	for (int tries = 0; tries < 8; tries++) {
		err = hfile_commit(t->file, &t->row, b);
		if (err != -ENOSPC)
			break;
		history_sized(h, t->file);
		(void)history_room(h, need, true);
	}
	return err;
}

static int commit(struct roll *r, unsigned int i)
{
	struct history *h = r->history;
	struct roll_tier *t = &r->tiers[i];
	struct hfile_batch b = { 0 };
	uint32_t n = r->cells.n_touched[i];
	cleanup_free struct raw_sample *samples = NULL;
	cleanup_free struct code_entry *e = malloc((n + 1UL) * sizeof(*e));
	int err = e ? history_row_room(h, t->file) : -ENOMEM;

	if (e)
		cells_take(&r->cells, i, e);
	if (!err && r->raw)
		err = roll_place_samples(r, &t->head, e, n, &samples);
	if (!err)
		err = hfile_pack(t->file, r->packer, &t->head, e, n, &b);
	if (!err)
		err = write_batch(h, t, &b);
	hfile_batch_free(&b);
	history_committed(h, t->file, &t->row, err);
	return err;
}

int roll_write(struct roll *r, unsigned int i)
{
	struct roll_tier *t = &r->tiers[i];
	int err = 0;

	if (t->open && t->file) {
		err = commit(r, i);
	} else if (t->open) {
		/* its file went bad, and there was no room for another one */
		err = -ENOSPC;
		history_lost(r->history, t->tier, err);
	}
	roll_drop(r, i);
	return err;
}

/* The log, and what SQLite keeps beside it, may be larger than the file: they go at its end. */
static bool is_full(struct roll *r, struct hfile *f)
{
	if (!history_is_full(r->history, f->tier, f->bytes))
		return false;
	(void)hfile_fold(f); /* what stays of it counts */
	history_sized(r->history, f);
	return history_is_full(r->history, f->tier, hfile_own_size(f->path));
}

static bool dict_is_full(const struct roll *r)
{
	size_t bytes = dict_bytes(r->dict);
	bool open = false;

	for (unsigned int i = 0; i < r->n; i++)
		open = open || r->tiers[i].open;
	return bytes > ROLL_MOST_DICT || r->dict->text_bytes > ROLL_MOST_TEXT ||
	       (bytes > ROLL_MAX_DICT && !open);
}

static int write_one(struct roll *r, unsigned int i)
{
	struct hfile *f = r->tiers[i].file;
	int err = roll_write(r, i);

	if (r->whole || !f)
		return err;
	if (err == -EBADMSG || err == -EIO)
		roll_reopen(r, i, err == -EBADMSG);
	else if (err == -EFBIG || is_full(r, f))
		r->full = true;
	return err;
}

/* Those of the tiers that w does not continue; NULL: those that are complete. */
static int write_due(struct roll *r, unsigned int tiers, const struct window *w)
{
	int err = 0;

	for (unsigned int i = 0; i < r->n; i++) {
		int one;

		if (!(tiers >> i & 1) || !r->tiers[i].open ||
		    (w ? continues(r, i, w) : !is_complete(r, i)))
			continue;
		one = write_one(r, i);
		err = err ? err : one;
	}
	if (r->dict && !r->whole && dict_is_full(r))
		r->full = true;
	if (r->full)
		roll_end(r, true);
	return err;
}

static int add(struct roll *r, unsigned int tiers, const struct window *w, uint64_t first_seq,
	       uint64_t last_seq)
{
	int err = write_due(r, tiers, w), lost, more;
	unsigned int have = roll_files(r, tiers, w->wall_start, &lost);

	err = err ? err : lost;
	lost = have ? place_entries(r, w) : 0;
	for (unsigned int i = 0; i < r->n; i++)
		if (lost && have >> i & 1)
			history_lost(r->history, r->tiers[i].tier, lost);
	if (lost || !have)
		return err ? err : lost;
	add_entries(r, have, w);
	for (unsigned int i = 0; i < r->n; i++)
		if (have >> i & 1)
			add_rest(&r->tiers[i], w, first_seq, last_seq);
	more = write_due(r, have, NULL);
	return err ? err : more;
}

int roll_add(struct roll *r, const struct window *w, uint64_t first_seq, uint64_t last_seq)
{
	return add(r, (1U << r->n) - 1, w, first_seq, last_seq);
}

int roll_add_to(struct roll *r, unsigned int i, const struct window *w, uint64_t first_seq,
		uint64_t last_seq)
{
	return add(r, 1U << i, w, first_seq, last_seq);
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

size_t roll_bytes(const struct roll *r)
{
	return roll_map_bytes(&r->map) + cells_bytes(&r->cells) + r->cap_fresh * sizeof(*r->fresh) +
	       r->cap_places * sizeof(*r->places) + (r->dict ? dict_bytes(r->dict) : 0);
}

void roll_free(struct roll *r)
{
	roll_map_reset(&r->map);
	cells_reset(&r->cells);
	for (unsigned int i = 0; i < r->n; i++)
		hfile_unref(r->tiers[i].file);
	dict_unref(r->dict);
	free(r->fresh);
	free(r->places);
	memset(r, 0, sizeof(*r));
}
