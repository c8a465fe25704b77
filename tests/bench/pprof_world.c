// SPDX-License-Identifier: GPL-2.0
/* See pprof_world.h. This is also the program's query/resolve.h, so the linker does not take the library's. */
#include "tests/bench/pprof_world.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/resolve.h"
#include "tests/unit/test_query_windows.h"
#include "tests/unit/test_random.h"

#define OBJECTS	  40U
#define FUNCTIONS 10000U
#define SOURCES	  1500U
#define SERVICES  20U
#define INLINED	  4U /* in every so many functions something is inlined, two deep in half of them */
#define NO_DEBUG  4U /* every so many objects */
#define LAYOUT	  0x1000  /* from the place in a file to its address */
#define TEXT	  0x10000 /* where code begins in a file */
#define STEP	  48	  /* bytes from place to place */

#define PER_FUNCTION (PPROF_WORLD_PLACES / FUNCTIONS)

struct function {
	const char *name, *system_name, *file;
	uint32_t line;
};

static struct function functions[FUNCTIONS];
static const char *objects[OBJECTS];
static __u64 seed = 88172645463325252ULL;

static uint32_t upto(uint32_t n)
{
	return (uint32_t)(next_random(&seed) % n);
}

static void *need(void *p)
{
	if (!p) {
		fprintf(stderr, "pprof_world: no memory\n");
		exit(1);
	}
	return p;
}

static __attribute__((format(printf, 1, 2))) const char *text(const char *format, ...)
{
	char room[256];
	va_list args;

	va_start(args, format);
	vsnprintf(room, sizeof(room), format, args);
	va_end(args);
	return need(strdup(room));
}

/* A word of so many letters as an identifier has. */
static const char *word(char *room, uint32_t len)
{
	static const char *const parts[] = { "node",  "_get", "iter", "Value", "map",	"ator",
					     "_base", "list", "expr", "type",  "_emit", "pool" };
	size_t n = 0;

	while (n < len)
		n += (size_t)sprintf(room + n, "%s", parts[upto(12)]);
	room[len] = '\0';
	return room;
}

/* Two thirds are C++: in a namespace and a class, some of them of templates, and mangled beside. */
static void make_function(struct function *f, uint32_t i, const char *const *sources)
{
	char space[64], class[64], of[64], name[64];

	word(space, 3 + upto(6));
	word(class, 8 + upto(16));
	word(of, 6 + upto(20));
	word(name, 6 + upto(18));
	f->file = sources[upto(SOURCES)];
	f->line = 20 + upto(3000);
	if (i % 3 == 0) {
		f->name = text("%s_%u", name, i);
		f->system_name = f->name;
	} else if (i % 3 == 1) {
		f->name = text("%s::%s::%s_%u", space, class, name, i);
		f->system_name = text("_ZN%zu%s%zu%s%zu%s_%uEPKcm", strlen(space), space,
				      strlen(class), class, strlen(name) + 6, name, i);
	} else {
		f->name = text("%s::%s<%s::%s, std::allocator<%s::%s> >::%s_%u", space, class,
			       space, of, space, of, name, i);
		f->system_name = text("_ZN%zu%s%zu%sINS_%zu%sESaIS1_EE%zu%s_%uERKS1_",
				      strlen(space), space, strlen(class), class, strlen(of), of,
				      strlen(name) + 6, name, i);
	}
}

static void make_names(void)
{
	const char **sources = need(calloc(SOURCES, sizeof(*sources)));
	char dir[64], base[64];

	for (uint32_t i = 0; i < SOURCES; i++)
		sources[i] = text("/usr/src/%s-1.%u/lib/%s_%u.cc", word(dir, 5 + upto(8)), i % 20,
				  word(base, 6 + upto(14)), i);
	for (uint32_t i = 0; i < FUNCTIONS; i++)
		make_function(&functions[i], i, sources);
	for (uint32_t i = 0; i < OBJECTS; i++)
		objects[i] =
			text(i % 4 ? "/usr/lib/x86_64-linux-gnu/lib%s_%u.so.1" : "/usr/bin/%s_%u",
			     word(base, 4 + upto(8)), i);
	free(sources);
}

/* Objects are large and small: half of all functions are in a tenth of them. */
static uint32_t object_of(uint32_t function)
{
	return function / 2 % (function % 2 ? OBJECTS / 10 : OBJECTS);
}

/* places of a function lie side by side */
static uint64_t off_of(uint32_t place)
{
	return TEXT + ((uint64_t)(place % FUNCTIONS) * PER_FUNCTION + place / FUNCTIONS) * STEP;
}

static void answer_line(struct sym_line *l, const struct function *f, bool debug, uint32_t line)
{
	l->name = f->name;
	l->system_name = f->system_name;
	l->file = debug ? f->file : "";
	l->line = debug ? f->line + line : 0;
	l->start_line = debug ? f->line : 0;
}

void query_resolve(const struct query_env *env, const struct model_object *o, uint64_t off,
		   uint64_t *line_ns, struct sym_answer *ret)
{
	uint32_t place = (uint32_t)((off - TEXT) / STEP), nr = place / PER_FUNCTION, inlined;
	bool debug = object_of(nr) % NO_DEBUG != NO_DEBUG - 1;

	(void)env, (void)o, (void)line_ns;
	inlined = debug && nr % INLINED == 0 ? 1 + (nr % (2 * INLINED) == 0) : 0;
	ret->module[0] = '\0';
	for (ret->n = 0; ret->n < inlined; ret->n++)
		answer_line(&ret->lines[ret->n], &functions[(nr + 1 + ret->n) % FUNCTIONS], true,
			    place % 40);
	answer_line(&ret->lines[ret->n++], &functions[nr], debug, place % 300);
}

bool query_vaddr(const struct model_object *o, uint64_t off, uint64_t *ret)
{
	(void)o;
	if (off < TEXT || off >= TEXT + (uint64_t)PPROF_WORLD_PLACES * STEP)
		return false;
	*ret = off + LAYOUT;
	return true;
}

static void make_frames(struct model *m, uint32_t *frames)
{
	uint32_t of[OBJECTS];
	char build_id[41];

	for (uint32_t i = 0; i < OBJECTS; i++) {
		snprintf(build_id, sizeof(build_id), "%040u", i * 2654435761U);
		of[i] = model_add_object(m, FRAME_USER, NULL, objects[i], build_id);
	}
	for (uint32_t i = 0; i < PPROF_WORLD_PLACES; i++)
		frames[i] = model_add_frame(m, of[object_of(i % FUNCTIONS)], off_of(i));
}

/*
 * New stacks grow out of the recent ones, so that depth and breadth both occur.
 * Each place is a leaf at least once; which calls which is chance.
 */
static void make_stacks(struct model *m, const uint32_t *frames, uint32_t *stacks, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t back = i < 64 ? 0 : 1 + upto(i < 4096 ? i : 4096);
		uint32_t place = i < PPROF_WORLD_PLACES ? i * 7919U % PPROF_WORLD_PLACES
							: upto(PPROF_WORLD_PLACES);

		stacks[i] = model_add_stack(m, back ? stacks[i - back] : 0, frames[place]);
	}
}

static void make_threads(struct model *m, uint32_t *threads)
{
	char name[32];

	for (uint32_t i = 0; i < SERVICES; i++) {
		snprintf(name, sizeof(name), "service-%u", i);
		threads[i] =
			fix_thread(m, fix_series(m, name, NULL, NULL), 1000 + (int32_t)i, name);
	}
}

struct window *pprof_world(uint32_t n)
{
	struct window_entry *e = need(calloc(n, sizeof(*e)));
	uint32_t *frames = need(calloc(PPROF_WORLD_PLACES, sizeof(*frames)));
	uint32_t *stacks = need(calloc(n, sizeof(*stacks))), threads[SERVICES];
	struct model *m = need(model_new());
	struct window *w;

	make_names();
	make_frames(m, frames);
	make_stacks(m, frames, stacks, n);
	make_threads(m, threads);
	for (uint32_t i = 0; i < n; i++)
		e[i] = fix_entry(stacks[i], threads[i % SERVICES], 1 + i % 3);
	w = fix_window(m, n, e, 0, NULL, 0);
	model_unref(m);
	free(e);
	free(stacks);
	free(frames);
	return w;
}
