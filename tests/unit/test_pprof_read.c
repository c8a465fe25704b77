// SPDX-License-Identifier: GPL-2.0
/*
 * The pprof reader: profiles as other programs write them, what is missing in
 * them, what contradicts itself, and thousands of broken ones.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "export/export.h"
#include "export/pprof_read.h"
#include "tap.h"
#include "test_random.h"

/* ---- a writer by hand: anything can be said ---- */

static void varint(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_putc(b, (char)(v | 0x80));
	buf_putc(b, (char)v);
}

static void number(struct buf *b, int field, uint64_t v)
{
	varint(b, (uint64_t)field << 3);
	varint(b, v);
}

static void bytes(struct buf *b, int field, const void *p, size_t n)
{
	varint(b, (uint64_t)field << 3 | 2);
	varint(b, n);
	buf_append(b, p, n);
}

static void message(struct buf *b, int field, struct buf *m)
{
	bytes(b, field, m->data ? m->data : "", m->len);
	buf_free(m);
}

/* fields given as (field, value) pairs, ended by field 0 */
static void numbers(struct buf *b, int field, ...)
{
	struct buf m = { 0 };
	va_list ap;
	int f;

	va_start(ap, field);
	while ((f = va_arg(ap, int)))
		number(&m, f, va_arg(ap, uint64_t));
	va_end(ap);
	message(b, field, &m);
}

#define U(x) ((uint64_t)(x))

static void texts(struct buf *b, const char *const *list)
{
	bytes(b, 6, "", 0);
	for (; *list; list++)
		bytes(b, 6, *list, strlen(*list));
}

static void sample(struct buf *b, int n_locs, const uint64_t *locs, int n_values,
		   const uint64_t *values)
{
	struct buf m = { 0 };

	for (int i = 0; i < n_locs; i++)
		number(&m, 1, locs[i]);
	for (int i = 0; i < n_values; i++)
		number(&m, 2, values[i]);
	message(b, 2, &m);
}
#define SAMPLE(b, locs, ...)                                           \
	sample(b, sizeof(locs) / sizeof(*(locs)), locs,                \
	       sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t), \
	       (uint64_t[]){ __VA_ARGS__ })

/* texts of go_heap, by number */
enum { T_ = 0, ALLOC_OBJECTS, COUNT, ALLOC_SPACE, BYTES, INUSE_SPACE, SPACE, MAIN, GROW, BIN, SRC };

/* as Go's heap profile has it: several types, ids with gaps, one inlined function */
static struct buf go_heap(void)
{
	static const char *const names[] = { "alloc_objects", "count",	     "alloc_space",
					     "bytes",	      "inuse_space", "space",
					     "main.main",     "main.grow",   "/bin/prog",
					     "/src/main.go",  NULL };
	static const uint64_t deep[] = { 70, 7 }, flat[] = { 7 };
	struct buf b = { 0 }, m = { 0 };

	numbers(&b, 1, 1, U(ALLOC_OBJECTS), 2, U(COUNT), 0);
	numbers(&b, 1, 1, U(ALLOC_SPACE), 2, U(BYTES), 0);
	numbers(&b, 1, 1, U(INUSE_SPACE), 2, U(BYTES), 0);
	numbers(&b, 11, 1, U(SPACE), 2, U(BYTES), 0);
	number(&b, 12, 524288);
	SAMPLE(&b, deep, 10, 5242880, 100);
	SAMPLE(&b, flat, 1, 1000, 0);
	numbers(&b, 3, 1, U(3), 2, U(0x400000), 3, U(0x500000), 4, U(0), 5, U(BIN), 0);
	numbers(&b, 4, 1, U(7), 2, U(3), 3, U(0x400100), 0);
	number(&m, 1, 70);
	number(&m, 2, 3);
	number(&m, 3, 0x400200);
	numbers(&m, 4, 1, U(9), 2, U(12), 0); /* inlined into main.main */
	numbers(&m, 4, 1, U(900), 2, U(40), 0);
	message(&b, 4, &m);
	numbers(&b, 5, 1, U(9), 2, U(GROW), 3, U(GROW), 4, U(SRC), 5, U(10), 0);
	numbers(&b, 5, 1, U(900), 2, U(MAIN), 3, U(MAIN), 4, U(SRC), 0);
	number(&b, 10, 5000000000ULL);
	texts(&b, names);
	return b;
}

static char err[512];
static struct pprof_info info;

static struct tree *read_ok(const struct buf *b, const char *type)
{
	const struct pprof_read_options o = { .sample_type = type };
	struct tree *t = NULL;
	int r = pprof_read(b->data, b->len, &o, &t, &info, err, sizeof(err));

	if (r)
		TAP_FAIL("%d: %s", r, err);
	return t;
}

static int read_fails(const struct buf *b, const struct pprof_read_options *o)
{
	struct tree *t = NULL;
	int r = pprof_read(b->data, b->len, o, &t, &info, err, sizeof(err));

	if (!r)
		tree_free(t);
	else
		CHECK(*err && !t);
	return r;
}

static const struct tree_node *node(const struct tree *t, const char *name)
{
	for (uint32_t i = 1; i < t->n_nodes; i++)
		if (!strcmp(t->funcs[t->nodes[i].func].name, name))
			return &t->nodes[i];
	TAP_FAIL("no node %s", name);
}

static struct buf zipped(const struct buf *b)
{
	struct buf z = { 0 };
	struct gzip_sink *g = gzip_sink_new(sink_buf(&z));
	struct sink s = gzip_sink_sink(g);

	CHECK_EQ(s.write(s.arg, b->data, b->len), 0);
	CHECK_EQ(gzip_sink_finish(g), 0);
	gzip_sink_free(g);
	return z;
}

TEST(any_type_can_be_chosen)
{
	struct buf b = go_heap();
	struct tree *t = read_ok(&b, "alloc_space");

	CHECK_EQ(t->total, 5243880);
	CHECK_STR(info.type, "alloc_space");
	CHECK_STR(info.unit, "bytes");
	/* 10 periods of 512 KiB, and what is smaller than one is still one sample */
	CHECK_EQ(info.counts, PPROF_PERIOD);
	CHECK_EQ(t->samples, 11);
	CHECK_EQ(t->period, 524288);
	CHECK_EQ(t->duration, 5000000000ULL);
	CHECK_EQ(node(t, "main.grow")->self, 5242880);
	/* the inlined one is called by the one that it is in */
	CHECK_STR(t->funcs[t->nodes[node(t, "main.grow")->parent].func].name, "main.main");
	CHECK_STR(t->funcs[node(t, "main.grow")->func].object, "/bin/prog");
	CHECK_EQ(t->funcs[node(t, "main.grow")->func].line, 10);
	/* what has no function is told by its place in the file */
	CHECK_EQ(node(t, "prog+0x100")->total, 5243880);
	CHECK_EQ(node(t, "prog+0x100")->self, 1000);
	tree_free(t);
	t = read_ok(&b, "alloc_objects/count");
	CHECK_EQ(t->total, 11);
	CHECK_EQ(t->samples, 11);
	CHECK_EQ(info.counts, PPROF_PERIOD);
	CHECK(t->in_samples);
	tree_free(t);
	/* none: the last */
	t = read_ok(&b, NULL);
	CHECK_STR(info.type, "inuse_space");
	CHECK_EQ(t->total, 100);
	tree_free(t);
	CHECK_EQ(read_fails(&b, &(struct pprof_read_options){ .sample_type = "cpu" }), -EINVAL);
	CHECK(strstr(err, "alloc_objects/count, alloc_space/bytes, inuse_space/bytes"));
	/* the file's own default comes before the last */
	number(&b, 14, ALLOC_SPACE);
	t = read_ok(&b, NULL);
	CHECK_STR(info.type, "alloc_space");
	tree_free(t);
	buf_free(&b);
}

TEST(gzip_is_read_of_one_member_or_more)
{
	struct buf b = go_heap(), z = zipped(&b), half = { 0 }, two, rest;
	struct tree *t = read_ok(&z, NULL);

	CHECK_EQ(t->total, 100);
	tree_free(t);
	buf_append(&half, b.data, b.len / 2);
	two = zipped(&half);
	buf_reset(&half);
	buf_append(&half, b.data + b.len / 2, b.len - b.len / 2);
	rest = zipped(&half);
	buf_append(&two, rest.data, rest.len);
	t = read_ok(&two, NULL);
	CHECK_EQ(t->total, 100);
	tree_free(t);
	/* cut off, and something else behind it */
	two.len -= 5;
	CHECK_EQ(read_fails(&two, NULL), -EBADMSG);
	buf_puts(&z, "rubbish");
	CHECK_EQ(read_fails(&z, NULL), -EBADMSG);
	buf_free(&b);
	buf_free(&z);
	buf_free(&half);
	buf_free(&two);
	buf_free(&rest);
}

TEST(a_bomb_is_refused_by_its_size)
{
	struct buf b = { 0 }, z;

	CHECK_EQ(buf_reserve(&b, 32 << 20), 0);
	memset(b.data, 0, 32 << 20);
	b.len = 32 << 20;
	z = zipped(&b);
	CHECK(z.len < 200000);
	CHECK_EQ(read_fails(&z, &(struct pprof_read_options){ .max_raw = 1 << 20 }), -EFBIG);
	CHECK_EQ(read_fails(&b, &(struct pprof_read_options){ .max_raw = 1 << 20 }), -EFBIG);
	/* two bytes each, that take some hundred when decoded */
	for (size_t i = 0; i + 1 < b.len; i += 2)
		b.data[i] = 0x12;
	CHECK_EQ(read_fails(&b, &(struct pprof_read_options){ .max_bytes = 16 << 20 }), -ENOMEM);
	buf_free(&b);
	buf_free(&z);
}

/* a cpu profile of one function, with what is given in place of its good parts */
static struct buf cpu(const char *unit, uint64_t value, const char *name)
{
	const char *const names[] = { "samples", "count", "cpu",
				      unit,	 name,	  "[kernel.kallsyms]_text",
				      NULL };
	static const uint64_t loc[] = { 1 };
	struct buf b = { 0 }, m = { 0 };

	numbers(&b, 1, 1, U(1), 2, U(2), 0);
	numbers(&b, 1, 1, U(3), 2, U(4), 0);
	SAMPLE(&b, loc, 3, value);
	numbers(&b, 3, 1, U(1), 5, U(6), 0);
	number(&m, 1, 1);
	number(&m, 2, 1);
	numbers(&m, 4, 1, U(1), 0);
	message(&b, 4, &m);
	numbers(&b, 5, 1, U(1), 2, U(5), 0);
	texts(&b, names);
	return b;
}

TEST(odd_units_become_the_usual_ones)
{
	static const struct {
		const char *unit, *base;
		uint64_t factor;
	} t[] = { { "microseconds", "nanoseconds", 1000 },
		  { "ms", "nanoseconds", 1000000 },
		  { "seconds", "nanoseconds", 1000000000 },
		  { "kilobytes", "bytes", 1024 },
		  { "furlongs", "furlongs", 1 } };

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct buf b = cpu(t[i].unit, 7, "f");
		struct tree *tree = read_ok(&b, NULL);

		CHECK_EQ(tree->total, 7 * t[i].factor);
		CHECK_EQ(tree->samples, 3);
		CHECK_EQ(info.counts, PPROF_COUNTED);
		CHECK_STR(info.unit, t[i].base);
		tree_free(tree);
		buf_free(&b);
	}
}

TEST(the_kernel_is_called_as_the_daemon_calls_it)
{
	struct buf b = cpu("nanoseconds", 7, "do_\x1b[31msys\xff");
	struct tree *t = read_ok(&b, NULL);
	const struct tree_func *f = &t->funcs[t->nodes[1].func];

	CHECK_STR(f->object, "[kernel.kallsyms]");
	CHECK_EQ(f->kind, FRAME_KERNEL);
	/* a name drives no terminal */
	CHECK_STR(f->name, "do_\xef\xbf\xbd[31msys\xef\xbf\xbd");
	tree_free(t);
	buf_free(&b);
}

TEST(values_that_overflow_are_refused)
{
	struct buf b = cpu("seconds", 1ULL << 40, "f");

	CHECK_EQ(read_fails(&b, NULL), -EBADMSG);
	CHECK(strstr(err, "2^63"));
	buf_free(&b);
	b = cpu("nanoseconds", (uint64_t)-5, "f");
	CHECK_EQ(read_fails(&b, NULL), -EINVAL);
	CHECK(strstr(err, "negative"));
	buf_free(&b);
}

/* what is added to a good profile, and what it is called then */
static void check_refused(int field, struct buf *m, const char *words)
{
	struct buf b = cpu("nanoseconds", 7, "f");

	message(&b, field, m);
	CHECK_EQ(read_fails(&b, NULL), -EBADMSG);
	if (!strstr(err, words))
		TAP_FAIL("'%s' says nothing of '%s'", err, words);
	buf_free(&b);
}

TEST(what_contradicts_itself_is_refused)
{
	static const uint64_t one[] = { 1 }, far[] = { 99 };
	struct buf m = { 0 }, b;

	number(&m, 1, 1);
	check_refused(5, &m, "function id 1 is there twice");
	number(&m, 1, 0);
	check_refused(3, &m, "mapping id 0 is not allowed");
	number(&m, 1, 2);
	number(&m, 2, 77);
	check_refused(4, &m, "in a mapping that is not there");
	number(&m, 1, 2);
	numbers(&m, 4, 1, U(77), 0);
	check_refused(4, &m, "in a function that is not there");
	number(&m, 1, 2);
	number(&m, 2, 1000);
	check_refused(5, &m, "texts");
	number(&m, 1, 2);
	number(&m, 2, (uint64_t)-1);
	check_refused(5, &m, "texts");
	number(&m, 1, 2);
	for (int i = 0; i < 1025; i++)
		numbers(&m, 4, 1, U(1), 0);
	check_refused(4, &m, "1025 lines");
	b = cpu("nanoseconds", 7, "f");
	SAMPLE(&b, far, 1, 1);
	CHECK_EQ(read_fails(&b, NULL), -EBADMSG);
	buf_free(&b);
	b = cpu("nanoseconds", 7, "f");
	SAMPLE(&b, one, 1);
	CHECK_EQ(read_fails(&b, NULL), -EBADMSG);
	CHECK(strstr(err, "1 values for 2"));
	buf_free(&b);
	b = (struct buf){ 0 };
	buf_puts(&b, "");
	CHECK_EQ(read_fails(&b, NULL), -EBADMSG);
	buf_puts(&b, "<html><body>404</body></html>");
	CHECK_EQ(read_fails(&b, NULL), -EBADMSG);
	buf_free(&b);
}

TEST(a_sample_without_a_stack_stands_at_the_root)
{
	struct buf b = cpu("nanoseconds", 7, "f");
	struct tree *t;

	sample(&b, 0, NULL, 2, (const uint64_t[]){ 2, 20 });
	t = read_ok(&b, NULL);
	CHECK_EQ(t->nodes[0].self, 20);
	CHECK_EQ(t->total, 27);
	CHECK_EQ(t->samples, 5);
	tree_free(t);
	buf_free(&b);
}

TEST(a_deep_stack_is_read_and_one_too_long_is_not)
{
	struct buf b = cpu("nanoseconds", 7, "f"), m = { 0 };
	struct tree *t;

	for (int i = 0; i < 200000; i++)
		number(&m, 1, 1);
	number(&m, 2, 1);
	number(&m, 2, 1);
	message(&b, 2, &m);
	t = read_ok(&b, NULL);
	CHECK_EQ(t->n_nodes, 200001);
	CHECK_EQ(t->nodes[0].total, 8);
	tree_free(t);
	CHECK_EQ(read_fails(&b, &(struct pprof_read_options){ .max_bytes = 4 << 20 }), -ENOMEM);
	buf_free(&b);
}

/* What is read at all must be a tree that others can walk. */
static void check_tree(const struct tree *t)
{
	uint64_t self = 0;

	CHECK(t->n_nodes > 0);
	for (uint32_t i = 0; i < t->n_nodes; i++) {
		CHECK(!i || t->nodes[i].parent < i);
		CHECK(t->nodes[i].func < t->n_funcs);
		CHECK(t->nodes[i].total <= t->nodes[t->nodes[i].parent].total);
		self += t->nodes[i].self;
	}
	CHECK_EQ(self, t->nodes[0].total);
}

TEST(broken_ones_do_no_harm)
{
	const struct pprof_read_options o = { .max_raw = 1 << 20, .max_bytes = 8 << 20 };
	struct buf good[2] = { go_heap(), cpu("ms", 5, "g") };
	unsigned int read = 0, refused = 0;
	__u64 seed = 99;

	for (int i = 0; i < 20000; i++) {
		const struct buf *from = &good[i % 2];
		size_t n = from->len;
		char *p = malloc(n);
		struct tree *t = NULL;

		memcpy(p, from->data, n);
		for (uint64_t k = 1 + next_random(&seed) % 4; k; k--)
			p[next_random(&seed) % n] = (char)next_random(&seed);
		if (next_random(&seed) % 4 == 0)
			n = next_random(&seed) % n;
		if (pprof_read(p, n, &o, &t, &info, err, sizeof(err))) {
			CHECK(*err);
			refused++;
		} else {
			check_tree(t);
			tree_free(t);
			read++;
		}
		free(p);
	}
	printf("# %u read, %u refused\n", read, refused);
	CHECK(read > 500 && refused > 500);
	buf_free(&good[0]);
	buf_free(&good[1]);
}

int main(void)
{
	return tap_main();
}
