// SPDX-License-Identifier: GPL-2.0
/* Parsers of jitdumps and perf maps over bytes, good ones and bad ones. */
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "sym/jit_int.h"
#include "tap.h"

/* What a parser told, as text. */
static void tell(void *arg, uint64_t start, uint64_t end, uint64_t time, const char *name,
		 size_t len, struct jit_lines *lines)
{
	struct buf *b = arg;

	buf_printf(b, "%llx-%llx@%llu %.*s", (unsigned long long)start, (unsigned long long)end,
		   (unsigned long long)time, (int)len, name);
	for (uint32_t i = 0; lines && i < lines->n; i++)
		buf_printf(b, " %llx=%s:%u", (unsigned long long)lines->at[i].addr,
			   lines->texts + lines->at[i].file, lines->at[i].line);
	buf_puts(b, ";");
	free(lines);
}

static void tell_move(void *arg, uint64_t old, uint64_t start, uint64_t size, uint64_t time)
{
	buf_printf(arg, "move %llx to %llx+%llx@%llu;", (unsigned long long)old,
		   (unsigned long long)start, (unsigned long long)size, (unsigned long long)time);
}

struct run {
	struct buf told;
	struct jit_sink sink;
	struct jit_cursor c;
	int r;
};

static void feed(struct run *run, const void *mem, size_t size,
		 int (*parse)(const struct jit_input *, struct jit_cursor *, uint64_t,
			      struct jit_sink *))
{
	struct jit_input in = { .fd = -1, .mem = mem, .size = size };

	run->sink.arg = &run->told;
	run->sink.code = tell;
	run->sink.move = tell_move;
	run->r = parse(&in, &run->c, 1 << 20, &run->sink);
	buf_puts(&run->told, "");
}

static void done(struct run *run)
{
	free(run->c.pending);
	buf_free(&run->told);
}

static void u32(struct buf *b, uint32_t v)
{
	buf_append(b, &v, sizeof(v));
}

static void u64(struct buf *b, uint64_t v)
{
	buf_append(b, &v, sizeof(v));
}

static void header(struct buf *b, uint32_t magic, uint32_t version, uint64_t flags)
{
	u32(b, magic);
	u32(b, version);
	u32(b, 40);
	u32(b, 62);
	u32(b, 0);
	u32(b, 1234);
	u64(b, 1);
	u64(b, flags);
}

static void prefix(struct buf *b, uint32_t id, size_t body, uint64_t time)
{
	u32(b, id);
	u32(b, (uint32_t)(body + 16));
	u64(b, time);
}

static void load(struct buf *b, uint64_t addr, uint64_t size, uint64_t time, const char *name,
		 size_t code)
{
	prefix(b, 0, 40 + strlen(name) + 1 + code, time);
	u32(b, 1);
	u32(b, 2);
	u64(b, addr);
	u64(b, addr);
	u64(b, size);
	u64(b, 7);
	buf_append(b, name, strlen(name) + 1);
	for (size_t i = 0; i < code; i++)
		buf_putc(b, '\xcc');
}

static void move(struct buf *b, uint64_t from, uint64_t to, uint64_t size, uint64_t time)
{
	prefix(b, 1, 48, time);
	u32(b, 1);
	u32(b, 2);
	u64(b, to);
	u64(b, from);
	u64(b, to);
	u64(b, size);
	u64(b, 7);
}

static void debug_entry(struct buf *b, uint64_t addr, uint32_t line, const char *file)
{
	u64(b, addr);
	u32(b, line);
	u32(b, 0);
	buf_append(b, file, strlen(file) + 1);
}

#define MAGIC 0x4a695444

TEST(code_moves_and_lines)
{
	struct run run = { 0 };
	struct buf b = { 0 };

	header(&b, MAGIC, 1, 0);
	prefix(&b, 2, 16 + (16 + 5) + (16 + 2), 5);
	u64(&b, 0x1000);
	u64(&b, 2);
	debug_entry(&b, 0x1010, 20, "a.js");
	debug_entry(&b, 0x1000, 10, "\xff");
	load(&b, 0x1000, 0x100, 10, "f", 256);
	load(&b, 0x2000, 0x10, 11, "g h", 16);
	move(&b, 0x1000, 0x3000, 0x100, 12);
	prefix(&b, 9, 3, 13); /* an id of the future */
	buf_puts(&b, "xyz");
	prefix(&b, 3, 0, 14);
	load(&b, 0x2000, 0x10, 15, "after the end", 0);
	feed(&run, b.data, b.len, jitdump_parse);
	CHECK_EQ(run.r, 0);
	CHECK_STR(run.told.data, "1000-1100@10 f 1000=a.js:10 1010=a.js:20;2000-2010@11 g h;"
				 "move 1000 to 3000+100@12;");
	CHECK_EQ(run.sink.bad, 0);
	CHECK(run.c.done);
	done(&run);
	buf_free(&b);
}

TEST(a_dump_cut_anywhere_is_read_on_later)
{
	struct buf b = { 0 };
	size_t all;

	header(&b, MAGIC, 1, 0);
	load(&b, 0x1000, 0x100, 10, "first", 40);
	prefix(&b, 2, 16 + 16 + 2, 5);
	u64(&b, 0x2000);
	u64(&b, 1);
	debug_entry(&b, 0x2000, 1, "f");
	load(&b, 0x2000, 0x10, 11, "second", 0);
	all = b.len;
	for (size_t n = 0; n <= all; n++) {
		struct run run = { 0 };
		void *part = malloc(n ? n : 1); /* exactly as long: a step too far is seen */

		memcpy(part, b.data, n);
		feed(&run, part, n, jitdump_parse);
		CHECK_EQ(run.r, 0);
		free(part);
		feed(&run, b.data, all, jitdump_parse);
		CHECK_STR(run.told.data, "1000-1100@10 first;2000-2010@11 second 2000=f:1;");
		done(&run);
	}
	buf_free(&b);
}

static int parse_header(uint32_t magic, uint32_t version, uint64_t flags)
{
	struct run run = { 0 };
	struct buf b = { 0 };
	int r;

	header(&b, magic, version, flags);
	feed(&run, b.data, b.len, jitdump_parse);
	r = run.r;
	done(&run);
	buf_free(&b);
	return r;
}

TEST(dumps_of_another_kind_are_refused)
{
	CHECK_EQ(parse_header(MAGIC, 1, 0), 0);
	CHECK_EQ(parse_header(0x4454694a, 1, 0), -EINVAL);
	CHECK_EQ(parse_header(MAGIC, 2, 0), -EINVAL);
	CHECK_EQ(parse_header(MAGIC, 1, 1), -EINVAL);
}

TEST(records_that_lie_are_left_out)
{
	struct run run = { 0 };
	struct buf b = { 0 };

	header(&b, MAGIC, 1, 0);
	load(&b, 0x1000, 0, 1, "no size", 0);
	load(&b, UINT64_MAX - 4, 100, 1, "around the end", 0);
	load(&b, 0x1000, 1ULL << 40, 1, "too long", 0);
	prefix(&b, 0, 4, 1); /* shorter than its own fields */
	u32(&b, 1);
	prefix(&b, 2, 16, 1); /* more lines than bytes */
	u64(&b, 0x1000);
	u64(&b, 1ULL << 60);
	prefix(&b, 2, 16 + 16 + 2, 1); /* a file name without an end */
	u64(&b, 0x1000);
	u64(&b, 1);
	u64(&b, 0x1000);
	u64(&b, 1);
	buf_append(&b, "xx", 2);
	load(&b, 0x4000, 0x10, 9, "good", 0);
	feed(&run, b.data, b.len, jitdump_parse);
	CHECK_STR(run.told.data, "4000-4010@9 good;");
	CHECK_EQ(run.sink.bad, 6);
	CHECK_EQ(run.r, 0);
	u32(&b, 0);
	u32(&b, 3); /* shorter than the prefix: no next record to be found */
	u64(&b, 0);
	feed(&run, b.data, b.len, jitdump_parse);
	CHECK_EQ(run.r, -EINVAL);
	done(&run);
	buf_free(&b);
}

static void check_map(const char *text, const char *want, uint64_t bad)
{
	struct run run = { 0 };

	feed(&run, text, strlen(text), perfmap_parse);
	CHECK_STR(run.told.data, want);
	CHECK_EQ(run.sink.bad, bad);
	CHECK_EQ(run.r, 0);
	done(&run);
}

TEST(lines_of_a_perf_map)
{
	check_map("10 20 f\n", "10-30@0 f;", 0);
	check_map("0x10 0X20 LazyCompile:~a b.js:1:2\n", "10-30@0 LazyCompile:~a b.js:1:2;", 0);
	check_map("10 20 f\r\n10 20 g", "10-30@0 f;", 0);
	check_map("\n10\n10 20\n10 20 \n zz 1 f\n10 0 f\n10 -1 f\n", "", 7);
	check_map("ffffffffffffffff 2 f\n0 fffffffff f\n12345678901234567 1 f\n", "", 3);
}

TEST(a_line_without_an_end_is_skipped)
{
	size_t len = 200000;
	char *text = malloc(len);
	struct run run = { 0 };

	memset(text, 'a', len);
	memcpy(text, "10 20 ", 6);
	memcpy(text + len - 10, "\n30 10 g\n!", 10);
	feed(&run, text, len, perfmap_parse);
	CHECK_STR(run.told.data, "30-40@0 g;");
	CHECK_EQ(run.sink.bad, 1);
	CHECK_EQ(run.c.off, len - 1);
	done(&run);
	free(text);
}

int main(void)
{
	return tap_main();
}
