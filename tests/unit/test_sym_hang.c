// SPDX-License-Identifier: GPL-2.0
/* Files of a file system that never answers: whoever asks goes on, and other files are had. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "proc/ptable.h"
#include "sym/file_opener.h"
#include "sym/files_int.h"
#include "tap.h"
#include "test_sym_build.h"
#include "test_sym_world.h"
#include "unwind/evicted.h"
#include "unwind/places.h"
#include "unwind/tables_int.h"

#define LONG_NS (60 * NSEC_PER_SEC) /* far over what is waited for, far below for ever */

static int hanging = -1; /* who serves the one that is mounted, and does not */

/* Calls that hang end with an error then. */
static void end_hanging(int fd)
{
	close(fd);
	umount2(built("hang"), MNT_DETACH);
	hanging = -1;
}

/* A test that failed has left one: whoever looks there hangs, as who removes our files would. */
static void end_left(void)
{
	if (hanging >= 0)
		end_hanging(hanging);
}

/* Mounts one at hang/ that nobody serves; its descriptor, -1: not allowed here. */
static int mount_hanging(void)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char opt[128];

	end_left();
	snprintf(opt, sizeof(opt), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (fd < 0 || sh("mkdir -p hang") || mount("hang", built("hang"), "fuse", 0, opt)) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	hanging = fd;
	return fd;
}

static struct file_where mapping(const char *name, uint32_t min)
{
	struct file_where w = { .path = built(name), .min = min, .ino = 7 };
	struct stat st;

	if (strncmp(name, "hang", 4) && !stat(w.path, &st))
		w.ino = st.st_ino;
	return w;
}

TEST(a_hanging_file_system_costs_a_moment_once)
{
	struct files *fs = files_new(MIB);
	struct file_where hung = mapping("hang/file", 1), good = mapping("good", 2);
	struct files_counters c;
	struct file *f;
	uint64_t start;
	bool again;
	int fd = mount_hanging();

	if (fd < 0)
		SKIP("no FUSE here");
	CHECK_EQ(files_open_aside(fs, NSEC_PER_SEC / 10), 0);
	start = mono_now();
	CHECK(!files_get_soon(fs, &hung, &again));
	CHECK(again);
	CHECK(mono_now() - start >= NSEC_PER_SEC / 10);
	files_counters(fs, &c);
	CHECK_EQ(c.open_given_up, 1);
	/* not asked again of that device, so nothing more is given up */
	for (int i = 0; i < 100; i++)
		CHECK(!files_get_soon(fs, &hung, &again) && again);
	files_counters(fs, &c);
	CHECK_EQ(c.open_given_up, 1);
	CHECK(mono_now() - start < LONG_NS);
	/* others are had; a loaded machine may take its time for it */
	f = NULL;
	for (int i = 0; i < 100 && !f; i++)
		f = files_get_soon(fs, &good, &again);
	CHECK(f);
	file_unref(f);
	end_hanging(fd);
	/* it has answered, if with an error: that is for good */
	for (int i = 0; i < 1000 && again; i++) {
		CHECK(!files_get_soon(fs, &hung, &again));
		usleep(10000);
	}
	CHECK(!again);
	files_free(fs);
}

TEST(many_devices_may_hang)
{
	static struct files *fs; /* stays, see below: no leak */
	struct file_where hung = mapping("hang/file", 1), good = mapping("good", 99);
	struct files_counters c;
	uint64_t start = mono_now();
	bool again;
	int fd = mount_hanging();

	if (fd < 0)
		SKIP("no FUSE here");
	fs = files_new(MIB);
	CHECK_EQ(files_open_aside(fs, NSEC_PER_SEC / 20), 0);
	/* a thread that was not there in time is no device that hangs: ask until it is one */
	for (uint32_t i = 0; i < 10000; i++) {
		hung.min = 1 + i % OPENER_MAX_THREADS;
		files_get_soon(fs, &hung, &again);
		files_counters(fs, &c);
		if (c.open_given_up == OPENER_MAX_THREADS)
			break;
	}
	CHECK_EQ(c.open_given_up, OPENER_MAX_THREADS);
	CHECK(!files_get_soon(fs, &good, &again) && again);
	/* on a disk: not by these threads */
	good.maj = 8;
	CHECK(files_get_soon(fs, &good, &again) && !again);
	/* the end does not wait for them either; what they use stays */
	files_free(fs);
	CHECK(mono_now() - start < LONG_NS);
	end_hanging(fd);
	/* they go now */
	usleep(200000);
}

/*
 * Whether the module has been given, or has let go of, what lies there is not found out, and
 * asked again at each look.
 */
static void look_for_places(struct file *f, const struct file_where *hung)
{
	cleanup_close int fd = open(built("good"), O_RDONLY | O_CLOEXEC);
	struct evicted *e = evicted_new();
	struct places *p = places_new();

	CHECK(!places_seen(p, f, hung) && !places_seen(p, f, hung));
	CHECK_EQ(places_waiting(p), 0);
	evicted_sent(e, fd, f->key, 1, 0);
	CHECK_EQ(evicted_gone(e), 1);
	CHECK(!evicted_missed(e, f, hung));
	evicted_free(e);
	places_free(p);
}

/* Its device answers again: now it is found out. */
static void look_again(struct file *f)
{
	struct file_where w = mapping("good", 2);
	struct places *p = places_new();

	CHECK(places_seen(p, f, &w));
	CHECK_EQ(places_waiting(p), 1);
	places_free(p);
}

/* Its symbols are not asked for again at once, which is no reason to ask for no others. */
static void check_symbols_put_off(struct file *f)
{
	uint64_t start = mono_now();
	struct file_symbol sym;

	CHECK(!file_symbol(f, f->entry, &sym) && sym.unread && !sym.reader_away);
	CHECK(file_priv(f)->retry >= start + NSEC_PER_SEC);
}

/* Its unwind table is made soon after the server answers: it is none that failed again and again. */
static void check_table_put_off(struct files *fs, struct file *f)
{
	struct tables_config cfg = { .max_bytes = MIB };
	struct tables *t = tables_new(&cfg, fs);
	struct tables_counters c;
	struct table *e = NULL;

	for (int i = 0; i < 3; i++) {
		CHECK(!tables_get(t, f) || i);
		CHECK_EQ(tables_wait(t, LONG_NS), 0);
		for (uint32_t n = 0; n < t->n_tables; n++)
			if (t->tables[n] && t->tables[n]->file == f)
				e = t->tables[n];
		CHECK(e && e->state == TABLE_FAILED && !e->tries);
		e->retry = 0;
	}
	tables_counters(t, &c);
	CHECK_EQ(c.failed, 0);
	tables_free(t);
}

static void wait_for_symbols(struct file *f)
{
	struct file_symbol sym;
	bool found = false;

	for (int i = 0; i < 3000 && !found; i++) {
		found = file_symbol(f, f->entry, &sym);
		if (!found)
			usleep(10000);
	}
	CHECK(found && !sym.unread);
}

/* What the collector opens of files that it knows: to hand them over, to see where they lie. */
TEST(what_is_known_already_is_not_waited_for_either)
{
	static struct files *fs; /* stays: no leak */
	struct file_where hung, w = mapping("good", 2);
	int hang = mount_hanging(), fd;
	uint64_t start = mono_now();
	struct file *f;
	struct stat st;
	bool again;

	if (hang < 0)
		SKIP("no FUSE here");
	fs = files_new(MIB);
	CHECK_EQ(files_open_aside(fs, NSEC_PER_SEC / 10), 0);
	for (f = NULL; !f;)
		f = files_get_soon(fs, &w, &again);
	fd = file_open_mapping_soon(f, &w, &st);
	CHECK(fd >= 0 && st.st_ino == w.ino);
	close(fd);
	fd = file_open_fd_soon(f);
	CHECK(fd >= 0);
	close(fd);
	CHECK(!files_hang(fs, 0, 2));
	hung = mapping("hang/file", 2);
	CHECK_EQ(file_open_mapping_soon(f, &hung, &st), -EAGAIN);
	CHECK(files_hang(fs, 0, 2) && !files_hang(fs, 0, 3) && !files_hang(fs, 8, 2));
	CHECK_EQ(file_open_mapping_soon(f, &w, &st), -EAGAIN);
	CHECK_EQ(file_open_fd_soon(f), -EAGAIN);
	check_symbols_put_off(f);
	check_table_put_off(fs, f);
	look_for_places(f, &hung);
	CHECK(mono_now() - start < LONG_NS);
	end_hanging(hang);
	for (int i = 0; i < 1000 && files_hang(fs, 0, 2); i++)
		usleep(10000);
	wait_for_symbols(f);
	look_again(f);
	file_unref(f);
	files_free(fs);
}

/* A process of a /proc made here, whose program lies there. */
static void make_process(void)
{
	char text[512];

	CHECK_EQ(sh("mkdir -p proc/7 && ln -sfn $PWD/hang/file proc/7/exe && cd proc/7 && "
		    "echo '7 (x) S 1 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 9 1 2 3' >stat && "
		    "echo 0::/ >cgroup && printf 'Name:\\tx\\nUid:\\t0\\t0\\t0\\t0\\n' >status"),
		 0);
	snprintf(text, sizeof(text), "1000-2000 r-xp 00000000 00:05 7  %s\n", built("hang/file"));
	write_text("proc/7/maps", text);
}

TEST(the_program_of_a_process_is_not_waited_for)
{
	struct ptable_config cfg = { .max_processes = 9, .proc_root = built("proc") };
	struct event ev = { .type = EV_SAMPLE, .pid = 7, .tid = 7, .time = mono_now() };
	static struct files *fs; /* stays: no leak */
	uint64_t start = mono_now();
	int hang = mount_hanging();
	struct ptable *t;

	if (hang < 0)
		SKIP("no FUSE here");
	make_process();
	fs = files_new(MIB);
	CHECK_EQ(files_open_aside(fs, NSEC_PER_SEC / 10), 0);
	t = ptable_new(&cfg, fs);
	for (int i = 0; i < 10; i++) {
		struct process *p = ptable_sample(t, &ev);

		CHECK(p && p->n_maps == 1);
		CHECK_STR(p->labels.exe, built("hang/file"));
	}
	CHECK(files_hang(fs, 0, 5));
	CHECK(mono_now() - start < LONG_NS);
	end_hanging(hang);
	for (int i = 0; i < 1000 && files_hang(fs, 0, 5); i++)
		usleep(10000);
	ptable_free(t);
	files_free(fs);
}

TEST(without_threads_whoever_asks_waits)
{
	struct files *fs = files_new(MIB);
	struct file_where w = mapping("good", 2);
	bool again = true;
	struct file *f = files_get_soon(fs, &w, &again);

	CHECK(f && !again);
	file_unref(f);
	w.ino++;
	CHECK(!files_get_soon(fs, &w, &again) && !again);
	files_free(fs);
}

int main(void)
{
	build_init();
	atexit(end_left);
	write_text("f.c", "int main(void) { return 0; }\n");
	if (sh("cc -o good f.c"))
		return 1;
	return tap_main();
}
