// SPDX-License-Identifier: GPL-2.0
/*
 * The entries of the process table: found by pid in one probe, freed when
 * they exited and nobody asks for them any more, or when there are too many.
 *
 * Each sample costs ptable_sample one hash probe; /proc is read only for a
 * process that was never seen, was exec'ed, or may have lost events.
 */
#include "proc/ptable.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "proc/ptable_int.h"

#define DEFAULT_PROCESSES 65536
#define DEFAULT_BYTES	  (64U << 20)

static uint64_t pid_hash(pid_t pid)
{
	return hash_mix((uint64_t)pid, 1);
}

struct ptable *ptable_new(const struct ptable_config *cfg, struct files *files)
{
	struct ptable *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->cfg = *cfg;
	if (!t->cfg.max_processes)
		t->cfg.max_processes = DEFAULT_PROCESSES;
	if (!t->cfg.max_bytes)
		t->cfg.max_bytes = DEFAULT_BYTES;
	t->files = files;
	t->next_id = 1;
	TAILQ_INIT(&t->live);
	TAILQ_INIT(&t->exited);
	t->proc_root = strdup(cfg->proc_root ? cfg->proc_root : "/proc");
	t->strings.texts = strtab_new();
	t->strings.max_bytes = t->cfg.max_bytes / 2;
	t->users = users_new(NULL);
	if (!t->proc_root || !t->strings.texts || !t->users) {
		ptable_free(t);
		return NULL;
	}
	if (ptable_details_init(t)) {
		ptable_free(t);
		return NULL;
	}
	ptable_find_cgroup_mounts(t);
	return t;
}

struct entry *ptable_search(struct ptable *t, pid_t pid)
{
	uint32_t i;

	HMAP_FOR_EACH (&t->by_pid, pid_hash(pid), it, i)
		if (t->slots[i]->p.pid == pid)
			return *ptable_recent(t, pid) = t->slots[i];
	return NULL;
}

static void unindex(struct ptable *t, struct entry *e)
{
	if (e->indexed)
		hmap_remove(&t->by_pid, pid_hash(e->p.pid), e->slot);
	if (*ptable_recent(t, e->p.pid) == e)
		*ptable_recent(t, e->p.pid) = NULL;
	e->indexed = false;
}

static void entry_free(struct ptable *t, struct entry *e)
{
	if (t->cfg.on_free)
		t->cfg.on_free(t->cfg.arg, &e->p);
	unindex(t, e);
	if (e->p.exited) {
		TAILQ_REMOVE(&t->exited, e, link);
		t->n_exited--;
	} else {
		TAILQ_REMOVE(&t->live, e, link);
		t->n_live--;
	}
	maplist_unref(e->maps);
	t->slots[e->slot] = NULL;
	t->free_slots[t->n_free++] = e->slot;
	free(e);
}

void ptable_free(struct ptable *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->n_slots; i++)
		if (t->slots[i])
			entry_free(t, t->slots[i]);
	free(t->slots);
	free(t->free_slots);
	hmap_free(&t->by_pid);
	hmap_free(&t->by_cgroup);
	hmap_free(&t->strings.index);
	strtab_free(t->strings.texts);
	strtab_free(t->outlived);
	users_free(t->users);
	ptable_details_free(t);
	for (size_t i = 0; i < MOUNT_KINDS; i++)
		free(t->cgroup_mounts[i]);
	free(t->cgroups);
	free(t->proc_root);
	free(t);
}

/* Room for one more slot, and for every slot to become free. */
static int grow_slots(struct ptable *t)
{
	uint32_t cap = t->cap_slots ? t->cap_slots * 2 : 256;
	struct entry **slots;
	uint32_t *free_slots;

	if (t->n_free || t->n_slots < t->cap_slots)
		return 0;
	slots = realloc(t->slots, cap * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	t->slots = slots;
	free_slots = realloc(t->free_slots, cap * sizeof(*free_slots));
	if (!free_slots)
		return -ENOMEM;
	t->free_slots = free_slots;
	t->cap_slots = cap;
	return 0;
}

static int index_entry(struct ptable *t, struct entry *e)
{
	uint32_t slot;

	if (grow_slots(t))
		return -ENOMEM;
	slot = t->n_free ? t->free_slots[t->n_free - 1] : t->n_slots;
	if (hmap_insert(&t->by_pid, pid_hash(e->p.pid), slot))
		return -ENOMEM;
	if (t->n_free)
		t->n_free--;
	else
		t->n_slots++;
	e->slot = slot;
	e->indexed = true;
	t->slots[slot] = e;
	return 0;
}

struct entry *ptable_new_entry(struct ptable *t, pid_t pid, uint64_t now)
{
	struct entry *old = ptable_find(t, pid), *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->p.pid = pid;
	e->maps = maplist_new(&t->map_bytes);
	if (!e->maps)
		goto err;
	if (old) {
		ptable_mark_exited(t, old);
		unindex(t, old);
	}
	if (index_entry(t, e))
		goto err;
	e->p.id = t->next_id++;
	e->p.gen = 1;
	e->p.labels_gen = 1;
	e->threads = 1;
	e->last_seen = now;
	e->look_ns = LOOK_FIRST_NS;
	e->look = now + LOOK_FIRST_NS;
	labels_init(t, e);
	TAILQ_INSERT_TAIL(&t->live, e, link);
	t->n_live++;
	ptable_trim(t, e);
	return e;
err:
	maplist_unref(e->maps);
	free(e);
	return NULL;
}

void ptable_mark_exited(struct ptable *t, struct entry *e)
{
	if (e->p.exited)
		return;
	TAILQ_REMOVE(&t->live, e, link);
	TAILQ_INSERT_TAIL(&t->exited, e, link);
	t->n_live--;
	t->n_exited++;
	e->p.exited = true;
}

void ptable_touch(struct ptable *t, struct entry *e, uint64_t now)
{
	struct entry_list *l = e->p.exited ? &t->exited : &t->live;

	if (now > e->last_seen)
		e->last_seen = now;
	if (!TAILQ_NEXT(e, link))
		return; /* it is the last one */
	TAILQ_REMOVE(l, e, link);
	TAILQ_INSERT_TAIL(l, e, link);
}

static uint64_t process_bytes(const struct ptable *t)
{
	return (uint64_t)(t->n_live + t->n_exited) * sizeof(struct entry) +
	       t->cap_slots * (sizeof(*t->slots) + sizeof(*t->free_slots)) +
	       hmap_bytes(&t->by_pid) + t->map_bytes;
}

/* Half of the bytes are for processes and mappings, half for strings, which never go. */
static bool over_limit(const struct ptable *t)
{
	return t->n_live + t->n_exited > t->cfg.max_processes ||
	       process_bytes(t) > t->cfg.max_bytes / 2;
}

static struct entry *victim(struct ptable *t, const struct entry *keep)
{
	struct entry *e = TAILQ_FIRST(&t->exited);

	if (e == keep && e)
		e = TAILQ_NEXT(e, link);
	if (e)
		return e;
	e = TAILQ_FIRST(&t->live);
	return e == keep && e ? TAILQ_NEXT(e, link) : e;
}

void ptable_trim(struct ptable *t, const struct entry *keep)
{
	struct entry *e;

	while (over_limit(t) && (e = victim(t, keep))) {
		entry_free(t, e);
		t->c.evicted++;
	}
}

/* Samples of no process: the idle task, and tasks whose number is gone already. */
static void name_no_process(struct ptable *t, struct entry *e)
{
	labels_set_comm(t, e, e->p.pid ? "[exiting]" : "swapper");
	e->p.kthread = !e->p.pid;
	e->unreadable = true;
}

/* The pid is a process that no event told of. */
static struct entry *discover(struct ptable *t, pid_t pid, uint64_t now)
{
	struct entry *e = ptable_new_entry(t, pid, now);
	int r;

	if (!e)
		return NULL;
	if (pid <= 0) {
		name_no_process(t, e);
		return e;
	}
	e->p.incomplete = true;
	e->lived = now;
	r = ptable_read_process(t, e, mono_now());
	t->c.stubs += r != 0;
	/* gone, and its number is another's: that one's birth is an event to come */
	if (r == -ESTALE)
		e->unreadable = true;
	ptable_trim(t, e);
	return e;
}

/*
 * Reads a process again that may have missed events. Its number may be another's by
 * now; whose it was at the time of the sample, `now`, the start of that one says.
 */
static struct entry *reread(struct ptable *t, struct entry *e, uint64_t now)
{
	if (ptable_read_process(t, e, mono_now()) != -ESTALE)
		return e;
	if (ptable_pid_lived(t, e->p.pid, now))
		return discover(t, e->p.pid, now);
	e->unreadable = true;
	return e;
}

/* What a sample of e (NULL: of a process not met yet) has to read first. */
static struct entry *read_more(struct ptable *t, struct entry *e, const struct event *ev)
{
	if (!e)
		e = discover(t, ev->pid, ev->time);
	else if (e->p.incomplete && !e->unreadable)
		e = reread(t, e, ev->time);
	else if (e->want_labels && !e->unreadable)
		ptable_read_labels(t, e);
	else if (ev->time >= e->look && !e->p.exited && !e->unreadable)
		ptable_look(t, e);
	if (e && ev->time >= e->look) {
		e->look_ns = e->look_ns < LOOK_MOST_NS ? 2 * e->look_ns : LOOK_MOST_NS;
		e->look = ev->time + e->look_ns;
	}
	if (e && e->want_details)
		ptable_read_details(t, e);
	else if (e && e->want_version)
		ptable_read_version(t, e);
	return e;
}

struct process *ptable_sample(struct ptable *t, const struct event *ev)
{
	struct entry *e = ptable_find(t, ev->pid);

	if (!e || e->p.incomplete || e->want_labels || e->want_details || e->want_version ||
	    ev->time >= e->look)
		e = read_more(t, e, ev);
	if (!e)
		return NULL;
	if (ev->sample.cgroup && ev->sample.cgroup != e->p.cgroup_id)
		ptable_cgroup_id(t, e, ev->sample.cgroup);
	ptable_touch(t, e, ev->time);
	return &e->p;
}

/*
 * Opening fails for a process that is gone, while its parent, which shares
 * the list, may still succeed: the failure is noted in a list of its own.
 */
static struct mapping *note_failure(struct entry *e, size_t i)
{
	if (e->maps->refs > 1 && !maplist_own(&e->maps))
		ptable_maps_changed(e);
	e->maps->m[i].file_failed = true;
	return &e->maps->m[i];
}

static struct mapping *open_mapping(struct ptable *t, struct entry *e, size_t i)
{
	struct mapping *m = &e->maps->m[i];
	struct file_where w = mapping_where(e->p.pid, m);
	bool again;

	m->file = files_get_soon(t->files, &w, &again);
	return m->file || again ? m : note_failure(e, i);
}

struct mapping *process_map_at(struct ptable *t, struct process *p, uint64_t addr)
{
	struct entry *e = entry_of(p);
	size_t i = maplist_find(e->maps, addr);
	struct mapping *m;

	if (i == SIZE_MAX)
		return NULL;
	m = &e->maps->m[i];
	if (m->kind == MAPPING_FILE && !m->file && !m->file_failed && t->files)
		return open_mapping(t, e, i);
	return m;
}

struct process *ptable_next(struct ptable *t, uint32_t *at)
{
	while (*at < t->n_slots) {
		struct entry *e = t->slots[(*at)++];

		if (e)
			return &e->p;
	}
	return NULL;
}

/* Those that run on are named as what they are now, those not sampled cost nothing. */
static void follow_packages(struct ptable *t)
{
	uint64_t state = exes_state(t->exes, mono_now());
	struct entry *e;

	if (state == t->packages_state)
		return;
	t->packages_state = state;
	TAILQ_FOREACH(e, &t->live, link)
	e->want_version = true;
}

void ptable_expire(struct ptable *t, uint64_t before)
{
	struct entry *e, *next;

	follow_packages(t);
	for (e = TAILQ_FIRST(&t->live); e; e = next) {
		next = TAILQ_NEXT(e, link);
		/* lists are in order of last_seen: all behind are younger */
		if (e->last_seen >= before)
			break;
		/* exits that the side band lost, and threads counted twice, are found here */
		if (e->check_alive && !ptable_pid_exists(t, e->p.pid))
			ptable_mark_exited(t, e);
		e->check_alive = false;
	}
	for (e = TAILQ_FIRST(&t->exited); e; e = next) {
		next = TAILQ_NEXT(e, link);
		if (e->last_seen < before)
			entry_free(t, e);
	}
	ptable_compact(t);
}

void ptable_counters(const struct ptable *t, struct ptable_counters *ret)
{
	*ret = t->c;
	ret->processes = t->n_live;
	ret->exited = t->n_exited;
	ret->mappings = 0;
	for (uint32_t i = 0; i < t->n_slots; i++)
		if (t->slots[i])
			ret->mappings += t->slots[i]->p.n_maps;
	ret->bytes = process_bytes(t) + strtab_bytes(t->strings.texts) +
		     hmap_bytes(&t->strings.index) + users_bytes(t->users) +
		     hmap_bytes(&t->by_cgroup) + containers_bytes(t->containers) +
		     exes_bytes(t->exes) + (t->cgroups ? CGROUPS_MAX * sizeof(*t->cgroups) : 0);
}
