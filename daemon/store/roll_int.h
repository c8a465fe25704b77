/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between adding windows up (roll.c), the numbers they are in (roll_map.c) and
 * the files they go to (roll_files.c).
 */
#ifndef RINGPROF_STORE_ROLL_INT_H
#define RINGPROF_STORE_ROLL_INT_H

#include "store/roll.h"

#define ROLL_MAX_SERIES 20000U
#define ROLL_MAX_PAIRS	(1U << 18) /* 8 MiB; past them the map begins anew */

/*
 * Bytes of a dictionary in memory: past the first it ends when no window is cut
 * in two by that, past the second at once.
 */
#define ROLL_MAX_DICT  (24U << 20)
#define ROLL_MOST_DICT (48U << 20)
/* Bytes of its texts: what a file lacks must come into one segment. */
#define ROLL_MOST_TEXT (12U << 20)

void roll_map_reset(struct roll_map *m);
size_t roll_map_bytes(const struct roll_map *m);
/* Room for all rows of the model; begins anew when it is another one. 0 or -ENOMEM. */
int roll_map_follow(struct roll_map *m, struct model *model, const struct dict *dict);
/* With the dictionary's lock; UINT32_MAX: no memory, or a model that makes no sense. */
uint32_t roll_map_stack(struct roll *r, uint32_t stack);
uint32_t roll_map_thread(struct roll *r, uint32_t thread); /* the label set */
/* An entry that roll_map_entry is asked about soon. */
void roll_map_prefetch(const struct roll *r, const struct window_entry *e);
/* With the dictionary's lock: the cell that the entry is added to; UINT32_MAX as above. */
uint32_t roll_map_entry(struct roll *r, const struct window_entry *e);
/*
 * Raw: what head->samples points to, with the entries' places in e[0 .. n), to
 * be freed. 0 or -ENOMEM.
 */
int roll_place_samples(struct roll *r, struct code_head *head, const struct code_entry *e,
		       uint32_t n, struct raw_sample **ret);
/* Names the frames that came new. */
void roll_name_fresh(struct roll *r);

/* Writes what is open of tiers[i] as it is. 0 or -errno: it is lost and counted. */
int roll_write(struct roll *r, unsigned int i);
/* What is open of tiers[i] is left out. */
void roll_drop(struct roll *r, unsigned int i);
/*
 * Files for windows of that time, which may end those that there were. tiers
 * has a bit for each that needs one; gives the bits of those that have one, the
 * window is counted as lost for the others. *err: of the first of them, else 0.
 */
unsigned int roll_files(struct roll *r, unsigned int tiers, uint64_t wall, int *err);
/*
 * The file of tiers[i] could not be written: it is looked at again, and written
 * on if what it holds is what is thought; else, or with cut, there will be another.
 */
void roll_reopen(struct roll *r, unsigned int i, bool cut);
/*
 * Writes all that is open and closes the files. cut: they are written on no
 * more; else they may be found again when there is another window of their day.
 */
void roll_end(struct roll *r, bool cut);

#endif
