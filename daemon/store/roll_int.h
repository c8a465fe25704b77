/* SPDX-License-Identifier: GPL-2.0 */
/* Between adding windows up (roll.c) and the numbers they are in (roll_map.c). */
#ifndef RINGPROF_STORE_ROLL_INT_H
#define RINGPROF_STORE_ROLL_INT_H

#include "store/roll.h"

#define ROLL_MAX_SERIES 20000U

void roll_map_reset(struct roll_map *m);
/* Room for all rows of the model; begins anew when it is another one. 0 or -ENOMEM. */
int roll_map_follow(struct roll_map *m, struct model *model, const struct dict *dict);
/* With the file's lock; UINT32_MAX: no memory, or a model that makes no sense. */
uint32_t roll_map_stack(struct roll *r, uint32_t stack);
uint32_t roll_map_thread(struct roll *r, uint32_t thread); /* the label set */
/* Names the frames that came new. */
void roll_name_fresh(struct roll *r);

#endif
