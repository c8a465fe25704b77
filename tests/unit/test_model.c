// SPDX-License-Identifier: GPL-2.0
#include "agg/model.h"

#include <stdlib.h>

#include "tap.h"

static int refs;

struct file *file_ref(struct file *f)
{
	refs++;
	return f;
}

void file_unref(struct file *f)
{
	refs -= f != NULL;
}

TEST(rows_are_interned)
{
	struct model *m = model_new();
	struct model_proc p = { .pid = 7, .comm = "a", .exe = "/a", .start_time = 3 };
	uint32_t o, f, s, counts[6];
	char name[8] = "/a/b";

	o = model_add_object(m, FRAME_USER, NULL, name, "id");
	name[1] = 'x'; /* the model has its own copy */
	CHECK_EQ(model_add_object(m, FRAME_USER, NULL, "/a/b", "id"), o);
	CHECK(model_add_object(m, FRAME_ANON, NULL, "/a/b", "id") != o);
	CHECK_STR(model_object(m, o)->name, "/a/b");
	f = model_add_frame(m, o, 16);
	CHECK_EQ(model_add_frame(m, o, 16), f);
	CHECK(model_add_frame(m, o, 17) != f);
	s = model_add_stack(m, 0, f);
	CHECK(s != 0);
	CHECK_EQ(model_add_stack(m, 0, f), s);
	CHECK(model_add_stack(m, s, f) != s);
	CHECK_EQ(model_stack(m, s)->parent, 0);
	CHECK_EQ(model_frame(m, model_stack(m, s)->frame)->off, 16);
	CHECK_EQ(model_add_proc(m, &p), model_add_proc(m, &p));
	p.start_time++;
	CHECK_EQ(model_add_proc(m, &p), 1);
	CHECK_EQ(model_add_thread(m, 1, 9), model_add_thread(m, 1, 9));
	CHECK_EQ(model_thread(m, 0)->tid, 9);
	CHECK_STR(model_proc(m, 1)->exe, "/a");
	model_counts(m, counts);
	CHECK_EQ(counts[0], 2);
	CHECK_EQ(counts[1], 2);
	CHECK_EQ(counts[2], 3);
	CHECK_EQ(counts[4], 2);
	CHECK_EQ(counts[5], 1);
	/* numbers that were never given */
	CHECK_EQ(model_stack(m, 4711)->parent, 0);
	CHECK(!model_object(m, UINT32_MAX)->name);
	model_unref(m);
}

TEST(series)
{
	struct model *m = model_new();
	char value[8] = "v";
	struct model_series s = { .n = 2, .labels = { { "a", value }, { "b", "w" } } };
	struct model_series bad = { .n = MODEL_MAX_LABELS + 1 };
	uint32_t i;

	CHECK_EQ(model_find_series(m, &s), UINT32_MAX);
	i = model_add_series(m, &s);
	value[0] = 'x';
	CHECK_STR(model_series(m, i)->labels[0].value, "v");
	CHECK(model_add_series(m, &s) != i);
	value[0] = 'v';
	CHECK_EQ(model_add_series(m, &s), i);
	CHECK_EQ(model_find_series(m, &s), i);
	CHECK_EQ(model_add_series(m, &bad), UINT32_MAX);
	model_unref(m);
}

TEST(files_are_held_as_long_as_the_model)
{
	struct model *m = model_new();
	struct file f = { .id = 1, .path = "/f" };

	refs = 0;
	model_add_object(m, FRAME_USER, &f, "/f", "");
	model_add_object(m, FRAME_USER, &f, "/f", "");
	CHECK_EQ(refs, 1);
	model_add_object(m, FRAME_USER, &f, "/g", "");
	CHECK_EQ(refs, 2);
	CHECK(model_ref(m) == m);
	model_unref(m);
	CHECK_EQ(refs, 2);
	model_unref(m);
	CHECK_EQ(refs, 0);
	model_unref(NULL);
}

TEST(bytes_grow_with_rows_and_fall_at_seal)
{
	struct model *m = model_new();
	size_t empty = model_bytes(m), full;
	uint32_t o = model_add_object(m, FRAME_KERNEL, NULL, "k", "");
	uint32_t parent = 0;

	for (uint32_t i = 0; i < 50000; i++) {
		parent = model_add_stack(m, parent, model_add_frame(m, o, i));
		CHECK_EQ(parent, i + 1);
	}
	full = model_bytes(m);
	/* 16 bytes a frame, 8 a stack, and an index of at least 4 for each */
	CHECK(full - empty >= 50000 * (16 + 8 + 4 + 4));
	CHECK(full - empty <= 50000 * (16 + 8 + 16 + 16) * 2);
	model_seal(m);
	CHECK(model_bytes(m) < full);
	CHECK_EQ(model_add_stack(m, 0, 1), UINT32_MAX);
	CHECK_EQ(model_stack(m, 50000)->parent, 49999);
	model_unref(m);
}

int main(void)
{
	return tap_main();
}
