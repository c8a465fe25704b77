// SPDX-License-Identifier: GPL-2.0
/* Limits on the tables and descriptors of files, and on how many are known. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "sym/symbols.h"
#include "test_sym_files.h"

TEST(past_the_byte_limit_tables_are_dropped_and_read_again)
{
	struct files *fs = files_new(600);
	struct symbols *s = new_symbols(fs);
	const char *const names[] = { "one", "plain", "other" };
	struct file *f[3];
	struct files_counters c;
	struct sym_answer a;

	make();
	get(fs, names, 3, f);
	for (int k = 0; k < 9; k++) {
		symbols_resolve_function(s, FRAME_USER, f[k % 3],
					 off_of(f[k % 3], nm(names[k % 3], "inner")), &a);
		CHECK_STR(a.lines[0].name, "inner");
		files_counters(fs, &c);
		CHECK(c.symbol_bytes <= 600 && c.symbol_bytes > 0);
	}
	printf("# %" PRIu64 " loads, %" PRIu64 " evictions\n", c.loads, c.evictions);
	CHECK(c.loads > 3);
	CHECK(c.evictions >= c.loads - 2);
	for (int i = 0; i < 3; i++)
		file_unref(f[i]);
	symbols_free(s);
	files_free(fs);
}

TEST(a_table_over_the_limit_is_not_kept)
{
	struct files *fs = files_new(32);
	struct symbols *s = new_symbols(fs);
	struct files_counters c;
	struct file_where w;
	struct sym_answer a;
	struct file *f;

	make();
	w = where("one");
	f = files_get(fs, &w);
	CHECK(f);
	symbols_resolve(s, FRAME_USER, f, off_of(f, nm("one", "inner")), &a);
	CHECK(!a.named);
	CHECK(!strncmp(a.lines[0].name, "one+0x", 6));
	files_counters(fs, &c);
	CHECK_EQ(c.load_failures, 1);
	CHECK_EQ(c.symbol_bytes, 0);
	file_unref(f);
	symbols_free(s);
	files_free(fs);
}

static bool has_symbols(struct file *f)
{
	struct file_symbol s;

	return file_symbol(f, nm("one", "inner"), &s) && !strcmp(s.name, "inner");
}

/* A process that is gone took the way to its file along; another one may bring it. */
TEST(a_file_that_could_not_be_opened_is_tried_again)
{
	struct files *fs = files_new(64 * MIB);
	struct files_counters c;
	struct file_where w;
	struct file *f;

	make();
	CHECK_EQ(sh("mkdir at && cp one at"), 0);
	w = where("at/one");
	f = files_get(fs, &w);
	CHECK(f);
	close(file_take_fd(file_priv(f)));
	CHECK_EQ(sh("mv at away"), 0);
	for (int i = 0; i < 3; i++)
		CHECK(!has_symbols(f));
	files_counters(fs, &c);
	CHECK_EQ(c.load_failures, 1); /* not tried for each address */
	/* after a time */
	file_priv(f)->retry = 1;
	CHECK(!has_symbols(f));
	CHECK_EQ(sh("mv away at"), 0);
	CHECK(!has_symbols(f));
	file_priv(f)->retry = 1;
	CHECK(has_symbols(f));
	/* at once for who maps it now */
	CHECK_EQ(sh("mv at away"), 0);
	pthread_mutex_lock(&fs->sym_lock);
	file_drop_symbols(file_priv(f));
	pthread_mutex_unlock(&fs->sym_lock);
	close(file_take_fd(file_priv(f)));
	CHECK(!has_symbols(f));
	CHECK_EQ(sh("mv away at"), 0);
	w = where("at/one");
	CHECK(files_get(fs, &w) == f);
	CHECK(has_symbols(f));
	file_unref(f);
	file_unref(f);
	files_free(fs);
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 4096; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

TEST(descriptors_are_bounded_and_closed_after_reading)
{
	struct files *fs = files_new(64 * MIB);
	struct symbols *s = new_symbols(fs);
	int before = open_fds();
	struct file *f[300];
	struct sym_answer a;

	make();
	/* 300 contents: the hash covers the end of the file */
	for (int i = 0; i < 300; i++) {
		char name[32];

		snprintf(name, sizeof(name), "many%d", i);
		f[i] = get_numbered(fs, name, i);
		CHECK(f[i]);
	}
	CHECK_EQ(open_fds() - before, fs->max_open);
	for (int i = 0; i < 300; i++) {
		symbols_resolve(s, FRAME_USER, f[i], off_of(f[0], nm("plain", "inner")), &a);
		CHECK_STR(a.lines[0].name, "inner");
		if (i > 3 && i < 290)
			i += 40; /* nm is slow */
	}
	CHECK(open_fds() - before < (int)fs->max_open);
	for (int i = 0; i < 300; i++)
		file_unref(f[i]);
	symbols_free(s);
	files_free(fs);
	CHECK_EQ(open_fds(), before);
}

TEST(unused_files_leave_the_registry_in_the_end)
{
	struct files *fs = files_new(64 * MIB);
	struct symbols *s = new_symbols(fs);
	struct files_counters c;
	struct sym_answer a;

	make();
	for (int i = 0; i < 600; i++) {
		struct file *f = get_numbered(fs, "churn", i);

		CHECK(f);
		symbols_resolve(s, FRAME_USER, f, 0, &a);
		file_unref(f);
	}
	files_counters(fs, &c);
	CHECK_EQ(c.files, 512);
	CHECK_EQ(c.loads, 600);
	symbols_free(s);
	files_free(fs);
}

int main(void)
{
	build_init();
	return tap_main();
}
