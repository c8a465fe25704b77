/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process table, files and symbols of the test's own, so that the aggregator
 * is tested alone. The linker takes these instead of the library's.
 *
 * Every process maps the same things, see fake_maps; addresses in
 * [FAKE_START, FAKE_START + 0x20) are the function _start, a root, and those in
 * [FAKE_CLONE, FAKE_CLONE + 0x20) clone, one of what it calls.
 */
#ifndef RINGPROF_TESTS_AGG_FAKES_H
#define RINGPROF_TESTS_AGG_FAKES_H

#include <linux/ringprof.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agg/agg_internal.h"
#include "base/cleanup.h"

#define FAKE_START  0x400010ULL
#define FAKE_CLONE  0x400030ULL
#define FAKE_LATER  0x700000ULL /* in a file that cannot be opened yet */
#define FAKE_KERNEL 0xffffffff81000000ULL
#define FAKE_PIDS   64

struct ptable {
	struct process procs[FAKE_PIDS];
	uint64_t events;
	bool no_memory;
};

struct symbols {
	uint64_t asked;
	bool away;		 /* the reader */
	const struct file *hung; /* its server hangs */
};

static struct file fake_app = { .id = 1, .path = "/bin/app", .build_id = "aa01" };
static struct file fake_lib = { .id = 257, .path = "/lib/libc.so", .build_id = "bb02" };
static int fake_file_refs;

static struct mapping fake_maps[] = {
	{ 0x400000, 0x500000, .pgoff = 0x1000, .kind = MAPPING_FILE, .file = &fake_app,
	  .path = "/bin/app" },
	{ 0x600000, 0x601000, .kind = MAPPING_FILE, .pgoff = 0x2000, .path = "/gone",
	  .file_failed = true },
	{ FAKE_LATER, FAKE_LATER + 0x1000, .kind = MAPPING_FILE, .path = "/later" },
	{ 0x10000000, 0x10010000, .kind = MAPPING_ANON, .path = "//anon" },
	{ 0x20000000, 0x20010000, .kind = MAPPING_OTHER, .path = "/memfd:jit" },
	{ 0x7f0000000000, 0x7f0000100000, .kind = MAPPING_FILE, .file = &fake_lib,
	  .path = "/mnt/libc" },
	{ 0x7fff00000000, 0x7fff00002000, .kind = MAPPING_VDSO, .path = "[vdso]" },
	{ 0xf7fc0000, 0xf7fc2000, .kind = MAPPING_VDSO, .path = "[vdso]" },
};

struct file *file_ref(struct file *f)
{
	__atomic_add_fetch(&fake_file_refs, 1, __ATOMIC_RELAXED);
	return f;
}

void file_unref(struct file *f)
{
	if (f)
		__atomic_sub_fetch(&fake_file_refs, 1, __ATOMIC_RELAXED);
}

void ptable_event(struct ptable *t, const struct event *ev)
{
	t->events++;
}

struct process *ptable_sample(struct ptable *t, const struct event *ev)
{
	return t->no_memory ? NULL : &t->procs[ev->pid % FAKE_PIDS];
}

struct mapping *process_map_at(struct ptable *t, struct process *p, uint64_t addr)
{
	for (size_t i = 0; i < p->n_maps; i++)
		if (addr >= p->maps[i].start && addr < p->maps[i].end)
			return &p->maps[i];
	return NULL;
}

void symbols_resolve_function(struct symbols *s, enum frame_kind kind, struct file *f, uint64_t off,
			      struct sym_answer *ret)
{
	const char *name = "work";

	s->asked++;
	memset(ret, 0, sizeof(*ret));
	if (kind == FRAME_USER && f == &fake_app && off >= 0x1010 && off < 0x1050)
		name = off < 0x1030 ? "_start" : "clone";
	ret->n = 1;
	ret->reader_away = s->away;
	ret->unread = s->away || (s->hung && f == s->hung);
	ret->named = !ret->unread;
	ret->func_start = off & ~UINT64_C(0xff);
	ret->lines[0].name = ret->lines[0].system_name = name;
}

enum sym_root sym_is_root(const char *system_name)
{
	if (!strcmp(system_name, "clone"))
		return SYM_ROOT_CALLER;
	return strcmp(system_name, "_start") ? SYM_ROOT_NONE : SYM_ROOT_ALWAYS;
}

static struct ptable *fake_ptable(void)
{
	static const char *const services[] = { "web", "db", "mail", "cron" };
	struct ptable *t = calloc(1, sizeof(*t));

	for (int i = 0; i < FAKE_PIDS; i++) {
		struct process *p = &t->procs[i];

		p->pid = i;
		p->start_time = 1000 + (uint64_t)i;
		p->maps = fake_maps;
		p->n_maps = ARRAY_SIZE(fake_maps);
		p->labels = (struct process_labels){ .service_name = services[i % 4],
						     .comm = "app",
						     .exe = "/bin/app",
						     .cgroup = "/",
						     .user = "root" };
	}
	return t;
}

/* All the parts of one aggregator with a clock of the test's own. */
struct world {
	struct agg *a;
	struct ptable *t;
	struct chains *chains;
	struct symbols symbols;
	struct store *store;
};

/* wall = mono + this */
static int64_t fake_offset = 1700000000000000000LL;

__attribute__((unused)) static int64_t fake_wall_offset(void)
{
	return fake_offset;
}

__attribute__((unused)) static void world_make(struct world *w, const struct agg_config *cfg)
{
	static const struct agg_config small = { .max_model_bytes = 64 << 20, .host = "h1" };
	struct store_config sc = { .max_age = 3600ULL * 1000000000, .max_bytes = 256 << 20 };

	memset(w, 0, sizeof(*w));
	fake_offset = 1700000000000000000LL;
	w->t = fake_ptable();
	w->chains = chains_new(64 << 20);
	w->store = store_new(&sc);
	w->a = agg_new(cfg ? cfg : &small, w->chains, &w->symbols, w->store);
	w->a->read_wall_offset = fake_wall_offset;
	agg_set_ptable(w->a, w->t);
}

__attribute__((unused)) static void world_free(struct world *w)
{
	for (int i = 0; i < FAKE_PIDS; i++)
		agg_process_freed(w->a, &w->t->procs[i]);
	agg_free(w->a);
	store_free(w->store);
	chains_free(w->chains);
	free(w->t);
}

/* The chain of n addresses, outermost first, below an end mark. */
__attribute__((unused)) static uint32_t fake_chain(struct chains *c, uint32_t end,
						   const uint64_t *addr, size_t n)
{
	uint32_t id = chain_intern(c, 0, RINGPROF_END_MARK | end);

	for (size_t i = 0; i < n; i++)
		id = chain_intern(c, id, addr[i]);
	return id;
}

__attribute__((unused)) static void send(struct world *w, uint64_t time, int pid, uint32_t chain,
					 uint64_t leaf)
{
	struct event ev = {
		.time = time,
		.type = EV_SAMPLE,
		.cpu = (uint32_t)pid % 4,
		.pid = pid,
		.tid = pid,
		.sample = { .leaf = leaf,
			    .chain = chain,
			    .weight = 10,
			    .flags = leaf >> 63 ? RINGPROF_SAMPLE_KERNEL : 0 },
	};

	agg_event(w->a, &ev);
}

/* "object+off;object+off...", outermost first */
__attribute__((unused)) static void stack_text(const struct model *m, uint32_t stack, char *out,
					       size_t len)
{
	const struct model_stack *s = model_stack(m, stack);
	const struct model_frame *f = model_frame(m, s->frame);
	size_t n;

	*out = '\0';
	if (!stack)
		return;
	stack_text(m, s->parent, out, len);
	n = strlen(out);
	snprintf(out + n, len - n, "%s%s+%llx", n ? ";" : "", model_object(m, f->object)->name,
		 (unsigned long long)f->off);
}

#endif
