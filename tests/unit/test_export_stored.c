// SPDX-License-Identifier: GPL-2.0
/*
 * pprof of what the history gives back: no headers, only names and where each
 * sampled place lies. Builds that stood at one path must stay apart, and the
 * pages of one must not.
 */
#include "base/cleanup.h"
#include "export/export.h"
#include "profile.pb-c.h"
#include "tap.h"
#include "test_query_windows.h"

typedef Ringprof__Pprof__Profile Profile;

#define PAGE 4096ULL

struct past {
	struct model *m;
	struct name_table *names;
	uint32_t objects, thread;
	struct window *w;
	struct window_list list;
};

static void past_begin(struct past *p)
{
	memset(p, 0, sizeof(*p));
	p->m = model_new();
	p->names = name_table_new();
	p->thread = fix_thread(p->m, fix_series(p->m, "app", NULL, NULL), 1, "app");
}

/* A binary without build-id; key: the first byte of its content's hash. */
static uint32_t past_object(struct past *p, const char *path, uint8_t key)
{
	struct stored_names in = {
		.table = p->names, .object = p->objects++, .kind = FRAME_USER, .name = path
	};
	struct stored_names *s;

	in.key.file[0] = key;
	s = name_table_object(p->names, &in);
	return model_add_stored(p->m, FRAME_USER, path, "", s);
}

static void past_name(struct past *p, uint32_t object, uint64_t off, int64_t bias, const char *name)
{
	struct sym_line line = { .name = name, .system_name = name, .file = "" };
	struct name_row row = { .object = model_object(p->m, object)->stored->object,
				.off = off,
				.bias = bias,
				.has_vaddr = true,
				.module = "",
				.n_lines = 1,
				.lines = &line };

	CHECK_EQ(name_table_add(p->names, &row), 0);
}

static Profile *past_profile(struct past *p, uint32_t n, const struct window_entry *e)
{
	static const struct query_env env;
	struct buf b = { 0 };
	Profile *ret;

	p->w = fix_window(p->m, n, e, 0, NULL, 0);
	p->list = (struct window_list){ .w = &p->w, .n = 1 };
	CHECK_EQ(export_pprof(&env, QUERY_LIST(&p->list), NULL, NULL, NULL, sink_buf(&b)), 0);
	ret = ringprof__pprof__profile__unpack(NULL, b.len, (const uint8_t *)b.data);
	buf_free(&b);
	CHECK(ret);
	return ret;
}

static void past_end(struct past *p, Profile *profile)
{
	ringprof__pprof__profile__free_unpacked(profile, NULL);
	window_unref(p->w);
	model_unref(p->m);
	name_table_unref(p->names);
}

static const char *name_of(const Profile *p, const Ringprof__Pprof__Location *l)
{
	return p->string_table[p->function[l->line[0]->function_id - 1]->name];
}

static const Ringprof__Pprof__Location *leaf(const Profile *p, int64_t samples)
{
	for (size_t i = 0; i < p->n_sample; i++)
		if (p->sample[i]->value[0] == samples)
			return p->location[p->sample[i]->location_id[0] - 1];
	TAP_FAIL("no stack of %lld samples", (long long)samples);
}

static const Ringprof__Pprof__Mapping *mapping_of(const Profile *p,
						  const Ringprof__Pprof__Location *l)
{
	const Ringprof__Pprof__Mapping *m = p->mapping[l->mapping_id - 1];

	CHECK(l->address >= m->memory_start && l->address < m->memory_limit);
	return m;
}

TEST(two_builds_at_one_path_keep_their_names)
{
	const Ringprof__Pprof__Location *l, *k;
	uint32_t before, after;
	struct past p;
	Profile *got;

	past_begin(&p);
	before = past_object(&p, "/opt/app", 1);
	after = past_object(&p, "/opt/app", 2);
	past_name(&p, before, 0x1100, 0x1000, "old_name");
	past_name(&p, after, 0x1100, 0x1000, "new_name");
	got = past_profile(
		&p, 2,
		(struct window_entry[]){ fix_entry(FIX_STACK(p.m, before, 0x1100), p.thread, 3),
					 fix_entry(FIX_STACK(p.m, after, 0x1100), p.thread, 5) });
	CHECK_EQ(got->n_sample, 2);
	CHECK_EQ(got->n_mapping, 2);
	l = leaf(got, 3);
	k = leaf(got, 5);
	CHECK_STR(name_of(got, l), "old_name");
	CHECK_STR(name_of(got, k), "new_name");
	CHECK_EQ(l->address, k->address);
	CHECK(l->mapping_id != k->mapping_id);
	past_end(&p, got);
}

/* each page of the program is lighter than the library's one */
TEST(a_file_of_the_history_is_one_mapping)
{
	const Ringprof__Pprof__Mapping *m;
	struct window_entry e[10];
	uint32_t app, lib;
	struct past p;
	Profile *got;

	past_begin(&p);
	app = past_object(&p, "/opt/app", 1);
	for (uint32_t i = 1; i < ARRAY_SIZE(e); i++) {
		/* neither in order, nor page by page */
		uint64_t off = 0x10100 + i * 7 % 10 * 3 * PAGE;

		past_name(&p, app, off, 0x1000, "work");
		e[i] = fix_entry(FIX_STACK(p.m, app, off), p.thread, i);
	}
	lib = past_object(&p, "/lib/libc.so.6", 2);
	past_name(&p, lib, 0x500, 0, "memcpy");
	e[0] = fix_entry(FIX_STACK(p.m, lib, 0x500), p.thread, 20);
	got = past_profile(&p, ARRAY_SIZE(e), e);
	CHECK_EQ(got->n_mapping, 2);
	m = got->mapping[0];
	CHECK_STR(got->string_table[m->filename], "/opt/app");
	for (uint32_t i = 1; i < ARRAY_SIZE(e); i++)
		CHECK(mapping_of(got, leaf(got, i)) == m);
	CHECK_EQ(m->memory_start, 0x11000 + 3 * PAGE);
	CHECK_EQ(m->memory_limit, 0x11000 + 28 * PAGE);
	CHECK_EQ(m->file_offset, 0x10000 + 3 * PAGE);
	past_end(&p, got);
}

TEST(segments_elsewhere_are_mappings_of_their_own)
{
	uint32_t app;
	struct past p;
	Profile *got;

	past_begin(&p);
	app = past_object(&p, "/opt/app", 1);
	past_name(&p, app, 0x1100, 0x1000, "near");
	past_name(&p, app, 0x5100, 0x200000, "far");
	/* headers that lie: what is at 0x10 in the file would begin before it */
	past_name(&p, app, 0x10, 0x7f0, "early");
	got = past_profile(
		&p, 3,
		(struct window_entry[]){ fix_entry(FIX_STACK(p.m, app, 0x1100), p.thread, 1),
					 fix_entry(FIX_STACK(p.m, app, 0x5100), p.thread, 2),
					 fix_entry(FIX_STACK(p.m, app, 0x10), p.thread, 4) });
	CHECK_EQ(got->n_mapping, 3);
	CHECK_EQ(leaf(got, 1)->address, 0x2100);
	CHECK_EQ(mapping_of(got, leaf(got, 1))->memory_start, 0x2000);
	CHECK_EQ(leaf(got, 2)->address, 0x205100);
	CHECK_EQ(mapping_of(got, leaf(got, 2))->file_offset, 0x5000);
	CHECK_EQ(leaf(got, 4)->address, 0x800);
	CHECK_EQ(mapping_of(got, leaf(got, 4))->file_offset, 0);
	past_end(&p, got);
}

int main(void)
{
	return tap_main();
}
