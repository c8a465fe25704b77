/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between table.c, which keeps the tables, and table_fill.c, which makes them.
 * All with rp_registry held, unless said otherwise.
 */
#ifndef RINGPROF_KMOD_TABLE_FILL_H
#define RINGPROF_KMOD_TABLE_FILL_H

#include "table.h"

/* tables being handed over at a time, and in all */
#define RP_MAX_PENDING 16
#define RP_MAX_TABLES  8192

struct rp_table *rp_table_by_id(u32 id);
/* The table of that id which this socket is handing over, marked as alive; NULL: none. */
struct rp_table *rp_table_pending(u32 id, u32 portid);
u32 rp_table_n_pending(void);
/* Of the budget, those not committed; also of one whose memory is being allocated. */
u64 rp_table_pending_bytes(void);

/* Its bytes are reserved. */
void rp_table_link(struct rp_table *t);
/* Complete: found from now on, by lists made later; what it replaces goes to dead. */
void rp_table_put_in_use(struct rp_table *t, struct list_head *dead);

u64 rp_table_budget(void);
/* Takes bytes of the budget; false: not that many are free. */
bool rp_table_reserve(u64 bytes);
void rp_table_unreserve(u64 bytes);
/* One that nobody goes on with less, onto dead; false: there is none. */
bool rp_table_drop_stale(struct list_head *dead);
/* One table less, onto dead; false: nothing (that may go) is there. */
bool rp_table_evict(bool pending_too, struct list_head *dead);

/* Not under rp_registry: waits for samplers, frees. */
void rp_table_reap(struct list_head *dead);
/* No sampler sees it. */
void rp_table_free(struct rp_table *t);

#endif
