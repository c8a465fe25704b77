/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Names and ELF layouts out of tables: a test program that includes this
 * defines the two functions of query/resolve.h itself, so the linker does not
 * take the library's. And the tree of a selector.
 */
#ifndef RINGPROF_TEST_QUERY_FIXTURE_H
#define RINGPROF_TEST_QUERY_FIXTURE_H

#include <stdio.h>

#include "query/resolve.h"
#include "tap.h"
#include "test_query_windows.h"

/* ---- names ---- */

struct fix_name { /* a place with an answer of its own */
	const char *object;
	uint64_t off;
	const char *names[4]; /* innermost first */
	const char *system_name, *file, *module;
	uint32_t line, start_line;
};

static struct fix_name fix_names[64];
static size_t fix_n_names;
static uint64_t fix_resolved; /* calls */

static inline struct strtab *fix_texts(void)
{
	static struct strtab *t;

	if (!t)
		t = strtab_new();
	return t;
}

static inline const char *fix_made_up_name(const struct model_object *o, uint64_t off)
{
	char room[128];
	const char *base = strrchr(o->name, '/');

	snprintf(room, sizeof(room), "%s.f%llu", base ? base + 1 : o->name,
		 (unsigned long long)off / 16);
	if (o->kind == FRAME_MARK)
		snprintf(room, sizeof(room), "[%s: %llu]", off < MARK_LOST ? "truncated" : "lost",
			 (unsigned long long)off);
	return strtab_get(fix_texts(), strtab_add(fix_texts(), room));
}

void query_resolve(const struct query_env *env, const struct model_object *o, uint64_t off,
		   uint64_t *line_ns, struct sym_answer *ret)
{
	const struct fix_name *f = NULL;

	fix_resolved++;
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < fix_n_names && !f; i++)
		if (fix_names[i].off == off && !strcmp(fix_names[i].object, o->name))
			f = &fix_names[i];
	do {
		struct sym_line *l = &ret->lines[ret->n];

		l->name = f ? f->names[ret->n] : fix_made_up_name(o, off);
		l->system_name = f && f->system_name ? f->system_name : l->name;
		l->file = f && f->file ? f->file : "";
		l->line = f ? f->line : 0;
		l->start_line = f ? f->start_line : 0;
		ret->n++;
	} while (f && ret->n < 4 && f->names[ret->n]);
	if (f && f->module)
		snprintf(ret->module, sizeof(ret->module), "%s", f->module);
}

/* files under /lld/ have their text one page further than in the file, all others have none */
bool query_vaddr(const struct model_object *o, uint64_t off, uint64_t *ret)
{
	if (o->kind != FRAME_USER || strncmp(o->name, "/lld/", 5) != 0)
		return false;
	if (off < 0x1040 || off >= 0x5000)
		return false;
	*ret = off + 0x1000;
	return true;
}

/* ---- trees ---- */

/* The tree of what the selector takes from the windows; free with tree_free. Fails the test. */
static inline struct tree *fix_tree(const struct window_list *l, const char *selector)
{
	struct selector *s;
	struct tree *t = NULL;
	char err[256];
	int r;

	if (selector_parse(&s, selector, err, sizeof(err)))
		TAP_FAIL("%s: %s", selector, err);
	r = query_tree(&(struct query_env){ 0 }, QUERY_LIST(l), s, NULL, &t);
	selector_free(s);
	if (r)
		TAP_FAIL("query_tree gives %d", r);
	return t;
}

#endif
