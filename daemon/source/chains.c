// SPDX-License-Identifier: GPL-2.0
/*
 * The trie of caller chains: an interned table of nodes, so that ids are
 * stable and growing moves no node. Its hash is keyed, as addresses come from
 * profiled programs: none of them can make the others' lookups slow.
 *
 * Used by the collector thread alone; no locks.
 */
#include "source/chains.h"

#include <stdlib.h>

#include "base/table.h"

/* a row of two words; equal (addr, parent) have equal depths */
struct chain_node {
	uint64_t addr;
	uint32_t parent;
	uint32_t depth;
};

struct chains {
	struct table nodes; /* the first is the empty chain: none other has depth 0 */
	uint32_t generation;
};

static const struct chain_node *node_at(const struct chains *c, uint32_t id)
{
	return table_at(&c->nodes, id, sizeof(struct chain_node));
}

static void begin(struct chains *c, size_t max_bytes)
{
	static const struct chain_node empty;

	table_init_tree(&c->nodes, sizeof(empty), max_bytes);
	/* no room even for it: then there is none for any other */
	(void)table_add(&c->nodes, &empty);
}

size_t chains_bytes(const struct chains *c)
{
	return sizeof(*c) + c->nodes.bytes;
}

struct chains *chains_new(size_t max_bytes)
{
	struct chains *c = calloc(1, sizeof(*c));

	if (c)
		begin(c, max_bytes > sizeof(*c) ? max_bytes - sizeof(*c) : 0);
	return c;
}

void chains_free(struct chains *c)
{
	if (!c)
		return;
	table_free(&c->nodes);
	free(c);
}

void chains_reset(struct chains *c)
{
	size_t max_bytes = c->nodes.max_bytes;

	table_free(&c->nodes);
	begin(c, max_bytes);
	c->generation++;
}

uint32_t chain_intern(struct chains *c, uint32_t parent, uint64_t addr)
{
	uint32_t depth;

	if (parent >= c->nodes.count)
		return CHAIN_NONE;
	depth = node_at(c, parent)->depth + 1;
	if (depth > CHAIN_MAX_DEPTH)
		return CHAIN_NONE;
	_Static_assert(CHAIN_NONE == UINT32_MAX, "what a full table says");
	return table_add_below(&c->nodes, parent,
			       (struct table_words){ { addr, (uint64_t)depth << 32 | parent } },
			       sizeof(struct chain_node));
}

static const struct chain_node *node_get(const struct chains *c, uint32_t id)
{
	static const struct chain_node empty;

	return id < c->nodes.count ? node_at(c, id) : &empty;
}

uint32_t chain_parent(const struct chains *c, uint32_t id)
{
	return node_get(c, id)->parent;
}

uint64_t chain_addr(const struct chains *c, uint32_t id)
{
	return node_get(c, id)->addr;
}

uint32_t chain_step(const struct chains *c, uint32_t id, uint64_t *addr)
{
	const struct chain_node *n = node_get(c, id);

	*addr = n->addr;
	return n->parent;
}

uint32_t chain_depth(const struct chains *c, uint32_t id)
{
	return node_get(c, id)->depth;
}

bool chain_equals(const struct chains *c, uint32_t id, const uint64_t *addr, uint32_t n)
{
	if (chain_depth(c, id) != n || (id && id >= c->nodes.count))
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
	return c->nodes.count ? c->nodes.count : 1;
}
