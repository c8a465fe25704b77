// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings of a pprof profile. A location's address must be one that tools
 * can take back to the file, and stacks of many processes are merged, each
 * with the file somewhere else. So a user file stands where its own program
 * headers put it: address = ELF virtual address, one mapping per segment.
 *
 * pprof reads the mapping against the program headers and asks for whole
 * segments (a range cut to what was sampled makes it take the wrong base), so
 * the segment's ends are looked for page by page: at most MAX_PAGES calls per
 * segment and profile. The history keeps no headers, only where each sampled
 * place lies: what is at one distance from its place in the file is one mapping.
 */
#include "export/pprof.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/resolve.h"

#define PAGE	     4096ULL
#define MAX_PAGES    (1U << 18)	  /* a GiB of text */
#define KERNEL_ALIGN (2ULL << 20) /* where the kernel's image begins */
#define NONE	     UINT32_MAX

static bool same_bias(const struct model_object *o, uint64_t off, uint64_t bias)
{
	uint64_t vaddr;

	return query_vaddr(o, off, &vaddr) && vaddr - off == bias;
}

/* the next multiple above v */
static uint64_t round_up(uint64_t v, uint64_t to)
{
	return v > UINT64_MAX - to ? UINT64_MAX : (v / to + 1) * to;
}

/*
 * The segment around file offset `off`, to whole pages as a loader maps it; of
 * the history, which knows sampled places alone, that page.
 */
static void find_segment(const struct model_object *o, uint64_t off, uint64_t vaddr,
			 struct pprof_mapping *m)
{
	uint64_t bias = vaddr - off, lo = off - (vaddr & (PAGE - 1)), hi;
	uint32_t n;

	if ((vaddr & (PAGE - 1)) > off) /* a lying header: not even the page fits */
		lo = 0;
	hi = lo + PAGE;
	for (n = o->stored ? MAX_PAGES : 0;
	     n < MAX_PAGES && lo >= PAGE && same_bias(o, lo - 1, bias); n++)
		lo -= PAGE;
	for (; n < MAX_PAGES && hi < UINT64_MAX - PAGE && same_bias(o, hi, bias); n++)
		hi += PAGE;
	m->is_segment = true;
	m->offset = lo;
	m->start = lo + bias;
	m->limit = hi + bias;
	/* headers that wrap around the address space: keep to what is known */
	if (m->start > vaddr || m->limit <= vaddr) {
		m->start = vaddr;
		m->offset = off;
		m->limit = round_up(vaddr, PAGE);
	}
}

/* m gets what seg, of the same distance from the file, has more. */
static void take_in(struct pprof_mapping *m, const struct pprof_mapping *seg)
{
	if (seg->start < m->start) {
		m->start = seg->start;
		m->offset = seg->offset;
	}
	if (seg->limit > m->limit)
		m->limit = seg->limit;
}

/* a mapping without known ends: as wide as what was seen, on round addresses */
static void widen(struct pprof_mapping *m, uint64_t address, uint64_t align)
{
	bool first = m->start == m->limit;

	if (m->kind == FRAME_MARK)
		return;
	if (first || address < m->start)
		m->start = address / align * align;
	if (first || address >= m->limit)
		m->limit = round_up(address, align);
}

/* Is the address the place in the file (or image) itself? For the kernel as perf has it. */
static bool address_is_offset(const struct model_object *o)
{
	return o->kind == FRAME_USER || o->kind == FRAME_VDSO || o->kind == FRAME_KERNEL ||
	       (o->kind == FRAME_UNKNOWN && o->name && o->name[0] == '/');
}

static const char *mapping_name(const struct pprof *p, const struct model_object *o, char *room,
				size_t n)
{
	if (o->kind == FRAME_MARK)
		return "[ringprof]";
	if (o->kind == FRAME_KERNEL) {
		if (!p->answer.module[0])
			return "[kernel.kallsyms]_text";
		snprintf(room, n, "[%s]", p->answer.module);
		return room;
	}
	return o->name && *o->name ? o->name : "[unknown]";
}

static int add_mapping(struct pprof *p, const struct pprof_mapping *m, uint64_t hash, uint32_t *ret)
{
	if (BUDGET_ROOM(&p->budget, p->mappings, p->cap_mappings, (uint64_t)p->n_mappings + 1) ||
	    budget_hmap_insert(&p->budget, &p->mapping_index, hash, p->n_mappings))
		return -ENOMEM;
	p->mappings[p->n_mappings] = *m;
	*ret = p->n_mappings++;
	return 0;
}

/* The file by its content, which the history has, too: a path may have had several. */
static void file_key(const struct model_object *o, uint8_t key[20])
{
	if (o->stored)
		memcpy(key, o->stored->key.file, sizeof(o->stored->key.file));
	else if (o->kind == FRAME_USER && o->file)
		memcpy(key, o->file->key, sizeof(o->file->key));
}

static bool has_key(const struct pprof_mapping *m)
{
	static const uint8_t none[sizeof(m->file)];

	return memcmp(m->file, none, sizeof(none)) != 0;
}

static uint64_t hash_of(const struct pprof_mapping *m)
{
	uint64_t key[2];

	memcpy(key, m->file, sizeof(key));
	return hash_mix(has_key(m) ? hash_mix(key[0], key[1]) : m->name,
			(uint64_t)m->kind << 1 | m->is_segment);
}

static bool holds(const struct pprof_mapping *m, uint64_t address)
{
	return address >= m->start && address < m->limit;
}

/* Is a the mapping of a place that b says the file of, at that bias from it? */
static bool is_same(const struct pprof_mapping *a, const struct pprof_mapping *b, uint64_t address,
		    uint64_t bias)
{
	if (a->kind != b->kind || a->is_segment != b->is_segment ||
	    memcmp(a->file, b->file, sizeof(a->file)) != 0)
		return false;
	if (!has_key(a) && (a->name != b->name || a->build_id != b->build_id))
		return false;
	return !a->is_segment || (a->start - a->offset == bias && (a->grows || holds(a, address)));
}

static void grow(struct pprof_mapping *m, const struct model_object *o, uint64_t off,
		 uint64_t address)
{
	struct pprof_mapping seg = { 0 };

	if (holds(m, address) && (m->whole || o->stored))
		return;
	find_segment(o, off, address, &seg);
	take_in(m, &seg);
	m->whole |= !o->stored;
}

static int find_mapping(struct pprof *p, struct pprof_mapping *m, const struct model_object *o,
			uint64_t off, uint64_t address, uint32_t *ret)
{
	uint64_t hash = hash_of(m);
	uint32_t i;

	HMAP_FOR_EACH (&p->mapping_index, hash, it, i) {
		if (!is_same(&p->mappings[i], m, address, address - off))
			continue;
		if (p->mappings[i].grows)
			grow(&p->mappings[i], o, off, address);
		*ret = i;
		return 0;
	}
	if (m->is_segment)
		find_segment(o, off, address, m);
	return add_mapping(p, m, hash, ret);
}

int pprof_mapping(struct pprof *p, const struct model_object *o, uint64_t off, uint64_t *address,
		  uint32_t *ret)
{
	char room[sizeof(p->answer.module) + 2];
	struct pprof_mapping m = { .kind = o->kind };

	if (budget_text(&p->budget, p->strings, mapping_name(p, o, room, sizeof(room)), &m.name) ||
	    budget_text(&p->budget, p->strings, o->build_id, &m.build_id))
		return -ENOMEM;
	*address = query_address(p->env, o, off);
	m.is_segment = query_vaddr(o, off, address);
	m.grows = m.is_segment && o->stored;
	file_key(o, m.file);
	if (find_mapping(p, &m, o, off, *address, ret))
		return -ENOMEM;
	if (!m.is_segment) {
		widen(&p->mappings[*ret], *address,
		      o->kind == FRAME_KERNEL && !p->answer.module[0] ? KERNEL_ALIGN : PAGE);
		if (address_is_offset(o))
			p->mappings[*ret].offset = p->mappings[*ret].start;
	}
	return 0;
}

struct ranked {
	uint64_t self;
	uint32_t mapping;
};

/* heaviest first, equal ones as they came */
static int by_self(const void *pa, const void *pb)
{
	const struct ranked *a = pa, *b = pb;

	if (a->self != b->self)
		return a->self > b->self ? -1 : 1;
	return a->mapping < b->mapping ? -1 : a->mapping > b->mapping;
}

/*
 * pprof takes the first mapping that is a program for the profile's main
 * binary, so the heaviest comes first. It makes up a mapping where there is
 * none, and then looks for binaries: a profile without samples has our own.
 */
int pprof_finish_mappings(struct pprof *p)
{
	static const struct model_object marks = { .kind = FRAME_MARK, .name = "", .build_id = "" };
	struct ranked *rank;
	uint64_t address;
	uint32_t i;

	if (!p->n_mappings && pprof_mapping(p, &marks, 0, &address, &i))
		return -ENOMEM;
	rank = budget_zalloc(&p->budget, p->n_mappings, sizeof(*rank));
	p->order = budget_zalloc(&p->budget, p->n_mappings, sizeof(*p->order));
	if (!rank || !p->order) {
		free(rank);
		return -ENOMEM;
	}
	for (i = 0; i < p->n_mappings; i++)
		rank[i] = (struct ranked){ .self = p->mappings[i].self, .mapping = i };
	qsort(rank, p->n_mappings, sizeof(*rank), by_self);
	for (i = 0; i < p->n_mappings; i++)
		p->mappings[rank[i].mapping].id = i + 1;
	for (i = 0; i < p->n_mappings; i++)
		p->order[i] = rank[i].mapping;
	free(rank);
	return 0;
}
