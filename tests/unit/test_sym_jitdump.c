// SPDX-License-Identifier: GPL-2.0
/*
 * Jitdumps and perf maps, good ones and bad ones, from their bytes to what is
 * told of them; and answers of a reader that lies.
 */
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
	struct jit_place place;
	bool is_map;
	int r;
};

/* One batch, of what is read next. */
static void feed(struct run *run, const void *mem, size_t size)
{
	const struct jit_input in = { .fd = -1, .mem = mem, .size = size };
	const struct jit_question q = { .at = run->place.at, .is_map = run->is_map };
	struct buf answer = { 0 };

	run->sink.arg = &run->told;
	run->sink.code = tell;
	run->sink.move = tell_move;
	jit_read_batch(&in, &q, &answer);
	run->r = jit_take_answer(answer.data, answer.len, &run->place, &run->sink);
	buf_free(&answer);
	buf_puts(&run->told, "");
}

static void done(struct run *run)
{
	jit_place_done(&run->place);
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
	feed(&run, b.data, b.len);
	CHECK_EQ(run.r, 0);
	CHECK_STR(run.told.data, "1000-1100@10 f 1000=a.js:10 1010=a.js:20;2000-2010@11 g h;"
				 "move 1000 to 3000+100@12;");
	CHECK_EQ(run.sink.bad, 0);
	CHECK(run.place.at.done);
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
		feed(&run, part, n);
		CHECK_EQ(run.r, 0);
		free(part);
		feed(&run, b.data, all);
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
	feed(&run, b.data, b.len);
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
	feed(&run, b.data, b.len);
	CHECK_STR(run.told.data, "4000-4010@9 good;");
	CHECK_EQ(run.sink.bad, 6);
	CHECK_EQ(run.r, 0);
	u32(&b, 0);
	u32(&b, 3); /* shorter than the prefix: no next record to be found */
	u64(&b, 0);
	feed(&run, b.data, b.len);
	CHECK_EQ(run.r, -EINVAL);
	done(&run);
	buf_free(&b);
}

static void check_map(const char *text, const char *want, uint64_t bad)
{
	struct run run = { .is_map = true };

	feed(&run, text, strlen(text));
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
	struct run run = { .is_map = true };

	memset(text, 'a', len);
	memcpy(text, "10 20 ", 6);
	memcpy(text + len - 10, "\n30 10 g\n!", 10);
	feed(&run, text, len);
	CHECK_STR(run.told.data, "30-40@0 g;");
	CHECK_EQ(run.sink.bad, 1);
	CHECK_EQ(run.place.at.off, len - 1);
	done(&run);
	free(text);
}

TEST(lines_are_of_the_code_that_follows_them)
{
	struct run run = { 0 };
	struct buf b = { 0 };

	header(&b, MAGIC, 1, 0);
	for (int i = 0; i < 2; i++) {
		prefix(&b, 2, 16 + 16 + 2, 5);
		u64(&b, 0x1000);
		u64(&b, 1);
		debug_entry(&b, 0x1000, 1, "f");
		/* of another address; then there are bad ones in between */
		if (!i)
			load(&b, 0x5000, 0x10, 6, "other", 0);
	}
	prefix(&b, 2, 4, 5);
	u32(&b, 1);
	load(&b, 0x1000, 0x10, 7, "one", 0);
	feed(&run, b.data, b.len);
	CHECK_STR(run.told.data, "5000-5010@6 other;1000-1010@7 one;");
	CHECK_EQ(run.sink.bad, 1);
	CHECK(!run.place.lines);
	done(&run);
	buf_free(&b);
}

TEST(a_long_map_comes_in_batches)
{
	struct run run = { .is_map = true };
	struct buf b = { 0 };
	int batches = 0;

	for (unsigned int i = 1; i <= 200000; i++)
		buf_printf(&b, "%x 1 %x\n", i, i);
	do {
		feed(&run, b.data, b.len);
		CHECK(run.r >= 0);
		batches++;
	} while (run.r > 0);
	CHECK(batches > 5);
	CHECK_EQ(run.sink.taken, 200000);
	CHECK_EQ(run.place.at.off, b.len);
	CHECK(strstr(run.told.data, "30d40-30d41@0 30d40;"));
	done(&run);
	buf_free(&b);
}

/* ---- a reader that lies ---- */

struct lie {
	struct jit_answer a;
	struct jit_record r;
	struct jit_line l[2];
	char text[8];
};

/* An answer about 100 bytes from byte 50 on; of one piece of code with its lines. */
static struct lie honest(void)
{
	return (struct lie){
		.a = { .at = { .off = 150 }, .taken = 1 },
		.r = { .kind = JIT_LINES, .len = 8, .start = 0x1000, .size = 2 },
		.l = { { 0x1000, 1, 0 }, { 0x1004, 2, 4 } },
		.text = "a.c\0b.c",
	};
}

static int told_of(const struct lie *l, size_t len)
{
	struct run run = { .sink = { .arg = &run.told, .code = tell, .move = tell_move } };
	void *exact = malloc(len ? len : 1); /* a step too far is seen */
	int r;

	run.place.at.off = 50;
	memcpy(exact, l, len);
	r = jit_take_answer(exact, len, &run.place, &run.sink);
	CHECK(r != -EPROTO || (!run.told.len && !run.place.lines && run.place.at.off == 50));
	free(exact);
	done(&run);
	return r;
}

#define LIE(what)                                          \
	do {                                               \
		struct lie l = honest();                   \
		what;                                      \
		CHECK_EQ(told_of(&l, sizeof(l)), -EPROTO); \
	} while (0)

TEST(heads_that_lie_are_refused)
{
	struct lie good = honest();

	CHECK_EQ(told_of(&good, sizeof(good)), 0);
	for (size_t len = 0; len < sizeof(good); len++)
		CHECK_EQ(told_of(&good, len), len == sizeof(good.a) ? 0 : -EPROTO);
	LIE(l.a.at.off = 49);
	LIE(l.a.at.off = 1ULL << 40);
	LIE(l.a.status = 1);		     /* more, but the batch is not full */
	LIE(l.a.at.off = 89; l.a.taken = 1); /* a byte less than it tells of */
	LIE(l.a.taken = 0);
	LIE(l.a.at.skip = 2);
	LIE(l.a.at.begun = 2);
	LIE(l.a.at.done = UINT32_MAX);
	LIE(l.a.status = 2);
	LIE(l.a.status = INT32_MIN);
	LIE(l.a.taken = 101);
	LIE(l.a.bad = UINT64_MAX);
	good.a.status = -EINVAL;
	CHECK_EQ(told_of(&good, sizeof(good)), -EINVAL);
}

TEST(records_that_no_reader_sends_are_refused)
{
	struct lie code = honest();

	LIE(l.r.kind = JIT_KINDS);
	LIE(l.r.len = 9);
	LIE(l.r.len = 7);
	LIE(l.r.len = UINT32_MAX);
	LIE(l.r.size = 3);
	LIE(l.r.size = 1ULL << 60);
	LIE(l.text[7] = 'x');
	LIE(l.l[1].file = 8);
	LIE(l.l[1].addr = 0xfff);
	LIE(l.r.kind = JIT_MOVE);
	/* as code its name is what stood there as lines and texts */
	code.r.kind = JIT_CODE;
	code.r.len = sizeof(code.l) + sizeof(code.text);
	CHECK_EQ(told_of(&code, sizeof(code)), 0);
	code.r.size = 0;
	CHECK_EQ(told_of(&code, sizeof(code)), -EPROTO);
	code.r.size = JIT_MAX_CODE + 1;
	CHECK_EQ(told_of(&code, sizeof(code)), -EPROTO);
	code.r.size = 2;
	code.r.start = UINT64_MAX - 1;
	CHECK_EQ(told_of(&code, sizeof(code)), -EPROTO);
}

int main(void)
{
	return tap_main();
}
