/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The daemon's one trie of caller chains, shared by all CPUs, epochs and
 * sources: a chain id is a node (parent, address), parents towards the root,
 * id 0 the empty chain; the node below 0 is an end mark
 * (RINGPROF_END_MARK | enum ringprof_end). Used by the collector thread alone.
 *
 * Bounded: past max_bytes chain_intern gives CHAIN_NONE. The source then
 * starts the table anew at a moment when no event is queued (chains_reset
 * bumps the generation: caches keyed by chain ids must be dropped).
 */
#ifndef RINGPROF_SOURCE_CHAINS_H
#define RINGPROF_SOURCE_CHAINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chains;

#define CHAIN_NONE UINT32_MAX
/* nodes from root to leaf, end mark included; the longest the module makes is 2178 */
#define CHAIN_MAX_DEPTH 2304

struct chains *chains_new(size_t max_bytes); /* NULL: no memory */
void chains_free(struct chains *c);
/*
 * Id of (parent, addr), made when new; CHAIN_NONE: full, no memory, deeper than
 * CHAIN_MAX_DEPTH, or parent is no id. An id stays what it is until chains_reset.
 */
uint32_t chain_intern(struct chains *c, uint32_t parent, uint64_t addr);
/* Of any id; one that was never given out is taken for the empty chain: 0. */
uint32_t chain_parent(const struct chains *c, uint32_t id);
uint64_t chain_addr(const struct chains *c, uint32_t id);
/* A step towards the root: the parent of id; its own address goes to *addr. */
uint32_t chain_step(const struct chains *c, uint32_t id, uint64_t *addr);
/* Nodes from id to the root: what an array must hold to take the whole chain. */
uint32_t chain_depth(const struct chains *c, uint32_t id);
/* Is the whole chain of id these n addresses, from id to the root? */
bool chain_equals(const struct chains *c, uint32_t id, const uint64_t *addr, uint32_t n);
void chains_reset(struct chains *c);
uint32_t chains_generation(const struct chains *c);
uint32_t chains_count(const struct chains *c);
size_t chains_bytes(const struct chains *c);

#endif
