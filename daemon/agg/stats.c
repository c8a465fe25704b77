// SPDX-License-Identifier: GPL-2.0
/*
 * What other threads may ask while samples come in. Services are rows of a
 * fixed array: readers need no lock, they read again when a row got another
 * name meanwhile. When all are taken the one that has been without processes
 * for longest gets it; its numbers go to "other". Processes come
 * and go and change their names: their list is under procs_lock, which the
 * collector takes only when one does. The numbers in both are single words
 * that one thread adds to.
 *
 * Names are kept for ever, for readers hold on to them; their memory has a
 * limit, past which a name is "other" and counted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agg/agg_internal.h"
#include "base/cleanup.h"

static const char other[] = "other";

int agg_stats_init(struct agg *a)
{
	pthread_mutex_init(&a->procs_lock, NULL);
	a->services = calloc(AGG_MAX_SERVICES, sizeof(*a->services));
	a->service_use = calloc(AGG_MAX_SERVICES, sizeof(*a->service_use));
	a->binaries = calloc(AGG_MAX_BINARIES, sizeof(*a->binaries));
	if (!a->services || !a->service_use || !a->binaries)
		return -ENOMEM;
	a->binaries[0].path = other;
	a->n_binaries = 1;
	a->services[0].service_name = other;
	a->n_services = 1;
	return 0;
}

void agg_stats_free(struct agg *a)
{
	while (a->procs) {
		struct agg_proc *u = a->procs;

		a->procs = u->next;
		jit_proc_free(u->jit);
		free(u);
	}
	free(a->services);
	free(a->service_use);
	free(a->binaries);
	hmap_free(&a->service_index);
	hmap_free(&a->binary_index);
	pthread_mutex_destroy(&a->procs_lock);
}

/* Number of the name in a->names; UINT32_MAX: no more room. */
static uint32_t name_id(struct agg *a, const char *s)
{
	uint32_t id = UINT32_MAX;

	if (strtab_bytes(a->names) < AGG_NAME_BYTES)
		id = strtab_add(a->names, s);
	if (id == UINT32_MAX)
		stat_add(&a->c.names_full, 1);
	return id;
}

const char *agg_name(struct agg *a, const char *s)
{
	uint32_t id = s ? name_id(a, s) : 0;

	return id == UINT32_MAX ? other : strtab_get(a->names, id);
}

/* What a row held goes to "other"; it is under another name afterwards. */
static void hand_over(struct agg *a, uint32_t row, uint32_t name)
{
	struct agg_service *s = &a->services[row], *rest = &a->services[0];

	__atomic_store_n(&a->services_seq, a->services_seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	stat_add(&rest->user_ns, stat_get(&s->user_ns));
	stat_add(&rest->kernel_ns, stat_get(&s->kernel_ns));
	stat_add(&rest->samples, stat_get(&s->samples));
	__atomic_store_n(&s->user_ns, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&s->kernel_ns, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&s->samples, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&s->service_name, strtab_get(a->names, name), __ATOMIC_RELAXED);
	__atomic_store_n(&a->services_seq, a->services_seq + 1, __ATOMIC_RELEASE);
}

/* The row that has been without processes for longest; 0: none is. */
static uint32_t idle_row(const struct agg *a)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < AGG_MAX_SERVICES; i++)
		if (!a->service_use[i].procs &&
		    (!best || a->service_use[i].left < a->service_use[best].left))
			best = i;
	return best;
}

/* A row for a new name: one that nobody had, or an idle one; 0: there is none. */
static uint32_t new_row(struct agg *a, uint32_t name)
{
	uint32_t row = a->n_services < AGG_MAX_SERVICES ? a->n_services : idle_row(a);

	if (!row || hmap_insert(&a->service_index, hash_mix(name, 0), row))
		return 0;
	if (row < a->n_services) {
		hmap_remove(&a->service_index, hash_mix(a->service_use[row].name, 0), row);
		hand_over(a, row, name);
		stat_add(&a->c.services_reused, 1);
	} else {
		a->services[row].service_name = strtab_get(a->names, name);
		__atomic_store_n(&a->n_services, row + 1, __ATOMIC_RELEASE);
	}
	a->service_use[row].name = name;
	return row;
}

static uint32_t service_row(struct agg *a, const char *name)
{
	uint32_t id = name_id(a, name), row;

	if (id == UINT32_MAX || !strcmp(name, other))
		return 0;
	/* numbers stand for texts here, so an equal number is an equal name */
	HMAP_FOR_EACH (&a->service_index, hash_mix(id, 0), it, row)
		if (a->service_use[row].name == id)
			return row;
	return new_row(a, id);
}

/* The process counts for that row from now on. */
static void use_row(struct agg *a, struct agg_proc *u, uint32_t row)
{
	struct agg_row_use *old = &a->service_use[u->service - a->services];

	a->service_use[row].procs++;
	if (!--old->procs)
		old->left = ++a->service_turn;
	u->service = &a->services[row];
}

uint32_t agg_binary_row(struct agg *a, const char *path)
{
	uint32_t id = name_id(a, path), row, n = a->n_binaries;

	if (id == UINT32_MAX)
		return 0;
	HMAP_FOR_EACH (&a->binary_index, hash_mix(id, 0), it, row)
		if (!strcmp(a->binaries[row].path, path))
			return row;
	if (n == AGG_MAX_BINARIES || !strcmp(path, other) ||
	    hmap_insert(&a->binary_index, hash_mix(id, 0), n))
		return 0;
	a->binaries[n].path = strtab_get(a->names, id);
	__atomic_store_n(&a->n_binaries, n + 1, __ATOMIC_RELEASE);
	return n;
}

struct agg_proc *agg_proc_new(struct agg *a, struct process *p)
{
	struct agg_proc *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->pid = p->pid;
	u->comm = u->exe = u->service_name = "";
	u->service = &a->services[0];
	a->service_use[0].procs++;
	u->last_thread = UINT32_MAX;
	pthread_mutex_lock(&a->procs_lock);
	u->next = a->procs;
	if (u->next)
		u->next->prev = u;
	a->procs = u;
	a->n_procs++;
	pthread_mutex_unlock(&a->procs_lock);
	p->user = u;
	return u;
}

void agg_process_freed(void *agg, struct process *p)
{
	struct agg *a = agg;
	struct agg_proc *u = p->user;

	if (!u)
		return;
	pthread_mutex_lock(&a->procs_lock);
	if (u->next)
		u->next->prev = u->prev;
	if (u->prev)
		u->prev->next = u->next;
	else
		a->procs = u->next;
	a->n_procs--;
	pthread_mutex_unlock(&a->procs_lock);
	use_row(a, u, 0);
	a->service_use[0].procs--;
	jit_proc_free(u->jit);
	free(u);
	p->user = NULL;
}

void agg_proc_rename(struct agg *a, struct agg_proc *u, const struct process *p,
		     const char *service)
{
	const char *comm = agg_name(a, p->labels.comm);
	const char *exe = agg_name(a, p->labels.exe);

	use_row(a, u, service_row(a, service));
	service = u->service->service_name;
	pthread_mutex_lock(&a->procs_lock);
	u->comm = comm;
	u->exe = exe;
	u->service_name = service;
	pthread_mutex_unlock(&a->procs_lock);
}

static void read_service(struct agg *a, uint32_t row, struct agg_service *ret)
{
	const struct agg_service *s = &a->services[row];
	uint32_t seq;

	do {
		seq = __atomic_load_n(&a->services_seq, __ATOMIC_ACQUIRE);
		ret->service_name = __atomic_load_n(&s->service_name, __ATOMIC_RELAXED);
		ret->user_ns = stat_get(&s->user_ns);
		ret->kernel_ns = stat_get(&s->kernel_ns);
		ret->samples = stat_get(&s->samples);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (seq & 1 || seq != __atomic_load_n(&a->services_seq, __ATOMIC_RELAXED));
}

size_t agg_services(struct agg *a, struct agg_service *ret, size_t max)
{
	uint32_t rows = __atomic_load_n(&a->n_services, __ATOMIC_ACQUIRE);
	size_t n = 0;

	for (uint32_t i = 0; i < rows && n < max; i++) {
		read_service(a, i, &ret[n]);
		/* "other" is there only when it holds something */
		if (i || ret[n].samples)
			n++;
	}
	return n;
}

size_t agg_binaries(struct agg *a, struct agg_binary *ret, size_t max)
{
	uint32_t rows = __atomic_load_n(&a->n_binaries, __ATOMIC_ACQUIRE);
	size_t n;

	for (n = 0; n < rows && n < max; n++) {
		ret[n].path = a->binaries[n].path;
		for (unsigned int i = 0; i < AGG_ENDS; i++)
			ret[n].ends[i] = stat_get(&a->binaries[n].ends[i]);
	}
	return n;
}

static void read_proc(const struct agg_proc *u, struct agg_process *ret)
{
	_Static_assert(sizeof(ret->ends) == sizeof(u->ends), "a row each");
	ret->pid = u->pid;
	ret->comm = u->comm;
	ret->exe = u->exe;
	ret->service_name = u->service_name;
	ret->ns = stat_get(&u->ns);
	ret->samples = stat_get(&u->samples);
	for (unsigned int i = 0; i < AGG_ENDS; i++)
		ret->ends[i] = stat_get(&u->ends[i]);
}

static int heaviest_first(const void *va, const void *vb)
{
	const struct agg_process *a = va, *b = vb;

	if (a->ns != b->ns)
		return a->ns > b->ns ? -1 : 1;
	return (a->pid > b->pid) - (a->pid < b->pid);
}

/* All of them, *ret_n rows; NULL: none or no memory. The caller frees. */
static struct agg_process *copy_procs(struct agg *a, size_t *ret_n)
{
	struct agg_process *rows;
	size_t cap, n = 0;

	pthread_mutex_lock(&a->procs_lock);
	cap = a->n_procs;
	pthread_mutex_unlock(&a->procs_lock);
	/* memory is got without the lock: the collector must not wait for it */
	rows = cap ? malloc(cap * sizeof(*rows)) : NULL;
	if (!rows)
		return NULL;
	pthread_mutex_lock(&a->procs_lock);
	for (const struct agg_proc *u = a->procs; u && n < cap; u = u->next)
		read_proc(u, &rows[n++]);
	pthread_mutex_unlock(&a->procs_lock);
	*ret_n = n;
	return rows;
}

size_t agg_processes(struct agg *a, struct agg_process *ret, size_t max)
{
	size_t n = 0;
	cleanup_free struct agg_process *rows = copy_procs(a, &n);

	if (!rows)
		return 0;
	qsort(rows, n, sizeof(*rows), heaviest_first);
	if (n > max)
		n = max;
	memcpy(ret, rows, n * sizeof(*rows));
	return n;
}

void agg_counters(struct agg *a, struct agg_counters *ret)
{
	const uint64_t *from = (const uint64_t *)&a->c;
	uint64_t *to = (uint64_t *)ret;

	_Static_assert(sizeof(*ret) % sizeof(*to) == 0, "words only");
	for (size_t i = 0; i < sizeof(*ret) / sizeof(*to); i++)
		to[i] = stat_get(&from[i]);
}
