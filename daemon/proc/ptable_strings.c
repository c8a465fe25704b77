// SPDX-License-Identifier: GPL-2.0
/*
 * The texts of the process table, each once. Of those that come and go with
 * processes (paths of containers, unit names) nobody tells when they go: so
 * when there are many, those that entries have are copied into a new table and
 * the old one goes.
 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "proc/ptable_int.h"

const char *ptable_intern(struct ptable *t, const char *s)
{
	struct interner *in = &t->strings;
	uint64_t hash = XXH3_64bits(s, strlen(s));
	uint32_t id;

	if (!*s)
		return "";
	HMAP_FOR_EACH (&in->index, hash, it, id)
		if (!strcmp(strtab_get(in->texts, id), s))
			return strtab_get(in->texts, id);
	if (strtab_bytes(in->texts) + hmap_bytes(&in->index) >= in->max_bytes) {
		t->c.limit_hits++;
		return "";
	}
	id = strtab_add(in->texts, s);
	if (id == UINT32_MAX || hmap_insert(&in->index, hash, id))
		return "";
	return strtab_get(in->texts, id);
}

static size_t bytes_of(const struct interner *in)
{
	return strtab_bytes(in->texts) + hmap_bytes(&in->index);
}

/* false: no memory, the text stays where it was. */
static bool move(struct ptable *t, const char **text)
{
	const char *s = *text ? ptable_intern(t, *text) : NULL;

	if (!s || (**text && !*s))
		return !s;
	*text = s;
	return true;
}

static bool move_labels(struct ptable *t, struct process_labels *l)
{
	const char **all[] = { &l->service_name,
			       &l->comm,
			       &l->exe,
			       &l->cgroup,
			       &l->unit,
			       &l->container_id,
			       &l->user,
			       &l->container,
			       &l->pod,
			       &l->ns,
			       &l->service_version,
			       &l->deployment_environment,
			       &l->build_id };
	bool good = true;

	_Static_assert(sizeof(*l) == sizeof(all), "a label that stays behind is gone");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		good = move(t, all[i]) && good;
	return good;
}

static bool move_entry(struct ptable *t, struct entry *e)
{
	bool good = move_labels(t, &e->p.labels);

	good = move(t, &e->otel_name) && good;
	good = move(t, &e->otel_version) && good;
	good = move(t, &e->exe_version) && good;
	/* a shared list comes several times: its texts are the new ones by then */
	for (size_t i = 0; e->maps && i < e->maps->n; i++)
		good = move(t, &e->maps->m[i].path) && good;
	return good;
}

static bool move_all(struct ptable *t)
{
	bool good = true;

	for (uint32_t i = 0; i < t->n_slots; i++)
		if (t->slots[i])
			good = move_entry(t, t->slots[i]) && good;
	for (uint32_t i = 0; i < t->n_cgroups; i++) {
		struct cgroup_names *c = &t->cgroups[i];

		good = move(t, &c->path) && good;
		good = move(t, &c->unit) && good;
		good = move(t, &c->container_id) && good;
	}
	return good;
}

/* Twice what was kept last time at least, so that the work is shared by what was added. */
void ptable_compact(struct ptable *t)
{
	struct interner old = t->strings;

	if (bytes_of(&old) < old.max_bytes / 4 * 3 || bytes_of(&old) < 2 * old.kept || t->outlived)
		return;
	t->strings = (struct interner){ .texts = strtab_new(), .max_bytes = old.max_bytes };
	if (!t->strings.texts) {
		t->strings = old;
		return;
	}
	if (move_all(t))
		strtab_free(old.texts);
	else
		t->outlived = old.texts;
	hmap_free(&old.index);
	t->strings.kept = bytes_of(&t->strings);
	t->c.compactions++;
}
