// SPDX-License-Identifier: GPL-2.0
/*
 * Tables to the module, in the order in which they became ready, over a netlink
 * socket of our own: the source's is busy with other questions, and a table
 * that we began goes when ours is closed.
 *
 * The first file of a key comes with the table; others with the same content,
 * which are other files to the module, from places.h.
 *
 * What the module let go of is noticed by its counter of evictions and its number
 * of tables, asked for every few seconds; evicted.h has what comes of that.
 *
 * A large table is sent in pieces over several calls. It stays invisible to the
 * module's walker until its commit, so a call may end anywhere.
 */
#include "unwind/handover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "source/control_table.h"
#include "sym/file_close.h"
#include "unwind/evicted.h"
#include "unwind/places.h"

/* a look at the clock after as many rows as four messages hold */
#define PASSED_AGAIN_NS (10 * NSEC_PER_SEC)
#define PIECE		(4 * RINGPROF_ROWS_A_MESSAGE)

/*
 * Tables make room for each other while they are given. Else only a smaller budget,
 * set by hand, takes some away: that is looked for more rarely.
 */
#define QUIET_LOOK_NS (5 * EVICTED_LOOK_NS) /* so much later */

/* as many as the module takes */
#define MAX_TABLES EVICTED_KNOWN

struct handover {
	struct tables *tables;
	struct places *places;
	struct evicted *evicted;
	struct control *ctl;
	bool no_clone; /* struct control_table */
	uint64_t instance;
	uint32_t after; /* number of the table taken last */
	/* of the first one passed over because its file system did not answer, UINT32_MAX: none */
	uint32_t passed;
	uint64_t passed_at; /* mono ns */
	/* the one under way */
	bool busy;
	struct control_table now;
	struct file *file;
	uint32_t id, done;
	char error[256];
	struct handover_counters c;
	/* what the module had at the last look, and when the next one is due */
	uint64_t seen_evictions, seen_sent, look;
	uint32_t seen_tables;
};

struct handover *handover_new(struct tables *t)
{
	struct handover *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->tables = t;
	h->now.fd = -1;
	h->passed = UINT32_MAX;
	h->places = places_new();
	h->evicted = evicted_new();
	if (!h->places || !h->evicted) {
		handover_free(h);
		return NULL;
	}
	return h;
}

static void end_table(struct handover *h)
{
	file_close_aside(h->now.fd, false);
	file_unref(h->file);
	h->file = NULL;
	h->now.fd = -1;
	h->busy = false;
}

void handover_begin(struct handover *h, uint64_t instance)
{
	if (instance == h->instance)
		return;
	end_table(h);
	control_close(h->ctl);
	h->ctl = NULL;
	h->after = 0;
	h->passed = UINT32_MAX;
	h->error[0] = '\0';
	h->instance = instance;
	places_reset(h->places);
	evicted_reset(h->evicted);
	h->seen_evictions = h->seen_tables = 0;
	h->look = mono_now() + EVICTED_LOOK_NS;
}

void handover_pause(struct handover *h)
{
	if (!h->busy || !h->file)
		return;
	(void)control_table_del(h->ctl, h->id);
	/* without room there it is met again with all others, of which it alone is not given */
	if (!places_again(h->places, h->now.fd, h->file))
		h->after = 0;
	h->now.fd = -1;
	h->file = NULL;
	end_table(h);
}

void handover_free(struct handover *h)
{
	if (!h)
		return;
	end_table(h);
	control_close(h->ctl);
	places_free(h->places);
	evicted_free(h->evicted);
	free(h);
}

static int refuse(struct handover *h, int r, const char *why)
{
	snprintf(h->error, sizeof(h->error), "unwind table of %.100s: %.120s",
		 h->file ? h->file->path : "[vdso]", why);
	h->c.refused++;
	end_table(h);
	return r;
}

static void take(struct handover *h, const struct unwind_table *t, int fd)
{
	h->now = (struct control_table){
		.fd = fd,
		.base = t->view.base,
		.segments = t->segments,
		.n_segments = t->n_segments,
		.rows = t->view.rows,
		.n_rows = t->view.n_rows,
		.no_clone = h->no_clone,
	};
	memcpy(h->now.key, t->key, sizeof(h->now.key));
	h->done = 0;
	h->busy = true;
}

/* Those behind it must not wait for its file system. */
static void pass_over(struct handover *h)
{
	if (h->passed == UINT32_MAX) {
		h->passed = h->after - 1;
		h->passed_at = mono_now();
	}
}

/* At the end of the list: is it time to go back to what was passed over? What was given is known. */
static bool go_back(struct handover *h)
{
	if (h->passed == UINT32_MAX || mono_now() - h->passed_at < PASSED_AGAIN_NS)
		return false;
	h->after = h->passed;
	h->passed = UINT32_MAX;
	return true;
}

/* Its file, if the module has not been given it; *ret -1: nothing to do, or the vDSO. */
static int open_file(struct handover *h, bool *ret_known, int *ret)
{
	*ret_known = false;
	*ret = -1;
	if (!h->file)
		return 0;
	*ret = file_open_fd_soon(h->file);
	if (*ret == -EAGAIN) {
		pass_over(h);
		*ret_known = true;
		return 0;
	}
	if (*ret < 0)
		return refuse(h, *ret, "the file cannot be opened any more");
	*ret_known = !places_give(h->places, *ret);
	if (*ret_known)
		file_close_aside(*ret, false);
	return 0;
}

/* The next of those that became ready, with rows and not given yet. 1: none, 0, -errno. */
static int next_ready(struct handover *h, const struct unwind_table **ret, int *ret_fd)
{
	const struct unwind_table *t;
	bool known;
	int r;

	do {
		file_unref(h->file);
		h->file = NULL;
		known = false;
		t = tables_next(h->tables, &h->after, &h->file);
		if (!t && go_back(h))
			t = tables_next(h->tables, &h->after, &h->file);
		if (!t)
			return 1;
		if (!t->view.n_rows)
			continue;
		r = open_file(h, &known, ret_fd);
		if (r)
			return r;
	} while (!t->view.n_rows || known);
	*ret = t;
	return 0;
}

/* Those that the module let go of stand in line with the others that wait; not so the vDSO. */
static bool next_again(struct handover *h, const struct unwind_table **ret)
{
	struct file *f;
	int fd;

	while (evicted_next(h->evicted, &fd, &f)) {
		if (f) {
			places_again(h->places, fd, f);
			continue;
		}
		*ret = tables_vdso(h->tables);
		if (*ret)
			return true;
	}
	return false;
}

/* Takes the next table with rows; 1: there is none, 0, or -errno. */
static int take_next(struct handover *h)
{
	const struct unwind_table *t;
	int fd = -1, r = next_ready(h, &t, &fd);

	if (r < 0)
		return r;
	if (r && !next_again(h, &t)) {
		fd = places_next(h->places, h->tables, &t, &h->file);
		if (fd < 0)
			return 1;
	}
	take(h, t, fd);
	return 0;
}

static int begin(struct handover *h)
{
	int r = take_next(h);

	if (r)
		return r;
	r = control_table_begin(h->ctl, &h->now, &h->id);
	/* a larger budget may come */
	if (r == -ENOSPC)
		evicted_sent(h->evicted, h->now.fd, h->now.key, h->now.n_rows, 0);
	return r ? refuse(h, r, control_error(h->ctl)) : 0;
}

static int give_up(struct handover *h, int r)
{
	char why[128];

	snprintf(why, sizeof(why), "%s", control_error(h->ctl));
	(void)control_table_del(h->ctl, h->id);
	return refuse(h, r, why);
}

/* One piece, and the commit after the last. */
static int go_on(struct handover *h)
{
	int r = control_table_send(h->ctl, &h->now, h->id, PIECE, &h->done);

	if (r || h->done < h->now.n_rows)
		return r ? give_up(h, r) : 0;
	r = control_table_commit(h->ctl, h->id);
	if (r)
		return give_up(h, r);
	evicted_sent(h->evicted, h->now.fd, h->now.key, h->now.n_rows, h->id);
	h->c.sent++;
	h->c.bytes += (uint64_t)h->now.n_rows * sizeof(struct ringprof_row);
	end_table(h);
	return 0;
}

/* What has to go for those that come again. One that is gone already is no failure. */
static void drop(struct handover *h)
{
	uint32_t id;

	while (evicted_drop(h->evicted, &id))
		(void)control_table_del(h->ctl, id);
}

/* What the module has, compared with what it was given. -errno: asked again later. */
static int compare(struct handover *h, uint64_t bytes, uint64_t now)
{
	cleanup_free struct control_table_info *list = calloc(MAX_TABLES, sizeof(*list));
	cleanup_free struct control_config *cfg = calloc(1, sizeof(*cfg));
	struct evicted_module m = { .tables = list, .bytes = bytes };
	int n, r;

	if (!list || !cfg)
		return -ENOMEM;
	r = control_get(h->ctl, cfg);
	if (r)
		return r;
	n = control_table_list(h->ctl, list, MAX_TABLES);
	if (n < 0)
		return n;
	m.n_tables = (size_t)n;
	m.budget = cfg->table_budget;
	evicted_look(h->evicted, &m, now);
	drop(h);
	return 0;
}

/* Was anything given since the last look, or is anything away? */
static bool is_quiet(const struct handover *h)
{
	return h->c.sent == h->seen_sent && !evicted_gone(h->evicted);
}

/* Has the module let go of something, or may something come again? */
static void look(struct handover *h)
{
	uint64_t now = mono_now(), evictions;
	struct control_stats st;
	struct control_info in;

	if (now < h->look + (is_quiet(h) ? QUIET_LOOK_NS : 0))
		return;
	h->look = now + EVICTED_LOOK_NS;
	h->seen_sent = h->c.sent;
	if (control_info(h->ctl, &in) || control_stats(h->ctl, &st))
		return;
	evictions = st.unwind[RINGPROF_UNW_TABLES_EVICTED];
	if (evictions == h->seen_evictions && in.table_count == h->seen_tables &&
	    !evicted_gone(h->evicted))
		return;
	if (compare(h, in.table_bytes, now))
		return;
	h->seen_evictions = evictions;
	h->seen_tables = in.table_count;
}

/* A socket of our own, and what the module at its other end is. */
static int meet(struct handover *h)
{
	struct control_info in;
	int r = control_open(&h->ctl, h->error, sizeof(h->error));

	if (r)
		return r;
	r = control_info(h->ctl, &in);
	if (r) {
		snprintf(h->error, sizeof(h->error), "%.250s", control_error(h->ctl));
		control_close(h->ctl);
		h->ctl = NULL;
		return r;
	}
	h->no_clone = in.abi_major == 2 && in.abi_minor < 3;
	return 0;
}

int handover_run(struct handover *h, uint64_t instance, uint64_t budget_ns)
{
	uint64_t until = mono_now() + budget_ns;
	int r;

	handover_begin(h, instance);
	if (!h->ctl) {
		r = meet(h);
		if (r)
			return r;
	}
	if (!h->busy)
		look(h);
	do {
		r = h->busy ? go_on(h) : begin(h);
		if (r)
			return r < 0 ? r : 0;
	} while (mono_now() < until);
	return 1;
}

bool handover_seen(struct handover *h, struct file *f, const struct file_where *w)
{
	return places_seen(h->places, f, w);
}

bool handover_lacks(const struct handover *h)
{
	return evicted_gone(h->evicted) > 0;
}

bool handover_missed(struct handover *h, struct file *f, const struct file_where *w)
{
	return evicted_missed(h->evicted, f, w);
}

bool handover_waits(const struct handover *h)
{
	return places_waiting(h->places) > 0;
}

const char *handover_error(const struct handover *h)
{
	return h->error;
}

void handover_counters(const struct handover *h, struct handover_counters *ret)
{
	struct evicted_counters e;

	evicted_counters(h->evicted, &e);
	*ret = h->c;
	ret->evicted = e.evicted;
	ret->again = e.again;
	ret->kept_out = e.kept_out;
	ret->absent = evicted_gone(h->evicted);
}
