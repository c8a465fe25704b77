// SPDX-License-Identifier: GPL-2.0
/*
 * Tables to the module, in the order in which they became ready, over a netlink
 * socket of our own: the source's is busy with other questions, and a table
 * that we began goes when ours is closed.
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

#include "base/clock.h"
#include "source/control_table.h"

/* a look at the clock after as many rows as four messages hold */
#define PIECE (4 * RINGPROF_ROWS_A_MESSAGE)

struct handover {
	struct tables *tables;
	struct control *ctl;
	uint64_t instance;
	uint32_t after; /* number of the table taken last */
	/* the one under way */
	bool busy;
	struct control_table now;
	struct file *file;
	uint32_t id, done;
	char error[256];
	struct handover_counters c;
};

struct handover *handover_new(struct tables *t)
{
	struct handover *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->tables = t;
	h->now.fd = -1;
	return h;
}

static void end_table(struct handover *h)
{
	if (h->now.fd >= 0)
		close(h->now.fd);
	file_unref(h->file);
	h->file = NULL;
	h->now.fd = -1;
	h->busy = false;
}

/* Another module, or none yet: it has nothing of ours. */
static void start_over(struct handover *h, uint64_t instance)
{
	end_table(h);
	control_close(h->ctl);
	h->ctl = NULL;
	h->after = 0;
	h->error[0] = '\0';
	h->instance = instance;
}

void handover_free(struct handover *h)
{
	if (!h)
		return;
	start_over(h, 0);
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

/* Takes the next table with rows; 1: there is none, 0, or -errno. */
static int take_next(struct handover *h)
{
	const struct unwind_table *t;

	do {
		file_unref(h->file);
		h->file = NULL;
		t = tables_next(h->tables, &h->after, &h->file);
	} while (t && !t->view.n_rows);
	if (!t)
		return 1;
	h->now = (struct control_table){
		.fd = -1,
		.base = t->view.base,
		.segments = t->segments,
		.n_segments = t->n_segments,
		.rows = t->view.rows,
		.n_rows = t->view.n_rows,
	};
	memcpy(h->now.key, t->key, sizeof(h->now.key));
	h->done = 0;
	if (h->file) {
		h->now.fd = file_open_fd(h->file);
		if (h->now.fd < 0)
			return refuse(h, h->now.fd, "the file cannot be opened any more");
	}
	h->busy = true;
	return 0;
}

static int begin(struct handover *h)
{
	int r = take_next(h);

	if (r)
		return r;
	r = control_table_begin(h->ctl, &h->now, &h->id);
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
	h->c.sent++;
	h->c.bytes += (uint64_t)h->now.n_rows * sizeof(struct ringprof_row);
	end_table(h);
	return 0;
}

int handover_run(struct handover *h, uint64_t instance, uint64_t budget_ns)
{
	uint64_t until = mono_now() + budget_ns;
	int r;

	if (instance != h->instance)
		start_over(h, instance);
	if (!h->ctl) {
		r = control_open(&h->ctl, h->error, sizeof(h->error));
		if (r)
			return r;
	}
	do {
		r = h->busy ? go_on(h) : begin(h);
		if (r)
			return r < 0 ? r : 0;
	} while (mono_now() < until);
	return 1;
}

const char *handover_error(const struct handover *h)
{
	return h->error;
}

void handover_counters(const struct handover *h, struct handover_counters *ret)
{
	*ret = h->c;
}
