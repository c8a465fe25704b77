// SPDX-License-Identifier: GPL-2.0
/*
 * pprof: encodes made-up windows and decodes the result with protobuf-c.
 * With arguments it is the tool of test_pprof.sh: it writes profiles into the
 * directory given.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include "export/export.h"
#include "profile.pb-c.h"
#include "tap.h"
#include "test_export_world.h"

typedef Ringprof__Pprof__Profile Profile;
typedef Ringprof__Pprof__Sample Sample;

static const struct query_env no_env;

static int encode(const struct window_list *l, const char *selector, const struct pprof_options *o,
		  struct buf *ret)
{
	struct selector *s;
	char err[256];
	int r = selector_parse(&s, selector, err, sizeof(err));

	if (r)
		TAP_FAIL("%s: %s", selector, err);
	r = export_pprof(&no_env, QUERY_LIST(l), s, o, NULL, sink_buf(ret));
	selector_free(s);
	return r;
}

static Profile *profile_of(const struct window_list *l, const char *selector,
			   const struct pprof_options *o)
{
	struct buf b = { 0 };
	Profile *p;

	CHECK_EQ(encode(l, selector, o, &b), 0);
	p = ringprof__pprof__profile__unpack(NULL, b.len, (const uint8_t *)b.data);
	buf_free(&b);
	CHECK(p);
	return p;
}

static const char *text(const Profile *p, int64_t i)
{
	return i >= 0 && (size_t)i < p->n_string_table ? p->string_table[i] : "(no such text)";
}

static const char *leaf_name(const Profile *p, const Sample *s)
{
	const Ringprof__Pprof__Location *l = p->location[s->location_id[0] - 1];

	return text(p, p->function[l->line[0]->function_id - 1]->name);
}

static const Ringprof__Pprof__Label *label(const Profile *p, const Sample *s, const char *key)
{
	for (size_t i = 0; i < s->n_label; i++)
		if (!strcmp(text(p, s->label[i]->key), key))
			return s->label[i];
	return NULL;
}

static const Ringprof__Pprof__Mapping *mapping(const Profile *p, const char *name)
{
	for (size_t i = 0; i < p->n_mapping; i++)
		if (!strcmp(text(p, p->mapping[i]->filename), name))
			return p->mapping[i];
	TAP_FAIL("no mapping %s", name);
}

static uint64_t sum(const Profile *p, size_t value)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->n_sample; i++)
		n += (uint64_t)p->sample[i]->value[value];
	return n;
}

/* what is not repeated by tests/pprofcheck: our own promises */
TEST(samples_are_merged_and_whole)
{
	struct world w;
	Profile *p;

	world_make(&w);
	p = profile_of(&w.list, "", NULL);
	CHECK_EQ(sum(p, 0), 3 * (WORLD_SAMPLES + WORLD_LOST));
	CHECK_EQ(sum(p, 1), 3 * (WORLD_SAMPLES + WORLD_LOST) * 10000000ULL);
	/* 11 entries of which two differ by thread alone, and two losses */
	CHECK_EQ(p->n_sample, 12);
	CHECK_STR(text(p, p->sample_type[0]->type), "samples");
	CHECK_STR(text(p, p->sample_type[1]->unit), "nanoseconds");
	CHECK_STR(text(p, p->period_type->type), "cpu");
	CHECK_STR(text(p, p->default_sample_type), "cpu");
	CHECK_EQ(p->period, 10000000);
	CHECK_EQ(p->time_nanos, FIX_WALL);
	CHECK_EQ(p->duration_nanos, 3 * WINDOW_NS);
	ringprof__pprof__profile__free_unpacked(p, NULL);
	world_free(&w);
}

TEST(labels_are_those_asked_for)
{
	struct pprof_options o = { .label_pid = true, .label_tid = true, .label_cpu = true };
	struct world w;
	size_t cpu0 = 0, cpu1 = 0;
	Profile *p;

	world_make(&w);
	p = profile_of(&w.list, "", NULL);
	for (size_t i = 0; i < p->n_sample; i++) {
		const Ringprof__Pprof__Label *l = label(p, p->sample[i], "service_name");

		CHECK(p->sample[i]->n_label == (l != NULL));
		CHECK(!l || !strcmp(text(p, l->str), "api"));
		CHECK(l || !strstr(leaf_name(p, p->sample[i]), "server"));
	}
	ringprof__pprof__profile__free_unpacked(p, NULL);
	p = profile_of(&w.list, "{pid=\"100\"}", &o);
	CHECK_EQ(p->n_sample, 8);
	for (size_t i = 0; i < p->n_sample; i++) {
		CHECK_EQ(label(p, p->sample[i], "pid")->num, 100);
		CHECK_EQ(label(p, p->sample[i], "tid")->num / 2, 50);
		CHECK(label(p, p->sample[i], "cpu")->num_unit);
		cpu0 += label(p, p->sample[i], "cpu")->num == 0;
		cpu1 += label(p, p->sample[i], "cpu")->num == 1;
	}
	CHECK_EQ(cpu0, 7);
	CHECK_EQ(cpu1, 1);
	ringprof__pprof__profile__free_unpacked(p, NULL);
	o = (struct pprof_options){ .no_service_label = true };
	p = profile_of(&w.list, "{pid=\"100\"}", &o);
	CHECK_EQ(p->n_sample, 7);
	CHECK_EQ(p->sample[0]->n_label, 0);
	ringprof__pprof__profile__free_unpacked(p, NULL);
	world_free(&w);
}

TEST(options_say_time_and_comment)
{
	struct pprof_options o = { .time_nanos = 5, .duration_nanos = 6, .comment = "hello" };
	struct world w;
	Profile *p;

	world_make(&w);
	p = profile_of(&w.list, "{service=\"api\"}", &o);
	CHECK_EQ(p->time_nanos, 5);
	CHECK_EQ(p->duration_nanos, 6);
	CHECK_EQ(p->n_comment, 3);
	CHECK_STR(text(p, p->comment[0]), "hello");
	CHECK(strstr(text(p, p->comment[1]), "source lines known for 3 of"));
	CHECK(strstr(text(p, p->comment[2]), "15 samples, 150000000 ns"));
	ringprof__pprof__profile__free_unpacked(p, NULL);
	world_free(&w);
}

TEST(losses_are_samples_of_their_own)
{
	struct world w;
	size_t lost = 0;
	Profile *p;

	world_make(&w);
	p = profile_of(&w.list, "", NULL);
	for (size_t i = 0; i < p->n_sample; i++) {
		const Sample *s = p->sample[i];

		if (strncmp(leaf_name(p, s), "[lost: ", 7) != 0)
			continue;
		lost += (size_t)s->value[0];
		CHECK_EQ(s->n_location_id, 1);
		CHECK_EQ(s->n_label, 0);
		CHECK_STR(text(p, p->mapping[p->location[s->location_id[0] - 1]->mapping_id - 1]
					  ->filename),
			  "[ringprof]");
	}
	CHECK_EQ(lost, 15);
	ringprof__pprof__profile__free_unpacked(p, NULL);
	p = profile_of(&w.list, "{service=\"api\"}", NULL);
	for (size_t i = 0; i < p->n_sample; i++)
		CHECK(strncmp(leaf_name(p, p->sample[i]), "[lost: ", 7) != 0);
	ringprof__pprof__profile__free_unpacked(p, NULL);
	world_free(&w);
}

TEST(mappings_lead_back_to_the_file)
{
	const Ringprof__Pprof__Mapping *m;
	struct world w;
	Profile *p;

	world_make(&w);
	p = profile_of(&w.list, "", NULL);
	m = mapping(p, "/lld/server");
	CHECK_EQ(m->id, 1); /* the heaviest */
	/* the segment is [0x1040, 0x5000) in the file, one page further in memory */
	CHECK_EQ(m->memory_start, 0x2000);
	CHECK_EQ(m->memory_limit, 0x6000);
	CHECK_EQ(m->file_offset, 0x1000);
	CHECK(m->has_functions && m->has_filenames && m->has_line_numbers && m->has_inline_frames);
	m = mapping(p, "[kernel.kallsyms]_text");
	CHECK_EQ(m->memory_start, 0xffffffff81000000);
	CHECK_EQ(m->memory_limit, 0xffffffff81200000);
	m = mapping(p, "[ext4]");
	CHECK_EQ(m->memory_start, 0xffffffffc0001000);
	CHECK_EQ(m->memory_limit, 0xffffffffc0002000);
	CHECK_STR(text(p, mapping(p, "/bin/evil")->build_id), "c0ffee");
	CHECK_EQ(mapping(p, "[ringprof]")->memory_limit, 0);
	for (size_t i = 0; i < p->n_location; i++) {
		const Ringprof__Pprof__Location *l = p->location[i];

		m = p->mapping[l->mapping_id - 1];
		CHECK(m->has_functions);
		CHECK(m->memory_limit
			      ? l->address >= m->memory_start && l->address < m->memory_limit
			      : !l->address);
	}
	ringprof__pprof__profile__free_unpacked(p, NULL);
	world_free(&w);
}

TEST(lines_are_innermost_first)
{
	struct world w;
	Profile *p;
	size_t seen = 0;

	world_make(&w);
	p = profile_of(&w.list, "", NULL);
	for (size_t i = 0; i < p->n_location; i++) {
		const Ringprof__Pprof__Location *l = p->location[i];
		const Ringprof__Pprof__Function *f = p->function[l->line[0]->function_id - 1];

		if (l->n_line != 3)
			continue;
		seen++;
		CHECK_EQ(l->address, 0x2100);
		CHECK_STR(text(p, f->name), "std::vector<int>::push_back(int)");
		CHECK_STR(text(p, f->system_name), "_ZNSt6vectorIiE9push_backEi");
		CHECK_STR(text(p, f->filename), "/src/server.cc");
		CHECK_EQ(f->start_line, 30);
		CHECK_EQ(l->line[0]->line, 42);
		CHECK_STR(text(p, p->function[l->line[2]->function_id - 1]->name), "main");
	}
	CHECK_EQ(seen, 1);
	ringprof__pprof__profile__free_unpacked(p, NULL);
	world_free(&w);
}

TEST(nothing_sampled_is_a_profile_too)
{
	struct window_list none = { 0 };
	Profile *p = profile_of(&none, "", NULL);

	CHECK_EQ(p->n_sample, 0);
	CHECK_EQ(p->n_sample_type, 2);
	CHECK_EQ(p->n_mapping, 1);
	CHECK_STR(p->string_table[0], "");
	ringprof__pprof__profile__free_unpacked(p, NULL);
}

struct counting {
	size_t bytes, writes, largest, fail_after;
};

static int count_write(void *arg, const void *p, size_t n)
{
	struct counting *c = arg;

	c->writes++;
	c->bytes += n;
	c->largest = n > c->largest ? n : c->largest;
	return c->fail_after && c->bytes > c->fail_after ? -EPIPE : 0;
}

TEST(limits_end_it_before_the_first_byte)
{
	struct counting c = { 0 };
	struct world w;
	int cancelled = 1;
	struct query_limits lim = { .cancelled = &cancelled };

	world_make(&w);
	CHECK_EQ(export_pprof(&no_env, QUERY_LIST(&w.list), NULL, NULL, &lim,
			      (struct sink){ count_write, &c }),
		 -ECANCELED);
	for (size_t n = 1; n < 200000; n += 997) {
		struct counting d = { 0 };
		int r;

		lim = (struct query_limits){ .max_bytes = n };
		r = export_pprof(&no_env, QUERY_LIST(&w.list), NULL, NULL, &lim,
				 (struct sink){ count_write, &d });
		CHECK(!r || r == -ENOMEM);
		CHECK(!r == (d.bytes != 0));
	}
	CHECK_EQ(c.writes, 0);
	world_free(&w);
}

TEST(a_sink_that_fails_ends_it)
{
	struct counting c = { .fail_after = 200000 };
	struct world w;

	world_make_large(&w, 20000);
	CHECK_EQ(export_pprof(&no_env, QUERY_LIST(&w.list), NULL, NULL, NULL,
			      (struct sink){ count_write, &c }),
		 -EPIPE);
	CHECK(c.bytes < 300000);
	c = (struct counting){ 0 };
	CHECK_EQ(export_pprof(&no_env, QUERY_LIST(&w.list), NULL, NULL, NULL,
			      (struct sink){ count_write, &c }),
		 0);
	CHECK(c.writes > 5);
	CHECK(c.largest < 2 * 65536);
	world_free(&w);
}

static void inflate_all(const struct buf *in, struct buf *out)
{
	z_stream z = { .next_in = (unsigned char *)in->data, .avail_in = (unsigned int)in->len };
	int r = Z_OK;

	CHECK_EQ(inflateInit2(&z, 15 + 16), Z_OK);
	while (r == Z_OK && !buf_reserve(out, 65536)) {
		z.next_out = (unsigned char *)out->data + out->len;
		z.avail_out = 65536;
		r = inflate(&z, Z_NO_FLUSH);
		out->len += 65536 - z.avail_out;
	}
	inflateEnd(&z);
	CHECK_EQ(r, Z_STREAM_END);
	CHECK_EQ(z.avail_in, 0);
}

TEST(gzip_gives_the_same_bytes)
{
	struct buf plain = { 0 }, packed = { 0 }, again = { 0 };
	struct world w;
	struct gzip_sink *g = gzip_sink_new(sink_buf(&packed));

	world_make_large(&w, 20000);
	CHECK_EQ(encode(&w.list, "", NULL, &plain), 0);
	CHECK_EQ(export_pprof(&no_env, QUERY_LIST(&w.list), NULL, NULL, NULL, gzip_sink_sink(g)),
		 0);
	CHECK_EQ(gzip_sink_finish(g), 0);
	gzip_sink_free(g);
	inflate_all(&packed, &again);
	CHECK_EQ(again.len, plain.len);
	CHECK(!memcmp(again.data, plain.data, plain.len));
	CHECK(packed.len < plain.len);
	buf_free(&plain);
	buf_free(&packed);
	buf_free(&again);
	world_free(&w);
}

TEST(gzip_tells_of_a_failing_sink)
{
	struct counting c = { .fail_after = 1 };
	struct gzip_sink *g = gzip_sink_new((struct sink){ count_write, &c });
	struct sink s = gzip_sink_sink(g);
	char noise[4096];
	uint32_t seed = 1;
	int r = 0;

	for (int i = 0; i < 1000 && !r; i++) {
		for (size_t k = 0; k < sizeof(noise); k++)
			noise[k] = (char)((seed = seed * 1664525 + 1013904223) >> 24);
		r = s.write(s.arg, noise, sizeof(noise));
	}
	CHECK_EQ(r, -EPIPE);
	CHECK_EQ(s.write(s.arg, noise, 1), -EPIPE);
	CHECK_EQ(gzip_sink_finish(g), -EPIPE);
	CHECK_EQ(c.writes, 1);
	gzip_sink_free(g);
}

/* printed, not judged: this program may be built with sanitizers */
TEST(a_hundred_thousand_stacks)
{
	struct counting plain = { 0 }, packed = { 0 };
	struct world w;
	struct gzip_sink *g = gzip_sink_new((struct sink){ count_write, &packed });
	uint64_t t0, t1, t2;

	world_make_large(&w, 100000);
	t0 = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	CHECK_EQ(export_pprof(&no_env, QUERY_LIST(&w.list), NULL, NULL, NULL,
			      (struct sink){ count_write, &plain }),
		 0);
	t1 = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	CHECK_EQ(export_pprof(&no_env, QUERY_LIST(&w.list), NULL, NULL, NULL, gzip_sink_sink(g)),
		 0);
	CHECK_EQ(gzip_sink_finish(g), 0);
	t2 = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	gzip_sink_free(g);
	printf("# 100000 stacks: %zu bytes in %.1f ms of CPU; with gzip: %zu bytes in %.1f ms\n",
	       plain.bytes, (double)(t1 - t0) / NSEC_PER_MSEC, packed.bytes,
	       (double)(t2 - t1) / NSEC_PER_MSEC);
	world_free(&w);
}

/* ---- profiles for other programs to read ---- */

static int fd_write(void *arg, const void *p, size_t n)
{
	const char *from = p;

	while (n) {
		ssize_t k = write(*(int *)arg, from, n);

		if (k < 0)
			return -errno;
		from += k;
		n -= (size_t)k;
	}
	return 0;
}

static int write_profile(const char *dir, const char *name, const struct window_list *l,
			 const char *selector, const struct pprof_options *o)
{
	char path[4096], err[256];
	struct selector *s = NULL;
	struct gzip_sink *g;
	int fd, r;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	g = gzip_sink_new((struct sink){ fd_write, &fd });
	r = fd < 0 || selector_parse(&s, selector, err, sizeof(err)) ? -EINVAL : 0;
	if (!r)
		r = export_pprof(&no_env, QUERY_LIST(l), s, o, NULL, gzip_sink_sink(g));
	if (!r)
		r = gzip_sink_finish(g);
	if (r)
		fprintf(stderr, "%s: %s\n", path, strerror(-r));
	gzip_sink_free(g);
	selector_free(s);
	close(fd);
	return r;
}

static int write_profiles(const char *dir)
{
	const struct pprof_options all = {
		.label_pid = true, .label_tid = true, .label_cpu = true, .comment = WORLD_HOSTILE
	};
	struct window_list none = { 0 };
	struct world w;
	int r;

	world_make(&w);
	r = write_profile(dir, "small.pb.gz", &w.list, "", NULL);
	r |= write_profile(dir, "labels.pb.gz", &w.list, "", &all);
	r |= write_profile(dir, "api.pb.gz", &w.list, "{service=\"api\"}", NULL);
	r |= write_profile(dir, "empty.pb.gz", &none, "", NULL);
	fix_n_names = 0;
	r |= write_profile(dir, "nolines.pb.gz", &w.list, "", NULL);
	world_free(&w);
	world_make_large(&w, 100000);
	r |= write_profile(dir, "large.pb.gz", &w.list, "", NULL);
	world_free(&w);
	return r != 0;
}

int main(int argc, char **argv)
{
	int r = argc > 1 ? write_profiles(argv[1]) : tap_main();

	strtab_free(fix_texts());
	return r;
}
