// SPDX-License-Identifier: GPL-2.0
/* Places of files: copies of one content, changed ctimes, tables that come late. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"
#include "unwind/places.h"

static struct unwind_table table = { .view = { .n_rows = 1 } };
static const struct unwind_table *answer;

const struct unwind_table *tables_get(struct tables *t, struct file *f)
{
	return answer;
}

static const struct unwind_table none;

bool tables_may_come(const struct tables *t, const struct unwind_table *given)
{
	return given == &none;
}

static char dir[] = "/tmp/ringprof-places-XXXXXX";
static struct files *files;
static struct places *places;

static void path_of(char *buf, size_t size, const char *name)
{
	snprintf(buf, size, "%s/%s", dir, name);
}

static void copy_self(const char *name)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd), "cp /proc/%d/exe %s/%s", (int)getpid(), dir, name);
	CHECK_EQ(system(cmd), 0);
}

static void begin(void)
{
	files = files_new(1 << 20);
	places = places_new();
	CHECK(files && places);
	answer = &table;
}

static void end(void)
{
	places_free(places);
	files_free(files);
}

static bool see(const char *name)
{
	char path[128];
	struct file_where w = { .path = path };
	struct stat st;
	struct file *f;
	bool ret;

	path_of(path, sizeof(path), name);
	CHECK_EQ(stat(path, &st), 0);
	w.ino = st.st_ino;
	f = files_get(files, &w);
	CHECK(f);
	if (!f)
		return false;
	ret = places_seen(places, f, &w);
	file_unref(f);
	return ret;
}

static bool take_one(ino_t *ret)
{
	const struct unwind_table *t;
	struct stat st = { .st_ino = 0 };
	struct file *f;
	int fd = places_next(places, NULL, &t, &f);

	if (fd < 0)
		return false;
	CHECK(t == &table);
	CHECK_EQ(fstat(fd, &st), 0);
	*ret = st.st_ino;
	close(fd);
	file_unref(f);
	return true;
}

TEST(each_copy_is_given_once)
{
	ino_t a, b, c;

	begin();
	CHECK(see("a") && see("b") && see("a"));
	CHECK_EQ(places_waiting(places), 2);
	CHECK(take_one(&a) && take_one(&b) && a != b);
	CHECK(!take_one(&c));
	CHECK(see("a") && see("b"));
	CHECK_EQ(places_waiting(places), 0);
	places_reset(places);
	CHECK(see("a"));
	CHECK(take_one(&c) && c == a);
	end();
}

TEST(what_was_given_otherwise_is_not_given_again)
{
	char path[128];
	int fd;

	begin();
	path_of(path, sizeof(path), "a");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(places_give(places, fd));
	CHECK(!places_give(places, fd));
	CHECK(see("a"));
	CHECK_EQ(places_waiting(places), 0);
	/* a chmod is a new state of the inode */
	CHECK_EQ(chmod(path, 0711), 0);
	CHECK(places_give(places, fd));
	close(fd);
	end();
}

TEST(a_table_that_is_not_ready_is_waited_for)
{
	ino_t a;

	begin();
	answer = NULL;
	CHECK(see("a"));
	CHECK(!take_one(&a));
	CHECK_EQ(places_waiting(places), 1);
	answer = &table;
	CHECK(take_one(&a));
	/* and one without rows is let go of */
	places_reset(places);
	answer = &(struct unwind_table){ .n_segments = 0 };
	CHECK(see("a"));
	CHECK(!take_one(&a));
	CHECK_EQ(places_waiting(places), 0);
	end();
}

/* A reader that was being started, memory that was full: the table is made after all. */
TEST(what_waited_in_vain_can_be_given_later)
{
	char path[128];
	ino_t a;
	int fd;

	begin();
	answer = &none;
	CHECK(see("a"));
	CHECK(!take_one(&a));
	CHECK_EQ(places_waiting(places), 0);
	path_of(path, sizeof(path), "a");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(places_give(places, fd));
	CHECK(!places_give(places, fd));
	close(fd);
	/* one that has no rows has been given with that */
	places_reset(places);
	answer = &(struct unwind_table){ .n_segments = 1 };
	CHECK(see("b"));
	CHECK(!take_one(&a));
	path_of(path, sizeof(path), "b");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	CHECK(!places_give(places, fd));
	close(fd);
	end();
}

TEST(so_many_wait_and_no_more)
{
	char name[16];
	ino_t n;

	begin();
	answer = NULL;
	for (uint32_t i = 0; i <= PLACES_WAITING; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		copy_self(name);
		CHECK_EQ(see(name), i < PLACES_WAITING);
	}
	CHECK_EQ(places_waiting(places), PLACES_WAITING);
	answer = &table;
	CHECK(take_one(&n));
	CHECK(see(name));
	CHECK_EQ(places_waiting(places), PLACES_WAITING);
	end();
}

static void remove_dir(void)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	if (system(cmd))
		puts("# the folder stays");
}

int main(void)
{
	int r;

	if (!mkdtemp(dir))
		return 1;
	copy_self("a");
	copy_self("b");
	r = tap_main();
	remove_dir();
	return r;
}
