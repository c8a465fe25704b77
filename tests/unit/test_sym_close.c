// SPDX-License-Identifier: GPL-2.0
/* A file system that answers at first, and no more when its files are closed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"
#include "proc/ptable.h"
#include "sym/file_close.h"
#include "sym/gosym.h"
#include "sym/lines.h"
#include "tap.h"
#include "test_sym_files.h"

#define FILE_INO 2

static int fuse_fd;
static char *content;
static size_t content_len;
static unsigned int n_closes; /* atomic: that were asked for, and not answered */

/* so long that nobody waits for it, but not for ever: nothing ends who waits */
#define HELD_NS	 (20 * NSEC_PER_SEC)
#define MAX_HELD 8U

static struct {
	struct fuse_in_header in;
	uint64_t until;
} held[MAX_HELD];
static unsigned int n_held;

static struct fuse_attr attr_of(uint64_t ino)
{
	return (struct fuse_attr){ .ino = ino,
				   .nlink = 1,
				   .size = ino == FILE_INO ? content_len : 0,
				   .mode = ino == FILE_INO ? S_IFREG | 0755 : S_IFDIR | 0755 };
}

static void answer(const struct fuse_in_header *in, int err, const void *data, size_t len)
{
	char buf[65536 + sizeof(struct fuse_out_header)];
	struct fuse_out_header h = { .unique = in->unique, .error = err };

	h.len = (uint32_t)(sizeof(h) + len);
	memcpy(buf, &h, sizeof(h));
	memcpy(buf + sizeof(h), data, len);
	if (write(fuse_fd, buf, h.len) != (ssize_t)h.len && errno != ENOENT)
		abort();
}

static void answer_read(const struct fuse_in_header *in, const struct fuse_read_in *r)
{
	size_t at = r->offset < content_len ? (size_t)r->offset : content_len;
	size_t n = content_len - at < r->size ? content_len - at : r->size;

	answer(in, 0, content + at, n);
}

static void hold(const struct fuse_in_header *in)
{
	if (n_held == MAX_HELD)
		abort();
	held[n_held].in = *in;
	held[n_held++].until = mono_now() + HELD_NS;
	__atomic_fetch_add(&n_closes, 1, __ATOMIC_RELAXED);
}

static void let_go(void)
{
	while (n_held && mono_now() >= held[0].until) {
		answer(&held[0].in, -ENOSYS, "", 0);
		memmove(held, held + 1, --n_held * sizeof(*held));
	}
}

static void serve(const struct fuse_in_header *in)
{
	struct fuse_init_out init = { .major = 7, .minor = 31, .max_write = 65536 };
	struct fuse_entry_out entry = { .nodeid = FILE_INO, .attr = attr_of(FILE_INO) };
	struct fuse_attr_out attr = { .attr = attr_of(in->nodeid) };
	struct fuse_open_out opened = { .fh = 1 };

	if (in->opcode == FUSE_INIT)
		answer(in, 0, &init, sizeof(init));
	else if (in->opcode == FUSE_LOOKUP)
		answer(in, 0, &entry, sizeof(entry));
	else if (in->opcode == FUSE_GETATTR)
		answer(in, 0, &attr, sizeof(attr));
	else if (in->opcode == FUSE_OPEN)
		answer(in, 0, &opened, sizeof(opened));
	else if (in->opcode == FUSE_READ)
		answer_read(in, (const void *)(in + 1));
	else if (in->opcode == FUSE_FLUSH)
		hold(in);
	else if (in->opcode != FUSE_FORGET && in->opcode != FUSE_BATCH_FORGET)
		answer(in, -ENOSYS, "", 0);
}

/* Until the file system is taken away. */
static void *server(void *arg)
{
	static char buf[1 << 18] __attribute__((aligned(8)));

	struct pollfd p = { .fd = fuse_fd, .events = POLLIN };

	for (;;) {
		let_go();
		if (poll(&p, 1, 1000) <= 0)
			continue;
		if (read(fuse_fd, buf, sizeof(buf)) <= 0)
			return arg;
		serve((const struct fuse_in_header *)buf);
	}
}

static bool start_server(pthread_t *ret)
{
	char opt[128];

	content = slurp("copy", &content_len);
	fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(opt, sizeof(opt), "fd=%d,rootmode=40000,user_id=0,group_id=0,max_read=65536",
		 fuse_fd);
	if (fuse_fd < 0 || sh("mkdir -p served") ||
	    mount("served", built("served"), "fuse", 0, opt))
		return false;
	return !pthread_create(ret, NULL, server, NULL);
}

/* Calls that hang end with an error then, also when a test has failed. */
static void abort_served(void)
{
	umount2(built("served"), MNT_FORCE | MNT_DETACH);
}

static void end_server(pthread_t t)
{
	abort_served();
	pthread_join(t, NULL);
	close(fuse_fd);
	free(content);
}

static void wait_for_closes(unsigned int n)
{
	for (int i = 0; i < 1000 && __atomic_load_n(&n_closes, __ATOMIC_RELAXED) < n; i++)
		usleep(10000);
	CHECK_EQ(__atomic_load_n(&n_closes, __ATOMIC_RELAXED), n);
}

static bool is_closed(int fd)
{
	for (int i = 0; i < 1000 && fcntl(fd, F_GETFD) >= 0; i++)
		usleep(10000);
	return fcntl(fd, F_GETFD) < 0;
}

static unsigned int count_threads(void)
{
	unsigned int n = 0;
	DIR *d = opendir("/proc/self/task");

	for (struct dirent *e; d && (e = readdir(d));)
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

/* No more threads than can be at work for one file system. Before others have made threads. */
TEST(many_files_of_one_device_need_two_threads)
{
	unsigned int before = count_threads();
	int fds[100];

	for (int i = 0; i < 100; i++)
		fds[i] = open("/", O_PATH | O_CLOEXEC);
	for (int i = 0; i < 100; i++)
		file_close_aside(fds[i], false);
	CHECK(count_threads() <= before + CLOSE_PER_DEVICE);
	for (int i = 0; i < 100; i++)
		CHECK(is_closed(fds[i]));
}

TEST(who_closes_a_file_does_not_wait_for_its_server)
{
	struct files *fs = files_new(64 * MIB);
	struct file_where w;
	struct file *f, *other;
	uint64_t start;
	pthread_t t;
	int fd;

	make();
	if (!start_server(&t))
		SKIP("no FUSE here");
	start = mono_now();
	fs->max_open = 1;
	w = where("served/copy");
	f = files_get(fs, &w);
	CHECK(f);
	/* its descriptor makes room for this one's, with the registry's lock held */
	other = get_one(fs, "plain");
	CHECK(other && other != f);
	wait_for_closes(1);
	fd = open(built("served/copy"), O_RDONLY | O_CLOEXEC);
	CHECK(fd >= 0);
	file_close_aside(fd, false);
	wait_for_closes(2);
	CHECK(mono_now() - start < HELD_NS);
	end_server(t);
	file_unref(f);
	file_unref(other);
	files_free(fs);
}

static void wait_for_open(struct files *fs, size_t n)
{
	struct files_counters c;

	files_counters(fs, &c);
	for (int i = 0; i < 1000 && c.closing != n; i++) {
		usleep(10000);
		files_counters(fs, &c);
	}
	CHECK_EQ(c.closing, n);
}

static struct file_where served_mapping(void)
{
	struct file_where w = { .path = built("served/copy") };
	struct stat st;

	CHECK_EQ(stat(w.path, &st), 0);
	w.ino = st.st_ino;
	w.min = minor(st.st_dev);
	return w;
}

/* Nothing is opened there any more, as it could not be closed either. */
static void wait_for_hang(struct files *fs, uint32_t min)
{
	for (int i = 0; i < 1000 && !files_hang(fs, 0, min); i++)
		usleep(10000);
	CHECK(files_hang(fs, 0, min) && !files_hang(fs, 0, min + 1));
}

/* Whatever waits for one server, files of others are closed, and its own are not forgotten. */
TEST(a_server_that_hangs_keeps_its_own_files_open_alone)
{
	struct files *fs = files_new(64 * MIB);
	struct file_where w;
	unsigned int before = __atomic_load_n(&n_closes, __ATOMIC_RELAXED);
	int served[3 * CLOSE_MAX_THREADS], other;
	size_t n = sizeof(served) / sizeof(served[0]);
	pthread_t t;
	bool again;

	make();
	if (!start_server(&t))
		SKIP("no FUSE here");
	CHECK_EQ(files_open_aside(fs, HELD_NS), 0);
	w = served_mapping();
	CHECK(!files_hang(fs, 0, w.min));
	for (size_t i = 0; i < n; i++) {
		served[i] = open(w.path, O_RDONLY | O_CLOEXEC);
		CHECK(served[i] >= 0);
	}
	for (size_t i = 0; i < n; i++)
		file_close_aside(served[i], false);
	wait_for_closes(before + CLOSE_PER_DEVICE);
	for (int i = 0; i < 9; i++) {
		other = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
		CHECK(other >= 0);
		file_close_aside(other, false);
		CHECK(is_closed(other));
	}
	wait_for_open(fs, n);
	wait_for_hang(fs, w.min);
	CHECK(!files_get_soon(fs, &w, &again) && again);
	end_server(t);
	for (size_t i = 0; i < n; i++)
		CHECK(is_closed(served[i]));
	wait_for_open(fs, 0);
	CHECK(!files_hang(fs, 0, w.min));
	files_free(fs);
}

static void take_frame(void *unused, const struct dwarf_frame *f)
{
}

/* Symbols, lines and Go's tables: each opens the file and closes it. */
TEST(who_reads_names_does_not_wait_for_the_server)
{
	struct files *fs = files_new(64 * MIB);
	struct lines *lines = lines_new(MIB, "", NULL);
	struct file_symbol sym;
	struct file_where w;
	uint64_t start;
	struct file *f;
	pthread_t t;

	make();
	if (!start_server(&t))
		SKIP("no FUSE here");
	start = mono_now();
	CHECK_EQ(files_open_aside(fs, HELD_NS), 0);
	w = served_mapping();
	f = files_get(fs, &w);
	CHECK(f);
	CHECK(file_symbol(f, f->entry, &sym));
	CHECK_EQ(gosym_file_lookup(f, f->entry, take_frame, NULL), 0);
	CHECK(lines_lookup(lines, f, f->entry, take_frame, NULL) >= 0);
	wait_for_hang(fs, w.min);
	CHECK_EQ(file_take_fd(file_priv(f)), -EAGAIN);
	CHECK(mono_now() - start < HELD_NS);
	end_server(t);
	wait_for_open(fs, 0);
	lines_free(lines);
	file_unref(f);
	files_free(fs);
}

/* A process of a /proc made here, whose program lies there. */
static struct ptable *table_with_process(struct files *fs, const struct file_where *w)
{
	static char proc[600];
	struct ptable_config cfg = { .max_processes = 9, .proc_root = proc };
	char text[512];

	snprintf(proc, sizeof(proc), "%s", built("proc"));
	CHECK_EQ(sh("mkdir -p proc/7 && ln -sfn $PWD/served/copy proc/7/exe && cd proc/7 && "
		    "echo '7 (x) S 1 1 1 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 9 1 2 3' >stat && "
		    "echo 0::/ >cgroup && printf 'Name:\\tx\\nUid:\\t0\\t0\\t0\\t0\\n' >status"),
		 0);
	snprintf(text, sizeof(text), "1000-2000 r-xp 00000000 00:%x %u  %s\n", w->min,
		 (unsigned int)w->ino, w->path);
	write_text("proc/7/maps", text);
	return ptable_new(&cfg, fs);
}

/* A look at it opens it, reads it and closes it. */
TEST(the_program_of_a_process_is_read_without_waiting)
{
	struct event ev = { .type = EV_SAMPLE, .pid = 7, .tid = 7, .time = mono_now() };
	struct files *fs = files_new(64 * MIB);
	uint64_t start = ev.time;
	struct process *p;
	struct file_where w;
	struct ptable *t;
	pthread_t server;

	make();
	if (!start_server(&server))
		SKIP("no FUSE here");
	CHECK_EQ(files_open_aside(fs, HELD_NS), 0);
	w = served_mapping();
	t = table_with_process(fs, &w);
	p = ptable_sample(t, &ev);
	CHECK_EQ(strlen(p->labels.build_id), 40);
	/* what it said is known when nothing more can be opened there */
	wait_for_hang(fs, w.min);
	CHECK_EQ(strlen(ptable_sample(t, &ev)->labels.build_id), 40);
	CHECK(mono_now() - start < HELD_NS);
	end_server(server);
	ptable_free(t);
	wait_for_open(fs, 0);
	files_free(fs);
}

TEST(what_cannot_hang_is_closed_at_once)
{
	int fd = open("/", O_PATH | O_CLOEXEC);

	file_close_aside(fd, true);
	CHECK(fcntl(fd, F_GETFD) < 0 && errno == EBADF);
	file_close_aside(-1, false);
}

int main(void)
{
	build_init();
	atexit(abort_served);
	return tap_main();
}
