// SPDX-License-Identifier: GPL-2.0
/*
 * Power may fail after a pin or an import was acknowledged: its bytes must be on
 * the disk before it gets its name, its name before it is acknowledged. The
 * linker takes fsync and rename from here.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "test_store_pins.h"

static char synced[512];  /* the file that was brought to the disk last */
static bool file_is_safe; /* that one, when it was renamed */
static bool name_is_safe; /* the directory was, after that */
static int fail_file, fail_dir;

int fsync(int fd)
{
	char link[64], path[512];
	struct stat st;
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n > 0 && !fstat(fd, &st)) {
		path[n] = '\0';
		errno = S_ISDIR(st.st_mode) ? fail_dir : fail_file;
		if (errno)
			return -1;
		if (!S_ISDIR(st.st_mode))
			snprintf(synced, sizeof(synced), "%s", path);
		else if (!strcmp(path, world_dir))
			name_is_safe = true;
	}
	return (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
	if (strstr(to, "/pin-") && strstr(to, ".rph") && !strstr(from, ".new")) {
		file_is_safe = !strcmp(from, synced);
		name_is_safe = false;
	}
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

static void forget(void)
{
	synced[0] = '\0';
	file_is_safe = name_is_safe = false;
}

struct filled {
	struct world_model m;
	struct store *s;
	size_t size; /* of an export, in the room */
};

static void filled_make(struct filled *f)
{
	struct store_file *out;
	char err[256];

	fail_file = fail_dir = 0;
	world_begin();
	world_model(&f->m);
	f->s = world_open(SMALL, 1ULL << 30);
	world_fill(f->s, &f->m, BASE, BASE + 300 * SEC);
	CHECK_EQ(store_export(f->s, BASE, BASE + 300 * SEC, &out, err, sizeof(err)), 0);
	f->size = read_file(out);
	forget();
}

static void filled_free(struct filled *f)
{
	store_free(f->s);
	model_unref(f->m.m);
	world_end();
}

TEST(a_pin_is_on_the_disk_when_it_is_acknowledged)
{
	struct filled f;
	char err[256];
	uint64_t id;

	filled_make(&f);
	CHECK_EQ(store_pin(f.s, BASE, BASE + 300 * SEC, "x", &id, err, sizeof(err)), 0);
	CHECK(file_is_safe);
	CHECK(name_is_safe);
	filled_free(&f);
}

TEST(an_import_is_on_the_disk_when_it_is_acknowledged)
{
	struct filled f;
	char err[256];
	uint64_t id;

	filled_make(&f);
	CHECK_EQ(import(f.s, file, f.size, &id, err, sizeof(err)), 0);
	CHECK(file_is_safe);
	CHECK(name_is_safe);
	filled_free(&f);
}

/* what: where the disk fails. There is no pin then, and nothing left of one. */
static void is_refused(int *what, int with, int result, const char *why)
{
	unsigned int files;
	struct filled f;
	char err[256];
	uint64_t id;

	filled_make(&f);
	files = files_in(world_dir);
	*what = with;
	CHECK_EQ(store_pin(f.s, BASE, BASE + 300 * SEC, "x", &id, err, sizeof(err)), result);
	CHECK(strstr(err, why));
	CHECK_EQ(import(f.s, file, f.size, &id, err, sizeof(err)), result);
	CHECK(strstr(err, why));
	CHECK_EQ(pins(f.s).id, 0);
	CHECK_EQ(files_in(world_dir), files);
	CHECK_EQ(f.s->history->reserved, 0);
	filled_free(&f);
}

TEST(a_disk_that_fails_is_told)
{
	is_refused(&fail_file, EIO, -EIO, "cannot be made: Input/output error");
	is_refused(&fail_dir, EIO, -EIO, "cannot be made: Input/output error");
	/* of the disk's quota, not of what pins may hold */
	is_refused(&fail_file, EDQUOT, -ENOSPC, "cannot be made: No space left");
}

TEST(a_file_system_without_it_has_pins_too)
{
	struct filled f;
	char err[256];
	uint64_t id;

	filled_make(&f);
	fail_file = fail_dir = EINVAL;
	CHECK_EQ(store_pin(f.s, BASE, BASE + 300 * SEC, "x", &id, err, sizeof(err)), 0);
	CHECK_EQ(pins(f.s).id, 1);
	filled_free(&f);
}

int main(void)
{
	return tap_main();
}
