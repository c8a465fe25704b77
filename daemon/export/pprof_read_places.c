// SPDX-License-Identifier: GPL-2.0
/*
 * Locations of a read profile -> functions of a tree. Ids are free to choose
 * in the format, so each list has an index by id.
 */
#include "export/pprof_read_int.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* what ringprof calls the kernel's mapping in a profile, after the object's name */
#define KERNEL_SUFFIX "_text"

const char *pprof_text(const pprof_profile *p, int64_t i)
{
	return i >= 0 && (size_t)i < p->n_string_table ? p->string_table[i] : "";
}

static bool text_bad(const pprof_profile *p, int64_t i)
{
	return i < 0 || (size_t)i >= p->n_string_table;
}

int pprof_check_texts(struct pprof_reader *rd)
{
	const pprof_profile *p = rd->p;
	bool bad = !p->n_string_table || *p->string_table[0] || text_bad(p, p->default_sample_type);

	for (size_t i = 0; i < p->n_sample_type; i++)
		bad |= text_bad(p, p->sample_type[i]->type) || text_bad(p, p->sample_type[i]->unit);
	if (p->period_type)
		bad |= text_bad(p, p->period_type->type) || text_bad(p, p->period_type->unit);
	for (size_t i = 0; i < p->n_mapping; i++)
		bad |= text_bad(p, p->mapping[i]->filename);
	for (size_t i = 0; i < p->n_function; i++)
		bad |= text_bad(p, p->function[i]->name) || text_bad(p, p->function[i]->filename) ||
		       text_bad(p, p->function[i]->system_name);
	return bad ? pprof_refuse(rd, -EBADMSG, "its table of texts is broken") : 0;
}

#define FIND(rd, list, name, wanted)                                     \
	({                                                               \
		uint32_t found = UINT32_MAX, at;                         \
		HMAP_FOR_EACH (&(rd)->list, hash_mix(wanted, 0), it, at) \
			if ((rd)->p->name[at]->id == (wanted))           \
				found = at;                              \
		found;                                                   \
	})

uint32_t pprof_find_location(const struct pprof_reader *rd, uint64_t id)
{
	return FIND(rd, locations, location, id);
}

static uint32_t find_function(const struct pprof_reader *rd, uint64_t id)
{
	return FIND(rd, functions, function, id);
}

static uint32_t find_mapping(const struct pprof_reader *rd, uint64_t id)
{
	return FIND(rd, mappings, mapping, id);
}

static int add_id(struct pprof_reader *rd, struct hmap *m, uint64_t id, size_t i, uint32_t have,
		  const char *what)
{
	if (!id || have != UINT32_MAX)
		return pprof_refuse(rd, -EBADMSG, "%s id %" PRIu64 " is %s", what, id,
				    id ? "there twice" : "not allowed");
	return budget_hmap_insert(&rd->budget, m, hash_mix(id, 0), (uint32_t)i);
}

static int index_ids(struct pprof_reader *rd)
{
	const pprof_profile *p = rd->p;
	int r = 0;

	for (size_t i = 0; !r && i < p->n_function; i++)
		r = add_id(rd, &rd->functions, p->function[i]->id, i,
			   find_function(rd, p->function[i]->id), "function");
	for (size_t i = 0; !r && i < p->n_mapping; i++)
		r = add_id(rd, &rd->mappings, p->mapping[i]->id, i,
			   find_mapping(rd, p->mapping[i]->id), "mapping");
	for (size_t i = 0; !r && i < p->n_location; i++)
		r = add_id(rd, &rd->locations, p->location[i]->id, i,
			   pprof_find_location(rd, p->location[i]->id), "location");
	return r;
}

static bool begins(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

static enum frame_kind kind_of(const char *object)
{
	if (!strcmp(object, "[ringprof]"))
		return FRAME_MARK;
	if (begins(object, "[vdso]"))
		return FRAME_VDSO;
	if (!*object || !strcmp(object, "[unknown]"))
		return FRAME_UNKNOWN;
	if (begins(object, "[jit]") || begins(object, "[anon]") || begins(object, "//anon") ||
	    begins(object, "[heap]") || begins(object, "[stack]"))
		return FRAME_ANON;
	/* the kernel and its modules are all that is left in brackets */
	return *object == '[' ? FRAME_KERNEL : FRAME_USER;
}

/* The object that a location's functions stand under. */
static int object_of(struct pprof_reader *rd, const Ringprof__Pprof__Location *l, uint32_t *ret)
{
	uint32_t m = l->mapping_id ? find_mapping(rd, l->mapping_id) : UINT32_MAX;
	const char *name;
	char kernel[256];
	size_t n;

	if (m == UINT32_MAX) {
		*ret = 0;
		return l->mapping_id ? pprof_refuse(rd, -EBADMSG,
						    "location %" PRIu64 " is in a mapping that is "
						    "not there",
						    l->id)
				     : 0;
	}
	name = pprof_text(rd->p, rd->p->mapping[m]->filename);
	n = strcspn(name, "]");
	if (*name == '[' && name[n] && n + 1 < sizeof(kernel) &&
	    !strcmp(name + n + 1, KERNEL_SUFFIX)) {
		snprintf(kernel, sizeof(kernel), "%.*s", (int)n + 1, name);
		name = kernel;
	}
	return budget_text(&rd->budget, rd->tree->strings, name, ret);
}

/* What has no function: its place in the file, which another run of the program has too. */
static int address_name(struct pprof_reader *rd, const Ringprof__Pprof__Location *l, uint32_t *ret)
{
	uint32_t i = l->mapping_id ? find_mapping(rd, l->mapping_id) : UINT32_MAX;
	const Ringprof__Pprof__Mapping *m = i == UINT32_MAX ? NULL : rd->p->mapping[i];
	const char *file = m ? pprof_text(rd->p, m->filename) : "";
	char text[320];

	if (*file && l->address >= m->memory_start && l->address < m->memory_limit) {
		const char *base = strrchr(file, '/');

		snprintf(text, sizeof(text), "%.256s+0x%" PRIx64, base ? base + 1 : file,
			 l->address - m->memory_start + m->file_offset);
	} else {
		snprintf(text, sizeof(text), "0x%" PRIx64, l->address);
	}
	return budget_text(&rd->budget, rd->tree->strings, text, ret);
}

static int add_func(struct pprof_reader *rd, uint32_t name, uint32_t object,
		    const Ringprof__Pprof__Function *f, uint32_t *ret)
{
	struct tree *t = rd->tree;
	uint32_t sys = name, file = 0;
	uint64_t hash = hash_mix(name, object);

	if (BUDGET_ROOM(&rd->budget, t->funcs, rd->cap_funcs, (uint64_t)t->n_funcs + 1) ||
	    budget_hmap_insert(&rd->budget, &rd->func_index, hash, t->n_funcs))
		return -ENOMEM;
	if (f && (budget_text(&rd->budget, t->strings, pprof_text(rd->p, f->system_name), &sys) ||
		  budget_text(&rd->budget, t->strings, pprof_text(rd->p, f->filename), &file)))
		return -ENOMEM;
	t->funcs[t->n_funcs] = (struct tree_func){
		.name = strtab_get(t->strings, name),
		.system_name = strtab_get(t->strings, sys),
		.file = strtab_get(t->strings, file),
		.object = strtab_get(t->strings, object),
		.kind = kind_of(strtab_get(t->strings, object)),
		.line = f && f->start_line > 0 && f->start_line <= INT32_MAX
				? (uint32_t)f->start_line
				: 0,
	};
	*ret = t->n_funcs++;
	return 0;
}

/* texts are interned: equal texts are equal pointers */
static int intern_func(struct pprof_reader *rd, uint32_t name, uint32_t object,
		       const Ringprof__Pprof__Function *f, uint32_t *ret)
{
	const struct tree *t = rd->tree;
	const char *n = strtab_get(t->strings, name), *o = strtab_get(t->strings, object);
	uint32_t i;

	HMAP_FOR_EACH (&rd->func_index, hash_mix(name, object), it, i) {
		if (t->funcs[i].name == n && t->funcs[i].object == o) {
			*ret = i;
			return 0;
		}
	}
	return add_func(rd, name, object, f, ret);
}

static int add_key(struct pprof_reader *rd, const Ringprof__Pprof__Location *l, uint32_t object,
		   uint64_t function_id)
{
	uint32_t i = function_id ? find_function(rd, function_id) : UINT32_MAX, name = 0;
	const Ringprof__Pprof__Function *f = i == UINT32_MAX ? NULL : rd->p->function[i];
	int r = 0;

	if (function_id && !f)
		return pprof_refuse(rd, -EBADMSG,
				    "location %" PRIu64 " is in a function that is not there",
				    l->id);
	if (f && f->name)
		r = budget_text(&rd->budget, rd->tree->strings, pprof_text(rd->p, f->name), &name);
	if (!r && f && !name)
		r = budget_text(&rd->budget, rd->tree->strings, pprof_text(rd->p, f->system_name),
				&name);
	if (!r && !name)
		r = address_name(rd, l, &name);
	if (!r && BUDGET_ROOM(&rd->budget, rd->keys, rd->cap_keys, (uint64_t)rd->n_keys + 1))
		r = -ENOMEM;
	return r ? r : intern_func(rd, name, object, f, &rd->keys[rd->n_keys++]);
}

static int read_place(struct pprof_reader *rd, const Ringprof__Pprof__Location *l,
		      struct pprof_place *ret)
{
	uint32_t object;
	int r = object_of(rd, l, &object);

	if (!r && l->n_line > PPROF_MAX_LINES)
		r = pprof_refuse(rd, -EBADMSG, "location %" PRIu64 " has %zu lines; allowed: %d",
				 l->id, l->n_line, PPROF_MAX_LINES);
	ret->first = rd->n_keys;
	for (size_t i = l->n_line; !r && i-- > 0;)
		r = add_key(rd, l, object, l->line[i]->function_id);
	if (!r && !l->n_line)
		r = add_key(rd, l, object, 0);
	ret->n = rd->n_keys - ret->first;
	return r;
}

static int add_root(struct pprof_reader *rd)
{
	uint32_t name, func;
	int r = budget_text(&rd->budget, rd->tree->strings, "total", &name);

	if (!r)
		r = add_func(rd, name, 0, NULL, &func);
	if (!r)
		rd->tree->funcs[0].kind = FRAME_MARK;
	return r;
}

int pprof_read_places(struct pprof_reader *rd)
{
	size_t n = rd->p->n_location;
	int r = add_root(rd);

	if (!r)
		r = index_ids(rd);
	if (r)
		return r;
	rd->places = budget_zalloc(&rd->budget, n ? n : 1, sizeof(*rd->places));
	if (!rd->places)
		return -ENOMEM;
	for (size_t i = 0; !r && i < n; i++) {
		r = read_place(rd, rd->p->location[i], &rd->places[i]);
		if (!r && i % 1024 == 0)
			r = budget_check(&rd->budget);
	}
	return r;
}
