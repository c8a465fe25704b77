// SPDX-License-Identifier: GPL-2.0
/* A table of files by identity, and what stands in for a version that is missing. */
#include "proc/exes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/hmap.h"
#include "proc/packages.h"

struct ident {
	uint64_t dev, ino, size, ctime_s, ctime_ns;
};

struct known {
	struct ident ident;
	bool asked_dpkg;
	struct exe_facts facts;
};

struct exes {
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
	x->packages = packages_new(host);
	if (x->packages)
		return x;
	free(x);
	return NULL;
}

void exes_free(struct exes *x)
{
	if (!x)
		return;
	packages_free(x->packages);
	free(x->list);
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

const struct exe_facts *exes_get(struct exes *x, int fd, const char *path, bool on_host,
				 uint64_t now)
{
	static const struct exe_facts none;
	struct ident id;
	struct known *k;
	struct stat st;
	uint64_t hash;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return &none;
	id = (struct ident){ st.st_dev, st.st_ino, (uint64_t)st.st_size,
			     (uint64_t)st.st_ctim.tv_sec, (uint64_t)st.st_ctim.tv_nsec };
	hash = hash_mix(id.ino ^ id.ctime_ns, id.dev);
	k = find(x, &id, hash);
	if (!k) {
		k = add(x, &id, hash);
		if (!k)
			return &none;
		exe_read(fd, id.size, &k->facts);
		k->asked_dpkg = *k->facts.version;
		if (!*k->facts.version)
			snprintf(k->facts.version, sizeof(k->facts.version), "%s",
				 k->facts.build_id);
	}
	if (on_host && !k->asked_dpkg) {
		const char *v = packages_version(x->packages, path, now);

		k->asked_dpkg = true;
		if (*v)
			snprintf(k->facts.version, sizeof(k->facts.version), "%s", v);
	}
	return &k->facts;
}

size_t exes_bytes(const struct exes *x)
{
	return sizeof(*x) + x->cap * sizeof(*x->list) + hmap_bytes(&x->index) +
	       packages_bytes(x->packages);
}
