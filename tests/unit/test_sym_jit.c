// SPDX-License-Identifier: GPL-2.0
/*
 * Names of code that a process made itself: tables and their versions, and
 * the reading of this very process's perf map, whatever stands in its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "sym/jit_int.h"
#include "tap.h"

static struct jit *registry(size_t table_bytes)
{
	struct jit_config cfg = { .max_bytes = 4 * table_bytes, .max_table_bytes = table_bytes };
	struct jit *j = jit_new(&cfg);

	if (!j)
		abort();
	return j;
}

static enum jit_add put(struct jit_table *t, uint64_t start, uint64_t end, uint64_t time,
			const char *name)
{
	return jit_table_add(t, start, end, time, name, strlen(name), NULL);
}

/* What a sample of that time at addr is called later, "-": nothing. */
static const char *named(struct jit_table *t, uint64_t addr, uint64_t time)
{
	static struct jit_symbol s;

	return jit_table_symbol(t, jit_table_version(t, addr, time), addr, &s) ? s.name : "-";
}

TEST(a_sample_keeps_the_name_of_its_moment)
{
	struct jit *j = registry(1 << 20);
	struct jit_table *t = jit_table_new(j);
	uint32_t then;
	struct jit_symbol s;

	CHECK_EQ(put(t, 100, 200, 10, "first"), JIT_ADDED);
	then = jit_table_version(t, 150, 15);
	CHECK_EQ(put(t, 150, 250, 20, "second"), JIT_ADDED);
	CHECK_EQ(put(t, 150, 250, 21, "second"), JIT_SAME);
	CHECK_EQ(put(t, 100, 120, 30, "third"), JIT_ADDED);
	CHECK_STR(named(t, 150, 15), "first");
	CHECK_STR(named(t, 150, 20), "second");
	CHECK_STR(named(t, 249, 99), "second");
	CHECK_STR(named(t, 130, 99), "first");
	CHECK_STR(named(t, 119, 29), "first");
	CHECK_STR(named(t, 119, 30), "third");
	CHECK_STR(named(t, 250, 99), "-");
	/* earlier than anything known: what came first */
	CHECK_STR(named(t, 240, 1), "second");
	CHECK(jit_table_symbol(t, then, 150, &s));
	CHECK_STR(s.name, "first");
	CHECK(jit_table_changed(t, 20));
	CHECK(!jit_table_changed(t, 29));
	CHECK(jit_table_changed(t, 99));
	CHECK(!jit_table_changed(t, 99));
	jit_table_unref(t);
	jit_free(j);
}

TEST(the_same_code_told_again_is_nothing_new)
{
	struct jit *j = registry(1 << 20);
	struct jit_table *t = jit_table_new(j);

	CHECK_EQ(put(t, 300, 320, 1, "f"), JIT_ADDED);
	CHECK_EQ(put(t, 300, 320, 2, "f"), JIT_SAME);
	CHECK_EQ(put(t, 300, 320, 3, "a longer name than the one there"), JIT_ADDED);
	CHECK_EQ(put(t, 300, 320, 4, "a longer"), JIT_ADDED);
	CHECK_EQ(put(t, 300, 319, 5, "a longer"), JIT_ADDED);
	CHECK_EQ(jit_table_version(t, 310, 9), 3);
	jit_table_unref(t);
	jit_free(j);
}

TEST(a_name_may_come_after_the_sample)
{
	struct jit *j = registry(1 << 20);
	struct jit_table *t = jit_table_new(j);
	uint32_t v = jit_table_version(t, 1000, 5);
	struct jit_symbol s;

	CHECK(!jit_table_symbol(t, v, 1000, &s));
	put(t, 900, 950, 10, "else");
	put(t, 940, 1100, 20, "late");
	CHECK(jit_table_symbol(t, v, 1000, &s));
	CHECK_STR(s.name, "late");
	jit_table_unref(t);
	jit_free(j);
}

TEST(a_crowded_table_begins_anew_with_what_is_alive)
{
	struct jit *j = registry(1 << 20);
	struct jit_table *t = jit_table_new(j), *n;
	char name[32];
	int i;

	put(t, 5000, 5100, 0, "stays");
	for (i = 0; i < JIT_MAX_VERSIONS; i++) {
		snprintf(name, sizeof(name), "v%d", i);
		CHECK_EQ(put(t, 100, 200, (uint64_t)i, name), JIT_ADDED);
	}
	CHECK_EQ(put(t, 100, 200, 99, "over"), JIT_CROWDED);
	n = jit_table_renew(t);
	CHECK_STR(named(n, 150, 99), "v63");
	CHECK_STR(named(n, 5050, 99), "stays");
	CHECK_STR(named(t, 150, 7), "v7");
	CHECK_EQ(n->n_code, 2);
	CHECK(jit_table_id(n) != jit_table_id(t));
	jit_table_unref(t);
	jit_table_unref(n);
	jit_free(j);
}

TEST(the_largest_table_pays_for_the_memory)
{
	struct jit *j = registry(1 << 16);
	struct jit_table *t[7];
	struct jit_counters c;

	t[6] = jit_table_new(j);
	put(t[6], 1, 2, 1, "small");
	for (int i = 0; i < 6; i++) {
		uint64_t at = 0;

		t[i] = jit_table_new(j);
		while (put(t[i], at, at + 8, 1, "a function of some name") == JIT_ADDED &&
		       at < 8000)
			at += 16;
		jit_shrink(j);
	}
	jit_counters(j, &c);
	CHECK(c.bytes <= j->cfg.max_bytes);
	CHECK(c.evicted > 0);
	CHECK_STR(named(t[6], 1, 9), "small");
	for (int i = 0; i < 7; i++)
		jit_table_unref(t[i]);
	jit_counters(j, &c);
	CHECK_EQ(c.bytes, 0);
	jit_free(j);
}

TEST(an_emptied_table_takes_no_more)
{
	struct jit *j = registry(1 << 20);
	struct jit_table *t = jit_table_new(j);

	put(t, 1, 9, 1, "old");
	jit_table_clear(t);
	CHECK_EQ(put(t, 1, 9, 1, "new"), JIT_FULL);
	CHECK_STR(named(t, 1, 9), "-");
	jit_table_unref(t);
	jit_free(j);
}

/* ---- the map of this process ---- */

static char map_path[64];

static void write_map(const char *text, int flags)
{
	int fd = open(map_path, O_WRONLY | O_CREAT | flags, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	close(fd);
}

static struct jit_proc *begin(struct jit *j)
{
	snprintf(map_path, sizeof(map_path), "/tmp/perf-%d.map", (int)getpid());
	unlink(map_path);
	return jit_proc_new(j, getpid(), 0);
}

/* The name at addr as a sample of now would get it. */
static const char *now_named(struct jit_proc *p, uint64_t addr)
{
	uint64_t now = mono_now();
	bool done;

	pthread_mutex_lock(&p->j->lock); /* the reader sleeps: nothing is asked for */
	p->next_open = 0;
	pthread_mutex_unlock(&p->j->lock);
	jit_proc_advance(p, now);
	/* a busy host may take longer than the collector waits, a large file takes more rounds */
	for (int i = 0; i < 500; i++) {
		pthread_mutex_lock(&p->j->lock);
		done = p->covered >= now;
		pthread_mutex_unlock(&p->j->lock);
		if (done)
			break;
		usleep(10000);
	}
	jit_proc_advance(p, now);
	return named(jit_proc_table(p), addr, mono_now());
}

static void end(struct jit *j, struct jit_proc *p)
{
	jit_proc_free(p);
	jit_free(j);
	unlink(map_path);
}

TEST(a_map_is_read_as_it_grows)
{
	struct jit *j = registry(1 << 20);
	struct jit_proc *p = begin(j);
	struct jit_counters c;

	CHECK_STR(now_named(p, 0x1010), "-");
	write_map("1000 100 one\n2000 1", O_TRUNC);
	CHECK_STR(now_named(p, 0x1010), "one");
	CHECK_STR(now_named(p, 0x2010), "-");
	write_map("00 two words\nrubbish\n", O_APPEND);
	CHECK_STR(now_named(p, 0x20ff), "two words");
	write_map("0x1000 0x80 again\n", O_APPEND);
	CHECK_STR(now_named(p, 0x1010), "again");
	CHECK_STR(now_named(p, 0x1080), "one");
	jit_counters(j, &c);
	CHECK_EQ(c.lines, 3);
	CHECK_EQ(c.bad_lines, 1);
	end(j, p);
}

TEST(a_map_written_anew_is_read_anew)
{
	struct jit *j = registry(1 << 20);
	struct jit_proc *p = begin(j);
	struct jit_counters c;

	write_map("1000 100 one\n2000 100 two\n", O_TRUNC);
	CHECK_STR(now_named(p, 0x1010), "one");
	write_map("3000 100 three\n2000 100 two\n1000 100 one\n", O_TRUNC);
	CHECK_STR(now_named(p, 0x3010), "three");
	CHECK_STR(now_named(p, 0x1010), "one");
	/* shorter, and in a new file */
	unlink(map_path);
	write_map("1000 100 un\n", O_TRUNC);
	CHECK_STR(now_named(p, 0x1010), "un");
	jit_counters(j, &c);
	CHECK_EQ(c.code, 4);
	end(j, p);
}

TEST(what_is_no_map_is_refused)
{
	struct jit *j = registry(1 << 20);
	struct jit_proc *p = begin(j);
	struct jit_counters c;

	CHECK(!mkfifo(map_path, 0666));
	CHECK_STR(now_named(p, 0x1010), "-");
	unlink(map_path);
	CHECK(!symlink("/etc/passwd", map_path));
	CHECK_STR(now_named(p, 0x1010), "-");
	unlink(map_path);
	CHECK(!mkdir(map_path, 0777));
	CHECK_STR(now_named(p, 0x1010), "-");
	rmdir(map_path);
	jit_counters(j, &c);
	CHECK_EQ(c.refused[JIT_NOT_REGULAR], 3);
	write_map("1000 100 one\n", O_TRUNC);
	if (!getuid()) {
		CHECK(!chown(map_path, 12345, 12345));
		CHECK_STR(now_named(p, 0x1010), "-");
		jit_counters(j, &c);
		CHECK_EQ(c.refused[JIT_OWNER], 1);
		CHECK(!chown(map_path, 0, 0));
	}
	CHECK_STR(now_named(p, 0x1010), "one");
	end(j, p);
}

/* As services do between fork and exec, and servers that drop their rights. */
TEST(who_the_process_is_may_change)
{
	struct jit *j = registry(1 << 20);
	struct jit_proc *p = begin(j);

	if (getuid())
		SKIP("needs root");
	CHECK_STR(now_named(p, 0x1010), "-");
	write_map("1000 100 one\n", O_TRUNC);
	CHECK(!chown(map_path, 12345, 12345));
	setfsuid(12345);
	CHECK_STR(now_named(p, 0x1010), "one");
	setfsuid(0);
	end(j, p);
}

TEST(a_map_of_an_earlier_process_is_refused)
{
	struct jit *j = registry(1 << 20);
	struct jit_proc *p = begin(j);
	const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	struct jit_counters c;

	write_map("1000 100 one\n", O_TRUNC);
	CHECK(!utimensat(AT_FDCWD, map_path, old, 0));
	CHECK_STR(now_named(p, 0x1010), "-");
	jit_counters(j, &c);
	CHECK_EQ(c.refused[JIT_STALE], 1);
	write_map("1000 100 two\n", O_TRUNC);
	CHECK_STR(now_named(p, 0x1010), "two");
	end(j, p);
}

TEST(an_endless_map_is_cut)
{
	struct jit_config cfg = { .max_file = 1 << 20 };
	struct jit *j = jit_new(&cfg);
	struct jit_proc *p = begin(j);
	struct jit_counters c;

	write_map("1000 100 one\n", O_TRUNC);
	/* a sparse file: zeros without a newline */
	CHECK(!truncate(map_path, 8LL << 30));
	for (int i = 0; i < 20; i++)
		now_named(p, 0x1010);
	CHECK_STR(now_named(p, 0x1010), "one");
	jit_counters(j, &c);
	CHECK_EQ(c.refused[JIT_TOO_LONG], 1);
	CHECK(c.reads < 20);
	end(j, p);
}

/* Here it can be had by its path alone. */
TEST(a_dump_is_read_however_long_it_is_written_on)
{
	static const char text[64] = "this is none, and that is what is told of it";
	struct file_where w = { .mapped = mono_now() - NSEC_PER_SEC };
	struct jit *j = registry(1 << 20);
	struct jit_proc *p = begin(j);
	struct jit_counters c;
	char path[64];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/tmp/jit-%d.dump", (int)getpid());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(write(fd, text, sizeof(text)) == sizeof(text) && !fstat(fd, &st));
	close(fd);
	w.path = path;
	w.pid = getpid();
	w.ino = st.st_ino;
	jit_proc_dump(p, &w);
	now_named(p, 0x1010);
	jit_counters(j, &c);
	CHECK_EQ(c.refused[JIT_BAD_FORMAT], 1);
	unlink(path);
	end(j, p);
}

TEST(names_of_dumps)
{
	CHECK(jit_is_dump("/tmp/.debug/jit/jit-123.dump"));
	CHECK(jit_is_dump("/jit-1.dump"));
	CHECK(!jit_is_dump("/tmp/jit-.dump"));
	CHECK(!jit_is_dump("/tmp/jit-12.dump.so"));
	CHECK(!jit_is_dump("/tmp/xjit-12.dump"));
	CHECK(!jit_is_dump("jit-12.dump"));
}

int main(void)
{
	return tap_main();
}
