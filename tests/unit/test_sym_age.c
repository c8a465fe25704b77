// SPDX-License-Identifier: GPL-2.0
/* One path and one inode's number, and another build of the program since it was mapped. */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "sym/file_age.h"
#include "tap.h"
#include "test_sym_files.h"

static uint32_t generation_of(const char *name)
{
	cleanup_close int fd = open(built(name), O_RDONLY | O_CLOEXEC);

	return fd < 0 ? 0 : file_generation(fd);
}

/* Of a process that is gone: there is the path alone. */
static struct file_where gone(const char *name)
{
	struct file_where w = where(name);
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	w.pid = pid;
	w.start = 0x1000;
	w.end = 0x2000;
	return w;
}

static bool is_had(struct files *fs, const struct file_where *w)
{
	struct file *f = files_get(fs, w);

	file_unref(f);
	return f;
}

TEST(a_file_that_was_made_after_it_was_mapped_is_another_one)
{
	struct files *fs = files_new(64 * MIB);
	uint64_t now = mono_now();
	struct file_where w;

	make();
	CHECK_EQ(sh("cp one made"), 0);
	w = gone("made");
	w.mapped = now - NSEC_PER_SEC;
	CHECK(!is_had(fs, &w));
	/* nor is it by what was known of it */
	w.mapped = mono_now() + NSEC_PER_SEC;
	CHECK(is_had(fs, &w));
	CHECK_EQ(unlink(built("made")), 0);
	CHECK(is_had(fs, &w));
	w.mapped = now - NSEC_PER_SEC;
	CHECK(!is_had(fs, &w));
	w.mapped = 0;
	CHECK(is_had(fs, &w));
	files_free(fs);
}

TEST(an_inode_of_another_generation_is_another_file)
{
	struct files *fs = files_new(64 * MIB);
	struct file_where w;
	uint32_t g;

	make();
	CHECK_EQ(sh("cp one made"), 0);
	g = generation_of("made");
	if (!g)
		SKIP("the file system gives no generations away");
	w = gone("made");
	w.generation = g + 1;
	CHECK(!is_had(fs, &w));
	/* this one is the same even if it was changed since */
	w.generation = g;
	w.mapped = mono_now() - NSEC_PER_SEC;
	CHECK(is_had(fs, &w));
	/* build 1 is known, build 2 was mapped from there and is gone as well */
	CHECK_EQ(unlink(built("made")), 0);
	CHECK(is_had(fs, &w));
	w.generation = g + 1;
	w.mapped = mono_now();
	CHECK(!is_had(fs, &w));
	files_free(fs);
}

/* Where it cannot be asked for, what the event said of the last one is compared. */
TEST(the_generation_of_an_event_is_remembered)
{
	struct files *fs = files_new(64 * MIB);
	struct file_where w;

	make();
	CHECK_EQ(sh("cp one /dev/shm/ringprof-age-%d && ln -s /dev/shm/ringprof-age-%d shm",
		    getpid(), getpid()),
		 0);
	w = gone("shm");
	w.generation = 7;
	CHECK(is_had(fs, &w));
	CHECK_EQ(sh("rm shm /dev/shm/ringprof-age-%d", getpid()), 0);
	CHECK(is_had(fs, &w));
	w.generation = 8;
	CHECK(!is_had(fs, &w));
	files_free(fs);
}

TEST(a_time_to_come_says_nothing)
{
	uint64_t mapped = mono_now(), wall = wall_now();

	CHECK(!file_changed_after(0, wall));
	CHECK(!file_changed_after(mapped, wall - NSEC_PER_SEC));
	CHECK(!file_changed_after(mapped, wall + 3600 * NSEC_PER_SEC));
	CHECK(file_changed_after(mapped - NSEC_PER_SEC, wall));
}

int main(void)
{
	build_init();
	return tap_main();
}
