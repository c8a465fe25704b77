// SPDX-License-Identifier: GPL-2.0
/*
 * The registry of JIT tables, the processes they belong to, and the thread
 * that has their files read; see jit.h for why there is a thread.
 *
 * The collector asks and waits, at most WAIT_NS at a time and PATIENCE_NS in a
 * second over all processes. Whoever hangs longer than HANG_NS is left behind:
 * that thread ends when its system call comes back, and its process is not
 * read again. It is not left behind while it waits for the reader, nor asks
 * the reader after: so who asks is one thread, and none once jit_free is done.
 *
 * References: the registry is held by its owner, its tables, processes and
 * threads; a process by the collector, the queue and the thread at work on it.
 */
#include "sym/jit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/cond.h"
#include "sym/jit_int.h"

#define MAX_BYTES   (64UL << 20)
#define MAX_FILE    (64ULL << 20)
#define WAIT_NS	    (20 * NSEC_PER_MSEC)
#define PATIENCE_NS (100 * NSEC_PER_MSEC)
#define HANG_NS	    (5 * NSEC_PER_SEC) /* a busy host is no hang */
#define MAX_BEHIND  4

struct jit_thread {
	struct jit *j;	     /* a reference */
	struct jit_proc *at; /* what it is at work on, a reference */
	bool left;
};

struct jit *jit_ref(struct jit *j)
{
	__atomic_add_fetch(&j->refs, 1, __ATOMIC_RELAXED);
	return j;
}

void jit_unref(struct jit *j)
{
	if (__atomic_sub_fetch(&j->refs, 1, __ATOMIC_ACQ_REL))
		return;
	pthread_cond_destroy(&j->work);
	pthread_cond_destroy(&j->done);
	pthread_mutex_destroy(&j->lock);
	free(j);
}

struct jit *jit_new(const struct jit_config *cfg)
{
	struct jit *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->refs = 1;
	j->cfg = *cfg;
	if (!j->cfg.max_bytes)
		j->cfg.max_bytes = MAX_BYTES;
	if (!j->cfg.max_table_bytes)
		j->cfg.max_table_bytes = j->cfg.max_bytes / 4;
	if (!j->cfg.max_file)
		j->cfg.max_file = MAX_FILE;
	TAILQ_INIT(&j->queue);
	TAILQ_INIT(&j->tables);
	pthread_mutex_init(&j->lock, NULL);
	cond_init(&j->work);
	cond_init(&j->done);
	return j;
}

/* j->lock not held: tables and registry take it */
static void proc_unref(struct jit_proc *p)
{
	struct jit *j = p->j;
	bool last;

	pthread_mutex_lock(&j->lock);
	last = !--p->refs;
	pthread_mutex_unlock(&j->lock);
	if (!last)
		return;
	jit_close(j, &p->map);
	jit_close(j, &p->dumped);
	jit_place_done(&p->dumped.place);
	free((char *)p->dump.path);
	jit_table_unref(p->table);
	free(p);
	jit_unref(j);
}

/* Takes the next one that waits, with its reference; NULL: the thread ends. j->lock held. */
static struct jit_proc *next_proc(struct jit_thread *r)
{
	struct jit *j = r->j;
	struct jit_proc *p;

	while (!r->left && !j->stop) {
		p = TAILQ_FIRST(&j->queue);
		if (p) {
			TAILQ_REMOVE(&j->queue, p, link);
			p->queued = false;
			r->at = p;
			p->since = mono_now();
			return p;
		}
		pthread_cond_wait(&j->work, &j->lock);
	}
	return NULL;
}

static void enqueue(struct jit *j, struct jit_proc *p)
{
	if (p->queued || p->given_up || j->stop)
		return;
	p->queued = true;
	p->refs++;
	TAILQ_INSERT_TAIL(&j->queue, p, link);
	pthread_cond_signal(&j->work);
}

/* j->lock held, but for the reading */
static void work_on(struct jit_thread *r, struct jit_proc *p)
{
	struct jit *j = r->j;
	uint64_t began = p->since;
	int more;

	pthread_mutex_unlock(&j->lock);
	more = jit_proc_read(p);
	pthread_mutex_lock(&j->lock);
	r->at = NULL;
	if (more) {
		enqueue(j, p);
	} else {
		p->covered = began;
		pthread_cond_broadcast(&j->done);
	}
	pthread_mutex_unlock(&j->lock);
	proc_unref(p);
	pthread_mutex_lock(&j->lock);
}

static void *thread_main(void *arg)
{
	struct jit_thread *r = arg;
	struct jit *j = r->j;
	struct jit_proc *p;

	pthread_setname_np(pthread_self(), "jit-files");
	pthread_mutex_lock(&j->lock);
	while ((p = next_proc(r)))
		work_on(r, p);
	if (r->left)
		j->left_behind--;
	else
		j->thread = NULL;
	pthread_cond_broadcast(&j->done);
	pthread_mutex_unlock(&j->lock);
	free(r);
	jit_unref(j);
	return NULL;
}

/* Makes sure that somebody reads; j->lock held. Without a thread names are missing, no more. */
static void need_thread(struct jit *j)
{
	pthread_attr_t attr;
	pthread_t thread;
	struct jit_thread *r;

	if (j->thread || j->stop || j->left_behind >= MAX_BEHIND)
		return;
	r = calloc(1, sizeof(*r));
	if (!r)
		return;
	r->j = jit_ref(j);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, thread_main, r)) {
		__atomic_sub_fetch(&j->refs, 1, __ATOMIC_RELAXED);
		free(r);
	} else {
		j->thread = r;
	}
	pthread_attr_destroy(&attr);
}

/* j->lock held */
static void check_hang(struct jit *j, uint64_t now)
{
	struct jit_thread *r = j->thread;

	if (!r || !r->at || now < r->at->since || now - r->at->since < HANG_NS)
		return;
	r->left = true;
	r->at->given_up = true;
	/* asked for again meanwhile: the next thread must not touch what this one is at */
	if (r->at->queued) {
		TAILQ_REMOVE(&j->queue, r->at, link);
		r->at->queued = false;
		r->at->refs--; /* the thread has one more */
	}
	jit_count(&j->c.refused[JIT_HANGS], 1);
	j->thread = NULL;
	j->left_behind++;
}

bool jit_begin_asking(struct jit_proc *p)
{
	struct jit *j = p->j;
	bool may;

	pthread_mutex_lock(&j->lock);
	may = !p->given_up && !j->stop;
	if (may) {
		p->since = UINT64_MAX;
		j->asking++;
	}
	pthread_mutex_unlock(&j->lock);
	return may;
}

void jit_end_asking(struct jit_proc *p)
{
	struct jit *j = p->j;

	pthread_mutex_lock(&j->lock);
	p->since = mono_now();
	j->asking--;
	pthread_cond_broadcast(&j->done);
	pthread_mutex_unlock(&j->lock);
}

/* Waits for a reading that began after p was asked for; j->lock held. */
static void wait_for(struct jit *j, struct jit_proc *p, uint64_t now)
{
	uint64_t spent;

	if (now - j->patience_from >= NSEC_PER_SEC) {
		j->patience_from = now;
		j->patience = 0;
	}
	if (j->patience >= PATIENCE_NS || !j->thread || p->given_up)
		return;
	while (p->covered < p->asked && cond_wait_until(&j->done, &j->lock, now + WAIT_NS))
		;
	spent = mono_now() - now;
	j->patience += spent;
	jit_count(&j->c.waits, 1);
	jit_count(&j->c.wait_ns, spent);
}

static void ask(struct jit_proc *p)
{
	struct jit *j = p->j;
	uint64_t now = mono_now();

	p->asked = now;
	pthread_mutex_lock(&j->lock);
	check_hang(j, now);
	enqueue(j, p);
	need_thread(j);
	wait_for(j, p, now);
	pthread_mutex_unlock(&j->lock);
}

struct jit_proc *jit_proc_new(struct jit *j, pid_t pid, uint64_t start_ticks)
{
	struct jit_proc *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->table = jit_table_new(j);
	if (!p->table) {
		free(p);
		return NULL;
	}
	p->j = jit_ref(j);
	p->view = jit_table_ref(p->table);
	p->pid = pid;
	p->start_ticks = start_ticks;
	p->uid = (uid_t)-1;
	p->refs = 1;
	p->map.fd = p->dumped.fd = -1;
	jit_count(&j->c.processes, 1);
	return p;
}

void jit_proc_free(struct jit_proc *p)
{
	struct jit *j;

	if (!p)
		return;
	j = p->j;
	pthread_mutex_lock(&j->lock);
	__atomic_store_n(&p->gone, true, __ATOMIC_RELAXED);
	enqueue(j, p);
	need_thread(j);
	pthread_mutex_unlock(&j->lock);
	jit_table_unref(p->view);
	jit_count(&j->c.processes, (uint64_t)-1);
	proc_unref(p);
}

bool jit_is_dump(const char *path)
{
	const char *base = strrchr(path, '/');
	size_t digits;

	if (!base || strncmp(base, "/jit-", 5))
		return false;
	digits = strspn(base + 5, "0123456789");
	return digits && !strcmp(base + 5 + digits, ".dump");
}

void jit_proc_dump(struct jit_proc *p, const struct file_where *w)
{
	char *path = strdup(w->path), *old = path;

	if (!path)
		return;
	pthread_mutex_lock(&p->j->lock);
	if (!p->dump.path || p->dump.ino != w->ino || p->dump.start != w->start ||
	    strcmp(p->dump.path, path)) {
		old = (char *)p->dump.path;
		p->dump = *w;
		p->dump.path = path;
		p->dump.mapped = 0; /* it is written on and on */
		p->dump_is_new = true;
	}
	pthread_mutex_unlock(&p->j->lock);
	free(old);
}

/* The collector's table is the process's of now. */
static bool take_view(struct jit_proc *p)
{
	struct jit_table *old = p->view;

	if (__atomic_load_n(&p->table, __ATOMIC_RELAXED) == old)
		return false;
	pthread_mutex_lock(&p->j->lock);
	p->view = jit_table_ref(p->table);
	pthread_mutex_unlock(&p->j->lock);
	jit_table_unref(old);
	return true;
}

bool jit_proc_advance(struct jit_proc *p, uint64_t t)
{
	bool other, changed;

	if (t > p->asked)
		ask(p);
	other = take_view(p);
	changed = jit_table_changed(p->view, t);
	return other || changed;
}

struct jit_table *jit_proc_table(const struct jit_proc *p)
{
	return p->view;
}

/* The largest table's process is the one that filled the memory. */
static struct jit_table *largest(struct jit *j)
{
	struct jit_table *t, *best = NULL;

	TAILQ_FOREACH(t, &j->tables, link)
	if (!best || __atomic_load_n(&t->bytes, __ATOMIC_RELAXED) >
			     __atomic_load_n(&best->bytes, __ATOMIC_RELAXED))
		best = t;
	return best;
}

void jit_shrink(struct jit *j)
{
	if (__atomic_load_n(&j->bytes, __ATOMIC_RELAXED) <= j->cfg.max_bytes)
		return;
	pthread_mutex_lock(&j->lock);
	while (__atomic_load_n(&j->bytes, __ATOMIC_RELAXED) > j->cfg.max_bytes) {
		struct jit_table *t = largest(j);

		/* nothing but empty tables: their number is their models' affair */
		if (!t || !__atomic_load_n(&t->n_code, __ATOMIC_RELAXED))
			break;
		jit_table_clear(t);
		jit_count(&j->c.evicted, 1);
	}
	pthread_mutex_unlock(&j->lock);
}

void jit_free(struct jit *j)
{
	uint64_t end = mono_now() + NSEC_PER_SEC;
	struct jit_proc *p;

	if (!j)
		return;
	pthread_mutex_lock(&j->lock);
	j->stop = true;
	pthread_cond_broadcast(&j->work);
	/* one that hangs keeps what it needs by its references */
	while (j->thread && cond_wait_until(&j->done, &j->lock, end))
		;
	/* the reader's owner ends it next */
	while (j->asking)
		pthread_cond_wait(&j->done, &j->lock);
	while ((p = TAILQ_FIRST(&j->queue))) {
		TAILQ_REMOVE(&j->queue, p, link);
		pthread_mutex_unlock(&j->lock);
		proc_unref(p);
		pthread_mutex_lock(&j->lock);
	}
	pthread_mutex_unlock(&j->lock);
	jit_unref(j);
}

const char *jit_refusal_name(enum jit_refusal why)
{
	static const char *const names[JIT_REFUSALS] = {
		[JIT_NOT_REGULAR] = "not_regular",
		[JIT_OWNER] = "owner",
		[JIT_STALE] = "stale",
		[JIT_TOO_LONG] = "too_long",
		[JIT_BAD_FORMAT] = "bad_format",
		[JIT_HANGS] = "hangs",
		[JIT_UNREADABLE] = "unreadable",
	};

	return why < JIT_REFUSALS ? names[why] : "unknown";
}

void jit_counters(struct jit *j, struct jit_counters *ret)
{
	const uint64_t *from = (const uint64_t *)&j->c;
	uint64_t *to = (uint64_t *)ret;
	struct jit_table *t;

	_Static_assert(sizeof(*ret) % sizeof(*to) == 0, "words only");
	for (size_t i = 0; i < sizeof(*ret) / sizeof(*to); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	ret->bytes = __atomic_load_n(&j->bytes, __ATOMIC_RELAXED);
	pthread_mutex_lock(&j->lock);
	TAILQ_FOREACH(t, &j->tables, link)
	{
		ret->tables++;
		ret->code += __atomic_load_n(&t->n_code, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&j->lock);
}
