/* SPDX-License-Identifier: GPL-2.0 */
/* Between adding windows up (roll.c) and the numbers they are in (roll_map.c). */
#ifndef RINGPROF_STORE_ROLL_INT_H
#define RINGPROF_STORE_ROLL_INT_H

#include "store/roll.h"

#define ROLL_MAX_SERIES 20000U
#define ROLL_MAX_PAIRS	(1U << 18) /* 8 MiB; past them the map begins anew */

void roll_map_reset(struct roll_map *m);
size_t roll_map_bytes(const struct roll_map *m);
/* Room for all rows of the model; begins anew when it is another one. 0 or -ENOMEM. */
int roll_map_follow(struct roll_map *m, struct model *model, const struct dict *dict);
/* With the file's lock; UINT32_MAX: no memory, or a model that makes no sense. */
uint32_t roll_map_stack(struct roll *r, uint32_t stack);
uint32_t roll_map_thread(struct roll *r, uint32_t thread); /* the label set */
/* An entry that roll_map_entry is asked about soon. */
void roll_map_prefetch(const struct roll *r, const struct window_entry *e);
/* With the file's lock: the cell that the entry is added to; UINT32_MAX as above. */
uint32_t roll_map_entry(struct roll *r, const struct window_entry *e);
/*
 * Raw: what head->samples points to, with the entries' places in e[0 .. n), to
 * be freed. 0 or -ENOMEM.
 */
int roll_place_samples(struct roll *r, const struct code_entry *e, uint32_t n,
		       struct raw_sample **ret);
/* Names the frames that came new. */
void roll_name_fresh(struct roll *r);

#endif
