// SPDX-License-Identifier: GPL-2.0
/*
 * Processes of one model are looked at once: a byte each tells. Texts are
 * interned, so a pair of service and version is a pair of numbers.
 *
 * A service is what runs in a unit or container, and a version is a program's:
 * a unit that runs sh and curl has two at once. So a version is news only of a
 * program that the service is known to have run.
 */
#include "store/deploys.h"

#include <stdlib.h>
#include <string.h>

#include "base/hmap.h"
#include "base/strtab.h"

struct deploys {
	struct strtab *texts;
	struct hmap pairs;    /* hash of (service, version) -> version */
	struct hmap programs; /* hash of (service, program) -> program */
	uint32_t n_pairs;
	struct model *model; /* a reference: whose processes `seen` is about */
	uint8_t *seen;
	uint32_t n_seen;
};

struct deploys *deploys_new(void)
{
	struct deploys *d = calloc(1, sizeof(*d));

	if (d)
		d->texts = strtab_new();
	if (d && !d->texts) {
		free(d);
		return NULL;
	}
	return d;
}

void deploys_free(struct deploys *d)
{
	if (!d)
		return;
	strtab_free(d->texts);
	hmap_free(&d->pairs);
	hmap_free(&d->programs);
	model_unref(d->model);
	free(d->seen);
	free(d);
}

static const char *label(const struct model_series *s, const char *key)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (!strcmp(s->labels[i].key, key))
			return s->labels[i].value;
	return "";
}

static bool has(const struct hmap *m, uint64_t hash, uint32_t value)
{
	uint32_t v;

	HMAP_FOR_EACH (m, hash, it, v)
		if (v == value)
			return true;
	return false;
}

/* Too many to remember: what is known from now on is what comes. */
static void forget(struct deploys *d)
{
	struct strtab *fresh = strtab_new();

	if (!fresh)
		return;
	strtab_free(d->texts);
	d->texts = fresh;
	hmap_clear(&d->pairs);
	hmap_clear(&d->programs);
	d->n_pairs = 0;
}

/* Is it a new version of a program that is known? Remembers all. */
static bool is_new(struct deploys *d, const char *service, const char *program, const char *version)
{
	uint32_t s, p, v;
	uint64_t hp, hv;
	bool known;

	if (d->n_pairs >= DEPLOYS_MAX)
		forget(d);
	s = strtab_add(d->texts, service);
	p = strtab_add(d->texts, program);
	v = strtab_add(d->texts, version);
	if (s == UINT32_MAX || p == UINT32_MAX || v == UINT32_MAX)
		return false;
	hp = hash_mix(p, s);
	hv = hash_mix(v, s);
	known = has(&d->programs, hp, p);
	/* no memory: it stays unknown, and its next version is no news either */
	if (!known)
		(void)hmap_insert(&d->programs, hp, p);
	if (has(&d->pairs, hv, v))
		return false;
	if (hmap_insert(&d->pairs, hv, v))
		return false;
	d->n_pairs++;
	return known;
}

/* exe: of a process whose label set has none. Programs of a new version may lie elsewhere. */
static bool look_at(struct deploys *d, const struct model_series *s, const char *exe,
		    struct store_event *ret)
{
	const char *path = label(s, "exe"), *name;

	path = *path ? path : exe;
	name = strrchr(path, '/');
	name = name ? name + 1 : path;
	ret->service = label(s, "service_name");
	ret->version = label(s, "service_version");
	if (!*ret->version)
		ret->version = label(s, "build_id");
	return *ret->service && *ret->version && is_new(d, ret->service, name, ret->version);
}

void deploys_learn(struct deploys *d, const struct model_series *s)
{
	struct store_event unused;

	(void)look_at(d, s, "", &unused);
}

/* Room to note the processes of this model; false: no memory. */
static bool follow(struct deploys *d, struct model *m)
{
	uint32_t counts[6];
	uint8_t *seen;

	model_counts(m, counts);
	if (d->model != m) {
		model_unref(d->model);
		d->model = model_ref(m);
		d->n_seen = 0;
	}
	if (counts[4] <= d->n_seen)
		return true;
	seen = realloc(d->seen, counts[4]);
	if (!seen)
		return false;
	memset(seen + d->n_seen, 0, counts[4] - d->n_seen);
	d->seen = seen;
	d->n_seen = counts[4];
	return true;
}

void deploys_window(struct deploys *d, const struct window *w, struct events *to)
{
	if (!follow(d, w->model))
		return;
	for (uint32_t i = 0; i < w->n_entries; i++) {
		uint32_t proc = model_thread(w->model, w->entries[i].thread)->proc;
		const struct model_proc *p = model_proc(w->model, proc);
		struct store_event e = {
			.time = w->wall_start, .kind = "deploy", .git_ref = "", .text = ""
		};

		if (proc >= d->n_seen || d->seen[proc])
			continue;
		d->seen[proc] = 1;
		/* no memory, no disk: an event less */
		if (look_at(d, model_series(w->model, p->series), p->exe, &e))
			(void)events_add(to, &e, NULL);
	}
}
