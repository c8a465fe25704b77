// SPDX-License-Identifier: GPL-2.0
/*
 * Files of live and dead mappings: which are one, which cannot be had, and the
 * limits on their tables and descriptors.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sym/files_int.h"
#include "sym/symbols.h"
#include "tap.h"
#include "test_map_code.h"
#include "test_sym_files.h"

TEST(programs_have_an_entry_point_and_libraries_none)
{
	struct files *fs = files_new(64 * MIB);
	struct file *f;

	make();
	CHECK_EQ(sh("cc -shared -fPIC -Wl,-e,inner -o lib.so f.c"), 0);
	f = get_one(fs, "one");
	CHECK(f && f->entry == nm("one", "_start"));
	file_unref(f);
	f = get_one(fs, "lib.so");
	CHECK(f && !f->entry);
	file_unref(f);
	files_free(fs);
}

TEST(one_file_per_content)
{
	struct files *fs = files_new(64 * MIB);
	const char *const names[] = { "one", "copy", "stripped", "plain", "plain2", "other" };
	struct file *f[6], *again;
	struct files_counters c;

	make();
	get(fs, names, 6, f);
	CHECK(f[0] == f[1]);
	CHECK(f[0]->key_is_build_id && strlen(f[0]->build_id) == 40);
	CHECK(f[3] == f[4] && f[3] != f[0]);
	CHECK(!f[3]->key_is_build_id);
	CHECK_STR(f[3]->build_id, "");
	CHECK(f[5] != f[3]);
	/* names come from the file: one without them is another one */
	CHECK(f[2] != f[0] && !f[2]->key_is_build_id);
	CHECK_STR(f[2]->build_id, f[0]->build_id);
	again = file_ref(f[0]);
	CHECK(again == f[0]);
	file_unref(again);
	files_counters(fs, &c);
	CHECK_EQ(c.files, 4);
	for (int i = 0; i < 6; i++)
		file_unref(f[i]);
	file_unref(NULL);
	files_free(fs);
}

TEST(same_build_id_with_other_segments_is_another_file)
{
	struct files *fs = files_new(64 * MIB);
	struct file_where a, b;
	struct file *fa, *fb;
	struct elf_image e;
	size_t len;
	char *p;
	FILE *out;

	make();
	p = slurp("one", &len);
	CHECK_EQ(elf_open_mem(&e, p, len), 0);
	for (size_t i = 0; i < e.n_ph; i++)
		if (e.ph[i].p_type == PT_LOAD && e.ph[i].p_flags & PF_X)
			((Elf64_Phdr *)(p + e.eh.e_phoff))[i].p_vaddr += 0x1000;
	elf_close(&e);
	out = fopen(built("liar"), "w");
	CHECK(out && fwrite(p, 1, len, out) == len && !fclose(out));
	free(p);
	a = where("one");
	fa = files_get(fs, &a);
	b = where("liar");
	fb = files_get(fs, &b);
	CHECK(fa && fb && fa != fb);
	CHECK(fa->key_is_build_id && !fb->key_is_build_id);
	CHECK(memcmp(fa->key, fb->key, sizeof(fa->key)));
	file_unref(fa);
	file_unref(fb);
	files_free(fs);
}

/* A copy of a file with one byte of it turned around, at a section's start plus `at`. */
static void twist(const char *from, const char *to, const char *section, long at)
{
	size_t len;
	char *p = slurp(from, &len);
	const Elf64_Shdr *shdr;
	struct elf_image e;
	FILE *out;

	CHECK(!elf_open_mem(&e, p, len) && !elf_load_sections(&e));
	shdr = elf_section(&e, section);
	CHECK(shdr);
	if (shdr)
		p[(long)shdr->sh_offset + at] ^= 1;
	elf_close(&e);
	out = fopen(built(to), "w");
	CHECK(out && fwrite(p, 1, len, out) == len && !fclose(out));
	free(p);
}

/* Anybody may copy libc and change what stacks and names are read from, but not more. */
TEST(one_changed_byte_is_another_file)
{
	static const struct {
		const char *from, *section;
		long at;
	} of[] = { { "one", ".eh_frame", 40 }, { "one", ".strtab", 5 }, { "plain", ".text", 70 } };
	struct files *fs = files_new(64 * MIB);

	make();
	for (size_t i = 0; i < ARRAY_SIZE(of); i++) {
		struct file *honest, *liar[2], *copy;

		honest = get_one(fs, of[i].from);
		twist(of[i].from, "liar", of[i].section, of[i].at);
		CHECK_EQ(sh("cp liar liar2 && cp %s third", of[i].from), 0);
		liar[0] = get_one(fs, "liar");
		liar[1] = get_one(fs, "liar2");
		copy = get_one(fs, "third");
		CHECK(honest && liar[0] && honest != liar[0]);
		CHECK(liar[0] == liar[1]);
		CHECK(copy == honest);
		CHECK(memcmp(honest->key, liar[0]->key, sizeof(honest->key)));
		CHECK(file_ident_hash(honest) != file_ident_hash(liar[0]));
		file_unref(honest);
		file_unref(copy);
		file_unref(liar[0]);
		file_unref(liar[1]);
		CHECK_EQ(sh("rm liar liar2 third"), 0);
	}
	files_free(fs);
}

/* A build-id may be any bytes, those of a key made from another file's content as well. */
TEST(no_build_id_takes_the_key_of_another_file)
{
	char id[41];

	make();
	twist("one", "liar", ".strtab", 5);
	for (int order = 0; order < 2; order++) {
		struct files *fs = files_new(64 * MIB);
		struct file *f[3];

		f[0] = get_one(fs, "one");
		f[1 + order] = order ? get_one(fs, "thief") : get_one(fs, "liar");
		if (!order) {
			for (size_t i = 0; i < sizeof(f[1]->key); i++)
				snprintf(id + 2 * i, 3, "%02x", f[1]->key[i]);
			CHECK_EQ(sh("cc -O1 -Wl,--build-id=0x%s -o thief f.c", id), 0);
		}
		f[2 - order] = order ? get_one(fs, "liar") : get_one(fs, "thief");
		CHECK(f[0] && f[1] && f[2]);
		CHECK_STR(f[2]->build_id, id);
		CHECK_EQ(f[2]->key_is_build_id, order);
		for (int i = 0; i < 3; i++)
			CHECK(f[i] != f[(i + 1) % 3] &&
			      memcmp(f[i]->key, f[(i + 1) % 3]->key, sizeof(f[i]->key)));
		for (int i = 0; i < 3; i++)
			file_unref(f[i]);
		files_free(fs);
	}
}

/* Who owns a copy of libc writes into it once it counts as libc, and puts the time back. */
TEST(a_copy_is_not_read_for_the_other_once_it_was_touched)
{
	struct files *fs = files_new(64 * MIB);
	struct file *copy, *honest;
	int fd;

	make();
	CHECK_EQ(sh("cp one copied && touch -d @1700000000 copied"), 0);
	copy = get_one(fs, "copied");
	honest = get_one(fs, "one");
	CHECK(copy && copy == honest);
	close(file_open_fd(copy));
	twist("copied", "twisted", ".strtab", 5);
	CHECK_EQ(sh("cat twisted > copied && touch -d @1700000000 copied"), 0);
	/* by the mapping of the one that was asked for last it would be; here there is none */
	fd = file_open_fd(honest);
	CHECK(fd < 0);
	for (int i = 0; i < 2; i++)
		file_unref(copy);
	files_free(fs);
}

/* It lent its rows and names to nobody yet: those were read from other bytes than now. */
TEST(a_copy_that_was_touched_before_is_not_the_other)
{
	struct files *fs = files_new(64 * MIB);
	struct file *liar, *honest;

	make();
	twist("one", "copied", ".strtab", 5);
	CHECK_EQ(sh("touch -d @1700000000 copied"), 0);
	liar = get_one(fs, "copied");
	CHECK(liar);
	CHECK_EQ(sh("cat one > copied && touch -d @1700000000 copied"), 0);
	honest = get_one(fs, "one");
	CHECK(honest && honest != liar);
	file_unref(liar);
	file_unref(honest);
	files_free(fs);
}

/* An upgrade takes the name of a library that two processes map from two places. */
TEST(a_compared_file_that_loses_its_name_is_still_read)
{
	struct files *fs = files_new(64 * MIB);
	struct file *a, *b;
	int fd;

	make();
	CHECK_EQ(sh("cp one leaving && cp one staying"), 0);
	a = get_one(fs, "leaving");
	b = get_one(fs, "staying");
	CHECK(a && a == b);
	CHECK_EQ(unlink(built("leaving")), 0);
	for (int i = 0; i < 2; i++) {
		fd = file_open_fd(a);
		CHECK(fd >= 0);
		close(fd);
	}
	file_unref(a);
	file_unref(b);
	files_free(fs);
}

/* They are not read while others wait: each place is another file, and the same again. */
TEST(large_files_are_not_compared)
{
	struct files *fs = files_new(64 * MIB);
	struct file *f[3];

	make();
	CHECK_EQ(sh("cp one large && truncate -s 9M large && cp large large2"), 0);
	f[0] = get_one(fs, "large");
	f[1] = get_one(fs, "large2");
	f[2] = get_one(fs, "large2");
	CHECK(f[0] && f[1] && f[0] != f[1]);
	CHECK(f[1] == f[2]);
	CHECK(memcmp(f[0]->key, f[1]->key, sizeof(f[0]->key)));
	for (int i = 0; i < 3; i++)
		file_unref(f[i]);
	CHECK_EQ(sh("rm large large2"), 0);
	files_free(fs);
}

TEST(bytes_that_came_later_are_not_read_for_it)
{
	struct files *fs = files_new(64 * MIB);
	struct file *f, *g;

	make();
	CHECK_EQ(sh("cp one changing && touch -d '1 hour ago' changing"), 0);
	f = get_one(fs, "changing");
	CHECK(f);
	close(file_open_fd(f));
	CHECK_EQ(sh("cat other > changing"), 0);
	CHECK_EQ(file_open_fd(f), -ESTALE);
	g = get_one(fs, "changing");
	CHECK(g && g != f);
	CHECK(file_open_fd(g) >= 0);
	file_unref(f);
	file_unref(g);
	files_free(fs);
}

/* as when a package is upgraded: the time of the change is another one, the bytes are not */
TEST(a_file_that_loses_its_name_is_still_read)
{
	struct files *fs = files_new(64 * MIB);
	struct file *f;
	int fd;

	make();
	CHECK_EQ(sh("cp one leaving"), 0);
	f = get_one(fs, "leaving");
	CHECK(f);
	CHECK_EQ(unlink(built("leaving")), 0);
	fd = file_open_fd(f);
	CHECK(fd >= 0);
	close(fd);
	file_unref(f);
	files_free(fs);
}

TEST(what_is_no_elf_or_not_there_is_counted)
{
	struct files *fs = files_new(64 * MIB);
	struct file_where w = { .path = "/nonexistent/file" };
	struct files_counters c;

	make();
	CHECK(!files_get(fs, &w));
	w = where("f.c");
	CHECK(!files_get(fs, &w));
	/* never opened for reading: a device, a FIFO that nobody writes */
	w = (struct file_where){ .path = "/dev/zero" };
	CHECK(!files_get(fs, &w));
	CHECK_EQ(mkfifo(built("fifo"), 0600), 0);
	w = (struct file_where){ .path = built("fifo") };
	CHECK(!files_get(fs, &w));
	/* another inode than the mapping had: replaced since */
	w = where("one");
	w.ino++;
	CHECK(!files_get(fs, &w));
	w = (struct file_where){ .path = NULL };
	CHECK(!files_get(fs, &w));
	files_counters(fs, &c);
	CHECK_EQ(c.bad_elf, 1);
	CHECK_EQ(c.open_failures, 5);
	CHECK_EQ(c.files, 0);
	files_free(fs);
}

TEST(a_deleted_file_is_opened_by_its_mapping)
{
	struct files *fs = files_new(64 * MIB);
	struct symbols *s = new_symbols(fs);
	struct file_where w = { .pid = getpid(), .path = "/nonexistent" };
	uint64_t vaddr, off;
	struct sym_answer a;
	struct file *f;
	size_t len;
	void *p;

	make();
	CHECK_EQ(sh("cp one doomed"), 0);
	vaddr = nm("one", "inner");
	p = map_code(built("doomed"), &len);
	CHECK(p != MAP_FAILED);
	CHECK_EQ(unlink(built("doomed")), 0);
	w.start = (uint64_t)(uintptr_t)p;
	w.end = w.start + ((len + 4095) & ~4095UL);
	f = files_get(fs, &w);
	munmap(p, len);
	if (!f)
		SKIP("no right to use map_files here");
	off = off_of(f, vaddr);
	CHECK(off < len);
	symbols_resolve(s, FRAME_USER, f, off, &a);
	CHECK_STR(a.lines[0].name, "inner");
	file_unref(f);
	symbols_free(s);
	files_free(fs);
}

TEST(a_dead_process_has_the_files_that_others_had)
{
	struct files *fs = files_new(64 * MIB);
	struct file_where w;
	struct file *f, *g;
	pid_t pid;

	make();
	w = where("one");
	f = files_get(fs, &w);
	CHECK(f);
	pid = fork();
	if (!pid)
		_exit(0);
	waitpid(pid, NULL, 0);
	/* as if the path led nowhere for us: a container's file */
	CHECK_EQ(sh("mv one elsewhere"), 0);
	w.pid = pid;
	w.start = 0x1000;
	w.end = 0x2000;
	w.path = built("one");
	g = files_get(fs, &w);
	CHECK_EQ(sh("mv elsewhere one"), 0);
	CHECK(f == g);
	w.path = "/other/path";
	CHECK(!files_get(fs, &w));
	file_unref(f);
	file_unref(g);
	files_free(fs);
}

int main(void)
{
	build_init();
	return tap_main();
}
