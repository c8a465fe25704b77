// SPDX-License-Identifier: GPL-2.0
/* Addresses of frames as answers tell them; see resolve.h. */
#include "query/resolve.h"

uint64_t query_address(const struct query_env *env, const struct model_object *o, uint64_t off)
{
	uint64_t addr = off;

	/* the history has them as they were to be told when they were written */
	if (o->kind == FRAME_KERNEL && !o->stored && env->symbols)
		return symbols_tell_kernel(env->symbols, off);
	query_vaddr(o, off, &addr);
	return addr;
}
