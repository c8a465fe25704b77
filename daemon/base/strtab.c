// SPDX-License-Identifier: GPL-2.0
#include "base/strtab.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/hmap.h"

/*
 * Texts live in blocks, the pointers to them in chunks of a fixed directory:
 * neither moves, which is what lets other threads read without a lock.
 */
#define CHUNK  1024U
#define CHUNKS 65536U
#define BLOCK  65536U

struct block {
	struct block *next;
	size_t used;
	size_t cap;
	char data[];
};

struct strtab {
	const char **chunks[CHUNKS];
	struct block *blocks;
	struct hmap index;
	uint32_t count;
	size_t bytes;
};

struct strtab *strtab_new(void)
{
	struct strtab *t = calloc(1, sizeof(*t));

	if (t && strtab_add_n(t, "", 0) != 0) {
		strtab_free(t);
		return NULL;
	}
	return t;
}

void strtab_free(struct strtab *t)
{
	if (!t)
		return;
	while (t->blocks) {
		struct block *b = t->blocks;

		t->blocks = b->next;
		free(b);
	}
	for (uint32_t i = 0; i < CHUNKS && t->chunks[i]; i++)
		free(t->chunks[i]);
	hmap_free(&t->index);
	free(t);
}

static char *text_alloc(struct strtab *t, size_t n)
{
	struct block *b = t->blocks;

	if (!b || b->cap - b->used < n) {
		size_t cap = n > BLOCK ? n : BLOCK;

		b = malloc(sizeof(*b) + cap);
		if (!b)
			return NULL;
		b->next = t->blocks;
		b->used = 0;
		b->cap = cap;
		t->blocks = b;
		t->bytes += sizeof(*b) + cap;
	}
	b->used += n;
	return b->data + b->used - n;
}

static const char **slot_alloc(struct strtab *t, uint32_t id)
{
	uint32_t c = id / CHUNK;

	if (c >= CHUNKS)
		return NULL;
	if (!t->chunks[c]) {
		t->chunks[c] = calloc(CHUNK, sizeof(char *));
		if (!t->chunks[c])
			return NULL;
		t->bytes += CHUNK * sizeof(char *);
	}
	return &t->chunks[c][id % CHUNK];
}

uint32_t strtab_add_n(struct strtab *t, const char *s, size_t n)
{
	uint64_t hash = XXH3_64bits(s, n);
	const char **slot;
	uint32_t id;
	char *text;

	HMAP_FOR_EACH (&t->index, hash, it, id) {
		const char *have = strtab_get(t, id);

		if (strlen(have) == n && !memcmp(have, s, n))
			return id;
	}
	id = t->count;
	slot = slot_alloc(t, id);
	text = slot ? text_alloc(t, n + 1) : NULL;
	if (!text || hmap_insert(&t->index, hash, id))
		return UINT32_MAX;
	memcpy(text, s, n);
	text[n] = '\0';
	*slot = text;
	__atomic_store_n(&t->count, id + 1, __ATOMIC_RELEASE);
	return id;
}

uint32_t strtab_add(struct strtab *t, const char *s)
{
	return strtab_add_n(t, s, strlen(s));
}

const char *strtab_get(const struct strtab *t, uint32_t id)
{
	if (id >= __atomic_load_n(&t->count, __ATOMIC_ACQUIRE))
		return "";
	return t->chunks[id / CHUNK][id % CHUNK];
}

uint32_t strtab_count(const struct strtab *t)
{
	return __atomic_load_n(&t->count, __ATOMIC_ACQUIRE);
}

size_t strtab_bytes(const struct strtab *t)
{
	return t->bytes + hmap_bytes(&t->index);
}
