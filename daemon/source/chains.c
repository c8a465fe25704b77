// SPDX-License-Identifier: GPL-2.0
/*
 * The trie of caller chains: nodes in chunks that never move, so ids are
 * stable and growing copies nothing, and one open-addressing index from
 * (parent, address) to the node. The hash is keyed, as addresses come from
 * profiled programs: none of them can make the others' lookups slow.
 *
 * Used by the collector thread alone; no locks.
 */
#include "source/chains.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/hmap.h"

#define CHUNK_BITS  12
#define CHUNK_NODES (1U << CHUNK_BITS)
#define CHUNK_BYTES (CHUNK_NODES * sizeof(struct chain_node))
#define FIRST_SLOTS 4096U

struct chain_node {
	uint64_t addr;
	uint32_t parent;
	uint32_t depth;
};

struct chains {
	struct chain_node **chunks;
	uint32_t n_chunks, max_chunks;
	uint32_t *slots; /* node ids; 0, which nobody looks up, is an empty slot */
	size_t n_slots;	 /* power of two, or 0 */
	uint32_t count;	 /* nodes, the empty chain included */
	uint32_t generation;
	size_t max_bytes;
	uint64_t key[2];
};

static struct chain_node *node_at(const struct chains *c, uint32_t id)
{
	return &c->chunks[id >> CHUNK_BITS][id & (CHUNK_NODES - 1)];
}

static uint64_t node_hash(const struct chains *c, uint32_t parent, uint64_t addr)
{
	return hash_mix(addr ^ c->key[0], (parent + 1) * c->key[1]);
}

static void make_key(struct chains *c)
{
	/* an early-boot kernel may have no randomness yet: then the time is better than nothing */
	if (getrandom(c->key, sizeof(c->key), GRND_NONBLOCK) != sizeof(c->key)) {
		c->key[0] = hash_mix(mono_now(), (uintptr_t)c);
		c->key[1] = hash_mix(c->key[0], wall_now());
	}
	c->key[1] |= 1;
}

size_t chains_bytes(const struct chains *c)
{
	return sizeof(*c) + c->max_chunks * sizeof(*c->chunks) + c->n_chunks * CHUNK_BYTES +
	       c->n_slots * sizeof(*c->slots);
}

static bool fits(const struct chains *c, size_t more)
{
	return chains_bytes(c) + more <= c->max_bytes;
}

static bool add_chunk(struct chains *c)
{
	if (c->n_chunks == c->max_chunks || !fits(c, CHUNK_BYTES))
		return false;
	c->chunks[c->n_chunks] = malloc(CHUNK_BYTES);
	if (!c->chunks[c->n_chunks])
		return false;
	c->n_chunks++;
	return true;
}

static void slot_put(struct chains *c, uint32_t id)
{
	const struct chain_node *n = node_at(c, id);
	size_t pos = node_hash(c, n->parent, n->addr) & (c->n_slots - 1);

	while (c->slots[pos])
		pos = (pos + 1) & (c->n_slots - 1);
	c->slots[pos] = id;
}

/* Old and new index stand beside each other for a moment; both count. */
static bool grow_slots(struct chains *c)
{
	size_t n = c->n_slots ? c->n_slots * 2 : FIRST_SLOTS;
	uint32_t *slots;

	if (!fits(c, n * sizeof(*slots)))
		return false;
	slots = calloc(n, sizeof(*slots));
	if (!slots)
		return false;
	free(c->slots);
	c->slots = slots;
	c->n_slots = n;
	for (uint32_t id = 1; id < c->count; id++)
		slot_put(c, id);
	return true;
}

/* Probes get long past 2/3; where the index may not grow any more, 7/8 has to do. */
static bool room_for_one(struct chains *c)
{
	uint64_t n = (uint64_t)c->count + 1;

	if (n * 3 > (uint64_t)c->n_slots * 2 && !grow_slots(c) && n * 8 > (uint64_t)c->n_slots * 7)
		return false;
	return c->count >> CHUNK_BITS < c->n_chunks || add_chunk(c);
}

struct chains *chains_new(size_t max_bytes)
{
	struct chains *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->max_bytes = max_bytes;
	c->max_chunks = (uint32_t)(max_bytes / CHUNK_BYTES);
	/* CHAIN_NONE must stay no id */
	if (c->max_chunks > (UINT32_MAX >> CHUNK_BITS))
		c->max_chunks = UINT32_MAX >> CHUNK_BITS;
	c->chunks = calloc(c->max_chunks + 1, sizeof(*c->chunks));
	if (!c->chunks) {
		free(c);
		return NULL;
	}
	c->count = 1;
	make_key(c);
	return c;
}

static void drop_nodes(struct chains *c)
{
	for (uint32_t i = 0; i < c->n_chunks; i++)
		free(c->chunks[i]);
	free(c->slots);
	c->slots = NULL;
	c->n_slots = 0;
	c->n_chunks = 0;
	c->count = 1;
}

void chains_free(struct chains *c)
{
	if (!c)
		return;
	drop_nodes(c);
	free(c->chunks);
	free(c);
}

void chains_reset(struct chains *c)
{
	drop_nodes(c);
	c->generation++;
	make_key(c);
}

static uint32_t find(const struct chains *c, uint32_t parent, uint64_t addr)
{
	size_t pos;

	if (!c->n_slots)
		return 0;
	pos = node_hash(c, parent, addr) & (c->n_slots - 1);
	for (uint32_t id; (id = c->slots[pos]); pos = (pos + 1) & (c->n_slots - 1)) {
		const struct chain_node *n = node_at(c, id);

		if (n->addr == addr && n->parent == parent)
			return id;
	}
	return 0;
}

uint32_t chain_intern(struct chains *c, uint32_t parent, uint64_t addr)
{
	uint32_t depth = chain_depth(c, parent) + 1, id;

	if (parent >= c->count || depth > CHAIN_MAX_DEPTH)
		return CHAIN_NONE;
	id = find(c, parent, addr);
	if (id)
		return id;
	if (!room_for_one(c))
		return CHAIN_NONE;
	id = c->count++;
	*node_at(c, id) = (struct chain_node){ .addr = addr, .parent = parent, .depth = depth };
	slot_put(c, id);
	return id;
}

static const struct chain_node *node_get(const struct chains *c, uint32_t id)
{
	static const struct chain_node empty;

	return id && id < c->count ? node_at(c, id) : &empty;
}

uint32_t chain_parent(const struct chains *c, uint32_t id)
{
	return node_get(c, id)->parent;
}

uint64_t chain_addr(const struct chains *c, uint32_t id)
{
	return node_get(c, id)->addr;
}

uint32_t chain_depth(const struct chains *c, uint32_t id)
{
	return node_get(c, id)->depth;
}

bool chain_equals(const struct chains *c, uint32_t id, const uint64_t *addr, uint32_t n)
{
	if (id >= c->count || chain_depth(c, id) != n)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		const struct chain_node *node = node_at(c, id);

		if (node->addr != addr[i])
			return false;
		id = node->parent;
	}
	return true;
}

uint32_t chains_generation(const struct chains *c)
{
	return c->generation;
}

uint32_t chains_count(const struct chains *c)
{
	return c->count;
}
