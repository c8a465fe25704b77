// SPDX-License-Identifier: GPL-2.0
/*
 * Frames in code that a process made itself. What stands at an address there
 * is a matter of the process and of the moment, so such a frame belongs to an
 * object of its process's JIT table and version (sym/jit.h); its name is asked
 * for when somebody wants it.
 *
 * Collector thread alone.
 */
#include <string.h>
#include <xxhash.h>

#include "agg/agg_internal.h"

static uint64_t exe_hash(const struct process *p)
{
	return XXH3_64bits(p->labels.exe, strlen(p->labels.exe));
}

void agg_jit_maps(struct agg_proc *u, const struct process *p)
{
	/* exec: the code is gone with the program, and its map is another's */
	if (u->jit_exe != exe_hash(p)) {
		jit_proc_free(u->jit);
		u->jit = NULL;
		return;
	}
	for (size_t i = 0; i < p->n_maps; i++) {
		const struct mapping *m = &p->maps[i];
		struct file_where w = mapping_where(p->pid, m);

		if (m->kind == MAPPING_FILE && jit_is_dump(m->path))
			jit_proc_dump(u->jit, &w);
	}
}

/* What is known of the process's code, read for the sample at hand; NULL: no memory. */
static struct jit_proc *jit_of(struct agg *a, struct process *p)
{
	struct agg_proc *u = p->user;

	if (u->jit)
		return u->jit;
	u->jit = jit_proc_new(a->jit, p->pid, p->start_time);
	if (!u->jit)
		return NULL;
	u->jit_exe = exe_hash(p);
	agg_jit_maps(u, p);
	(void)jit_proc_advance(u->jit, a->now); /* nothing is remembered of it yet */
	return u->jit;
}

uint32_t agg_jit_object(struct agg *a, struct process *p, uint64_t addr)
{
	struct jit_table *t;

	if (!a->jit)
		return agg_object_of_kind(a, FRAME_ANON);
	if (!jit_of(a, p))
		return UINT32_MAX;
	t = jit_proc_table(((struct agg_proc *)p->user)->jit);
	return model_add_jit(a->model, t, jit_table_version(t, addr, a->now));
}

bool agg_jit_covers(struct agg *a, struct process *p, uint64_t addr, const char *path)
{
	struct agg_proc *u = p->user;

	/* JITs that map their code twice, writable and executable, do so by a memfd */
	if (!a->jit || (!u->jit && strncmp(path, "/memfd:", 7) != 0) || !jit_of(a, p))
		return false;
	return jit_table_covers(jit_proc_table(u->jit), addr);
}
