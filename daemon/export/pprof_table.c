// SPDX-License-Identifier: GPL-2.0
/* Functions, lines and locations of a pprof profile, each row once. */
#include "export/pprof.h"

#include <errno.h>

#include "query/resolve.h"

static int add_function(struct pprof *p, const struct pprof_function *f, uint64_t hash,
			uint32_t *ret)
{
	if (BUDGET_ROOM(&p->budget, p->functions, p->cap_functions, (uint64_t)p->n_functions + 1) ||
	    budget_hmap_insert(&p->budget, &p->function_index, hash, p->n_functions))
		return -ENOMEM;
	p->with_lines += f->file != 0;
	p->functions[p->n_functions] = *f;
	*ret = p->n_functions++;
	return 0;
}

static int find_function(struct pprof *p, const struct sym_line *l, uint32_t *ret)
{
	struct pprof_function f;
	uint64_t hash;
	uint32_t i;

	if (budget_text(&p->budget, p->strings, l->name, &f.name) ||
	    budget_text(&p->budget, p->strings, l->system_name, &f.system_name) ||
	    budget_text(&p->budget, p->strings, l->file, &f.file))
		return -ENOMEM;
	f.start_line = f.file ? l->start_line : 1; /* see export.h about the 1 */
	hash = hash_mix((uint64_t)f.name << 32 | f.system_name,
			(uint64_t)f.file << 32 | f.start_line);
	HMAP_FOR_EACH (&p->function_index, hash, it, i) {
		const struct pprof_function *have = &p->functions[i];

		if (have->name == f.name && have->system_name == f.system_name &&
		    have->file == f.file && have->start_line == f.start_line) {
			*ret = i;
			return 0;
		}
	}
	return add_function(p, &f, hash, ret);
}

/* p->answer's lines, innermost first as in the answer */
static int add_lines(struct pprof *p, struct pprof_location *loc)
{
	struct pprof_mapping *m = &p->mappings[loc->mapping];

	if (BUDGET_ROOM(&p->budget, p->lines, p->cap_lines, (uint64_t)p->n_lines + p->answer.n))
		return -ENOMEM;
	loc->first_line = p->n_lines;
	loc->n_lines = p->answer.n;
	for (uint32_t i = 0; i < p->answer.n; i++) {
		const struct sym_line *l = &p->answer.lines[i];
		struct pprof_line *row = &p->lines[p->n_lines];

		if (find_function(p, l, &row->function))
			return -ENOMEM;
		row->line = p->functions[row->function].file ? l->line : 0;
		m->has_files |= p->functions[row->function].file != 0;
		m->has_lines |= row->line != 0;
		p->n_lines++;
	}
	m->has_inlines |= p->answer.n > 1;
	return 0;
}

static int add_location(struct pprof *p, struct pprof_location *loc, uint64_t hash, uint32_t *ret)
{
	if (add_lines(p, loc) ||
	    BUDGET_ROOM(&p->budget, p->locations, p->cap_locations, (uint64_t)p->n_locations + 1) ||
	    budget_hmap_insert(&p->budget, &p->location_index, hash, p->n_locations))
		return -ENOMEM;
	p->locations[p->n_locations] = *loc;
	*ret = p->n_locations++;
	return 0;
}

int pprof_location(struct pprof *p, const struct model_object *o, uint64_t off, uint32_t *ret)
{
	struct pprof_location loc = { .jit = 0 };
	uint64_t hash;
	uint32_t i;

	query_resolve(p->env, o, off, budget_line_ns(&p->budget), &p->answer);
	if (pprof_mapping(p, o, off, &loc.address, &loc.mapping))
		return -ENOMEM;
	if (o->stored) {
		loc.jit = o->stored->key.jit;
		loc.epoch = o->stored->key.epoch;
	} else if (o->jit) {
		loc.jit = (uint64_t)jit_table_id(o->jit) << 32 | o->jit_version;
	}
	hash = hash_mix(loc.address, hash_mix(loc.mapping, loc.jit ^ loc.epoch));
	HMAP_FOR_EACH (&p->location_index, hash, it, i) {
		if (p->locations[i].address == loc.address &&
		    p->locations[i].mapping == loc.mapping && p->locations[i].jit == loc.jit &&
		    p->locations[i].epoch == loc.epoch) {
			*ret = i;
			return 0;
		}
	}
	return add_location(p, &loc, hash, ret);
}
