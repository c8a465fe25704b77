// SPDX-License-Identifier: GPL-2.0
/*
 * A process of the process table as the space that a stack is walked in: which
 * mapping, which file's table. Collector thread.
 */
#include "unwind/walk.h"

struct process_space {
	struct tables *tables;
	struct ptable *pt;
	struct process *p;
};

static const struct unwind_table *table_of(struct tables *t, const struct mapping *m)
{
	if (m->kind == MAPPING_VDSO)
		return tables_vdso(t);
	return m->kind == MAPPING_FILE && m->file ? tables_get(t, m->file) : NULL;
}

static bool process_span(void *arg, uint64_t addr, struct walk_span *ret)
{
	struct process_space *ps = arg;
	const struct mapping *m = process_map_at(ps->pt, ps->p, addr);
	const struct unwind_table *u;

	if (!m)
		return false;
	ret->start = m->start;
	ret->end = m->end;
	u = table_of(ps->tables, m);
	if (!u)
		return true;
	ret->table = &u->view;
	/* the vDSO is mapped from its first byte on; pgoff says nothing there */
	return walk_bias(u->segments, u->n_segments, addr,
			 addr - m->start + (m->kind == MAPPING_FILE ? m->pgoff : 0), &ret->bias);
}

enum ringprof_end walk_user(struct tables *t, struct ptable *pt, struct process *p,
			    const struct walk_input *in, uint64_t *ret, uint32_t *n,
			    uint32_t *flags, struct walk_counters *c)
{
	struct process_space ps = { .tables = t, .pt = pt, .p = p };
	struct walk_space sp = { .span = process_span, .arg = &ps };

	return walk_space(&sp, in, ret, n, flags, c);
}
