// SPDX-License-Identifier: GPL-2.0
/*
 * Files of all tiers are written side by side, by one numbering: they begin and
 * end together, and each is whole in itself.
 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "store/history.h"
#include "store/store_int.h"
#include "test_store_world.h"

#define SMALL 1
#define ROOMY (1ULL << 30)
#define FAT   300

static void fill_fat(struct store *s, struct world_model *m, uint64_t from, uint64_t to)
{
	for (uint64_t t = from; t < to; t += 10 * SEC) {
		world_clock = t + 10 * SEC;
		CHECK_EQ(store_add(s, world_fat_window(m, t, FAT)), 0);
		if (t / (10 * SEC) % 16 == 0)
			store_sync(s);
	}
	store_sync(s);
}

/* ---- files by themselves ---- */

struct alone {
	struct world_sums sums;
	uint64_t files, unnamed, mangled;
};

static void count_names(struct alone *a, const struct window *w)
{
	struct sym_answer name;

	for (uint32_t i = 0; i < w->n_entries; i++) {
		const struct model_frame *f =
			model_frame(w->model, model_stack(w->model, w->entries[i].stack)->frame);
		const struct model_object *o = model_object(w->model, f->object);

		a->unnamed += o->kind == FRAME_USER && !stored_is_named(o->stored, f->off);
		a->mangled += stored_name(o->stored, f->off, &name) &&
			      !strncmp(name.lines[0].name, "_Z", 2);
	}
}

static void read_alone(const char *path, struct alone *a)
{
	struct hfile *f;
	const char *why = "";

	if (hfile_open(&f, path, &why))
		TAP_FAIL("%s: %s", path, why);
	for (size_t i = 0; i < f->n_rows; i++) {
		struct window *w;

		if (hfile_window(f, &f->rows[i], NULL, false, &w))
			TAP_FAIL("%s: window %zu", path, i);
		world_count(&a->sums, w);
		count_names(a, w);
		window_unref(w);
	}
	a->files++;
	hfile_unref(f);
}

/* All files of a tier, each with nothing but what is in it; nobody writes meanwhile. */
static void tier_alone(const char *tier, struct alone *a)
{
	DIR *d = opendir(world_dir);
	struct dirent *e;
	char path[512];

	memset(a, 0, sizeof(*a));
	while (d && (e = readdir(d))) {
		if (strncmp(e->d_name, tier, strlen(tier)) || !strstr(e->d_name, ".rph") ||
		    e->d_name[strlen(e->d_name) - 1] != 'h')
			continue;
		snprintf(path, sizeof(path), "%s/%.255s", world_dir, e->d_name);
		read_alone(path, a);
	}
	closedir(d);
}

static const char *const tiers[] = { "10s-", "1m-", "10m-", "1h-" };

/* Each tier's files hold these sums; hours are whole. Gives how many files a tier has. */
static uint64_t alone_same(const struct world_sums *truth)
{
	struct alone a;

	for (size_t i = 0; i < 4; i++) {
		tier_alone(tiers[i], &a);
		CHECK_EQ(a.sums.samples, truth->samples);
		CHECK_EQ(a.sums.weight, truth->weight);
		CHECK_EQ(a.sums.kernel, truth->kernel);
		for (int k = 0; k < WORLD_SERVICES; k++)
			CHECK_EQ(a.sums.by_service[k], truth->by_service[k]);
		for (int k = 0; k < WORLD_STACKS; k++)
			CHECK_EQ(a.sums.by_stack[k], truth->by_stack[k]);
		CHECK_EQ(a.unnamed, 0);
		CHECK_EQ(a.mangled, 0);
	}
	return a.files;
}

static void truth_fat(struct world_model *m, uint64_t from, uint64_t to, struct world_sums *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (uint64_t t = from; t < to; t += 10 * SEC) {
		struct window *w = world_fat_window(m, t, FAT);

		world_count(ret, w);
		window_unref(w);
	}
}

/* ---- tests ---- */

TEST(each_file_is_whole_in_itself)
{
	struct world_sums truth;
	struct world_model m;
	struct store *s;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, ROOMY);
	/* over midnight */
	world_fill(s, &m, BASE + DAY - 3600 * SEC, BASE + DAY + 3600 * SEC);
	store_free(s);
	world_truth(&m, BASE + DAY - 3600 * SEC, BASE + DAY + 3600 * SEC, &truth);
	CHECK_EQ(alone_same(&truth), 2);
	model_unref(m.m);
	world_end();
}

TEST(all_end_when_one_is_full)
{
	struct world_sums truth, got;
	struct history_counters c;
	struct world_model m;
	struct store *s;

	world_begin();
	world_model(&m);
	/* files of 1 MiB */
	s = world_open(SMALL, 16 << 20);
	fill_fat(s, &m, BASE, BASE + 3600 * SEC);
	history_counters(s, &c);
	CHECK_EQ(c.windows_lost, 0);
	CHECK_EQ(c.dropped_by_budget, 0);
	CHECK_EQ(c.files % 4, 0);
	CHECK(c.files >= 8);
	truth_fat(&m, BASE, BASE + 3600 * SEC, &truth);
	for (unsigned int i = 0; i < 4; i++) {
		world_ask(s, BASE, BASE + 3600 * SEC, history_steps[i], &got, NULL);
		CHECK_EQ(got.samples, truth.samples);
		CHECK_EQ(got.weight, truth.weight);
		CHECK_EQ(got.longest <= history_steps[i], 1);
	}
	store_free(s);
	CHECK_EQ(alone_same(&truth), c.files / 4);
	model_unref(m.m);
	world_end();
}

/* The windows of two hours, with so many restarts; bytes on disk then. */
static uint64_t live(struct world_model *m, uint64_t restarts)
{
	const uint64_t length = 7200 * SEC / restarts;
	struct history_counters c;
	struct store *s;

	for (uint64_t i = 0; i < restarts; i++) {
		s = world_open(SMALL, ROOMY);
		/* nobody knows a name at first */
		world_nameless = !i;
		world_fill(s, m, BASE + i * length, BASE + i * length + 60 * SEC);
		world_nameless = false;
		world_fill(s, m, BASE + i * length + 60 * SEC, BASE + (i + 1) * length);
		history_counters(s, &c);
		CHECK_EQ(c.files, 4);
		CHECK_EQ(c.windows_lost, 0);
		store_free(s);
	}
	return world_dir_bytes();
}

TEST(restarts_go_on_in_the_same_files)
{
	struct world_sums truth;
	struct world_model m;
	uint64_t once, often;

	world_model(&m);
	world_begin();
	once = live(&m, 1);
	world_end();
	world_begin();
	often = live(&m, 40);
	world_truth(&m, BASE, BASE + 7200 * SEC, &truth);
	CHECK_EQ(alone_same(&truth), 1);
	/* windows are packed one by one, no dictionary is written twice */
	CHECK(often < once + once / 10);
	printf("# %llu bytes, %llu with restarts\n", (unsigned long long)once,
	       (unsigned long long)often);
	model_unref(m.m);
	world_end();
}

static void copy(const char *from, const char *to)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd), "cp %s/%s %s/%s", world_dir, from, world_dir, to);
	if (system(cmd))
		TAP_FAIL("%s", cmd);
}

/*
 * Power failed: the finest tier's file is older than the others', whose numbers
 * it does not have. They are written on no more; what they hold stays.
 */
TEST(files_that_know_more_are_left_as_they_are)
{
	const char *name = "10s-20241004-0.rph"; /* BASE's day */
	struct world_sums truth, got;
	struct history_counters c;
	struct world_model m;
	struct store *s;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, ROOMY);
	fill_fat(s, &m, BASE, BASE + 120 * SEC);
	store_free(s);
	copy(name, "kept");
	s = world_open(SMALL, ROOMY);
	fill_fat(s, &m, BASE + 120 * SEC, BASE + 720 * SEC);
	store_free(s);
	copy("kept", name);
	for (int i = 0; i < 2; i++) {
		s = world_open(SMALL, ROOMY);
		fill_fat(s, &m, BASE + (720 + 240 * i) * SEC, BASE + (960 + 240 * i) * SEC);
		history_counters(s, &c);
		CHECK_EQ(c.refused, 0);
		CHECK_EQ(c.windows_lost, 0);
		/* anew once, and then on in those */
		CHECK_EQ(c.files, 1 + 2 + 2 + 1);
		store_free(s);
	}
	s = world_open(SMALL, ROOMY);
	store_sync(s);
	truth_fat(&m, BASE, BASE + 1200 * SEC, &truth);
	for (unsigned int i = 0; i < 3; i++) {
		world_ask(s, BASE, BASE + 1200 * SEC, history_steps[i], &got, NULL);
		CHECK_EQ(got.samples, truth.samples);
		CHECK_EQ(got.weight, truth.weight);
	}
	store_free(s);
	model_unref(m.m);
	world_end();
}

/*
 * Power failed: a coarser tier's file has names as they were before they could
 * be made readable. It is written on, with the readable ones.
 */
TEST(a_file_with_mangled_names_gets_the_readable_ones)
{
	/* BASE's day; what SQLite wrote last stands beside it while it is open */
	const char *name = "1m-20241004-0.rph", *log = "1m-20241004-0.rph-wal";
	struct world_sums truth;
	struct world_model m;
	struct alone a;
	struct store *s;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, ROOMY);
	world_unsettled = true;
	world_fill(s, &m, BASE, BASE + 300 * SEC);
	copy(name, "kept");
	copy(log, "kept-log");
	world_unsettled = false;
	world_fill(s, &m, BASE + 300 * SEC, BASE + 600 * SEC);
	store_free(s);
	copy("kept", name);
	copy("kept-log", log);
	tier_alone("1m-", &a);
	CHECK(a.mangled > 0);
	s = world_open(SMALL, ROOMY);
	world_fill(s, &m, BASE + 600 * SEC, BASE + 3600 * SEC);
	store_free(s);
	world_truth(&m, BASE, BASE + 3600 * SEC, &truth);
	CHECK_EQ(alone_same(&truth), 1);
	model_unref(m.m);
	world_end();
}

/* Files cannot grow past that for now. */
static void limit_file_size(rlim_t bytes)
{
	struct rlimit l = { .rlim_max = RLIM_INFINITY, .rlim_cur = bytes };

	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &l), 0);
}

/* What was written before stays, what could not be is counted, and no file comes for each try. */
TEST(a_disk_that_fails_now_and_then)
{
	struct history_counters c, later;
	struct world_sums got, all;
	struct world_model m;
	struct store *s;

	signal(SIGXFSZ, SIG_IGN);
	world_begin();
	world_model(&m);
	s = world_open(SMALL, ROOMY);
	fill_fat(s, &m, BASE, BASE + 240 * SEC);
	limit_file_size(200 << 10);
	fill_fat(s, &m, BASE + 240 * SEC, BASE + 480 * SEC);
	limit_file_size(RLIM_INFINITY);
	history_counters(s, &c);
	CHECK(c.windows_lost > 0);
	CHECK(c.files <= 8);
	fill_fat(s, &m, BASE + 480 * SEC, BASE + 600 * SEC);
	history_counters(s, &later);
	CHECK_EQ(later.windows_lost, c.windows_lost);
	CHECK_EQ(later.refused, 0);
	printf("# %llu windows lost, %llu files\n", (unsigned long long)c.windows_lost,
	       (unsigned long long)later.files);
	store_free(s);
	s = world_open(SMALL, ROOMY);
	store_sync(s);
	truth_fat(&m, BASE, BASE + 240 * SEC, &all);
	for (unsigned int i = 0; i < 2; i++) {
		world_ask(s, BASE, BASE + 240 * SEC, history_steps[i], &got, NULL);
		CHECK_EQ(got.samples, all.samples);
		CHECK_EQ(got.weight, all.weight);
	}
	truth_fat(&m, BASE + 480 * SEC, BASE + 600 * SEC, &all);
	world_ask(s, BASE + 480 * SEC, BASE + 600 * SEC, 10 * SEC, &got, NULL);
	CHECK_EQ(got.samples, all.samples);
	history_counters(s, &c);
	CHECK_EQ(c.refused, 0);
	store_free(s);
	/* and each file can be read by itself */
	{
		struct alone a;

		for (size_t i = 0; i < 4; i++)
			tier_alone(tiers[i], &a);
	}
	model_unref(m.m);
	world_end();
}

/* Its numbers are those of the other tiers' files: what is open goes into the next one. */
TEST(a_file_that_goes_bad_leaves_its_open_window)
{
	struct world_sums got, truth;
	struct history_counters c;
	struct store_used used;
	struct world_model m;
	struct store *s;

	world_begin();
	world_model(&m);
	s = world_open(1, 1ULL << 30);
	world_fill(s, &m, BASE, BASE + 90 * SEC);
	for (size_t i = 0; i < s->history->n_files; i++)
		if (s->history->files[i]->tier == TIER_1M)
			history_found_bad(s->history, s->history->files[i], "a test says so");
	world_fill(s, &m, BASE + 90 * SEC, BASE + 600 * SEC);
	for (int again = 0; again < 2; again++) {
		world_ask(s, BASE, BASE + 300 * SEC, 60 * SEC, &got, &used);
		world_truth(&m, BASE, BASE + 300 * SEC, &truth);
		world_same(&got, &truth);
		/* the minute that was written went along with its file */
		CHECK_EQ(used.windows[TIER_1M], 4);
		CHECK_EQ(used.windows[TIER_10S], 6);
		history_counters(s, &c);
		CHECK_EQ(c.windows_lost, 0);
		CHECK_EQ(c.refused, !again);
		store_free(s);
		s = world_open(1, 1ULL << 30);
		store_sync(s);
	}
	store_free(s);
	model_unref(m.m);
	world_end();
}

/* Every stack is a new one; hours come out whole however often their file is cut. */
static void check_memory(size_t memory, bool cuts)
{
	struct history_config cfg = { .max_bytes = 1ULL << 30, .memory = memory };
	struct history_counters c;
	struct world_sums got;
	struct world_model m;
	uint64_t most = 0;
	struct store *s;

	world_begin();
	world_model(&m);
	s = world_open(SMALL, 1ULL << 30);
	memcpy(cfg.max_age, s->history->cfg.max_age, sizeof(cfg.max_age));
	store_limit_history(s, &cfg);
	for (uint64_t i = 0; i < 360; i++) {
		world_clock = BASE + (i + 1) * 10 * SEC;
		CHECK_EQ(store_add(s, world_fat_window(&m, BASE + i * 10 * SEC, FAT)), 0);
		store_sync(s);
		history_counters(s, &c);
		most = c.writer_bytes > most ? c.writer_bytes : most;
	}
	CHECK_EQ(c.windows_lost, 0);
	CHECK_EQ(c.cut > 0, cuts);
	CHECK_EQ(most <= memory, cuts);
	for (uint64_t step = 10; step <= 3600; step *= step == 60 ? 10 : 6) {
		world_ask(s, BASE, BASE + 3600 * SEC, step * SEC, &got, NULL);
		CHECK_EQ(got.samples, 360 * FAT);
	}
	store_free(s);
	/* the same after a restart, whatever is written on */
	s = world_open(SMALL, 1ULL << 30);
	store_sync(s);
	world_ask(s, BASE, BASE + 3600 * SEC, 3600 * SEC, &got, NULL);
	CHECK_EQ(got.samples, 360 * FAT);
	store_free(s);
	model_unref(m.m);
	world_end();
}

TEST(the_writer_keeps_to_its_memory)
{
	check_memory(6 << 20, true);
	/* which this load would not by itself */
	check_memory(0, false);
}

/* What coarse tiers lack is added again, though their files are gone. */
TEST(coarse_files_that_are_gone_begin_anew)
{
	struct world_sums truth;
	struct world_model m;
	struct store *s;
	char cmd[256];

	world_begin();
	world_model(&m);
	s = world_open(SMALL, ROOMY);
	world_fill(s, &m, BASE, BASE + 3600 * SEC);
	store_free(s);
	snprintf(cmd, sizeof(cmd), "rm %s/1m-* %s/1h-*", world_dir, world_dir);
	CHECK_EQ(system(cmd), 0);
	s = world_open(SMALL, ROOMY);
	world_fill(s, &m, BASE + 3600 * SEC, BASE + 7200 * SEC);
	store_free(s);
	world_truth(&m, BASE, BASE + 7200 * SEC, &truth);
	CHECK_EQ(alone_same(&truth), 1);
	model_unref(m.m);
	world_end();
}

int main(void)
{
	return tap_main();
}
