// SPDX-License-Identifier: GPL-2.0
#include "tests/bench/history_stacks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/array.h"
#include "base/hmap.h"
#include "base/strtab.h"
#include "export/pprof_read.h"
#include "profile.pb-c.h"

#define MAX_RAW (256U << 20)

typedef Ringprof__Pprof__Profile profile;

struct place { /* of all profiles: equal ones are one */
	const char *object, *build_id;
	uint64_t off, address;
	uint32_t n_lines;
	struct sym_line *lines;
};

static struct strtab *texts;
static struct place *places;
static size_t n_places, cap_places;
static struct hmap index_of; /* (object's text, off) -> place */

static void fail(const char *path, const char *why)
{
	fprintf(stderr, "history: %s: %s\n", path, why);
	exit(2);
}

static const char *keep(const char *s)
{
	return strtab_get(texts, strtab_add(texts, s));
}

static uint64_t place_hash(const char *object, uint64_t off)
{
	return hash_mix(off, XXH64(object, strlen(object), 0));
}

static uint32_t find_place(const char *object, uint64_t off)
{
	uint32_t i;

	HMAP_FOR_EACH (&index_of, place_hash(object, off), it, i)
		if (places[i].off == off && !strcmp(places[i].object, object))
			return i;
	return UINT32_MAX;
}

static void copy_lines(const profile *p, const Ringprof__Pprof__Location *l, struct place *to)
{
	to->n_lines = l->n_line < SYM_MAX_LINES ? (uint32_t)l->n_line : SYM_MAX_LINES;
	to->lines = calloc(to->n_lines + 1U, sizeof(*to->lines));
	for (uint32_t i = 0; i < to->n_lines; i++) {
		const Ringprof__Pprof__Function *f = p->function[l->line[i]->function_id - 1];

		to->lines[i] =
			(struct sym_line){ .name = keep(p->string_table[f->name]),
					   .system_name = keep(p->string_table[f->system_name]),
					   .file = keep(p->string_table[f->filename]),
					   .line = (uint32_t)l->line[i]->line,
					   .start_line = (uint32_t)f->start_line };
	}
}

/* ringprof's own files number mappings, locations and functions from 1 on */
static uint32_t add_place(const profile *p, uint64_t id)
{
	const Ringprof__Pprof__Location *l = p->location[id - 1];
	const Ringprof__Pprof__Mapping *m = l->mapping_id ? p->mapping[l->mapping_id - 1] : NULL;
	const char *object = keep(m ? p->string_table[m->filename] : "[unknown]");
	uint64_t off = m ? l->address - m->memory_start + m->file_offset : l->address;
	uint32_t i = find_place(object, off);

	if (i != UINT32_MAX)
		return i;
	places = array_room(places, &cap_places, n_places + 1, sizeof(*places));
	places[n_places] = (struct place){ .object = object,
					   .build_id = keep(m ? p->string_table[m->build_id] : ""),
					   .off = off,
					   .address = l->address };
	copy_lines(p, l, &places[n_places]);
	hmap_insert(&index_of, place_hash(object, off), (uint32_t)n_places);
	return (uint32_t)n_places++;
}

static profile *unpack(const char *path)
{
	struct buf packed = { 0 }, raw = { 0 };
	profile *p = NULL;

	if (!buf_read_file(&packed, path, MAX_RAW) &&
	    !pprof_unzip(packed.data, packed.len, MAX_RAW, &raw))
		p = ringprof__pprof__profile__unpack(NULL, raw.len, (const uint8_t *)raw.data);
	if (!p || !p->n_sample || p->location[0]->id != 1)
		fail(path, "no profile that ringprof recorded");
	buf_free(&packed);
	buf_free(&raw);
	return p;
}

struct recorded *stacks_read(const char *path)
{
	struct recorded *r = calloc(1, sizeof(*r));
	profile *p;

	if (!texts)
		texts = strtab_new();
	p = unpack(path);
	r->places = calloc(p->n_sample, sizeof(*r->places));
	r->depth = calloc(p->n_sample, sizeof(*r->depth));
	r->samples = calloc(p->n_sample, sizeof(*r->samples));
	for (size_t i = 0; i < p->n_sample; i++) {
		const Ringprof__Pprof__Sample *s = p->sample[i];

		if (!s->n_location_id || s->value[0] <= 0)
			continue;
		r->places[r->n] = calloc(s->n_location_id, sizeof(uint32_t));
		r->depth[r->n] = (uint32_t)s->n_location_id;
		for (size_t k = 0; k < s->n_location_id; k++)
			r->places[r->n][k] = add_place(p, s->location_id[k]);
		r->samples[r->n++] = (double)s->value[0];
	}
	ringprof__pprof__profile__free_unpacked(p, NULL);
	return r;
}

uint32_t stacks_add(struct model *m, const struct recorded *r, uint32_t i)
{
	uint32_t stack = 0;

	for (uint32_t k = r->depth[i]; k--;) {
		const struct place *p = &places[r->places[i][k]];
		enum frame_kind kind = *p->object == '[' ? FRAME_KERNEL : FRAME_USER;
		uint32_t object = model_add_object(m, kind, NULL, p->object, p->build_id);

		stack = model_add_stack(m, stack, model_add_frame(m, object, p->off));
	}
	return stack;
}

void stacks_name(void *arg, const struct model_object *o, uint64_t off, struct sym_answer *ret,
		 bool *has_vaddr, uint64_t *vaddr)
{
	uint32_t i = find_place(o->name, off);

	*has_vaddr = i != UINT32_MAX;
	if (i == UINT32_MAX)
		return;
	*vaddr = places[i].address;
	ret->n = places[i].n_lines;
	ret->named = ret->n > 0;
	memcpy(ret->lines, places[i].lines, ret->n * sizeof(*ret->lines));
	/* profiles do not say where functions begin: as far as most are long */
	ret->func_start = places[i].address - places[i].address % 256;
}
