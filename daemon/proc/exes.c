// SPDX-License-Identifier: GPL-2.0
/* A table of files by identity, and what stands in for a version that is missing. */
#include "proc/exes.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/hmap.h"
#include "proc/packages.h"

struct ident {
	uint64_t dev, ino, size, mtime_s, mtime_ns, ctime_s, ctime_ns;
};
/* of these the time of the last change changes when the file is replaced by another one */
#define IDENT_KEPT offsetof(struct ident, ctime_s)

struct known {
	struct ident ident;
	bool says;	/* the file itself names its version */
	uint64_t asked; /* state of the packages that the version is of; 0: not asked yet */
	struct exe_facts facts;
};

struct exes {
	char *host;
	struct packages *packages;
	struct known *list;
	size_t n, cap;
	struct hmap index;
};

struct exes *exes_new(const char *host)
{
	struct exes *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->host = strdup(host && strcmp(host, "/") ? host : "");
	x->packages = packages_new(host);
	if (x->host && x->packages)
		return x;
	exes_free(x);
	return NULL;
}

void exes_free(struct exes *x)
{
	if (!x)
		return;
	packages_free(x->packages);
	free(x->list);
	free(x->host);
	hmap_free(&x->index);
	free(x);
}

static struct known *find(struct exes *x, const struct ident *id, uint64_t hash)
{
	uint32_t i;

	HMAP_FOR_EACH (&x->index, hash, it, i)
		if (!memcmp(&x->list[i].ident, id, sizeof(*id)))
			return &x->list[i];
	return NULL;
}

static struct known *add(struct exes *x, const struct ident *id, uint64_t hash)
{
	struct known *list;

	if (x->n == EXES_MAX) {
		x->n = 0;
		hmap_clear(&x->index);
	}
	list = array_room(x->list, &x->cap, x->n + 1, sizeof(*list));
	if (!list)
		return NULL;
	x->list = list;
	if (hmap_insert(&x->index, hash, (uint32_t)x->n))
		return NULL;
	list = &x->list[x->n++];
	memset(list, 0, sizeof(*list));
	list->ident = *id;
	return list;
}

static struct ident identity(const struct stat *st)
{
	return (struct ident){ st->st_dev,
			       st->st_ino,
			       (uint64_t)st->st_size,
			       (uint64_t)st->st_mtim.tv_sec,
			       (uint64_t)st->st_mtim.tv_nsec,
			       (uint64_t)st->st_ctim.tv_sec,
			       (uint64_t)st->st_ctim.tv_nsec };
}

static uint64_t ident_hash(const struct ident *id)
{
	return hash_mix(id->ino ^ id->ctime_ns, id->dev);
}

/* Is the file that the packages now speak of the one that runs? */
static bool still_there(const struct exes *x, const struct known *k, const char *path)
{
	char name[4096];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", x->host, path);
	return !stat(name, &st) && st.st_dev == k->ident.dev && st.st_ino == k->ident.ino;
}

/* What it was known by before another one took its place. */
static void take_over(struct exes *x, struct known *k)
{
	for (size_t i = x->n; i-- > 0;) {
		const struct known *old = &x->list[i];

		if (old == k || !old->asked || memcmp(&old->ident, &k->ident, IDENT_KEPT))
			continue;
		memcpy(k->facts.version, old->facts.version, sizeof(k->facts.version));
		k->asked = old->asked;
		return;
	}
}

/*
 * Anew after each change of the packages: a program that is being installed runs
 * before dpkg has written down which version that is. One that was replaced keeps
 * the version that it had; if it had none, nobody knows it any more.
 */
static void ask_packages(struct exes *x, struct known *k, const char *path, uint64_t now)
{
	struct exe_facts *f = &k->facts;
	char v[sizeof(f->version)];
	uint64_t state;

	if (k->asked && k->asked == packages_state(x->packages, now))
		return;
	if (!still_there(x, k, path)) {
		if (!k->asked)
			take_over(x, k);
		return;
	}
	state = packages_version(x->packages, path, now, v, sizeof(v));
	if (!state)
		return;
	k->asked = state;
	snprintf(f->version, sizeof(f->version), "%s", *v ? v : f->build_id);
}

const struct exe_facts *exes_find(struct exes *x, const struct stat *st, const char *path,
				  bool on_host, uint64_t now)
{
	struct ident id = identity(st);
	struct known *k = find(x, &id, ident_hash(&id));

	if (k && on_host && !k->says)
		ask_packages(x, k, path, now);
	return k ? &k->facts : NULL;
}

bool exes_add(struct exes *x, const struct stat *st, const struct exe_facts *read)
{
	struct ident id = identity(st);
	struct known *k = add(x, &id, ident_hash(&id));
	struct exe_facts *f;

	if (!k)
		return false;
	f = &k->facts;
	*f = *read;
	k->says = *f->version;
	if (!k->says)
		snprintf(f->version, sizeof(f->version), "%s", f->build_id);
	return true;
}

const struct exe_facts *exes_get(struct exes *x, int fd, const char *path, bool on_host,
				 uint64_t now)
{
	static const struct exe_facts none;
	const struct exe_facts *f;
	struct exe_facts read;
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return &none;
	f = exes_find(x, &st, path, on_host, now);
	if (f)
		return f;
	exe_read(fd, (uint64_t)st.st_size, &read);
	if (!exes_add(x, &st, &read))
		return &none;
	return exes_find(x, &st, path, on_host, now);
}

uint64_t exes_state(struct exes *x, uint64_t now)
{
	return packages_state(x->packages, now);
}

size_t exes_bytes(const struct exes *x)
{
	return sizeof(*x) + x->cap * sizeof(*x->list) + hmap_bytes(&x->index) +
	       packages_bytes(x->packages);
}
