/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Recorded walks: what the walker was given and what it found, as text. A line
 * each, numbers in hex:
 *
 *	reg NUMBER VALUE	by DWARF number
 *	rule ADDRESS RULE	that holds there; addresses not named have none
 *	word ADDRESS VALUE	of user memory; words not named cannot be read
 *	frame ADDRESS		found, leaf side first
 *	end NUMBER		enum ringprof_end
 *
 * WALK_CASES=DIR in the environment of test_walk_step writes one for each
 * mixture of kinds of rows that it meets first; tests/walk keeps some.
 */
#ifndef RINGPROF_TESTS_WALK_CASE_H
#define RINGPROF_TESTS_WALK_CASE_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/walk.h"

#define CASE_MAX 600

struct case_pair {
	uint64_t at, value;
};

struct walk_case {
	struct walk_input in;
	struct case_pair rule[CASE_MAX], word[CASE_MAX];
	uint32_t n_rules, n_words;
	uint64_t frame[CASE_MAX];
	uint32_t n_frames;
	uint32_t end;
};

/* ---- taking one ---- */

struct case_reader {
	const struct walk_space *space;
	const struct walk_input *in;
	FILE *f;
};

static bool case_read(void *arg, uint64_t addr, uint64_t *ret)
{
	struct case_reader *r = arg;
	uint64_t off = addr - r->in->regs[WALK_SP];
	bool copied = off < r->in->stack_len && r->in->stack_len - off >= 8;

	if (copied)
		memcpy(ret, (const char *)r->in->stack + off, 8);
	else if (!r->space->read || !r->space->read(r->space->arg, addr, ret))
		return false;
	fprintf(r->f, "word %" PRIx64 " %" PRIx64 "\n", addr, *ret);
	return true;
}

static bool case_span(void *arg, uint64_t addr, struct walk_span *ret)
{
	struct case_reader *r = arg;

	return r->space->span(r->space->arg, addr, ret);
}

static uint32_t case_rule_at(const struct walk_space *space, uint64_t at)
{
	struct walk_span s = { 0 };

	if (!space->span(space->arg, at, &s) || !s.table)
		return RINGPROF_CFA_GAP;
	return ringprof_row_find(s.table, at - s.bias);
}

/* Walks once more without the copy, so that every word read is written down. */
static void case_write(FILE *f, const struct walk_space *space, const struct walk_input *in)
{
	struct walk_input bare = *in;
	struct case_reader r = { space, in, f };
	struct walk_space through = { case_span, case_read, &r };
	uint32_t n = CASE_MAX, flags = 0, rule;
	struct walk_counters c = { 0 };
	uint64_t chain[CASE_MAX];
	enum ringprof_end why;

	for (int i = 0; i < WALK_REGS; i++)
		fprintf(f, "reg %x %" PRIx64 "\n", i, in->regs[i]);
	bare.stack_len = 0;
	why = walk_space(&through, &bare, chain, &n, &flags, &c);
	for (uint32_t i = 0; i <= n; i++) {
		uint64_t at = i ? chain[i - 1] - 1 : in->regs[WALK_PC];

		rule = case_rule_at(space, at);
		if (ringprof_rule_cfa(rule) != RINGPROF_CFA_GAP)
			fprintf(f, "rule %" PRIx64 " %x\n", at, rule);
	}
	for (uint32_t i = 0; i < n; i++)
		fprintf(f, "frame %" PRIx64 "\n", chain[i]);
	fprintf(f, "end %x\n", why);
}

/* Which kinds of CFA this walk goes over, as bits. */
static uint32_t case_kinds(const struct walk_space *space, const struct walk_input *in,
			   const uint64_t *chain, uint32_t n)
{
	uint32_t kinds = 0;

	for (uint32_t i = 0; i <= n; i++)
		kinds |= 1U << ringprof_rule_cfa(
				 case_rule_at(space, i ? chain[i - 1] - 1 : in->regs[WALK_PC]));
	return kinds;
}

/* Writes DIR/MIXTURE if there is none of this mixture yet. */
__attribute__((unused)) static void case_keep(const struct walk_space *space,
					      const struct walk_input *in, const uint64_t *chain,
					      uint32_t n)
{
	static uint8_t have[1 << __RINGPROF_CFA_MAX];
	const char *dir = getenv("WALK_CASES");
	uint32_t kinds;
	char path[300];
	FILE *f;

	if (!dir || n < 3)
		return;
	kinds = case_kinds(space, in, chain, n);
	if (have[kinds])
		return;
	have[kinds] = 1;
	snprintf(path, sizeof(path), "%s/kinds-%03x", dir, kinds);
	f = fopen(path, "w");
	if (!f)
		return;
	case_write(f, space, in);
	fclose(f);
}

/* ---- giving one back ---- */

static bool case_line(struct walk_case *c, const char *line)
{
	char what[8];
	uint64_t a, b = 0;
	int n = sscanf(line, "%7s %" SCNx64 " %" SCNx64, what, &a, &b);

	if (*line == '#' || *line == '\n')
		return true;
	if (n == 3 && !strcmp(what, "reg") && a < WALK_REGS)
		c->in.regs[a] = b;
	else if (n == 3 && !strcmp(what, "rule") && c->n_rules < CASE_MAX)
		c->rule[c->n_rules++] = (struct case_pair){ a, b };
	else if (n == 3 && !strcmp(what, "word") && c->n_words < CASE_MAX)
		c->word[c->n_words++] = (struct case_pair){ a, b };
	else if (n == 2 && !strcmp(what, "frame") && c->n_frames < CASE_MAX)
		c->frame[c->n_frames++] = a;
	else if (n == 2 && !strcmp(what, "end"))
		c->end = (uint32_t)a;
	else
		return false;
	return true;
}

/* False: cannot be read, or a line that says nothing. */
__attribute__((unused)) static bool case_load(struct walk_case *c, const char *path)
{
	FILE *f = fopen(path, "r");
	char line[200];
	bool ok = f;

	memset(c, 0, sizeof(*c));
	while (ok && fgets(line, sizeof(line), f))
		ok = case_line(c, line);
	if (f)
		fclose(f);
	return ok && c->end;
}

#endif
