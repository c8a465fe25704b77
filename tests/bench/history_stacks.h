/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stacks of real programs for the bench of the history: profiles as `ringprof
 * record -o NAME.pb.gz` writes them, by address, with the names of each place.
 * One thread; what cannot be read ends the program.
 */
#ifndef RINGPROF_BENCH_HISTORY_STACKS_H
#define RINGPROF_BENCH_HISTORY_STACKS_H

#include "agg/model.h"

struct recorded {
	uint32_t n;
	uint32_t **places; /* of each stack, leaf first: numbers for stacks_add */
	uint32_t *depth;
	double *samples; /* how often it was seen */
};

struct recorded *stacks_read(const char *path);
/* The number of that stack in the model, made when new. */
uint32_t stacks_add(struct model *m, const struct recorded *r, uint32_t i);
/* Names a place that stacks_add put into a model: history_config.name. */
void stacks_name(void *arg, const struct model_object *o, uint64_t off, struct sym_answer *ret,
		 bool *has_vaddr, uint64_t *vaddr);

#endif
