// SPDX-License-Identifier: GPL-2.0
/* See unwinder.h. */
#include "agg/unwinder.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "unwind/places.h"
#include "unwind/walk.h"

/* processes whose tables were asked for, by number; a collision only asks again */
#define SEEN 4096U
/* JIT compilers map files by the thousand; those behind are asked for when they are walked */
#define MAX_MAPPINGS 1024U
/* one look whether the tables are there takes this long */
#define STEP_NS (2 * NSEC_PER_MSEC)
/* tables that are not there are asked for again, all of a process, but not with each sample */
#define ASK_AGAIN_NS (10 * NSEC_PER_MSEC)
/* and those that could not be made, for lack of memory or of who reads files: tables.h retries */
#define ASK_LATER_NS (10 * NSEC_PER_SEC)
/* a round's share for the module, and for looking through running processes */
#define HANDOVER_NS (20 * NSEC_PER_MSEC)
#define SCAN_NS	    (5 * NSEC_PER_MSEC)
/*
 * A host that has more to tell than we take in keeps a round going for long: the module
 * gets its share in between, looked at after so many samples.
 */
#define SHARE_SAMPLES 64U
#define SHARE_NS      (100 * NSEC_PER_MSEC)
/* so many user frames of a sample are looked at for a table that is gone */
#define MISS_FRAMES 64U
/* the scan stands back behind processes that are sampled */
#define SCAN_QUEUE 8U

struct seen {
	uint32_t id, gen;
	bool ready;
	uint64_t waited;
	uint64_t again; /* mono ns: files may have been looked at just before it came; 0: done */
	uint64_t next;	/* mono ns: while not ready, when they are asked for again */
};

struct unwinder {
	struct tables *tables;
	struct ptable *ptable;
	struct handover *handover;
	uint64_t max_patience, patience, refilled;
	int wake;
	uint32_t scan_at;
	bool scanned;
	uint64_t scan_instance;
	bool to_module;
	bool may_come;	  /* of what was asked for last, something could not be made */
	uint32_t samples; /* since the last look at the clock */
	uint64_t shared;  /* mono ns of the module's last share */
	uint64_t waits, wait_ns, unready;
	struct seen seen[SEEN];
};

struct unwinder *unwinder_new(const struct unwinder_config *cfg, struct files *files,
			      struct ptable *ptable)
{
	struct unwinder *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->ptable = ptable;
	u->wake = -1;
	u->max_patience = cfg->patience ? cfg->patience : UNWINDER_WAIT_NS;
	u->patience = u->max_patience;
	u->refilled = mono_now();
	u->tables = tables_new(&cfg->tables, files);
	u->handover = u->tables ? handover_new(u->tables) : NULL;
	if (!u->handover) {
		unwinder_free(u);
		return NULL;
	}
	return u;
}

void unwinder_free(struct unwinder *u)
{
	if (!u)
		return;
	handover_free(u->handover);
	tables_free(u->tables);
	free(u);
}

/* Its table is here or on its way; what the module lacks is noted. */
static bool ask_one(struct unwinder *u, const struct process *p, const struct mapping *m)
{
	struct file_where w = mapping_where(p->pid, m);
	const struct unwind_table *t = tables_get(u->tables, m->file);
	bool ready = t != NULL;

	u->may_come |= ready && tables_may_come(u->tables, t);
	return (!u->to_module || handover_seen(u->handover, m->file, &w)) && ready;
}

/* Asks for the tables of all that p maps; are they all there? */
static bool ask(struct unwinder *u, struct process *p)
{
	bool ready = true;

	u->may_come = false;
	for (size_t i = 0; i < p->n_maps && i < MAX_MAPPINGS; i++) {
		struct mapping *m = &p->maps[i];

		if (m->kind != MAPPING_FILE)
			continue;
		m = process_map_at(u->ptable, p, m->start);
		if (m && m->file && !ask_one(u, p, m))
			ready = false;
	}
	return ready;
}

/* Nothing was asked for since its mappings changed, or what was may be there now. */
static bool must_ask(const struct seen *s, const struct process *p, uint64_t now)
{
	if (s->gen != p->gen)
		return true;
	return s->ready ? s->again && now >= s->again : now >= s->next;
}

/* What is known of p's tables, asked for anew when its mappings have changed. */
static struct seen *look(struct unwinder *u, struct process *p)
{
	struct seen *s = &u->seen[p->id % SEEN];
	uint64_t now;

	if (s->id != p->id)
		*s = (struct seen){ .id = p->id, .gen = p->gen - 1 };
	if (s->gen == p->gen && s->ready && !s->again)
		return s;
	now = mono_now();
	if (!must_ask(s, p, now))
		return s;
	if (s->gen != p->gen)
		s->again = u->to_module ? now + PLACES_AGAIN_NS : 0;
	else if (s->ready)
		s->again = 0;
	s->gen = p->gen;
	s->ready = ask(u, p);
	s->next = now + ASK_AGAIN_NS;
	/* nobody else may ask for it */
	if (u->may_come && !s->again)
		s->again = now + ASK_LATER_NS;
	return s;
}

static bool must_hurry(const struct unwinder *u)
{
	struct pollfd p = { .fd = u->wake, .events = POLLIN };

	return u->wake >= 0 && poll(&p, 1, 0) > 0;
}

static uint64_t subtract(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void wait_ready(struct unwinder *u, struct process *p, struct seen *s)
{
	uint64_t began = mono_now(), now = began;

	u->waits++;
	while (!s->ready && now - began < u->patience &&
	       s->waited + (now - began) < UNWINDER_WAIT_NS && !must_hurry(u)) {
		bool done = !tables_wait(u->tables, STEP_NS);

		now = mono_now();
		s->ready = ask(u, p);
		/* nothing is being made any more: what is not there now will not be */
		if (done && !s->ready) {
			s->waited = UNWINDER_WAIT_NS;
			break;
		}
	}
	s->waited += now - began;
	u->patience = subtract(u->patience, now - began);
	u->wait_ns += now - began;
}

void unwinder_walk(void *unwinder, const struct user_stack *in, struct user_frames *out)
{
	struct unwinder *u = unwinder;
	struct event ev = { .time = in->time,
			    .type = EV_SAMPLE,
			    .pid = in->pid,
			    .tid = in->tid,
			    .sample = { .leaf = in->regs[WALK_PC], .cgroup = in->cgroup } };
	struct walk_input w = {
		.stack = in->stack, .stack_len = in->len, .stack_cut = in->cut, .compat = in->compat
	};
	struct walk_counters c = { 0 };
	struct process *p = ptable_sample(u->ptable, &ev);
	struct seen *s;

	if (!p) {
		out->n = 0;
		out->end = RINGPROF_END_NO_INFO;
		return;
	}
	s = look(u, p);
	if (!s->ready && s->waited < UNWINDER_WAIT_NS)
		wait_ready(u, p, s);
	if (!s->ready) {
		u->unready++;
		out->flags |= RINGPROF_SAMPLE_NEW_MM;
	}
	_Static_assert(WALK_REGS == SOURCE_REGS, "the same registers");
	memcpy(w.regs, in->regs, sizeof(w.regs));
	out->end = walk_user(u->tables, u->ptable, p, &w, out->addr, &out->n, &out->flags, &c);
	out->row_frames = c.row_frames;
	out->fp_frames = c.fp_frames;
}

static bool missed_at(struct unwinder *u, struct process *p, uint64_t addr)
{
	struct mapping *m = process_map_at(u->ptable, p, addr);
	struct file_where w;

	if (!m || !m->file)
		return false;
	w = mapping_where(p->pid, m);
	return handover_missed(u->handover, m->file, &w);
}

/*
 * The leafmost frame whose file's table is gone: there the rows ended. Those
 * further up are frame pointers' and may be anything.
 */
static void note_miss(struct unwinder *u, const struct chains *chains, struct process *p,
		      const struct event *ev)
{
	uint64_t addr = ev->sample.leaf;
	uint32_t id = ev->sample.chain, n = 0;

	while (n < MISS_FRAMES) {
		/* no kernel frame, no end mark */
		if (!(addr >> 63) && (n++, missed_at(u, p, addr)))
			return;
		if (!id)
			return;
		id = chain_step(chains, id, &addr);
	}
}

static void share(struct unwinder *u)
{
	u->samples = 0;
	if (!u->to_module || mono_now() - u->shared < SHARE_NS)
		return;
	(void)handover_run(u->handover, u->scan_instance, HANDOVER_NS);
	u->shared = mono_now();
}

void unwinder_sample(struct unwinder *u, const struct chains *chains, const struct event *ev)
{
	struct process *p = ptable_sample(u->ptable, ev);

	if (!p || p->kthread)
		return;
	look(u, p);
	if (handover_lacks(u->handover))
		note_miss(u, chains, p, ev);
	if (++u->samples >= SHARE_SAMPLES)
		share(u);
}

void unwinder_before(struct unwinder *u, int wake)
{
	uint64_t now = mono_now();

	u->patience += (now - u->refilled) / 10;
	if (u->patience > u->max_patience)
		u->patience = u->max_patience;
	u->refilled = now;
	u->wake = wake;
}

/* Once through the processes that run already, a slice a round. */
static void scan(struct unwinder *u)
{
	uint64_t until = mono_now() + SCAN_NS;
	struct tables_counters c;

	while (!u->scanned && mono_now() < until) {
		struct process *p;

		tables_counters(u->tables, &c);
		if (c.queued >= SCAN_QUEUE)
			return;
		p = ptable_next(u->ptable, &u->scan_at);
		u->scanned = !p;
		if (p && !p->exited)
			look(u, p);
	}
}

/* Gives the module what it has not yet; is a table on its way, and so in use? */
static bool hand_over(struct unwinder *u, const struct source_info *info, bool *more)
{
	struct tables_counters c;
	bool busy;

	if (u->scan_instance != info->instance) {
		u->scan_instance = info->instance;
		handover_begin(u->handover, info->instance);
		/* of everything: this module has seen nothing of it */
		memset(u->seen, 0, sizeof(u->seen));
		u->scan_at = 0;
		u->scanned = false;
	}
	scan(u);
	/* what the module refused is counted and told by the status; the others go on */
	busy = handover_run(u->handover, info->instance, HANDOVER_NS) == 1;
	u->shared = mono_now();
	tables_counters(u->tables, &c);
	*more = busy || c.queued || handover_waits(u->handover) || !u->scanned;
	return busy;
}

bool unwinder_after(struct unwinder *u, const struct source_info *info)
{
	bool more = false;

	u->to_module = info->kind == SOURCE_KMOD && info->rows;
	if (!u->to_module)
		handover_pause(u->handover);
	if (!u->to_module || !hand_over(u, info, &more))
		tables_trim(u->tables);
	return more;
}

void unwinder_prepare(struct unwinder *u, int32_t pid, uint64_t timeout)
{
	struct event ev = { .time = mono_now(), .type = EV_SAMPLE, .pid = pid, .tid = pid };
	struct process *p = ptable_sample(u->ptable, &ev);

	if (p && !p->kthread && !look(u, p)->ready)
		(void)tables_wait(u->tables, timeout);
}

void unwinder_status(struct unwinder *u, struct unwinder_status *ret)
{
	tables_counters(u->tables, &ret->tables);
	handover_counters(u->handover, &ret->handover);
	snprintf(ret->handover_error, sizeof(ret->handover_error), "%s",
		 handover_error(u->handover));
	ret->waits = u->waits;
	ret->wait_ns = u->wait_ns;
	ret->unready = u->unready;
}
