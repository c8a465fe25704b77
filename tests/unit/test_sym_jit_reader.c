// SPDX-License-Identifier: GPL-2.0
/*
 * Perf maps by a reader that does not survive each of them: this program is its
 * own reader, which does what a map tells it to. The maps are those of children
 * that sleep.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sym/jit_int.h"
#include "sym/reader.h"
#include "tap.h"

/* ---- the reader ---- */

static bool has(const char *text, const char *what)
{
	return strstr(text, what) != NULL;
}

static int serve(struct reader_conn *c, const struct reader_args *q, struct buf *ret)
{
	struct jit_answer lie = { .at = { .off = 5 }, .taken = 99 };
	char text[128] = "";

	if (pread(q->fds[0], text, sizeof(text) - 1, 0) < 0)
		return -EIO;
	if (has(text, "crash"))
		abort();
	if (has(text, "kill"))
		raise(SIGKILL);
	if (has(text, "hang"))
		sleep(60);
	if (has(text, "lie")) {
		buf_append(ret, &lie, sizeof(lie));
		return 0;
	}
	return jit_serve(c, q, ret);
}

static const reader_serve_fn ops[READER_OPS] = { [READER_JIT] = serve };

static const struct reader_config config = { .name = "test",
					     .uid = 65534,
					     .gid = 65534,
					     .max_memory = 1ULL << 30,
					     .timeout = 2 * NSEC_PER_SEC };

/* ---- a process and its map ---- */

struct jitter {
	pid_t pid;
	char path[64];
	struct jit_proc *p;
};

struct world {
	struct reader *r;
	struct jit *j;
};

static struct world open_world(void)
{
	struct world w = { .r = reader_new(&config) };

	w.j = jit_new(&(struct jit_config){ .reader = w.r });
	CHECK(w.r && w.j);
	return w;
}

static void close_world(struct world *w)
{
	jit_free(w->j);
	reader_free(w->r);
}

static struct jitter begin(struct world *w)
{
	struct jitter x = { .pid = fork() };

	if (!x.pid) {
		/* a check that fails does not get to end() */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	snprintf(x.path, sizeof(x.path), "/tmp/perf-%d.map", (int)x.pid);
	x.p = jit_proc_new(w->j, x.pid, 0);
	return x;
}

static void end(struct jitter *x)
{
	jit_proc_free(x->p);
	unlink(x->path);
	kill(x->pid, SIGKILL);
	waitpid(x->pid, NULL, 0);
}

static void write_map(const struct jitter *x, int flags, const char *text)
{
	int fd = open(x->path, O_WRONLY | O_CREAT | flags, 0644);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* Asks until the files were read after now. */
static void read_now(struct jitter *x)
{
	uint64_t now = mono_now();
	bool done = false;

	for (int i = 0; i < 1000 && !done; i++, usleep(10000)) {
		jit_proc_advance(x->p, mono_now());
		pthread_mutex_lock(&x->p->j->lock);
		x->p->next_open = 0;
		done = x->p->covered >= now;
		pthread_mutex_unlock(&x->p->j->lock);
	}
	CHECK(done);
}

static const char *named(struct jitter *x, uint64_t addr)
{
	static struct jit_symbol s;
	struct jit_table *t;

	for (int i = 0; i < 100; i++, usleep(50000)) {
		read_now(x);
		t = jit_proc_table(x->p);
		if (jit_table_covers(t, addr))
			break;
	}
	return jit_table_symbol(t, jit_table_version(t, addr, mono_now()), addr, &s) ? s.name : "-";
}

static struct reader_counters counters(struct world *w)
{
	struct reader_counters c;

	reader_counters(w->r, &c);
	return c;
}

static struct jit_counters told(struct world *w)
{
	struct jit_counters c;

	jit_counters(w->j, &c);
	return c;
}

TEST(a_map_is_read_on_by_the_next_reader)
{
	struct world w = open_world();
	struct jitter x = begin(&w);

	write_map(&x, O_TRUNC, "1000 100 one\n2000 1");
	CHECK_STR(named(&x, 0x1010), "one");
	CHECK(counters(&w).pid > 0 && counters(&w).pid != getpid());
	CHECK_EQ(kill(counters(&w).pid, SIGKILL), 0);
	write_map(&x, O_APPEND, "00 two\n1000 100 other\n");
	CHECK_STR(named(&x, 0x2010), "two");
	CHECK_STR(named(&x, 0x1010), "other");
	CHECK_EQ(told(&w).lines, 3);
	CHECK_EQ(told(&w).bad_lines, 0);
	CHECK_EQ(counters(&w).starts, 2);
	CHECK_EQ(counters(&w).refused[READER_KILLED], 0);
	end(&x);
	close_world(&w);
}

TEST(a_file_with_nothing_new_is_not_asked_about)
{
	struct world w = open_world();
	struct jitter x = begin(&w);
	uint64_t before;

	write_map(&x, O_TRUNC, "1000 100 one\n");
	CHECK_STR(named(&x, 0x1010), "one");
	before = counters(&w).questions;
	for (int i = 0; i < 5; i++)
		read_now(&x);
	CHECK_EQ(counters(&w).questions, before);
	write_map(&x, O_TRUNC, "1000 100 new\n");
	CHECK_STR((read_now(&x), named(&x, 0x1010)), "new");
	end(&x);
	close_world(&w);
}

static const struct {
	const char *line;
	enum reader_fault fault;
	uint64_t deaths;
} faults[] = {
	{ "1000 100 crash\n", READER_CRASHED, 1 },
	{ "1000 100 kill\n", READER_KILLED, 2 },
	{ "1000 100 hang\n", READER_SLOW, 1 },
};

/* What it is by now does not matter: it is the same file. */
TEST(a_map_that_ends_it_is_not_read_again)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct world w = open_world();
		struct jitter bad = begin(&w), good = begin(&w);
		enum reader_fault fault;
		char path[128];

		printf("# %s", faults[i].line);
		write_map(&bad, O_TRUNC, faults[i].line);
		write_map(&good, O_TRUNC, "2000 100 good\n");
		read_now(&bad);
		CHECK_EQ(told(&w).refused[JIT_UNREADABLE], 1);
		CHECK_EQ(told(&w).refused[JIT_HANGS], 0);
		CHECK_EQ(counters(&w).refused[faults[i].fault], 1);
		CHECK(reader_next_refused(w.r, path, sizeof(path), &fault));
		CHECK_STR(path, bad.path);
		CHECK_STR(named(&good, 0x2010), "good");
		write_map(&bad, O_TRUNC, "1000 100 harmless\n");
		read_now(&bad);
		CHECK(!jit_table_covers(jit_proc_table(bad.p), 0x1010));
		/* nor for who comes upon it next */
		jit_proc_free(bad.p);
		bad.p = jit_proc_new(w.j, bad.pid, 0);
		read_now(&bad);
		CHECK(!jit_table_covers(jit_proc_table(bad.p), 0x1010));
		CHECK_EQ(told(&w).refused[JIT_UNREADABLE], 2);
		CHECK_EQ(counters(&w).deaths, faults[i].deaths);
		CHECK(!reader_next_refused(w.r, path, sizeof(path), &fault));
		end(&bad);
		end(&good);
		close_world(&w);
	}
}

TEST(another_file_of_its_name_is_read)
{
	struct world w = open_world();
	struct jitter x = begin(&w);

	write_map(&x, O_TRUNC, "1000 100 crash\n");
	read_now(&x);
	/* two at once, so that it cannot be the same inode */
	CHECK_EQ(rename(x.path, "/tmp/ringprof-test-jit-reader"), 0);
	write_map(&x, O_TRUNC, "1000 100 one\n");
	unlink("/tmp/ringprof-test-jit-reader");
	jit_proc_free(x.p);
	x.p = jit_proc_new(w.j, x.pid, 0);
	CHECK_STR(named(&x, 0x1010), "one");
	end(&x);
	close_world(&w);
}

TEST(an_answer_that_makes_no_sense_is_not_taken)
{
	struct world w = open_world();
	struct jitter x = begin(&w);

	write_map(&x, O_TRUNC, "1000 100 lie\n");
	read_now(&x);
	CHECK_EQ(told(&w).refused[JIT_UNREADABLE], 1);
	CHECK_EQ(told(&w).lines, 0);
	CHECK_EQ(counters(&w).deaths, 0);
	end(&x);
	close_world(&w);
}

/* Several in a row: then there is a pause, in which nobody reads. */
TEST(what_a_process_wrote_last_is_read_when_there_is_a_reader_again)
{
	struct world w = open_world();
	struct jitter x = begin(&w);
	struct jit_table *t;

	for (int i = 0; i < 4; i++) {
		struct jitter bad = begin(&w);

		write_map(&bad, O_TRUNC, "1 1 crash\n");
		read_now(&bad);
		end(&bad);
	}
	write_map(&x, O_TRUNC, "1000 100 last\n");
	t = jit_table_ref(jit_proc_table(x.p));
	jit_proc_free(x.p);
	x.p = NULL;
	for (int i = 0; i < 500 && !jit_table_covers(t, 0x1010); i++)
		usleep(10000);
	CHECK(jit_table_covers(t, 0x1010));
	jit_table_unref(t);
	end(&x);
	close_world(&w);
}

TEST(the_registry_goes_when_it_has_its_answer)
{
	struct world w = open_world();
	struct jitter x = begin(&w);

	write_map(&x, O_TRUNC, "1000 100 hang\n");
	jit_proc_advance(x.p, mono_now());
	for (int i = 0; i < 100 && !counters(&w).questions; i++)
		usleep(10000);
	CHECK_EQ(counters(&w).questions, 1);
	end(&x);
	close_world(&w);
}

int main(int argc, char **argv)
{
	if (!strcmp(argv[0], READER_ARGV0))
		reader_main(argc, argv, ops);
	return tap_main();
}
