// SPDX-License-Identifier: GPL-2.0
/* Symbol tables on disk: found again by the next run, refused when they are not what was written. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "sym/files_int.h"
#include "tap.h"
#include "test_sym_build.h"
#include "test_sym_world.h"

#define HEAD_SUM  8  /* where the checksum stands, and what it is of begins behind it */
#define HEAD_SYMS 64 /* the first symbol */

static char cache[128];

static void make(void)
{
	static int made;

	snprintf(cache, sizeof(cache), "%s/cache", build_dir);
	if (sh("rm -rf cache .debug; mkdir cache"))
		abort();
	if (made++)
		return;
	write_text("f.c", "__attribute__((noinline)) int inner(int x) { return x * 3; }\n"
			  "__attribute__((noinline)) int second(int x) { return x - 9; }\n"
			  "int main(int c, char **v) { return inner(c) + second(c); }\n");
	/* where it is not found before it is copied */
	if (sh("mkdir d && cc -O1 -g -Wl,--build-id=sha1 -o full f.c && "
	       "objcopy --only-keep-debug full d/all.debug && cp full bare && strip -s bare && "
	       "objcopy --add-gnu-debuglink=d/all.debug bare && cp full other && "
	       "strip --strip-debug other"))
		abort();
}

static struct files *with_cache(uint64_t memory, uint64_t disk)
{
	struct files *fs = files_new(memory);

	if (!fs || files_set_cache(fs, cache, disk))
		abort();
	return fs;
}

static struct file *get(struct files *fs, const char *name)
{
	struct file_where w = { .path = built(name) };
	struct file *f = files_get(fs, &w);

	if (!f)
		abort();
	return f;
}

static const char *name_at(struct file *f, uint64_t vaddr)
{
	static struct file_symbol s;

	return file_symbol(f, vaddr, &s) ? s.name : "-";
}

/* The counters after one run that names inner() of that file. */
static struct files_counters run(const char *name, const char *want)
{
	struct files *fs = with_cache(MIB, MIB);
	struct file *f = get(fs, name);
	uint64_t inner = nm("full", "inner");
	struct files_counters c;
	bool right = !strcmp(name_at(f, inner), want) && !strcmp(name_at(f, inner + 1), want);

	files_counters(fs, &c);
	file_unref(f);
	files_free(fs);
	if (!right)
		TAP_FAIL("%s is not %s", name, want);
	return c;
}

/* Path of the only file of the cache, "" there is none, or more than one. */
static const char *only_file(void)
{
	static char path[512];
	DIR *d = opendir(built("cache/names/4"));
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/names/4/%s", cache, e->d_name);
			n++;
		}
	if (d)
		closedir(d);
	return n == 1 ? path : "";
}

TEST(the_next_run_reads_no_table_again)
{
	struct files_counters c;

	make();
	c = run("full", "inner");
	CHECK_EQ(c.loads, 1);
	CHECK_EQ(c.cache_loads, 0);
	CHECK_EQ(c.cache_errors, 0);
	CHECK_EQ(c.symbol_bytes, 0); /* mapped, not memory */
	CHECK(c.mapped_bytes && c.cache_bytes > c.mapped_bytes);
	for (int i = 0; i < 2; i++) {
		c = run("full", "inner");
		CHECK_EQ(c.loads, 0);
		CHECK_EQ(c.cache_loads, 1);
		CHECK_EQ(c.cache_errors, 0);
	}
	CHECK(*only_file());
}

TEST(named_though_the_file_is_gone)
{
	struct files *fs;
	struct file *f;
	uint64_t inner;

	make();
	inner = nm("full", "inner");
	CHECK_EQ(sh("cp full away"), 0);
	run("away", "inner");
	fs = with_cache(MIB, MIB);
	f = get(fs, "away");
	close(file_take_fd(file_priv(f)));
	CHECK_EQ(unlink(built("away")), 0);
	CHECK(file_open_fd(f) < 0);
	CHECK_STR(name_at(f, inner), "inner");
	file_unref(f);
	files_free(fs);
}

/* All answers are alike, wherever the table is. */
TEST(mapped_tables_answer_as_those_in_memory)
{
	struct files *mem = files_new(64 * MIB), *disk;
	struct file *a, *b;
	struct file_symbol x, y;

	make();
	run("full", "inner");
	disk = with_cache(MIB, MIB);
	a = get(mem, "full");
	b = get(disk, "full");
	for (uint64_t v = 0; v < 0x5000; v++) {
		bool found = file_symbol(a, v, &x);

		CHECK_EQ(file_symbol(b, v, &y), found);
		if (!found)
			continue;
		CHECK_EQ(x.start, y.start);
		CHECK_STR(x.name, y.name);
	}
	file_unref(a);
	file_unref(b);
	files_free(mem);
	files_free(disk);
}

TEST(stripped_and_not_do_not_push_each_other_out)
{
	struct files_counters c;

	make();
	run("full", "inner");
	run("other", "inner");
	c = run("full", "inner");
	CHECK_EQ(c.cache_loads, 1);
	c = run("other", "inner");
	CHECK_EQ(c.cache_loads, 1);
}

/* Writes n bytes as the cache's file, through a copy so that mappings stay. */
static void put(const char *path, const void *p, size_t n)
{
	char tmp[600];
	FILE *f;

	snprintf(tmp, sizeof(tmp), "%s/made", cache);
	f = fopen(tmp, "w");
	if (!f || fwrite(p, 1, n, f) != n || fclose(f) || chmod(tmp, 0600) || rename(tmp, path))
		abort();
}

static void sum(char *p, size_t n)
{
	uint64_t s = XXH3_64bits(p + HEAD_SUM + 8, n - HEAD_SUM - 8);

	memcpy(p + HEAD_SUM, &s, sizeof(s));
}

/* A refused file is counted, made anew, and right again. */
static void check_refused(const char *path, const char *p, size_t n)
{
	struct files_counters c;

	put(path, p, n);
	c = run("full", "inner");
	CHECK_EQ(c.cache_errors, 1);
	CHECK_EQ(c.loads, 1);
	CHECK_EQ(c.cache_loads, 0);
	c = run("full", "inner");
	CHECK_EQ(c.cache_loads, 1);
}

TEST(torn_and_changed_files_are_refused)
{
	cleanup_free char *good = NULL, *bad = NULL;
	char path[512];
	size_t n;

	make();
	run("full", "inner");
	snprintf(path, sizeof(path), "%s", only_file());
	good = slurp(path + strlen(build_dir) + 1, &n);
	bad = malloc(n + 1);
	CHECK(bad);
	for (size_t len = 0; len < n; len += len < 100 ? 9 : 101)
		check_refused(path, good, len);
	for (size_t i = 0; i < n; i += i < 100 ? 5 : 97) {
		memcpy(bad, good, n);
		bad[i] ^= 0x10;
		check_refused(path, bad, n);
	}
	memcpy(bad, good, n);
	bad[n] = 0;
	check_refused(path, bad, n + 1);
}

/* Right sums over wrong contents: whoever could write there. */
TEST(lies_with_a_right_checksum_are_refused)
{
	cleanup_free char *good = NULL, *bad = NULL;
	char path[512];
	size_t n;
	struct sym *s;

	make();
	run("full", "inner");
	snprintf(path, sizeof(path), "%s", only_file());
	good = slurp(path + strlen(build_dir) + 1, &n);
	bad = malloc(n + HEAD_SYMS);
	CHECK(bad);
	for (int lie = 0; lie < 6; lie++) {
		size_t len = n;

		memcpy(bad, good, n);
		s = (struct sym *)(bad + HEAD_SYMS);
		if (lie == 0)
			s[1].name = 0x7fffffff;
		else if (lie == 1)
			s[1].addr = s[0].addr;
		else if (lie == 2)
			bad[n - 1] = 'x'; /* no end of the last name */
		else if (lie == 3)
			memset(bad + 24, 0xff, 8); /* as many symbols */
		else if (lie == 4)
			memset(bad + 32, 0xff, 8); /* and bytes of names */
		else
			bad[40] ^= 1; /* another file's */
		sum(bad, len);
		check_refused(path, bad, len);
	}
	/* the same without a lie is fine: it is not the sum that was wrong above */
	memcpy(bad, good, n);
	sum(bad, n);
	put(path, bad, n);
	CHECK_EQ(run("full", "inner").cache_loads, 1);
}

TEST(a_debug_file_that_came_meanwhile_counts)
{
	struct files_counters c;

	make();
	c = run("bare", "-");
	CHECK_EQ(c.loads, 1);
	c = run("bare", "-");
	CHECK_EQ(c.cache_loads, 1);
	CHECK_EQ(sh("mkdir .debug && cp d/all.debug .debug/"), 0);
	c = run("bare", "inner");
	CHECK_EQ(c.loads, 1);
	CHECK_EQ(sh("rm -r .debug"), 0);
	/* and stays known when it is gone again */
	c = run("bare", "inner");
	CHECK_EQ(c.cache_loads, 1);
}

TEST(both_limits_hold)
{
	struct files_counters c;
	struct files *fs;
	struct file *f;
	uint64_t inner, one;

	make();
	inner = nm("full", "inner");
	one = run("full", "inner").cache_bytes;
	make();
	/* room for one on disk: the second pushes the first out, there and in memory */
	fs = with_cache(MIB, one + one / 2);
	for (int i = 0; i < 4; i++) {
		f = get(fs, i % 2 ? "other" : "full");
		CHECK_STR(name_at(f, inner), "inner");
		file_unref(f);
		files_counters(fs, &c);
		CHECK(c.mapped_bytes <= one + one / 2 && c.cache_bytes <= one + one / 2);
	}
	files_free(fs);
	/* none on disk: from memory */
	make();
	fs = with_cache(MIB, one / 2);
	f = get(fs, "full");
	CHECK_STR(name_at(f, inner), "inner");
	files_counters(fs, &c);
	CHECK(c.symbol_bytes && !c.mapped_bytes);
	CHECK_EQ(c.cache_errors, 1);
	file_unref(f);
	files_free(fs);
	/* neither there nor here: no name, counted */
	fs = with_cache(100, one / 2);
	f = get(fs, "full");
	CHECK_STR(name_at(f, inner), "-");
	files_counters(fs, &c);
	CHECK_EQ(c.load_failures, 1);
	file_unref(f);
	files_free(fs);
	/* a table that memory has no room for is mapped */
	fs = with_cache(100, MIB);
	f = get(fs, "full");
	CHECK_STR(name_at(f, inner), "inner");
	file_unref(f);
	files_free(fs);
}

TEST(without_a_directory_names_are_there_all_the_same)
{
	struct files_counters c;

	make();
	CHECK_EQ(sh("rmdir cache && ln -s /nonexistent cache"), 0);
	c = run("full", "inner");
	CHECK_EQ(c.loads, 1);
	CHECK_EQ(c.cache_errors, 1);
}

int main(void)
{
	build_init();
	return tap_main();
}
