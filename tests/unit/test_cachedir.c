// SPDX-License-Identifier: GPL-2.0
/* Cache files: limits, eviction, and files that are not what was written. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cachedir.h"
#include "tap.h"
#include "tests/unit/test_sym_build.h"

static char top[128];

static void anew(struct cachedir *c, uint64_t max)
{
	snprintf(top, sizeof(top), "%s/cache", build_dir);
	if (sh("rm -rf cache"))
		abort();
	if (cachedir_make(top, "things", "7", geteuid(), getegid()) ||
	    cachedir_open(c, top, "things", "7", max))
		abort();
}

static int store(struct cachedir *c, const char *name, size_t size)
{
	char *p = calloc(1, size);
	struct iovec v[2] = { { p, size / 2 }, { p + size / 2, size - size / 2 } };
	int r = p ? cachedir_store(c, name, v, 2) : -ENOMEM;

	free(p);
	return r;
}

static int load(struct cachedir *c, const char *name)
{
	struct cachemap m;
	int r = cachedir_map(c, name, 1, 1 << 20, &m);

	cachedir_unmap(&m);
	return r;
}

TEST(what_is_stored_is_mapped)
{
	const struct iovec v[2] = { { (char[]){ 'a', 'b' }, 2 }, { (char[]){ 'c' }, 1 } };
	struct cachedir c;
	struct cachemap m;
	struct stat st;

	anew(&c, 1 << 20);
	CHECK_EQ(cachedir_store(&c, "x", v, 2), 0);
	CHECK_EQ(cachedir_map(&c, "x", 3, 3, &m), 0);
	CHECK_EQ(m.len, 3);
	CHECK(!memcmp(m.data, "abc", 3));
	/* gone from the directory, the mapping stays */
	cachedir_remove(&c, "x");
	CHECK(!memcmp(m.data, "abc", 3));
	cachedir_unmap(&m);
	CHECK_EQ(cachedir_map(&c, "x", 3, 3, &m), -ENOENT);
	CHECK_EQ(stat(built("cache/things/7"), &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0700);
	cachedir_close(&c);
}

TEST(the_limit_holds_and_the_least_used_goes)
{
	struct cachedir c;

	anew(&c, 10000);
	CHECK_EQ(store(&c, "one", 4000), 0);
	usleep(10000);
	CHECK_EQ(store(&c, "two", 4000), 0);
	usleep(10000);
	CHECK_EQ(load(&c, "one"), 0); /* used now */
	CHECK_EQ(store(&c, "three", 4000), 0);
	CHECK_EQ(load(&c, "two"), -ENOENT);
	CHECK_EQ(load(&c, "one"), 0);
	CHECK_EQ(load(&c, "three"), 0);
	CHECK_EQ(c.evicted, 1);
	CHECK_EQ(c.bytes, 8000);
	CHECK_EQ(store(&c, "large", 10001), -E2BIG);
	CHECK_EQ(cachedir_reserve(&c, 10001), -E2BIG);
	CHECK_EQ(cachedir_reserve(&c, 6000), 0);
	CHECK_EQ(c.evicted, 2);
	CHECK_EQ(load(&c, "three"), 0);
	cachedir_close(&c);
	/* a smaller limit holds at once */
	CHECK_EQ(cachedir_open(&c, top, "things", "7", 100), 0);
	CHECK_EQ(load(&c, "three"), -ENOENT);
	cachedir_close(&c);
}

TEST(only_files_of_ours_are_mapped)
{
	struct cachedir c;

	anew(&c, 1 << 20);
	CHECK_EQ(store(&c, "x", 100), 0);
	CHECK_EQ(sh("cd cache/things/7; ln -s x link; mkfifo fifo; mkdir dir; : > empty;"
		    "cp x wide; chmod 666 wide; cp x .new-left; cp x large;"
		    "truncate -s 2M large"),
		 0);
	CHECK_EQ(load(&c, "link"), -EINVAL);
	CHECK_EQ(load(&c, "fifo"), -EINVAL);
	CHECK_EQ(load(&c, "dir"), -EINVAL);
	CHECK_EQ(load(&c, "empty"), -EINVAL);
	CHECK_EQ(load(&c, "wide"), -EINVAL);
	CHECK_EQ(load(&c, "large"), -EINVAL);
	CHECK_EQ(load(&c, "x"), 0);
	if (!geteuid()) {
		CHECK_EQ(chown(built("cache/things/7/x"), 65534, 65534), 0);
		CHECK_EQ(load(&c, "x"), -EINVAL);
	}
	cachedir_close(&c);
	/* what a broken-off write left goes as soon as room is looked for */
	CHECK_EQ(cachedir_open(&c, top, "things", "7", 1 << 20), 0);
	CHECK(access(built("cache/things/7/.new-left"), F_OK));
	cachedir_close(&c);
}

TEST(a_directory_of_others_is_refused)
{
	struct cachedir c;

	anew(&c, 1 << 20);
	cachedir_close(&c);
	CHECK_EQ(chmod(built("cache/things/7"), 0777), 0);
	CHECK_EQ(cachedir_open(&c, top, "things", "7", 1 << 20), -EPERM);
	CHECK_EQ(store(&c, "x", 100), 0); /* nothing is kept, nothing fails */
	CHECK_EQ(load(&c, "x"), -ENOENT);
	CHECK_EQ(sh("rm -r cache/things; ln -s /tmp cache/things"), 0);
	CHECK(cachedir_open(&c, top, "things", "7", 1 << 20) < 0);
	CHECK(cachedir_make(top, "things", "7", geteuid(), getegid()) < 0);
	CHECK_EQ(cachedir_open(&c, "/nonexistent", "things", "7", 1), -ENOENT);
	CHECK_EQ(cachedir_open(&c, NULL, "things", "7", 1), 0);
	CHECK_EQ(load(&c, "x"), -ENOENT);
}

int main(void)
{
	build_init();
	return tap_main();
}
