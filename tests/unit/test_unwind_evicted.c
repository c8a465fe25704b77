// SPDX-License-Identifier: GPL-2.0
/*
 * Tables that the module let go of: when they come again, and when not. A small
 * module is played here: least used goes first, as the real one does it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"
#include "base/clock.h"
#include "unwind/evicted.h"

#define FILES 6
#define ROWS  1056U
#define BYTES 10000U /* of a table with as many rows */

static char dir[] = "/tmp/ringprof-evicted-XXXXXX";
static char path[FILES][64];
static struct file *file[FILES];
static struct files *files;
static struct evicted *e;

/* ---- the module ---- */

static struct control_table_info has[FILES + 1];
static uint64_t use[FILES + 1];
static size_t n_has;
static uint64_t budget;
static int of_file[FILES + 1];
static uint32_t last_id;
static unsigned int n_evicted;

static uint64_t bytes_used(void)
{
	return n_has * BYTES;
}

static void let_go(size_t i)
{
	n_has--;
	has[i] = has[n_has];
	use[i] = use[n_has];
	of_file[i] = of_file[n_has];
}

static void evict_least(void)
{
	size_t least = 0;

	for (size_t i = 1; i < n_has; i++)
		if (use[i] < use[least])
			least = i;
	let_go(least);
	n_evicted++;
}

static void drop(uint32_t id)
{
	size_t i = 0;

	while (i < n_has && has[i].id != id)
		i++;
	CHECK(i < n_has);
	let_go(i);
}

static void give(int f)
{
	int fd = f < FILES ? open(path[f], O_RDONLY | O_CLOEXEC) : -1;
	uint8_t key[RINGPROF_KEY_SIZE] = { 0 };

	if (f < FILES)
		memcpy(key, file[f]->key, sizeof(key));
	while (bytes_used() + BYTES > budget && n_has)
		evict_least();
	if (bytes_used() + BYTES > budget) {
		evicted_sent(e, fd, key, ROWS, 0);
	} else {
		has[n_has] = (struct control_table_info){ .id = ++last_id, .bytes = BYTES };
		use[n_has] = 0;
		of_file[n_has++] = f;
		evicted_sent(e, fd, key, ROWS, last_id);
	}
	if (fd >= 0)
		close(fd);
}

static bool is_there(int f, size_t *ret)
{
	for (*ret = 0; *ret < n_has; ++*ret)
		if (of_file[*ret] == f)
			return true;
	return false;
}

/* So many samples go through f. */
static void run(int f, unsigned int samples)
{
	struct file_where w = { .path = path[f] };
	struct stat st;
	size_t i;

	if (is_there(f, &i)) {
		has[i].hits += samples;
		use[i] += samples;
		return;
	}
	CHECK_EQ(stat(path[f], &st), 0);
	w.ino = st.st_ino;
	while (samples--)
		evicted_missed(e, file[f], &w);
}

static uint64_t now;

/* The copies have one content, and so one struct file: they are told by their inodes. */
static int which(int fd)
{
	struct stat a, b;

	for (int i = 0; i < FILES && !fstat(fd, &a); i++)
		if (!stat(path[i], &b) && a.st_ino == b.st_ino)
			return i;
	return FILES;
}

/* One look, and what comes of it; gives how many were given again. */
static unsigned int look(void)
{
	struct evicted_module m = {
		.tables = has, .n_tables = n_has, .budget = budget, .bytes = bytes_used()
	};
	unsigned int n = 0;
	struct file *f;
	uint32_t id;
	int fd, i;

	now += EVICTED_LOOK_NS;
	evicted_look(e, &m, now);
	while (evicted_drop(e, &id))
		drop(id);
	for (size_t k = 0; k < n_has; k++)
		use[k] /= 2;
	while (evicted_next(e, &fd, &f)) {
		i = which(fd);
		CHECK(f ? i < FILES : fd == -1);
		if (fd >= 0)
			close(fd);
		file_unref(f);
		give(i);
		n++;
	}
	return n;
}

static void begin(uint64_t tables)
{
	e = evicted_new();
	CHECK(e);
	budget = tables * BYTES;
	n_has = 0;
	n_evicted = 0;
	now = mono_now();
}

static void end(void)
{
	evicted_free(e);
}

TEST(nothing_is_gone_nothing_is_opened)
{
	begin(4);
	for (int i = 0; i < 3; i++)
		give(i);
	CHECK_EQ(look(), 0);
	CHECK_EQ(evicted_gone(e), 0);
	CHECK(!evicted_missed(e, file[0], &(struct file_where){ .path = path[0] }));
	end();
}

TEST(what_samples_miss_comes_again_where_there_is_room)
{
	struct evicted_counters c;

	begin(3);
	for (int i = 0; i < 4; i++)
		give(i);
	CHECK_EQ(n_evicted, 1);
	CHECK_EQ(look(), 0);
	CHECK_EQ(evicted_gone(e), 1);
	budget += BYTES;
	/* only when it is missed */
	CHECK_EQ(look(), 0);
	run(0, 1);
	CHECK_EQ(look(), 1);
	CHECK_EQ(evicted_gone(e), 0);
	CHECK_EQ(look(), 0);
	evicted_counters(e, &c);
	CHECK(c.evicted == 1 && c.again == 1 && !c.kept_out);
	CHECK_EQ(n_evicted, 1);
	end();
}

TEST(a_load_that_changes_gets_its_tables)
{
	size_t at;

	begin(2);
	for (int i = 0; i < 4; i++)
		give(i);
	for (int round = 0; round < 3; round++) {
		look();
		run(2, 100);
		run(3, 100);
	}
	look();
	CHECK(is_there(2, &at) && is_there(3, &at));
	/* from now on it is the other two that run */
	for (int round = 0; round < 3; round++) {
		run(0, 100);
		run(1, 100);
		look();
	}
	CHECK(is_there(0, &at) && is_there(1, &at));
	CHECK_EQ(look(), 0);
	CHECK_EQ(evicted_gone(e), 2);
	end();
}

TEST(one_that_comes_does_not_go_for_the_next)
{
	size_t at;

	begin(2);
	for (int i = 0; i < 4; i++)
		give(i);
	for (int round = 0; round < 3; round++) {
		run(2, 100);
		run(3, 100);
		look();
	}
	CHECK(is_there(2, &at) && is_there(3, &at));
	/* the old ones have been used, the first that comes not yet */
	run(0, 300);
	run(1, 300);
	CHECK_EQ(look(), 2);
	CHECK(is_there(0, &at) && is_there(1, &at));
	end();
}

TEST(a_budget_too_small_for_all_is_no_to_and_fro)
{
	struct evicted_counters c;
	unsigned int again = 0;

	begin(3);
	for (int i = 0; i < FILES; i++)
		give(i);
	look();
	for (int round = 0; round < 200; round++) {
		/* all alike, but for chance */
		for (int i = 0; i < FILES; i++)
			run(i, 80 + (unsigned int)((round * 7 + i * 13) % 40));
		again += look();
		CHECK(bytes_used() <= budget);
	}
	evicted_counters(e, &c);
	printf("# 6 tables, room for 3, 200 looks: %u given again, %llu times kept out\n", again,
	       (unsigned long long)c.kept_out);
	CHECK(again <= 3);
	CHECK(c.kept_out >= 500);
	CHECK_EQ(evicted_gone(e), 3);
	end();
}

/* Commands that run for a moment, every one of them in another look; one daemon all the while. */
TEST(passing_commands_make_no_to_and_fro)
{
	unsigned int again = 0;
	size_t at;

	begin(3);
	for (int i = 0; i < FILES; i++)
		give(i);
	for (int round = 0; round < 200; round++) {
		run(0, 100);
		run(1 + round % (FILES - 1), 3);
		again += look();
	}
	printf("# 5 commands of 3 samples, room for 2 beside a daemon, 200 looks: %u given again\n",
	       again);
	CHECK(is_there(0, &at));
	CHECK(again <= 2);
	end();
}

/* Bursts that always fall to those that are not there: the worst there can be. */
TEST(and_one_that_is_worked_against_is_bounded)
{
	unsigned int again = 0;
	size_t at;

	begin(1);
	give(0);
	give(1);
	for (int round = 0; round < 400; round++) {
		run(is_there(0, &at) ? 1 : 0, evicted_gone(e) ? 1000 : 0);
		again += look();
	}
	printf("# 400 looks worked against: %u given again\n", again);
	/* 5, 10, ... 160 s apart */
	CHECK(again >= 2 && again <= 2 * (6 + 400 / 32));
	end();
}

TEST(what_never_fitted_comes_with_a_larger_budget)
{
	begin(0);
	give(0);
	CHECK_EQ(evicted_gone(e), 1);
	run(0, 10);
	CHECK_EQ(look(), 0);
	budget = 2 * BYTES;
	run(0, 10);
	CHECK_EQ(look(), 1);
	CHECK_EQ(evicted_gone(e), 0);
	end();
}

TEST(the_vdso_comes_unasked)
{
	begin(1);
	give(FILES);
	give(0);
	run(0, 10);
	CHECK_EQ(look(), 0);
	CHECK_EQ(evicted_gone(e), 1);
	budget += BYTES;
	look();
	look();
	CHECK_EQ(evicted_gone(e), 0);
	end();
}

TEST(another_state_of_the_inode_is_another_file)
{
	struct file_where w = { .path = path[0] };
	struct stat st;

	begin(1);
	give(0);
	give(1);
	look();
	CHECK_EQ(chmod(path[0], 0711), 0);
	CHECK_EQ(stat(path[0], &st), 0);
	w.ino = st.st_ino;
	CHECK(!evicted_missed(e, file[0], &w));
	CHECK_EQ(look(), 0);
	end();
}

TEST(a_module_loaded_anew_lacks_nothing)
{
	begin(1);
	for (int i = 0; i < 3; i++)
		give(i);
	look();
	run(0, 3);
	run(1, 3);
	evicted_reset(e);
	CHECK_EQ(evicted_gone(e), 0);
	CHECK_EQ(look(), 0);
	end();
}

static void make_files(void)
{
	files = files_new(1 << 20);
	for (int i = 0; i < FILES; i++) {
		struct file_where w = { .path = path[i] };
		char cmd[256];

		snprintf(path[i], sizeof(path[i]), "%s/%d", dir, i);
		snprintf(cmd, sizeof(cmd), "cp /proc/%d/exe %s && echo %d >> %s", (int)getpid(),
			 path[i], i, path[i]);
		if (system(cmd))
			exit(1);
		file[i] = files_get(files, &w);
		if (!file[i])
			exit(1);
	}
}

int main(void)
{
	char cmd[64];
	int r;

	if (!mkdtemp(dir))
		return 1;
	make_files();
	r = tap_main();
	for (int i = 0; i < FILES; i++)
		file_unref(file[i]);
	files_free(files);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd))
		puts("# the folder stays");
	return r;
}
