/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What one query may use: bytes, time, and whether it is still wanted. All
 * memory that grows with the data is taken through here.
 */
#ifndef RINGPROF_QUERY_BUDGET_H
#define RINGPROF_QUERY_BUDGET_H

#include <stddef.h>
#include <stdint.h>

#include "base/hmap.h"
#include "base/strtab.h"
#include "query/query.h"

struct budget {
	size_t used, max;
	uint64_t deadline; /* mono ns */
	uint64_t line_ns;  /* left for reading debug information, UINT64_MAX: no limit */
	const int *cancelled;
};

void budget_init(struct budget *b, const struct query_limits *lim); /* lim may be NULL */
/* What query_resolve takes; NULL: no limit. */
static inline uint64_t *budget_line_ns(struct budget *b)
{
	return b->line_ns == UINT64_MAX ? NULL : &b->line_ns;
}
/* 0, -ECANCELED, -ETIMEDOUT */
int budget_check(const struct budget *b);
/* 0 or -ENOMEM */
int budget_charge(struct budget *b, size_t n);
/* Memory charged before is free again. */
void budget_return(struct budget *b, size_t n);
/* Zeroed memory; NULL: over the budget or none. Free with free. */
void *budget_zalloc(struct budget *b, size_t n, size_t elem);

/* Makes *p (elements of elem bytes, *cap of them) hold `need`; 0 or -ENOMEM. */
int budget_grow(struct budget *b, void **p, uint32_t *cap, size_t elem, uint64_t need);
#define BUDGET_ROOM(b, p, cap, need)                                                               \
	({                                                                                         \
		void *room_p = (p);                                                                \
		int room_r =                                                                       \
			(need) <= (cap) ? 0 : budget_grow(b, &room_p, &(cap), sizeof(*(p)), need); \
		(p) = room_p;                                                                      \
		room_r;                                                                            \
	})

int budget_hmap_insert(struct budget *b, struct hmap *m, uint64_t hash, uint32_t value);

/*
 * Interns s as every answer carries texts: valid UTF-8, control characters
 * (C0, C1, DEL: a symbol name must not drive a terminal) replaced by U+FFFD,
 * at most QUERY_TEXT_MAX bytes. NULL is "". 0 or -ENOMEM.
 */
int budget_text(struct budget *b, struct strtab *t, const char *s, uint32_t *ret);

#endif
