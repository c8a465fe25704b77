// SPDX-License-Identifier: GPL-2.0
/*
 * From addresses of one process to a stack of the model.
 *
 * A chain is walked from its leafmost node towards the root up to the first
 * node whose stack is remembered, then stacks are made downwards again. Both
 * directions are bounded; a miss of the (chain, leaf) cache mostly costs one
 * or two new frames, because processes come by the same callers.
 *
 * What address a frame is looked up by depends on its place: a caller's node
 * holds a return address, and the byte before it is inside the call; the leaf,
 * and the user pc that a system call or exception interrupted, are exact. That
 * is decided here, once, and the frame's offset is the exact place to look up.
 * So a node is remembered apart for each of the two roles it can play.
 *
 * Collector thread alone.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agg/agg_internal.h"
#include "base/clock.h"

/* "leaf" of remembered nodes, by role; only has to be the same every time */
#define NODE_CALLER 0
#define NODE_EXACT  1

/* A stack on its way down from the root. */
struct descent {
	uint32_t stack;	 /* UINT32_MAX: no memory */
	uint32_t end;	 /* enum ringprof_end as delivered; once `begun`: 0 for a whole stack */
	bool begun;	 /* the outermost frame is there and the end is decided */
	uint32_t binary; /* of the outermost frame of a stack that is not whole */
	/* where the frame before was found, NULL: in no file; callers are mostly in the same */
	const struct mapping *in;
};

static bool is_end_mark(uint64_t addr)
{
	return (addr & RINGPROF_END_MASK) == RINGPROF_END_MARK;
}

static bool is_kernel(uint64_t addr)
{
	return addr >> 63 && !is_end_mark(addr);
}

uint32_t agg_object_of_kind(struct agg *a, enum frame_kind kind)
{
	static const char *const names[] = {
		[FRAME_KERNEL] = "[kernel.kallsyms]",
		[FRAME_VDSO] = "[vdso]",
		[FRAME_ANON] = "[anon]",
		[FRAME_UNKNOWN] = "[unknown]",
		[FRAME_MARK] = "[ringprof]",
	};

	if (a->objects[kind] == UINT32_MAX)
		a->objects[kind] = model_add_object(a->model, kind, NULL, names[kind], "");
	return a->objects[kind];
}

static uint32_t object_of_file(struct agg *a, struct file *f)
{
	unsigned int slot = f->id % AGG_FILE_SLOTS;

	if (a->files[slot].file != f->id + 1) {
		uint32_t o = model_add_object(a->model, FRAME_USER, f, f->path, f->build_id);

		if (o == UINT32_MAX)
			return o;
		a->files[slot].file = f->id + 1;
		a->files[slot].object = o;
	}
	return a->files[slot].object;
}

static uint32_t add_frame(struct agg *a, uint32_t object, uint64_t off)
{
	return object == UINT32_MAX ? UINT32_MAX : model_add_frame(a->model, object, off);
}

/* Executable memory that belongs to no file we can read, but has a name of its own. */
static uint32_t named_frame(struct agg *a, enum frame_kind kind, const char *name, uint64_t off)
{
	if (!name || !*name)
		return add_frame(a, agg_object_of_kind(a, kind), off);
	return add_frame(a, model_add_object(a->model, kind, NULL, name, ""), off);
}

/* In a mapping that is of no file we could open. */
static uint32_t other_frame(struct agg *a, struct process *p, const struct mapping *m,
			    uint64_t addr)
{
	uint64_t off = addr - m->start + m->pgoff;

	switch (m->kind) {
	case MAPPING_FILE:
		if (agg_jit_covers(a, p, addr, m->path))
			return add_frame(a, agg_jit_object(a, p, addr), addr);
		a->unsure |= !m->file_failed;
		stat_add(&a->c.no_file, 1);
		return named_frame(a, FRAME_UNKNOWN, m->path, off);
	case MAPPING_VDSO:
		/* a 32-bit process has another one, of which we know no symbols */
		if (!(m->start >> 32))
			return named_frame(a, FRAME_UNKNOWN, m->path, addr - m->start);
		return add_frame(a, agg_object_of_kind(a, FRAME_VDSO), addr - m->start);
	case MAPPING_ANON:
		return add_frame(a, agg_jit_object(a, p, addr), addr);
	case MAPPING_OTHER:
		break;
	}
	return named_frame(a, FRAME_ANON, m->path, addr);
}

static uint32_t user_frame(struct agg *a, struct process *p, struct descent *d, uint64_t addr)
{
	const struct mapping *m = d->in;

	if (!m || addr < m->start || addr >= m->end)
		m = process_map_at(a->ptable, p, addr);
	d->in = m && m->kind == MAPPING_FILE && m->file ? m : NULL;
	if (d->in)
		return add_frame(a, object_of_file(a, m->file), addr - m->start + m->pgoff);
	if (m)
		return other_frame(a, p, m, addr);
	stat_add(&a->c.no_mapping, 1);
	return add_frame(a, agg_object_of_kind(a, FRAME_UNKNOWN), addr);
}

/* Frame of an address in its role; UINT32_MAX: no memory. */
static uint32_t frame_of(struct agg *a, struct process *p, struct descent *d, uint64_t addr,
			 bool exact)
{
	uint64_t at = exact || !addr ? addr : addr - 1;

	if (is_kernel(addr))
		return add_frame(a, agg_object_of_kind(a, FRAME_KERNEL), at);
	return user_frame(a, p, d, at);
}

/* Makes room to remember frame's answer; false: no memory, then it is asked again each time. */
static bool roots_room(struct agg *a, uint32_t frame)
{
	uint32_t n = a->n_roots ? a->n_roots : 1024;
	uint8_t *p;

	if (frame < a->n_roots)
		return true;
	while (n <= frame)
		n *= 2;
	p = realloc(a->roots, n);
	if (!p)
		return false;
	memset(p + a->n_roots, 0, n - a->n_roots);
	a->roots = p;
	a->n_roots = n;
	return true;
}

/* Asking with each sample while the reader is away would keep us waiting with each. */
static void reader_is_away(struct agg *a)
{
	if (a->now >= a->unread)
		a->unread = a->now + NSEC_PER_SEC;
}

static enum sym_root ask_root(struct agg *a, uint32_t frame, bool *ret_unread)
{
	const struct model_frame *f = model_frame(a->model, frame);
	const struct model_object *o = model_object(a->model, f->object);
	struct sym_answer ans;

	*ret_unread = false;
	if (!a->symbols || (o->kind != FRAME_USER && o->kind != FRAME_KERNEL))
		return SYM_ROOT_NONE;
	symbols_resolve_function(a->symbols, o->kind, o->file, f->off, &ans);
	*ret_unread = ans.unread;
	if (ans.reader_away)
		reader_is_away(a);
	if (!ans.named)
		return SYM_ROOT_NONE;
	/* whatever it is called there, nothing called it */
	if (o->file && o->file->entry && ans.func_start == o->file->entry)
		return SYM_ROOT_ALWAYS;
	return sym_is_root(ans.lines[0].system_name);
}

/* exact: it called nothing, as far as the chain knows. */
static bool frame_is_root(struct agg *a, uint32_t frame, bool exact)
{
	enum sym_root is;
	bool unread = true;

	if (frame < a->n_roots && a->roots[frame]) {
		is = a->roots[frame] - 1;
	} else {
		is = a->now < a->unread ? SYM_ROOT_NONE : ask_root(a, frame, &unread);
		if (unread)
			a->unsure = true;
		else if (roots_room(a, frame))
			a->roots[frame] = (uint8_t)(1 + is);
	}
	return is == SYM_ROOT_ALWAYS || (is == SYM_ROOT_CALLER && !exact);
}

/* Did a walk that ended so, with this outermost frame, see the whole stack? */
static bool is_whole(struct agg *a, uint32_t end, uint32_t frame, bool exact)
{
	switch (end) {
	case RINGPROF_END_NONE: /* the part that was asked for is there */
	case RINGPROF_END_KTHREAD:
	case RINGPROF_END_ROOT: /* unwind information says so, named or not */
		return true;
	case RINGPROF_END_KDEPTH: /* these are missing frames further in */
	case RINGPROF_END_KERNEL_UNWIND:
	case RINGPROF_END_NODE_LIMIT:
		return false;
	default:
		return frame_is_root(a, frame, exact);
	}
}

static uint32_t binary_of(struct agg *a, uint32_t frame)
{
	const struct model_frame *f = model_frame(a->model, frame);

	return agg_binary_row(a, model_object(a->model, f->object)->name);
}

/* Decides about the root end, now that the outermost frame is known. */
static void begin(struct agg *a, struct descent *d, uint32_t frame, bool exact)
{
	d->stack = 0;
	d->begun = true;
	if (is_whole(a, d->end, frame, exact)) {
		d->end = 0;
		return;
	}
	d->binary = binary_of(a, frame);
	frame = add_frame(a, agg_object_of_kind(a, FRAME_MARK), MARK_END + d->end);
	d->stack = frame == UINT32_MAX ? UINT32_MAX : model_add_stack(a->model, 0, frame);
	/* the statistics have no more room; the mark keeps the number */
	if (d->end >= AGG_ENDS)
		d->end = AGG_ENDS - 1;
}

static void descend(struct agg *a, struct process *p, struct descent *d, uint64_t addr, bool exact)
{
	uint32_t frame = frame_of(a, p, d, addr, exact);

	if (frame != UINT32_MAX && !d->begun)
		begin(a, d, frame, exact);
	if (frame == UINT32_MAX || d->stack == UINT32_MAX)
		d->stack = UINT32_MAX;
	else
		d->stack = model_add_stack(a->model, d->stack, frame);
}

/*
 * Goes from the leafmost node of e's chain towards the root; leaves the nodes
 * met in a->steps behind the leaf (leafmost first) and where the descent begins
 * in *d. How many steps there are, the leaf included.
 */
static uint32_t climb(struct agg *a, const struct cache_entry *e, struct descent *d)
{
	bool below_kernel = is_kernel(e->leaf);
	uint32_t n = 1, node = e->chain;

	/* no chain at all, or one without an end mark: nothing was known to walk from */
	*d = (struct descent){ .end = RINGPROF_END_NO_REGS };
	a->steps[0] = (struct agg_step){ e->leaf, 0, true };
	while (node && n <= AGG_MAX_STEPS) {
		const struct cache_entry *known = NULL;
		uint64_t addr;
		uint32_t parent = chain_step(a->chains, node, &addr);
		bool exact = below_kernel && !is_kernel(addr);

		if (!parent && is_end_mark(addr)) {
			d->end = addr & ~RINGPROF_END_MASK;
			return n;
		}
		if (!agg_is_fresh(a, node))
			known = cache_find(&a->nodes, e->owner, node,
					   exact ? NODE_EXACT : NODE_CALLER);
		if (known) {
			*d = (struct descent){ .stack = known->stack,
					       .end = known->end,
					       .begun = true,
					       .binary = known->binary };
			return n;
		}
		a->steps[n++] = (struct agg_step){ addr, node, exact };
		below_kernel = is_kernel(addr);
		node = parent;
	}
	if (node)
		d->end = RINGPROF_END_DEPTH;
	return n;
}

static inline void remember(struct agg *a, uint64_t owner, const struct agg_step *s,
			    const struct descent *d)
{
	struct cache_entry *e =
		cache_put(&a->nodes, owner, s->node, s->exact ? NODE_EXACT : NODE_CALLER);

	e->stack = d->stack;
	e->end = d->end;
	e->binary = d->binary;
}

/* A chain is above its callers: they have the smaller ids. */
static void met(struct agg *a, uint32_t chain)
{
	if (a->fresh_gen != chains_generation(a->chains)) {
		a->fresh_gen = chains_generation(a->chains);
		a->fresh_chain = 0;
	}
	if (chain >= a->fresh_chain)
		a->fresh_chain = chain + 1;
}

int agg_normalize(struct agg *a, struct process *p, struct cache_entry *e)
{
	struct descent d;
	uint32_t n = climb(a, e, &d);

	a->unsure = false;
	met(a, e->chain);
	while (n-- && d.stack != UINT32_MAX) {
		const struct agg_step *s = &a->steps[n];

		descend(a, p, &d, s->addr, s->exact);
		/* the leaf is the other cache's */
		if (n && d.stack != UINT32_MAX && !a->unsure)
			remember(a, e->owner, s, &d);
	}
	e->stack = d.stack;
	e->end = d.end;
	e->binary = d.binary;
	if (d.stack == UINT32_MAX)
		return -ENOMEM;
	return a->unsure;
}

void agg_normalize_reset(struct agg *a)
{
	for (unsigned int i = 0; i <= FRAME_MARK; i++)
		a->objects[i] = UINT32_MAX;
	memset(a->files, 0, sizeof(a->files));
	free(a->roots);
	a->roots = NULL;
	a->n_roots = 0;
}
