// SPDX-License-Identifier: GPL-2.0
/*
 * The registry of tables: made once, kept on disk, believed only when right,
 * and within their limits.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ringprof/row_check.h"
#include "tap.h"
#include "test_sym_build.h"
#include "unwind/tables_int.h"

static struct files *fs;
static char cache[128];

static struct file *get_file(const char *path)
{
	struct file_where w = { .path = path };
	struct file *f = files_get(fs, &w);

	CHECK(f);
	return f;
}

/* p0 .. p4: programs that differ, each with some hundred rows and larger than the last */
static void make(void)
{
	static int made;
	struct stat st;

	if (made++)
		return;
	fs = files_new(1 << 20);
	snprintf(cache, sizeof(cache), "%s/cache", build_dir);
	if (!fs || mkdir(cache, 0700))
		abort();
	for (int i = 0; i < 5; i++)
		if (sh("{ for i in $(seq 1 %d); do echo \"int f$i(int x) { char b[x]; "
		       "return g(b) + $i; }\"; done; echo 'int main(void) { return 0; }'; } > "
		       "p%d.c && "
		       "cc -w -O1 -fno-inline -Wl,--build-id=sha1 "
		       "-Wl,--unresolved-symbols=ignore-all "
		       "-o p%d p%d.c && strip p%d && truncate -s +%d p%d",
		       100 + i, i, i, i, i, i * 512, i))
			abort();
	if (stat(built("p0"), &st))
		abort();
}

static struct tables *start(uint64_t max_disk, uint64_t max_bytes)
{
	struct tables_config cfg = { .dir = cache, .max_disk = max_disk, .max_bytes = max_bytes };
	struct tables *t;

	make();
	t = tables_new(&cfg, fs);
	CHECK(t);
	return t;
}

static const struct unwind_table *ask(struct tables *t, const char *name)
{
	struct file *f = get_file(built(name));
	const struct unwind_table *u;

	tables_get(t, f);
	CHECK_EQ(tables_wait(t, 20 * NSEC_PER_SEC), 0);
	u = tables_get(t, f);
	file_unref(f);
	CHECK(u);
	return u;
}

static struct tables_counters counters(struct tables *t)
{
	struct tables_counters c;

	tables_counters(t, &c);
	return c;
}

/* Name of the n-th cache file in ret; its size, or -1. */
static long cache_file(int n, char *ret, size_t len)
{
	cleanup_free char *dir = NULL;
	struct dirent *e;
	struct stat st;
	DIR *d;

	if (asprintf(&dir, "%s/rows/5", cache) < 0)
		abort();
	d = opendir(dir);
	ret[0] = '\0';
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && !n--)
			snprintf(ret, len, "%s/%s", dir, e->d_name);
	if (d)
		closedir(d);
	return *ret && !stat(ret, &st) ? (long)st.st_size : -1;
}

static void clear(void)
{
	make();
	CHECK_EQ(sh("rm -rf cache/rows"), 0);
}

TEST(made_once_then_from_disk)
{
	const struct unwind_table *u;
	struct tables_counters c;
	char name[512];
	struct tables *t;
	uint64_t by_eh_frame;
	struct stat st;
	uint32_t rows;

	clear();
	t = start(0, 0);
	u = ask(t, "p0");
	rows = u->view.n_rows;
	CHECK(rows > 100);
	CHECK_EQ(ringprof_rows_ok(u->view.rows, rows, 0), rows);
	CHECK(u->n_segments >= 1 && u->segments[0].size);
	CHECK(ask(t, "p0") == u);
	c = counters(t);
	CHECK_EQ(c.compiled, 1);
	CHECK_EQ(c.from_cache, 0);
	CHECK(c.compile_ns > 0);
	by_eh_frame = c.rows_by[ROWS_EH_FRAME];
	CHECK(by_eh_frame > 100);
	CHECK(cache_file(0, name, sizeof(name)) > (long)rows * 8);
	CHECK_EQ(cache_file(1, name, sizeof(name)), -1);
	tables_free(t);

	t = start(0, 0);
	u = ask(t, "p0");
	CHECK_EQ(u->view.n_rows, rows);
	CHECK(ringprof_row_find(&u->view, u->view.base + u->view.rows[10].pc) ==
	      u->view.rows[10].rule);
	c = counters(t);
	CHECK_EQ(c.compiled, 0);
	CHECK_EQ(c.from_cache, 1);
	CHECK_EQ(c.disk_errors, 0);
	CHECK_EQ(c.rows_by[ROWS_EH_FRAME], by_eh_frame);
	cache_file(0, name, sizeof(name));
	CHECK_EQ(stat(name, &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0600);
	tables_free(t);
}

/* Every byte of the head and some of the rows, turned round: compiled anew, never used. */
TEST(a_wrong_cache_file_is_made_anew)
{
	cleanup_free char *good = NULL;
	struct tables *t = NULL;
	char name[512];
	uint32_t rows;
	size_t len;

	clear();
	t = start(0, 0);
	rows = ask(t, "p1")->view.n_rows;
	tables_free(t);
	len = (size_t)cache_file(0, name, sizeof(name));
	good = slurp(name + strlen(build_dir) + 1, &len);
	for (size_t at = 0; at < len + 2; at += at < 64 ? 7 : 301) {
		FILE *f = fopen(name, "w");
		struct tables_counters c;

		CHECK(f);
		/* the two last rounds: a byte less, and nothing at all */
		if (at < len) {
			good[at] ^= 0x55;
			CHECK_EQ(fwrite(good, 1, len, f), len);
			good[at] ^= 0x55;
		} else {
			CHECK_EQ(fwrite(good, 1, at & 1 ? 0 : len - 1, f), at & 1 ? 0 : len - 1);
		}
		fclose(f);
		CHECK_EQ(chmod(name, 0600), 0);
		t = start(0, 0);
		CHECK_EQ(ask(t, "p1")->view.n_rows, rows);
		c = counters(t);
		CHECK_EQ(c.compiled, 1);
		CHECK_EQ(c.disk_errors, 1);
		tables_free(t);
	}
	t = start(0, 0);
	ask(t, "p1");
	CHECK_EQ(counters(t).compiled, 0);
	tables_free(t);
}

/* Who writes a file chooses its build-id: what stat(2) says must be the same too. */
TEST(rows_of_another_file_by_that_key_are_not_taken)
{
	const uint8_t key[RINGPROF_KEY_SIZE] = { 1, 2, 3 }, other[RINGPROF_KEY_SIZE] = { 1, 2, 4 };
	struct ringprof_row rows[2] = { { 0, RINGPROF_CFA_ROOT }, { 8, RINGPROF_CFA_GAP } };
	const struct rows made = { .rows = rows, .n = 2, .base = 4096 };
	struct cache_source src = { key, 77 }, asked = src;
	struct cache_rows got;
	struct cachedir c;

	clear();
	CHECK_EQ(cache_open(&c, cache, 1 << 20), 0);
	for (int i = 0; i < 2; i++) {
		asked = src;
		asked.ident += i == 0;
		asked.key = i == 1 ? other : key;
		CHECK_EQ(cache_store(&c, &src, &made), 0);
		CHECK_EQ(cache_load(&c, &src, &got), 0);
		CHECK_EQ(got.rows.n, 2);
		CHECK_EQ(got.rows.base, 4096);
		cache_rows_free(&got);
		CHECK_EQ(cache_load(&c, &asked, &got), -ENOENT);
	}
	cachedir_close(&c);
}

TEST(disk_limit_takes_the_oldest_used)
{
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	char name[512], oldest[512];
	struct tables *t;
	long size;

	clear();
	t = start(0, 0);
	ask(t, "p0");
	size = cache_file(0, oldest, sizeof(oldest));
	ask(t, "p1");
	ask(t, "p2");
	tables_free(t);
	CHECK_EQ(utimensat(AT_FDCWD, oldest, old, 0), 0);
	/* room for three and a half: the fourth makes the oldest go */
	t = start((uint64_t)size * 7 / 2, 0);
	CHECK_EQ(counters(t).disk_evicted, 0);
	ask(t, "p3");
	CHECK_EQ(counters(t).disk_evicted, 1);
	CHECK(access(oldest, F_OK));
	CHECK(cache_file(2, name, sizeof(name)) > 0);
	CHECK_EQ(cache_file(3, name, sizeof(name)), -1);
	CHECK(counters(t).disk_bytes <= (uint64_t)size * 7 / 2);
	tables_free(t);
	/* a smaller limit is kept from the start */
	t = start((uint64_t)size * 3 / 2, 0);
	ask(t, "p4");
	CHECK_EQ(cache_file(1, name, sizeof(name)), -1);
	CHECK(counters(t).disk_bytes <= (uint64_t)size * 3 / 2);
	tables_free(t);
}

TEST(memory_limit_holds_and_trim_makes_room)
{
	struct tables *t = start(0, 0);
	struct file *f = get_file(built("p0"));
	uint64_t one, vdso;

	vdso = counters(t).bytes;
	ask(t, "p0");
	one = counters(t).bytes - vdso;
	tables_free(t);

	t = start(0, vdso + one + one / 2);
	CHECK(ask(t, "p0")->view.n_rows > 0);
	CHECK_EQ(ask(t, "p1")->view.n_rows, 0);
	CHECK_EQ(counters(t).no_room, 1);
	CHECK(counters(t).bytes <= vdso + one + one / 2);
	/* asked for just now: it stays */
	tables_trim(t);
	CHECK_EQ(counters(t).evicted, 0);
	CHECK(tables_get(t, f)->view.n_rows > 0);
	/* long ago: it goes, and the other one has its place */
	pthread_mutex_lock(&t->lock);
	for (uint32_t i = 0; i < t->n_tables; i++) {
		t->tables[i]->used = 1;
		t->tables[i]->retry = 0;
	}
	t->wanted = one;
	pthread_mutex_unlock(&t->lock);
	tables_trim(t);
	CHECK_EQ(counters(t).evicted, 1);
	CHECK(ask(t, "p1")->view.n_rows > 0);
	CHECK(counters(t).bytes <= vdso + one + one / 2);
	file_unref(f);
	tables_free(t);
}

TEST(next_gives_each_ready_table_once)
{
	struct tables *t = start(0, 0);
	uint32_t after = 0, n = 0, vdso = 0;
	const struct unwind_table *u;
	struct file *f;

	ask(t, "p0");
	ask(t, "p1");
	while ((u = tables_next(t, &after, &f))) {
		n++;
		vdso += !f;
		CHECK(u->view.n_rows > 0);
		CHECK(!f || !memcmp(f->key, u->key, sizeof(u->key)));
		file_unref(f);
	}
	CHECK_EQ(vdso, 1);
	CHECK_EQ(n, 3);
	ask(t, "p2");
	u = tables_next(t, &after, &f);
	CHECK(u && f);
	file_unref(f);
	CHECK(!tables_next(t, &after, &f));
	tables_free(t);
}

TEST(small_files_are_made_first)
{
	struct tables *t;
	uint64_t last = 0;

	clear();
	t = start(1 << 20, 64 << 20);
	t->started = true; /* without its thread */
	for (const char *p = "31402"; *p; p++) {
		char name[] = { 'p', *p, '\0' };
		struct file *f = get_file(built(name));

		CHECK(!tables_get(t, f));
		file_unref(f);
	}
	CHECK_EQ(counters(t).queued, 5);
	while (t->q_n) {
		uint64_t size = t->tables[tables_take(t)]->file->size;

		CHECK(size > last);
		last = size;
	}
	t->started = false;
	tables_free(t);
}

TEST(vdso_has_rows)
{
	struct tables *t = start(0, 0);
	const struct unwind_table *u = tables_vdso(t);

	CHECK(u);
	CHECK(u->view.n_rows > 5);
	CHECK_EQ(u->n_segments, 1);
	CHECK_EQ(ringprof_rows_ok(u->view.rows, u->view.n_rows, 0), u->view.n_rows);
	tables_free(t);
}

/* Truncated after it was seen: an empty table, and no try at every asking. */
TEST(a_file_that_fails_is_remembered)
{
	struct tables *t = start(0, 0);
	struct file *f;

	CHECK_EQ(sh("cc -w -shared -nostdlib -o gone p0.c"), 0);
	f = get_file(built("gone"));
	CHECK_EQ(truncate(built("gone"), 700), 0);
	for (int i = 0; i < 3; i++) {
		tables_get(t, f);
		CHECK_EQ(tables_wait(t, 20 * NSEC_PER_SEC), 0);
		CHECK_EQ(tables_get(t, f)->view.n_rows, 0);
		CHECK(tables_may_come(t, tables_get(t, f)));
	}
	CHECK_EQ(counters(t).failed + counters(t).compiled, 1);
	CHECK(!tables_may_come(t, ask(t, "p0")));
	CHECK(!tables_may_come(t, NULL));
	file_unref(f);
	tables_free(t);
}

TEST(without_a_directory_rows_stay_in_memory)
{
	struct tables_config cfg = { .dir = NULL };
	struct tables *t;

	make();
	t = tables_new(&cfg, fs);
	CHECK(t);
	CHECK(ask(t, "p0")->view.n_rows > 100);
	CHECK_EQ(counters(t).disk_bytes, 0);
	CHECK_EQ(counters(t).disk_errors, 0);
	tables_free(t);
	cfg.dir = "/nonexistent/ringprof";
	t = tables_new(&cfg, fs);
	CHECK(t);
	CHECK(ask(t, "p0")->view.n_rows > 100);
	CHECK_EQ(counters(t).disk_errors, 1);
	tables_free(t);
}

/* A directory that others may write to is not mapped from. */
TEST(a_directory_of_others_is_refused)
{
	struct tables *t;

	clear();
	CHECK_EQ(sh("mkdir -p cache/rows/5 && chmod 0777 cache/rows"), 0);
	t = start(0, 0);
	CHECK(ask(t, "p0")->view.n_rows > 100);
	CHECK_EQ(counters(t).disk_errors, 1);
	CHECK_EQ(counters(t).disk_bytes, 0);
	tables_free(t);
	CHECK_EQ(sh("rm -rf cache/rows && ln -s /tmp cache/rows"), 0);
	t = start(0, 0);
	CHECK(ask(t, "p0")->view.n_rows > 100);
	CHECK_EQ(counters(t).disk_errors, 1);
	tables_free(t);
	CHECK_EQ(sh("rm cache/rows"), 0);
}

/* In a process of that user: does it make and keep a table, with all rights given up? */
static int keeps_as(uid_t uid)
{
	struct tables_config cfg = { .dir = cache };
	struct tables_counters c;
	struct tables *t;
	pid_t pid = fork();
	int status;

	if (!pid) {
		t = tables_new(&cfg, fs); /* with the rights of the start */
		if (!t || setgid(uid) || setuid(uid))
			_exit(2);
		ask(t, "p2");
		c = counters(t);
		_exit(c.compiled != 1 ? 4 : c.disk_bytes ? 0 : 3);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Also when another user had the directory before: its files are not believed. */
TEST(the_directory_is_given_to_the_user_to_be)
{
	if (geteuid())
		SKIP("not root");
	clear();
	CHECK_EQ(chmod(build_dir, 0711), 0);
	CHECK_EQ(tables_make_dir(cache, 0, 0), 0);
	CHECK_EQ(keeps_as(0), 0);
	CHECK_EQ(keeps_as(65534), 3); /* root's yet */
	CHECK_EQ(tables_make_dir(cache, 65534, 65534), 0);
	CHECK_EQ(keeps_as(65534), 0);
	CHECK_EQ(tables_make_dir(cache, 0, 0), 0);
	CHECK_EQ(keeps_as(0), 0);
	clear();
	CHECK_EQ(sh("ln -s /tmp cache/rows"), 0);
	CHECK(tables_make_dir(cache, 65534, 65534) < 0);
	CHECK_EQ(sh("rm cache/rows; stat -c %U /tmp | grep -qx root"), 0);
	CHECK_EQ(tables_make_dir("/nonexistent/ringprof", 0, 0), -ENOENT);
	CHECK_EQ(tables_make_dir(cache, 0, 0), 0);
}

int main(void)
{
	int r;

	build_init();
	r = tap_main();
	files_free(fs);
	return r;
}
