// SPDX-License-Identifier: GPL-2.0
/*
 * Names for frames that the files did not have: asked for once when they come,
 * without the dictionary's lock, for naming may read debug information. Those that
 * nobody could name are asked for again with each window, until a few stay without:
 * debug files are downloaded, a JIT writes its map when it likes to, and who makes
 * names readable may have been away.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "store/history.h"
#include "store/roll_int.h"

#define MOST_UNNAMED 8192 /* remembered: 64 KiB */
#define ASKED_AGAIN  32	  /* in vain, with a window; and no longer than that: */
#define AGAIN_NS     NSEC_PER_SEC

static bool ask_name(struct roll *r, const struct model_object *o, uint64_t off,
		     struct sym_answer *a, bool *has_vaddr, uint64_t *vaddr)
{
	*has_vaddr = false;
	memset(a, 0, offsetof(struct sym_answer, lines));
	a->named = 0;
	a->func_start = 0;
	a->module[0] = '\0';
	if (o->stored) {
		*has_vaddr = stored_vaddr(o->stored, off, vaddr);
		if (stored_is_named(o->stored, off))
			stored_name(o->stored, off, a);
	} else if (r->history->cfg.name) {
		r->history->cfg.name(r->history->cfg.arg, o, off, a, has_vaddr, vaddr);
	}
	if (!a->named)
		a->n = 0;
	return a->n || *has_vaddr;
}

/*
 * Asks, and keeps what comes: 1 it is named; 0 it is not, and may be later, or may be
 * readable then; -1 it is not, nor will be. again: as much was kept already.
 */
static int name_frame(struct roll *r, const struct roll_fresh *fresh, bool again,
		      struct sym_answer *a)
{
	const struct model_frame *f = model_frame(r->map.model, fresh->src);
	const struct model_object *o = model_object(r->map.model, f->object);
	uint64_t vaddr = 0;
	bool has_vaddr;
	int err;

	if (o->kind == FRAME_MARK)
		return -1;
	if (!ask_name(r, o, f->off, a, &has_vaddr, &vaddr) || (again && (!a->n || a->unsettled)))
		return 0;
	pthread_mutex_lock(&r->dict->lock);
	err = dict_name(r->dict, fresh->frame, a, has_vaddr,
			has_vaddr ? (int64_t)(vaddr - f->off) : 0);
	pthread_mutex_unlock(&r->dict->lock);
	return !err && a->n && !a->unsettled;
}

static void remember(struct roll_map *m, const struct roll_fresh *f)
{
	const struct model_frame *frame = model_frame(m->model, f->src);
	struct roll_fresh *u;

	/* what comes from a file has the names that it has */
	if (m->n_unnamed >= MOST_UNNAMED || model_object(m->model, frame->object)->stored)
		return;
	u = array_room(m->unnamed, &m->cap_unnamed, m->n_unnamed + 1, sizeof(*u));
	if (!u)
		return;
	m->unnamed = u;
	u[m->n_unnamed++] = *f;
}

/* A name that cannot be kept is made of the address by who asks. */
static void name_fresh(struct roll *r, struct sym_answer *a)
{
	uint64_t named = 0, unknown = 0;

	for (size_t i = 0; i < r->n_fresh; i++) {
		int n = history_hurries(r->history) ? 0 : name_frame(r, &r->fresh[i], false, a);

		named += n > 0;
		unknown += !n;
		if (!n)
			remember(&r->map, &r->fresh[i]);
	}
	history_count_names(r->history, named, unknown);
	r->n_fresh = 0;
}

/* In turn. */
static void name_again(struct roll *r, struct sym_answer *a)
{
	struct roll_map *m = &r->map;
	uint64_t named = 0, until = mono_now() + AGAIN_NS;

	for (size_t vain = 0; vain < ASKED_AGAIN && m->n_unnamed && mono_now() < until;) {
		size_t at = m->next_unnamed++ % m->n_unnamed;

		if (history_hurries(r->history))
			break;
		if (name_frame(r, &m->unnamed[at], true, a) <= 0) {
			vain++;
			continue;
		}
		named++;
		m->unnamed[at] = m->unnamed[--m->n_unnamed];
	}
	history_count_names(r->history, named, 0);
}

void roll_name_fresh(struct roll *r)
{
	struct sym_answer *a;

	if (!r->n_fresh && !r->map.n_unnamed)
		return;
	a = malloc(sizeof(*a));
	if (a) {
		name_again(r, a);
		name_fresh(r, a);
	}
	free(a);
	r->n_fresh = 0;
}
