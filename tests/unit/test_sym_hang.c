// SPDX-License-Identifier: GPL-2.0
/* Files of a file system that never answers: whoever asks goes on, and other files are had. */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "sym/file_opener.h"
#include "tap.h"
#include "test_sym_build.h"
#include "test_sym_world.h"

#define LONG_NS (60 * NSEC_PER_SEC) /* far over what is waited for, far below for ever */

/* Mounts one at hang/ that nobody serves; its descriptor, -1: not allowed here. */
static int mount_hanging(void)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char opt[128];

	snprintf(opt, sizeof(opt), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (fd < 0 || sh("mkdir -p hang") || mount("hang", built("hang"), "fuse", 0, opt)) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

/* Calls that hang end with an error then. */
static void end_hanging(int fd)
{
	close(fd);
	umount2(built("hang"), MNT_DETACH);
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
	write_text("f.c", "int main(void) { return 0; }\n");
	if (sh("cc -o good f.c"))
		return 1;
	return tap_main();
}
