// SPDX-License-Identifier: GPL-2.0
/*
 * See model.h. Six tables of plain rows and a string table. Strings are
 * interned first, so that rows hold pointers and equal rows are equal bytes.
 *
 * Threads: the collector adds; any thread reads, without locks: rows and
 * strings never move, and whoever holds a number got it through the store's
 * lock, after the row was written. `bytes` is kept apart from the tables' own
 * sums because the store reads it while the collector adds.
 */
#include "agg/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/table.h"

enum { T_OBJECTS, T_FRAMES, T_STACKS, T_SERIES, T_PROCS, T_THREADS, T_MAX };

struct model {
	int refs;
	size_t bytes; /* atomic: all of it, for other threads */
	struct strtab *strings;
	struct table tables[T_MAX];
};

static void init_table(struct model *m, int table, uint32_t row_size)
{
	struct table *t = &m->tables[table];

	if (table == T_STACKS)
		table_init_tree(t, row_size, SIZE_MAX);
	else
		table_init(t, row_size, SIZE_MAX);
	t->sum = &m->bytes;
}

struct model *model_new(void)
{
	static const uint32_t sizes[T_MAX] = {
		[T_OBJECTS] = sizeof(struct model_object),
		[T_FRAMES] = sizeof(struct model_frame),
		[T_STACKS] = sizeof(struct model_stack),
		[T_SERIES] = sizeof(struct model_series),
		[T_PROCS] = sizeof(struct model_proc),
		[T_THREADS] = sizeof(struct model_thread),
	};
	/* row 0 of the stacks: the empty stack; it can never be added, its frame is no frame */
	static const struct model_stack root = { .parent = 0, .frame = UINT32_MAX };
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->refs = 1;
	m->strings = strtab_new();
	for (int i = 0; i < T_MAX; i++)
		init_table(m, i, sizes[i]);
	if (!m->strings || table_add(&m->tables[T_STACKS], &root) == UINT32_MAX) {
		model_unref(m);
		return NULL;
	}
	m->bytes += sizeof(*m) + strtab_bytes(m->strings);
	return m;
}

struct model *model_ref(struct model *m)
{
	__atomic_add_fetch(&m->refs, 1, __ATOMIC_RELAXED);
	return m;
}

void model_unref(struct model *m)
{
	if (!m || __atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL))
		return;
	for (uint32_t i = 0; i < table_count(&m->tables[T_OBJECTS]); i++) {
		file_unref(model_object(m, i)->file);
		jit_table_unref(model_object(m, i)->jit);
		stored_names_unref(model_object(m, i)->stored);
	}
	for (int i = 0; i < T_MAX; i++)
		table_free(&m->tables[i]);
	strtab_free(m->strings);
	free(m);
}

size_t model_bytes(const struct model *m)
{
	return __atomic_load_n(&m->bytes, __ATOMIC_RELAXED);
}

static uint32_t add_row(struct model *m, int table, const void *row)
{
	return table_add(&m->tables[table], row);
}

const char *model_string(struct model *m, const char *s)
{
	size_t before = strtab_bytes(m->strings), after;
	uint32_t id = strtab_add(m->strings, s);

	after = strtab_bytes(m->strings);
	if (after != before)
		__atomic_store_n(&m->bytes, m->bytes + (after - before), __ATOMIC_RELAXED);
	return id == UINT32_MAX ? NULL : strtab_get(m->strings, id);
}

uint32_t model_add_object(struct model *m, enum frame_kind kind, struct file *file,
			  const char *name, const char *build_id)
{
	uint32_t before = m->tables[T_OBJECTS].count, i;
	struct model_object row;

	memset(&row, 0, sizeof(row));
	row.kind = kind;
	row.file = file;
	row.name = model_string(m, name);
	row.build_id = model_string(m, build_id);
	if (!row.name || !row.build_id)
		return UINT32_MAX;
	i = add_row(m, T_OBJECTS, &row);
	if (file && m->tables[T_OBJECTS].count != before)
		file_ref(file);
	return i;
}

uint32_t model_add_jit(struct model *m, struct jit_table *jit, uint32_t version)
{
	uint32_t before = m->tables[T_OBJECTS].count, i;
	struct model_object row;

	memset(&row, 0, sizeof(row));
	row.kind = FRAME_ANON;
	row.name = model_string(m, "[jit]");
	row.build_id = model_string(m, "");
	row.jit = jit;
	row.jit_version = version;
	if (!row.name || !row.build_id)
		return UINT32_MAX;
	i = add_row(m, T_OBJECTS, &row);
	if (m->tables[T_OBJECTS].count != before)
		jit_table_ref(jit);
	return i;
}

uint32_t model_add_stored(struct model *m, enum frame_kind kind, const char *name,
			  const char *build_id, const struct stored_names *stored)
{
	uint32_t before = m->tables[T_OBJECTS].count, i;
	struct model_object row;

	memset(&row, 0, sizeof(row));
	row.kind = kind;
	row.name = model_string(m, name);
	row.build_id = model_string(m, build_id);
	row.stored = stored;
	if (!row.name || !row.build_id)
		return UINT32_MAX;
	i = add_row(m, T_OBJECTS, &row);
	if (m->tables[T_OBJECTS].count != before)
		stored_names_ref(stored);
	return i;
}

uint32_t model_add_frame(struct model *m, uint32_t object, uint64_t off)
{
	/* in words, on x86-64: the lower address in the lower half */
	_Static_assert(sizeof(struct model_frame) == 16 && offsetof(struct model_frame, off) == 8,
		       "two words");
	return table_add_words(&m->tables[T_FRAMES], (struct table_words){ { object, off } });
}

uint32_t model_add_stack(struct model *m, uint32_t parent, uint32_t frame)
{
	_Static_assert(sizeof(struct model_stack) == 8 && offsetof(struct model_stack, frame) == 4,
		       "one word");
	return table_add_below(&m->tables[T_STACKS], parent,
			       (struct table_words){ { (uint64_t)frame << 32 | parent } },
			       sizeof(struct model_stack));
}

/* A copy with the model's own strings; false: no memory or too many labels. */
static bool series_intern(struct model *m, const struct model_series *in, struct model_series *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (in->n > sizeof(in->labels) / sizeof(in->labels[0]))
		return false;
	ret->n = in->n;
	for (uint32_t i = 0; i < in->n; i++) {
		ret->labels[i].key = model_string(m, in->labels[i].key);
		ret->labels[i].value = model_string(m, in->labels[i].value);
		if (!ret->labels[i].key || !ret->labels[i].value)
			return false;
	}
	return true;
}

uint32_t model_add_series(struct model *m, const struct model_series *labels)
{
	struct model_series row;

	return series_intern(m, labels, &row) ? add_row(m, T_SERIES, &row) : UINT32_MAX;
}

uint32_t model_find_series(struct model *m, const struct model_series *labels)
{
	struct model_series row;

	return series_intern(m, labels, &row) ? table_find(&m->tables[T_SERIES], &row) : UINT32_MAX;
}

uint32_t model_add_proc(struct model *m, const struct model_proc *p)
{
	struct model_proc row;

	memset(&row, 0, sizeof(row));
	row.pid = p->pid;
	row.series = p->series;
	row.start_time = p->start_time;
	row.comm = model_string(m, p->comm);
	row.exe = model_string(m, p->exe);
	return row.comm && row.exe ? add_row(m, T_PROCS, &row) : UINT32_MAX;
}

uint32_t model_add_thread(struct model *m, uint32_t proc, int32_t tid)
{
	struct model_thread row = { .proc = proc, .tid = tid };

	return add_row(m, T_THREADS, &row);
}

void model_seal(struct model *m)
{
	for (int i = 0; i < T_MAX; i++)
		table_seal(&m->tables[i]);
}

#define READER(type, table)                                        \
	const struct type *type(const struct model *m, uint32_t i) \
	{                                                          \
		static const struct type none;                     \
		const void *row = table_row(&m->tables[table], i); \
                                                                   \
		return row ? row : &none;                          \
	}

READER(model_object, T_OBJECTS)
READER(model_frame, T_FRAMES)
READER(model_stack, T_STACKS)
READER(model_series, T_SERIES)
READER(model_proc, T_PROCS)
READER(model_thread, T_THREADS)

void model_counts(const struct model *m, uint32_t ret[6])
{
	for (int i = 0; i < T_MAX; i++)
		ret[i] = table_count(&m->tables[i]);
}
