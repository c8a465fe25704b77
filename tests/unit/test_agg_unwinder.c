// SPDX-License-Identifier: GPL-2.0
/*
 * Waiting for unwind tables, and handing them over, over tables and a module
 * made here. The process is this one, by its real /proc.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "agg/unwinder.h"
#include "base/clock.h"
#include "source/control_table.h"
#include "tap.h"
#include "unwind/evicted.h"

/* ---- tables ---- */

#define MAX_TABLES 8U

static struct unwind_table fake[MAX_TABLES], empty;
static struct ringprof_row *rows;
static uint32_t n_fake;
static uint64_t ready_at;     /* mono ns; before it no table is there */
static bool busy;	      /* is something being compiled? */
static unsigned int n_asked;  /* calls of tables_get */
static unsigned int n_steps;  /* of tables_wait, each of 2 ms and more */
static struct file *its_file; /* of the first table, NULL: none */
static bool slow;	      /* one message takes a whole slice of time */

struct tables *tables_new(const struct tables_config *cfg, struct files *files)
{
	return (struct tables *)fake;
}

void tables_free(struct tables *t)
{
}

const struct unwind_table *tables_get(struct tables *t, struct file *f)
{
	n_asked++;
	if (its_file && f == its_file)
		return &fake[0];
	return mono_now() < ready_at ? NULL : &empty;
}

static bool vdso_is_there;

bool tables_may_come(const struct tables *t, const struct unwind_table *given)
{
	return false;
}

const struct unwind_table *tables_vdso(struct tables *t)
{
	return vdso_is_there ? &fake[0] : NULL;
}

const struct unwind_table *tables_next(struct tables *t, uint32_t *after, struct file **ret_file)
{
	*ret_file = its_file && !*after ? file_ref(its_file) : NULL;
	return *after < n_fake ? &fake[(*after)++] : NULL;
}

int tables_wait(struct tables *t, uint64_t timeout)
{
	n_steps++;
	usleep((useconds_t)(timeout / 1000));
	return busy && mono_now() < ready_at ? -ETIMEDOUT : 0;
}

void tables_trim(struct tables *t)
{
	fake[0].view.rows = NULL; /* as if unmapped */
}

void tables_counters(struct tables *t, struct tables_counters *ret)
{
	*ret = (struct tables_counters){ .queued = busy };
}

/* ---- the module ---- */

struct control {
	int dummy;
};

static struct control the_control;
static unsigned int opened, begun, sent_rows, committed, deleted;
static int refuse_with, refuse_commit;
static uint32_t abi_minor = RINGPROF_ABI_MINOR;

int control_open(struct control **ret, char *err, size_t errlen)
{
	opened++;
	*ret = &the_control;
	return 0;
}

void control_close(struct control *c)
{
}

const char *control_error(const struct control *c)
{
	return "over the budget";
}

int control_table_begin(struct control *c, const struct control_table *t, uint32_t *ret_id)
{
	*ret_id = ++begun;
	return refuse_with;
}

int control_table_send(struct control *c, const struct control_table *t, uint32_t id,
		       uint32_t max_rows, uint32_t *done)
{
	uint32_t n = t->n_rows - *done < max_rows ? t->n_rows - *done : max_rows;

	CHECK(its_file ? t->rows == fake[0].view.rows : t->fd == -1);
	usleep(slow ? 25000 : 0);
	CHECK(t->n_segments == 1 && t->segments[0].vaddr == 0x1000);
	CHECK_EQ(t->no_clone, abi_minor < 3);
	*done += n;
	sent_rows += n;
	return 0;
}

int control_table_commit(struct control *c, uint32_t id)
{
	committed++;
	return refuse_commit;
}

int control_table_del(struct control *c, uint32_t id)
{
	deleted++;
	return 0;
}

/* what it has, as it tells it */
static struct control_table_info there[MAX_TABLES];
static uint32_t n_there;
static uint64_t evictions, budget;
static unsigned int n_lists, n_infos;

int control_info(struct control *c, struct control_info *ret)
{
	n_infos++;
	*ret = (struct control_info){ .table_count = n_there,
				      .abi_major = RINGPROF_ABI_MAJOR,
				      .abi_minor = abi_minor };
	for (uint32_t i = 0; i < n_there; i++)
		ret->table_bytes += there[i].bytes;
	return 0;
}

int control_get(struct control *c, struct control_config *ret)
{
	ret->table_budget = budget;
	return 0;
}

int control_stats(struct control *c, struct control_stats *ret)
{
	*ret = (struct control_stats){ .n_unwind = __RINGPROF_UNW_MAX };
	ret->unwind[RINGPROF_UNW_TABLES_EVICTED] = evictions;
	return 0;
}

int control_table_list(struct control *c, struct control_table_info *ret, size_t max)
{
	n_lists++;
	memcpy(ret, there, n_there * sizeof(*ret));
	return (int)n_there;
}

/* ---- waiting ---- */

static struct files *files;
static struct ptable *ptable;
static struct unwinder *u;

/* Reads /proc and opens the files, which takes its time, before the clock counts. */
static void know_myself(void)
{
	struct event ev = { .time = mono_now(), .type = EV_SAMPLE, .pid = getpid() };
	struct process *p = ptable_sample(ptable, &ev);

	CHECK(p && p->n_maps);
	for (size_t i = 0; i < p->n_maps; i++)
		process_map_at(ptable, p, p->maps[i].start);
}

static void open_world(uint64_t patience)
{
	struct ptable_config pc = { .max_processes = 100, .max_bytes = 8 << 20 };
	struct unwinder_config uc = { .patience = patience };

	files = files_new(1 << 20);
	ptable = ptable_new(&pc, files);
	u = unwinder_new(&uc, files, ptable);
	CHECK(u);
	know_myself();
	n_asked = n_steps = 0;
}

static void close_world(void)
{
	unwinder_free(u);
	ptable_free(ptable);
	files_free(files);
}

/* One sample of this process; gives its flags and, in ms, what it took. */
static uint32_t sample(unsigned int *ms)
{
	uint64_t addr[8], began = mono_now(), stack[4] = { 0 };
	struct user_stack in = { .time = began,
				 .pid = getpid(),
				 .tid = getpid(),
				 .stack = stack,
				 .len = sizeof(stack) };
	struct user_frames out = { .addr = addr, .n = 8 };

	in.regs[7] = 0x7fff00000000;
	in.regs[16] = (uint64_t)(uintptr_t)sample;
	unwinder_walk(u, &in, &out);
	CHECK(out.n <= 8);
	*ms = (unsigned int)((mono_now() - began) / NSEC_PER_MSEC);
	return out.flags;
}

TEST(samples_wait_for_their_tables)
{
	struct unwinder_status s;
	unsigned int ms;

	open_world(0);
	busy = true;
	ready_at = mono_now() + 60 * NSEC_PER_MSEC;
	unwinder_before(u, -1);
	CHECK(!(sample(&ms) & RINGPROF_SAMPLE_NEW_MM));
	CHECK(ms >= 30);
	unwinder_status(u, &s);
	CHECK(s.waits == 1 && s.wait_ns && !s.unready);
	/* known now: nothing is asked */
	n_asked = 0;
	CHECK(!(sample(&ms) & RINGPROF_SAMPLE_NEW_MM));
	unwinder_status(u, &s);
	CHECK_EQ(s.waits, 1);
	CHECK(n_asked <= 1); /* the walk's own */
	close_world();
}

TEST(but_not_for_ever)
{
	struct unwinder_status s;
	unsigned int ms, allowed;
	uint64_t began;

	open_world(100 * NSEC_PER_MSEC);
	busy = true;
	ready_at = UINT64_MAX;
	n_steps = 0;
	began = mono_now();
	unwinder_before(u, -1);
	CHECK(sample(&ms) & RINGPROF_SAMPLE_NEW_MM);
	CHECK(ms >= 99);
	/* the allowance is used up, and comes back with a tenth of the time */
	for (int i = 0; i < 10; i++) {
		unwinder_before(u, -1);
		CHECK(sample(&ms) & RINGPROF_SAMPLE_NEW_MM);
	}
	unwinder_status(u, &s);
	CHECK_EQ(s.unready, 11);
	/* a step may end late on a busy machine: steps are counted, one too many a sample */
	allowed = (unsigned int)(100 + (mono_now() - began) / NSEC_PER_MSEC / 10) / 2 + 11;
	printf("# waited %u steps of 2 ms, allowed were %u\n", n_steps, allowed);
	CHECK(n_steps <= allowed);
	close_world();
}

TEST(nor_when_nothing_is_being_made)
{
	struct unwinder_status s;
	unsigned int ms;

	open_world(0);
	busy = false;
	ready_at = UINT64_MAX;
	unwinder_before(u, -1);
	for (int i = 0; i < 5; i++)
		CHECK(sample(&ms) & RINGPROF_SAMPLE_NEW_MM);
	unwinder_status(u, &s);
	CHECK_EQ(s.waits, 1);
	close_world();
}

/* Ten files and more are mapped here; a sample's own walk asks for one at most. */
TEST(what_is_not_there_is_not_asked_for_with_each_sample)
{
	unsigned int ms, looks;
	uint64_t began;

	open_world(0);
	busy = false;
	ready_at = UINT64_MAX;
	unwinder_before(u, -1);
	sample(&ms);
	n_asked = 0;
	began = mono_now();
	for (int i = 0; i < 1000; i++)
		CHECK(sample(&ms) & RINGPROF_SAMPLE_NEW_MM);
	looks = (unsigned int)((mono_now() - began) / NSEC_PER_MSEC / 10) + 1;
	printf("# asked %u times in %u looks\n", n_asked, looks);
	CHECK(n_asked <= 1000 + looks * 100);
	close_world();
}

TEST(nor_when_a_ring_fills)
{
	int fd = eventfd(1, EFD_CLOEXEC);
	struct unwinder_status s;
	unsigned int ms;

	open_world(0);
	busy = true;
	ready_at = UINT64_MAX;
	unwinder_before(u, fd);
	CHECK(sample(&ms) & RINGPROF_SAMPLE_NEW_MM);
	unwinder_status(u, &s);
	CHECK_EQ(s.unready, 1);
	CHECK_EQ(n_steps, 0);
	close_world();
	close(fd);
}

/* ---- handing over ---- */

static void make_fakes(void)
{
	rows = calloc(40000, sizeof(*rows));
	CHECK(rows);
	/* the second one has no rows: nothing to give */
	n_fake = 3;
	for (uint32_t i = 0; i < n_fake; i++) {
		fake[i] = (struct unwind_table){ .n_segments = 1, .number = i + 1 };
		fake[i].segments[0].vaddr = 0x1000;
		fake[i].view.rows = rows;
		fake[i].view.n_rows = i == 1 ? 0 : 40000 - i;
	}
	opened = begun = sent_rows = committed = deleted = 0;
	refuse_with = refuse_commit = 0;
}

TEST(tables_go_in_slices_and_once)
{
	struct handover *h = handover_new((struct tables *)fake);
	struct handover_counters c;
	unsigned int calls = 0;

	make_fakes();
	while (handover_run(h, 11, 0) == 1)
		CHECK(++calls < 100);
	CHECK(calls >= 6);
	CHECK_EQ(begun, 2);
	CHECK_EQ(committed, 2);
	CHECK_EQ(sent_rows, 40000 + 39998);
	CHECK_EQ(handover_run(h, 11, NSEC_PER_SEC), 0);
	CHECK_EQ(begun, 2);
	handover_counters(h, &c);
	CHECK(c.sent == 2 && !c.refused && c.bytes == 8 * (40000 + 39998));
	/* a module loaded anew has none of them */
	abi_minor = 2;
	CHECK_EQ(handover_run(h, 12, NSEC_PER_SEC), 0);
	abi_minor = RINGPROF_ABI_MINOR;
	CHECK_EQ(begun, 4);
	CHECK_EQ(opened, 2);
	handover_free(h);
	free(rows);
}

/* Samples that go on for minutes, on a host that is slower than they come. */
TEST(the_module_gets_its_share_of_a_long_round)
{
	const struct source_info info = { .kind = SOURCE_KMOD, .rows = true, .instance = 21 };
	struct event ev = { .type = EV_SAMPLE, .pid = getpid(), .tid = getpid() };
	unsigned int n = 0;

	ready_at = 0;
	n_fake = 0;
	open_world(0);
	while (unwinder_after(u, &info) && ++n < 1000)
		continue;
	make_fakes();
	for (n = 0; n < 1000 && committed < 2; n++) {
		ev.time = mono_now();
		unwinder_sample(u, NULL, &ev);
		usleep(1000);
	}
	printf("# after %u samples\n", n);
	CHECK_EQ(committed, 2);
	close_world();
	free(rows);
	n_fake = 0;
}

/* Rows to the module are switched off by a reload, and on again. */
TEST(a_table_half_sent_is_not_sent_on_from_memory_that_was_let_go_of)
{
	struct source_info info = { .kind = SOURCE_KMOD, .rows = true, .instance = 31 };
	struct file_where w = { .path = "/bin/sh" };

	open_world(0);
	make_fakes();
	n_fake = 1;
	its_file = files_get(files, &w);
	slow = true;
	CHECK(its_file && unwinder_after(u, &info) && sent_rows && !committed);
	info.rows = false;
	unwinder_after(u, &info);
	CHECK_EQ(deleted, 1);
	fake[0].view.rows = rows + 1; /* made anew */
	slow = false;
	info.rows = true;
	for (int i = 0; i < 100 && !committed; i++)
		unwinder_after(u, &info);
	CHECK(begun == 2 && committed == 1);
	file_unref(its_file);
	its_file = NULL;
	close_world();
	free(rows);
	n_fake = 0;
}

TEST(what_the_module_refuses_is_counted_and_passed_over)
{
	struct handover *h = handover_new((struct tables *)fake);
	struct handover_counters c;

	make_fakes();
	refuse_with = -ENOSPC;
	CHECK_EQ(handover_run(h, 11, NSEC_PER_SEC), -ENOSPC);
	CHECK(strstr(handover_error(h), "over the budget"));
	refuse_with = 0;
	CHECK_EQ(handover_run(h, 11, NSEC_PER_SEC), 0);
	handover_counters(h, &c);
	CHECK(c.sent == 1 && c.refused == 1);
	/* refused at the last moment: what was sent is taken back */
	refuse_commit = -EINVAL;
	CHECK_EQ(handover_run(h, 12, NSEC_PER_SEC), -EINVAL);
	CHECK_EQ(deleted, 1);
	handover_free(h);
	free(rows);
}

/* These tables have no file, so all are the vDSO's: that one needs no sample to miss it. */
TEST(what_the_module_let_go_of_comes_again)
{
	struct handover *h = handover_new((struct tables *)fake);
	struct handover_counters c;

	make_fakes();
	n_fake = 1;
	n_lists = n_there = 0;
	budget = 1 << 20;
	CHECK_EQ(handover_run(h, 11, NSEC_PER_SEC), 0);
	CHECK_EQ(begun, 1);
	CHECK(!handover_lacks(h));
	/* it has none any more; told at the next look */
	evictions = 1;
	vdso_is_there = true;
	CHECK_EQ(handover_run(h, 11, NSEC_PER_SEC), 0);
	CHECK_EQ(n_lists, 0);
	usleep(EVICTED_LOOK_NS / 1000 + 100000);
	CHECK_EQ(handover_run(h, 11, NSEC_PER_SEC), 0);
	CHECK_EQ(n_lists, 1);
	CHECK_EQ(begun, 2);
	handover_counters(h, &c);
	CHECK(c.evicted == 1 && c.again == 1 && !c.absent && c.sent == 2);
	/* one was given meanwhile: asked once more, and then not while nothing is */
	n_infos = 0;
	for (int i = 0; i < 2; i++) {
		usleep(EVICTED_LOOK_NS / 1000 + 100000);
		CHECK_EQ(handover_run(h, 11, NSEC_PER_SEC), 0);
		CHECK_EQ(n_infos, 1);
	}
	handover_free(h);
	free(rows);
}

int main(void)
{
	return tap_main();
}
