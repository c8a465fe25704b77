// SPDX-License-Identifier: GPL-2.0
/*
 * Frames in code that a process made itself: whose they are, and of when. What
 * the code is called is put into the tables here, without files: the processes
 * of this world are none.
 */
#include "sym/jit_int.h"
#include "tap.h"
#include "test_agg_fakes.h"

#define SEC  1000000000ULL
#define T0   (100 * SEC)
#define CODE 0x10000010ULL

struct jit_world {
	struct world w;
	struct jit *jit;
	uint32_t chain;
};

static void make(struct jit_world *w)
{
	static const uint64_t root[] = { FAKE_START + 8 };

	world_make(&w->w, NULL);
	w->jit = jit_new(&(struct jit_config){ 0 });
	agg_set_jit(w->w.a, w->jit);
	w->chain = fake_chain(w->w.chains, RINGPROF_END_FP_ZERO, root, 1);
}

static void done(struct jit_world *w)
{
	world_free(&w->w);
	jit_free(w->jit);
}

static struct jit_table *table_of(struct jit_world *w, int pid)
{
	return jit_proc_table(((struct agg_proc *)w->w.t->procs[pid].user)->jit);
}

static void tell(struct jit_world *w, int pid, uint64_t start, uint64_t time, const char *name)
{
	jit_table_add(table_of(w, pid), start, start + 64, time, name, strlen(name), NULL);
}

/* "NAME COUNT;..." of the leaves in all windows, by first appearance */
static void leaves(struct jit_world *w, char *out, size_t len)
{
	struct window_list l;
	struct jit_symbol s;
	size_t n = 0;

	agg_flush(w->w.a, T0 + 100 * SEC);
	CHECK_EQ(store_range_mono(w->w.store, 0, UINT64_MAX, &l), 0);
	*out = '\0';
	for (size_t i = 0; i < l.n; i++) {
		for (uint32_t k = 0; k < l.w[i]->n_entries; k++) {
			const struct window_entry *e = &l.w[i]->entries[k];
			const struct model *m = l.w[i]->model;
			const struct model_frame *f =
				model_frame(m, model_stack(m, e->stack)->frame);
			const struct model_object *o = model_object(m, f->object);
			bool found = o->jit && jit_table_symbol(o->jit, o->jit_version, f->off, &s);

			n += (size_t)snprintf(out + n, len - n, "%s %s %llu;", o->name,
					      found ? s.name : "-", (unsigned long long)e->count);
		}
	}
	window_list_free(&l);
}

TEST(one_address_of_two_processes_is_two_frames)
{
	struct jit_world w;
	char text[512];

	make(&w);
	send(&w.w, T0, 1, w.chain, CODE);
	send(&w.w, T0 + 1, 2, w.chain, CODE);
	send(&w.w, T0 + 2, 1, w.chain, CODE);
	/* told of after the samples */
	tell(&w, 1, CODE - 8, T0 + 5, "mine");
	tell(&w, 2, CODE, T0 + 5, "theirs");
	leaves(&w, text, sizeof(text));
	CHECK(strstr(text, "[jit] mine 2;"));
	CHECK(strstr(text, "[jit] theirs 1;"));
	CHECK_EQ(strlen(text), strlen("[jit] mine 2;[jit] theirs 1;"));
	done(&w);
}

TEST(a_stack_is_remembered_until_its_code_is_replaced)
{
	struct jit_world w;
	char text[512];
	uint64_t hits;

	make(&w);
	send(&w.w, T0, 1, w.chain, CODE);
	tell(&w, 1, CODE, 0, "before");
	tell(&w, 1, CODE, T0 + 20, "after");
	send(&w.w, T0 + 10, 1, w.chain, CODE);
	send(&w.w, T0 + 19, 1, w.chain, CODE);
	send(&w.w, T0 + 20, 1, w.chain, CODE);
	hits = w.w.a->c.cache_hits;
	send(&w.w, T0 + 21, 1, w.chain, CODE);
	CHECK_EQ(w.w.a->c.cache_hits, hits + 1);
	leaves(&w, text, sizeof(text));
	CHECK(strstr(text, "[jit] before 3;"));
	CHECK(strstr(text, "[jit] after 2;"));
	done(&w);
}

TEST(exec_begins_anew)
{
	struct jit_world w;
	char text[512];

	make(&w);
	send(&w.w, T0, 1, w.chain, CODE);
	tell(&w, 1, CODE, 0, "old program's");
	w.w.t->procs[1].labels.exe = "/bin/other";
	w.w.t->procs[1].gen++;
	send(&w.w, T0 + 10, 1, w.chain, CODE);
	tell(&w, 1, CODE, 0, "new program's");
	leaves(&w, text, sizeof(text));
	CHECK(strstr(text, "[jit] old program's 1;"));
	CHECK(strstr(text, "[jit] new program's 1;"));
	done(&w);
}

TEST(names_outlive_process_and_registry)
{
	struct jit_world w;
	char text[512];

	make(&w);
	send(&w.w, T0, 1, w.chain, CODE);
	tell(&w, 1, CODE, 0, "gone");
	agg_process_freed(w.w.a, &w.w.t->procs[1]);
	jit_free(w.jit);
	w.jit = NULL;
	leaves(&w, text, sizeof(text));
	CHECK_STR(text, "[jit] gone 1;");
	done(&w);
}

int main(void)
{
	return tap_main();
}
