// SPDX-License-Identifier: GPL-2.0
/* Answers of a reader that somebody took over: symbol tables and frames that are none. */
#include <errno.h>

#include "base/buf.h"
#include "sym/lines_read.h"
#include "sym/table_read.h"
#include "tap.h"

static void put_table(struct buf *b, const uint64_t head[3], const struct sym *syms, size_t n,
		      const char *names, size_t len)
{
	buf_reset(b);
	buf_append(b, head, 24);
	buf_append(b, syms, n * sizeof(*syms));
	buf_append(b, names, len);
}

TEST(tables_that_are_wrong_are_refused)
{
	struct sym syms[2] = { { 1, 1, 0 }, { 2, 1, 2 } };
	uint64_t head[3] = { 2, 4, 0 };
	struct buf b = { 0 };
	struct symtab t;
	bool bare;

	put_table(&b, head, syms, 2, "a\0b", 4);
	CHECK_EQ(table_parse(b.data, b.len, &t, &bare), 0);
	CHECK_STR(symtab_name(&t, symtab_find(&t, 2)), "b");
	symtab_free(&t);
	for (size_t len = 0; len < b.len; len++)
		CHECK_EQ(table_parse(b.data, len, &t, &bare), -EINVAL);
	syms[1].name = 4; /* behind the names */
	put_table(&b, head, syms, 2, "a\0b", 4);
	CHECK_EQ(table_parse(b.data, b.len, &t, &bare), -EINVAL);
	syms[1] = (struct sym){ 1, 1, 2 }; /* not in order */
	put_table(&b, head, syms, 2, "a\0b", 4);
	CHECK_EQ(table_parse(b.data, b.len, &t, &bare), -EINVAL);
	syms[1].addr = 2;
	put_table(&b, head, syms, 2, "a\0bc", 4); /* without an end */
	CHECK_EQ(table_parse(b.data, b.len, &t, &bare), -EINVAL);
	head[0] = 1ULL << 60; /* times 16 is 0 */
	put_table(&b, head, syms, 2, "a\0b", 4);
	CHECK_EQ(table_parse(b.data, b.len, &t, &bare), -EINVAL);
	head[0] = 0;
	head[1] = 36;
	put_table(&b, head, syms, 2, "a\0b", 4); /* names alone */
	CHECK_EQ(table_parse(b.data, b.len, &t, &bare), 0);
	symtab_free(&t);
	head[2] = 2; /* neither yes nor no */
	put_table(&b, head, syms, 2, "a\0b", 4);
	CHECK_EQ(table_parse(b.data, b.len, &t, &bare), -EINVAL);
	buf_free(&b);
}

static void put_text(void *arg, const struct dwarf_frame *f)
{
	buf_printf(arg, "%s %s:%u (%u)%s\n", f->name, f->file, f->line, f->decl_line,
		   f->inlined ? " inlined" : "");
}

static void put_frame(struct buf *b, uint32_t name_len, const char *name, uint32_t file_len,
		      const char *file, uint32_t inlined)
{
	const uint32_t head[5] = { 7, 8, name_len, file_len, inlined };

	buf_append(b, head, sizeof(head));
	buf_append(b, name, strlen(name) + 1);
	buf_append(b, file, strlen(file) + 1);
}

TEST(frames_that_are_wrong_are_refused)
{
	struct buf b = { 0 }, out = { 0 };

	put_frame(&b, 1, "f", 3, "a.c", 1);
	put_frame(&b, 1, "g", 0, "", 0);
	CHECK_EQ(lines_parse(b.data, b.len, put_text, &out), 2);
	CHECK_STR(out.data, "f a.c:7 (8) inlined\ng :7 (8)\n");
	buf_reset(&out);
	for (size_t len = 1; len < b.len; len++)
		CHECK(lines_parse(b.data, len, put_text, &out) == -EINVAL || len == 26);
	buf_reset(&b);
	buf_reset(&out);
	put_frame(&b, 2, "f", 3, "a.c", 0); /* the name ends before */
	CHECK_EQ(lines_parse(b.data, b.len, put_text, &out), -EINVAL);
	buf_reset(&b);
	put_frame(&b, UINT32_MAX, "f", 3, "a.c", 0);
	CHECK_EQ(lines_parse(b.data, b.len, put_text, &out), -EINVAL);
	buf_reset(&b);
	put_frame(&b, 1, "f", 3, "a.c", 2);
	CHECK_EQ(lines_parse(b.data, b.len, put_text, &out), -EINVAL);
	buf_reset(&b);
	for (int i = 0; i <= DWARF_MAX_FRAMES; i++)
		put_frame(&b, 1, "f", 0, "", 0);
	CHECK_EQ(lines_parse(b.data, b.len, put_text, &out), -EINVAL);
	CHECK_EQ(out.len, 0);
	buf_free(&b);
	buf_free(&out);
}

int main(void)
{
	return tap_main();
}
