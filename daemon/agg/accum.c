// SPDX-License-Identifier: GPL-2.0
/*
 * See accum.h. Entries stand in one array in order of arrival, an index of
 * 4-byte slots finds them. Closing copies them out exactly fitting and sorted
 * by stack; array and index stay for the next window.
 */
#include "agg/accum.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/hmap.h"

#define MIN_ENTRIES   1024U
#define DIGIT_BITS    10
#define MAX_INSERTION 32U
#define DIGIT_MASK    ((1U << DIGIT_BITS) - 1)

void accum_free(struct accum *acc)
{
	free(acc->entries);
	free(acc->slots);
	free(acc->events);
	memset(acc, 0, sizeof(*acc));
}

static uint64_t entry_hash(const struct window_entry *e)
{
	return hash_mix((uint64_t)e->stack << 32 | e->thread, (uint32_t)e->cpu << 16 | e->flags);
}

static bool same_key(const struct window_entry *a, const struct window_entry *b)
{
	return a->stack == b->stack && a->thread == b->thread && a->cpu == b->cpu &&
	       a->flags == b->flags;
}

/* Slot of the entry with that key, or the empty one where it belongs. */
static uint32_t find_slot(const struct accum *acc, const struct window_entry *key)
{
	uint32_t pos = (uint32_t)entry_hash(key) & (acc->n_slots - 1);

	while (acc->slots[pos] && !same_key(&acc->entries[acc->slots[pos] - 1], key))
		pos = (pos + 1) & (acc->n_slots - 1);
	return pos;
}

static int set_capacity(struct accum *acc, uint32_t cap)
{
	uint32_t *slots = calloc((size_t)cap * 2, sizeof(*slots));
	struct window_entry *e = slots ? realloc(acc->entries, cap * sizeof(*e)) : NULL;

	if (!e) {
		free(slots);
		return -ENOMEM;
	}
	free(acc->slots);
	acc->entries = e;
	acc->slots = slots;
	acc->cap = cap;
	acc->n_slots = cap * 2;
	for (uint32_t i = 0; i < acc->n; i++)
		acc->slots[find_slot(acc, &e[i])] = i + 1;
	return 0;
}

/* Makes the entry; *ret_pos is where its number goes. */
static int append(struct accum *acc, const struct window_entry *key, uint32_t pos)
{
	if (acc->n >= ACCUM_MAX_ENTRIES)
		return -ENOSPC;
	if (acc->n == acc->cap) {
		int r = set_capacity(acc, acc->cap ? acc->cap * 2 : MIN_ENTRIES);

		if (r)
			return r;
		pos = find_slot(acc, key);
	}
	acc->entries[acc->n] = *key;
	acc->entries[acc->n].count = 0;
	acc->entries[acc->n].weight = 0;
	acc->slots[pos] = ++acc->n;
	return 0;
}

static void add_event(struct accum *acc, uint32_t entry, uint64_t at)
{
	struct window_event *e;

	if (acc->n_events >= ACCUM_MAX_EVENTS)
		return;
	e = array_room(acc->events, &acc->cap_events, acc->n_events + 1UL, sizeof(*e));
	if (!e)
		return;
	acc->events = e;
	e[acc->n_events++] = (struct window_event){
		.entry = entry, .us = at / 1000 < UINT32_MAX ? (uint32_t)(at / 1000) : UINT32_MAX
	};
}

int accum_add(struct accum *acc, const struct window_entry *key, uint64_t weight, uint64_t at)
{
	uint32_t pos = acc->n_slots ? find_slot(acc, key) : 0;
	struct window_entry *e;

	if (!acc->n_slots || !acc->slots[pos]) {
		int r = append(acc, key, pos);

		if (r)
			return r;
		e = &acc->entries[acc->n - 1];
	} else {
		e = &acc->entries[acc->slots[pos] - 1];
	}
	e->count++;
	e->weight += weight;
	acc->samples++;
	acc->weight += weight;
	acc->last_weight = weight;
	if (acc->keep_events)
		add_event(acc, (uint32_t)(e - acc->entries), at);
	return 0;
}

void accum_lost(struct accum *acc, unsigned int slot, uint64_t count, uint64_t weight)
{
	acc->loss_count[slot] += count;
	acc->loss_weight[slot] += weight;
}

static int by_stack(const void *va, const void *vb)
{
	const struct window_entry *a = va, *b = vb;

	if (a->stack != b->stack)
		return a->stack < b->stack ? -1 : 1;
	if (a->thread != b->thread)
		return a->thread < b->thread ? -1 : 1;
	if (a->cpu != b->cpu)
		return a->cpu < b->cpu ? -1 : 1;
	return (int)a->flags - (int)b->flags;
}

/* Entries of one stack, by the rest of their keys: few, unless thousands of threads wait alike. */
static void sort_run(struct window_entry *e, uint32_t n)
{
	if (n > MAX_INSERTION) {
		qsort(e, n, sizeof(*e), by_stack);
		return;
	}
	for (uint32_t i = 1; i < n; i++) {
		struct window_entry x = e[i];
		uint32_t k = i;

		for (; k && by_stack(&e[k - 1], &x) > 0; k--)
			e[k] = e[k - 1];
		e[k] = x;
	}
}

/* One pass: `from` in the order of DIGIT_BITS bits of the stack, else as they came, into `to`. */
static void sort_digit(const struct window_entry *from, struct window_entry *to, uint32_t n,
		       unsigned int shift)
{
	uint32_t at[1U << DIGIT_BITS] = { 0 }, sum = 0;

	for (uint32_t i = 0; i < n; i++)
		at[from[i].stack >> shift & DIGIT_MASK]++;
	for (uint32_t d = 0; d <= DIGIT_MASK; d++) {
		uint32_t count = at[d];

		at[d] = sum;
		sum += count;
	}
	for (uint32_t i = 0; i < n; i++)
		to[at[from[i].stack >> shift & DIGIT_MASK]++] = from[i];
}

/*
 * By stack, a digit at a time: comparing took a tenth of all that a sample
 * costs. Three digits hold every number that a table gives (MAX_ROWS in
 * table.c), two those of nearly all models. Without memory for that, by comparing.
 */
static void sort_entries(struct window_entry *e, uint32_t n)
{
	struct window_entry *other = malloc(n * sizeof(*e));
	uint32_t all = 0;

	if (!other) {
		qsort(e, n, sizeof(*e), by_stack);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		all |= e[i].stack;
	sort_digit(e, other, n, 0);
	sort_digit(other, e, n, DIGIT_BITS);
	if (all >> 2 * DIGIT_BITS) {
		sort_digit(e, other, n, 2 * DIGIT_BITS);
		memcpy(e, other, n * sizeof(*e));
	}
	free(other);
	for (uint32_t i = 0, run; i < n; i += run) {
		for (run = 1; i + run < n && e[i + run].stack == e[i].stack; run++)
			;
		sort_run(e + i, run);
	}
}

static uint32_t count_losses(const struct accum *acc)
{
	uint32_t n = 0;

	for (unsigned int i = 0; i < ACCUM_LOSSES; i++)
		n += acc->loss_count[i] != 0;
	return n;
}

static void fill_losses(const struct accum *acc, struct window *w)
{
	for (unsigned int i = 0; i < ACCUM_LOSSES; i++) {
		if (!acc->loss_count[i])
			continue;
		w->losses[w->n_losses++] = (struct window_loss){
			.mark = i < ACCUM_OUTCOMES ? MARK_LOST + i
						   : MARK_LOST_OTHER + (i - ACCUM_OUTCOMES),
			.count = acc->loss_count[i],
			.weight = acc->loss_weight[i],
		};
	}
}

/*
 * The events, which become the window's, with the numbers that its entries
 * have once they are sorted: what an entry's number was, the index tells.
 */
static void hand_events(struct accum *acc, struct window *w)
{
	uint32_t *now = acc->n_events ? malloc(acc->n * sizeof(*now)) : NULL;

	if (!now)
		return;
	for (uint32_t i = 0; i < acc->n; i++)
		now[acc->slots[find_slot(acc, &w->entries[i])] - 1] = i;
	for (uint32_t i = 0; i < acc->n_events; i++)
		acc->events[i].entry = now[acc->events[i].entry];
	free(now);
	w->events = acc->events;
	w->n_events = acc->n_events;
	acc->events = NULL;
	acc->n_events = 0;
	acc->cap_events = 0;
}

struct window *accum_window(struct accum *acc, struct model *m)
{
	struct window *w = calloc(1, sizeof(*w));
	uint32_t n_losses = count_losses(acc);

	if (!w)
		return NULL;
	w->refs = 1;
	if (acc->n)
		w->entries = malloc(acc->n * sizeof(*w->entries));
	if (n_losses)
		w->losses = malloc(n_losses * sizeof(*w->losses));
	if ((acc->n && !w->entries) || (n_losses && !w->losses)) {
		window_unref(w);
		return NULL;
	}
	if (acc->n) {
		memcpy(w->entries, acc->entries, acc->n * sizeof(*w->entries));
		sort_entries(w->entries, acc->n);
	}
	fill_losses(acc, w);
	w->n_entries = acc->n;
	w->model = model_ref(m);
	w->samples = acc->samples;
	w->weight = acc->weight;
	w->idle = acc->idle;
	hand_events(acc, w);
	return w;
}

void accum_reset(struct accum *acc)
{
	uint32_t used = acc->n;

	acc->n = 0;
	acc->n_events = 0;
	acc->samples = acc->weight = acc->idle = 0;
	memset(acc->loss_count, 0, sizeof(acc->loss_count));
	memset(acc->loss_weight, 0, sizeof(acc->loss_weight));
	/* a burst must not keep its memory for ever; failing to shrink is no harm */
	if (acc->cap > MIN_ENTRIES && used < acc->cap / 8 && !set_capacity(acc, acc->cap / 2))
		return;
	if (acc->slots)
		memset(acc->slots, 0, acc->n_slots * sizeof(*acc->slots));
}
