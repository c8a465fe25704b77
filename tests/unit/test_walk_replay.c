// SPDX-License-Identifier: GPL-2.0
/*
 * Recorded walks (tests/walk, test_walk_case.h) once more: registers, memory
 * and rows as they were in a real process must give the frames that were true
 * then.
 */
#include <glob.h>

#include "tap.h"
#include "test_walk_case.h"

static struct walk_case c;
static uint64_t found[CASE_MAX];
static uint32_t n_found;

/* Each rule is a table of its own, one byte long: no address next to it has one. */
static bool span(void *arg, uint64_t addr, struct walk_span *ret)
{
	static const uint32_t index[2] = { 0, 2 };
	static struct ringprof_row rows[2];
	static struct ringprof_table table;

	for (uint32_t i = 0; i < c.n_rules; i++) {
		if (c.rule[i].at != addr)
			continue;
		rows[0] = (struct ringprof_row){ 0, (uint32_t)c.rule[i].value };
		rows[1] = (struct ringprof_row){ 1, RINGPROF_CFA_GAP };
		table = (struct ringprof_table){ rows, index, addr, 2, 2, 6 };
		*ret = (struct walk_span){ addr, addr + 1, 0, &table };
		return true;
	}
	return false;
}

static bool read_word(void *arg, uint64_t addr, uint64_t *ret)
{
	for (uint32_t i = 0; i < c.n_words; i++) {
		if (c.word[i].at == addr) {
			*ret = c.word[i].value;
			return true;
		}
	}
	return false;
}

static enum ringprof_end replay(uint32_t room)
{
	struct walk_space space = { span, read_word, NULL };
	struct walk_counters counters = { 0 };
	uint32_t flags = 0;

	n_found = room;
	return walk_space(&space, &c.in, found, &n_found, &flags, &counters);
}

static bool same(void)
{
	return n_found == c.n_frames && !memcmp(found, c.frame, n_found * sizeof(*found));
}

/* tests/walk, from the repository's root, where all tests run */
static void cases(glob_t *g)
{
	CHECK_EQ(glob("tests/walk/*.case", 0, NULL, g), 0);
	CHECK(g->gl_pathc >= 8);
}

TEST(every_case_gives_its_frames)
{
	uint32_t wrong = 0, frames = 0;
	glob_t g;

	cases(&g);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		enum ringprof_end why;

		CHECK(case_load(&c, g.gl_pathv[i]));
		why = replay(CASE_MAX);
		frames += n_found;
		if (why == c.end && same())
			continue;
		wrong++;
		printf("# %s: %u frames, end %d; recorded: %u, end %u\n", g.gl_pathv[i], n_found,
		       why, c.n_frames, c.end);
	}
	printf("# %zu cases, %u frames\n", g.gl_pathc, frames);
	globfree(&g);
	CHECK_EQ(wrong, 0);
}

/* A case that says something wrong is seen: every word matters. */
TEST(a_changed_word_changes_the_frames)
{
	glob_t g;

	cases(&g);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		uint32_t changed = 0, words;

		CHECK(case_load(&c, g.gl_pathv[i]));
		words = c.n_words;
		for (uint32_t k = 0; k < words; k++) {
			c.word[k].value ^= 1ULL << 20;
			changed += replay(CASE_MAX) != c.end || !same();
			c.word[k].value ^= 1ULL << 20;
		}
		/* but saved bp that nothing above needs */
		CHECK(changed >= c.n_frames);
	}
	globfree(&g);
}

TEST(a_case_cut_at_any_depth_gives_the_leaf_side)
{
	glob_t g;

	cases(&g);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		CHECK(case_load(&c, g.gl_pathv[i]));
		for (uint32_t room = 0; room < c.n_frames; room++) {
			CHECK_EQ(replay(room), RINGPROF_END_DEPTH);
			CHECK_EQ(n_found, room);
			CHECK(!memcmp(found, c.frame, room * sizeof(*found)));
		}
	}
	globfree(&g);
}

int main(void)
{
	return tap_main();
}
