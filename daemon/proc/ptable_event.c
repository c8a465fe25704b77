// SPDX-License-Identifier: GPL-2.0
/*
 * The side band. Events come in time order, so the table is always as old as
 * the sample that is looked up next. An event older than the reading of /proc
 * that made or renewed an entry is in that reading already.
 *
 * A process ends when its first thread has exited and no other is left.
 */
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "proc/ptable_int.h"

void ptable_maps_changed(struct entry *e)
{
	e->p.maps = e->maps->m;
	e->p.n_maps = e->maps->n;
	e->p.gen++;
}

void ptable_map(struct ptable *t, struct entry *e, const struct mapping *m)
{
	int r = maplist_add(&e->maps, m);

	if (r < 0)
		t->c.limit_hits++;
	/* one that did not fit may have made a list of e's own already */
	if (r > 0 || e->p.maps != e->maps->m)
		ptable_maps_changed(e);
}

/* The entry an event is about, made if need be; NULL: nothing to do, or no memory. */
static struct entry *subject(struct ptable *t, const struct event *ev)
{
	struct entry *e = ptable_find(t, ev->pid);

	if (ev->pid < 0 || (e && ev->time < e->scanned))
		return NULL;
	if (!e) {
		e = ptable_new_entry(t, ev->pid, ev->time);
		if (e) {
			e->p.incomplete = true; /* its beginning is unknown: to be read */
			e->lived = ev->time;
		}
	}
	if (e)
		ptable_touch(t, e, ev->time);
	return e;
}

static void on_mmap(struct ptable *t, const struct event *ev)
{
	const struct event_mmap *em = &ev->mmap;
	char path[PROC_PATH_MAX];
	struct mapping m = { .start = em->addr,
			     .end = em->addr + em->len,
			     .pgoff = em->pgoff,
			     .maj = em->maj,
			     .min = em->min,
			     .ino = em->ino,
			     .generation = (uint32_t)em->ino_generation,
			     .mapped = ev->time };
	struct entry *e = subject(t, ev);

	if (!e || m.end <= m.start || (em->prot && !(em->prot & PROT_EXEC)))
		return;
	maps_path(em->path, strlen(em->path), path, sizeof(path));
	m.kind = maps_kind(path);
	m.path = ptable_intern(t, path);
	ptable_map(t, e, &m);
	if (e->want_exe && m.kind == MAPPING_FILE) {
		labels_set_exe(t, e, path);
		e->want_exe = false;
	}
	ptable_trim(t, e);
}

/* All of the old program is gone; the kernel ends the other threads without asking. */
static void on_exec(struct ptable *t, struct entry *e)
{
	struct maplist *fresh = maplist_new(&t->map_bytes);

	if (fresh) {
		maplist_unref(e->maps);
		e->maps = fresh;
	} else {
		e->p.incomplete = true;
	}
	ptable_maps_changed(e);
	e->threads = 1;
	e->leader_gone = false;
	e->unreadable = false;
	e->want_labels = true;
	/* doubled at the first sample */
	e->look_ns = LOOK_FIRST_NS / 2;
	e->look = 0;
	e->want_exe = true;
	e->p.kthread = false; /* a usermode helper was one until now */
	/* from here on everything is known by events */
	if (fresh)
		e->p.incomplete = false;
	labels_set_exe(t, e, "");
	/* the environment is handed on as a rule: its words count until it is read again */
	e->want_details = true;
	labels_set_exe_facts(t, e, NULL);
}

static void on_comm(struct ptable *t, const struct event *ev)
{
	struct entry *e = subject(t, ev);

	if (!e)
		return;
	if (ev->comm.exec)
		on_exec(t, e);
	if (ev->tid == ev->pid || ev->comm.exec)
		labels_set_comm(t, e, ev->comm.name);
}

static void inherit(struct entry *child, const struct entry *parent)
{
	maplist_unref(child->maps);
	child->maps = maplist_ref(parent->maps);
	child->p.maps = child->maps->m;
	child->p.n_maps = child->maps->n;
	child->p.labels = parent->p.labels;
	child->p.kthread = parent->p.kthread;
	child->p.cgroup_id = parent->p.cgroup_id;
	child->p.incomplete = parent->p.incomplete;
	child->want_labels = true;
	child->want_details = parent->want_details;
	child->want_version = parent->want_version;
	child->otel_name = parent->otel_name;
	child->otel_version = parent->otel_version;
	child->exe_version = parent->exe_version;
	child->in_container = parent->in_container;
	if (parent->want_details) {
		child->parent = parent->p.pid;
		child->parent_id = parent->p.id;
	}
}

static void on_fork(struct ptable *t, const struct event *ev)
{
	struct entry *e, *parent;

	if (ev->pid == ev->fork.ppid) { /* a thread */
		e = subject(t, ev);
		if (e)
			e->threads++;
		return;
	}
	e = ptable_find(t, ev->pid);
	if (ev->pid < 0 || (e && ev->time < e->scanned))
		return;
	e = ptable_new_entry(t, ev->pid, ev->time);
	if (!e)
		return;
	e->lived = ev->time;
	/* found now: making the child may have evicted it */
	parent = ptable_find(t, ev->fork.ppid);
	if (parent)
		inherit(e, parent);
	else
		e->p.incomplete = true;
}

static void on_exit(struct ptable *t, const struct event *ev)
{
	struct entry *e = ptable_find(t, ev->pid);

	if (!e || ev->time < e->scanned)
		return;
	ptable_touch(t, e, ev->time);
	e->threads--;
	if (ev->tid == ev->pid)
		e->leader_gone = e->check_alive = true;
	if (e->leader_gone && e->threads <= 0)
		ptable_mark_exited(t, e);
}

/* /proc is looked through once a second at most, however much is lost. */
#define FIND_NS NSEC_PER_SEC

static void on_lost(struct ptable *t, uint64_t now)
{
	if (!t->find_at)
		t->find_at = now + FIND_NS;
	for (uint32_t i = 0; i < t->n_slots; i++) {
		struct entry *e = t->slots[i];

		if (!e || e->p.kthread)
			continue;
		e->p.incomplete = true;
		e->check_alive = true;
		e->unreadable = false;
	}
}

void ptable_event(struct ptable *t, const struct event *ev)
{
	if (t->find_at && ev->time >= t->find_at) {
		t->find_at = 0;
		ptable_find_new(t);
	}
	switch (ev->type) {
	case EV_MMAP:
		on_mmap(t, ev);
		break;
	case EV_COMM:
		on_comm(t, ev);
		break;
	case EV_FORK:
		on_fork(t, ev);
		break;
	case EV_EXIT:
		on_exit(t, ev);
		break;
	case EV_CGROUP:
		ptable_cgroup_made(t, ev->cgroup.id, ev->cgroup.path);
		break;
	case EV_LOST:
		on_lost(t, ev->time);
		break;
	case EV_SAMPLE:
		break;
	}
}
