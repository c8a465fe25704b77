// SPDX-License-Identifier: GPL-2.0
#include "base/hmap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void hmap_free(struct hmap *m)
{
	free(m->slots);
	memset(m, 0, sizeof(*m));
}

void hmap_clear(struct hmap *m)
{
	for (size_t i = 0; i < m->cap; i++)
		m->slots[i].value = HMAP_EMPTY;
	m->used = 0;
	m->live = 0;
}

static void slot_put(struct hmap *m, uint64_t hash, uint32_t value)
{
	size_t pos = hash & (m->cap - 1);

	while (m->slots[pos].value != HMAP_EMPTY)
		pos = (pos + 1) & (m->cap - 1);
	m->slots[pos] = (struct hmap_slot){ .hash = hash, .value = value };
	m->used++;
	m->live++;
}

static int resize(struct hmap *m, size_t cap)
{
	struct hmap old = *m;

	m->slots = malloc(cap * sizeof(*m->slots));
	if (!m->slots) {
		m->slots = old.slots;
		return -ENOMEM;
	}
	m->cap = cap;
	hmap_clear(m);
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].value < HMAP_DEAD)
			slot_put(m, old.slots[i].hash, old.slots[i].value);
	free(old.slots);
	return 0;
}

int hmap_insert(struct hmap *m, uint64_t hash, uint32_t value)
{
	/* at most 3/4 full, tombstones included; mostly tombstones: same size again */
	if ((m->used + 1) * 4 > m->cap * 3) {
		size_t want = m->live * 2 >= m->cap / 2 ? m->cap * 2 : m->cap;
		int r = resize(m, want ? want : 16);

		if (r)
			return r;
	}
	slot_put(m, hash, value);
	return 0;
}

bool hmap_remove(struct hmap *m, uint64_t hash, uint32_t value)
{
	size_t pos = m->cap ? hash & (m->cap - 1) : 0;

	for (size_t n = 0; n < m->cap; n++) {
		struct hmap_slot *s = &m->slots[pos];

		if (s->value == HMAP_EMPTY)
			return false;
		if (s->hash == hash && s->value == value) {
			s->value = HMAP_DEAD;
			m->live--;
			return true;
		}
		pos = (pos + 1) & (m->cap - 1);
	}
	return false;
}
