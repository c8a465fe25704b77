// SPDX-License-Identifier: GPL-2.0
/* The table of known containers, and in which order the runtimes' files are asked. */
#include "proc/container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/hmap.h"

/* names may be written a moment after the process began */
#define MISS_NS (5 * NSEC_PER_SEC)

struct known {
	char id[CONTAINER_ID_LEN + 1];
	uint64_t ask_again; /* mono ns; UINT64_MAX: never */
	struct container_names names;
};

struct containers {
	int host; /* -1: cannot be opened, nothing is known */
	struct known **list;
	size_t n, cap;
	struct hmap index;
};

struct containers *containers_new(const char *host)
{
	struct containers *c = calloc(1, sizeof(*c));

	if (c)
		c->host = open(host ? host : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return c;
}

static void forget_all(struct containers *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->list[i]);
	c->n = 0;
	hmap_clear(&c->index);
}

void containers_free(struct containers *c)
{
	if (!c)
		return;
	forget_all(c);
	free(c->list);
	hmap_free(&c->index);
	if (c->host >= 0)
		close(c->host);
	free(c);
}

static int look_up(int host, const char *id, const char *cgroup, struct container_names *ret)
{
	char uid[37];

	memset(ret, 0, sizeof(*ret));
	if (!container_from_containerd(host, id, ret) || !container_from_storage(host, id, ret) ||
	    !container_from_docker(host, id, ret) || !container_from_logs(host, id, ret))
		return 0;
	container_pod_uid(cgroup, uid);
	return *uid ? container_from_pod_logs(host, uid, ret) : -ENOENT;
}

static struct known *find(struct containers *c, const char *id, uint64_t hash)
{
	uint32_t i;

	HMAP_FOR_EACH (&c->index, hash, it, i)
		if (!strcmp(c->list[i]->id, id))
			return c->list[i];
	return NULL;
}

static struct known *add(struct containers *c, const char *id, uint64_t hash)
{
	struct known *k = calloc(1, sizeof(*k)), **list;

	if (c->n == CONTAINERS_MAX)
		forget_all(c);
	list = k ? array_room(c->list, &c->cap, c->n + 1, sizeof(*list)) : NULL;
	if (list)
		c->list = list;
	if (!list || hmap_insert(&c->index, hash, (uint32_t)c->n)) {
		free(k);
		return NULL;
	}
	memcpy(k->id, id, CONTAINER_ID_LEN);
	c->list[c->n++] = k;
	return k;
}

const struct container_names *containers_get(struct containers *c, const char *id,
					     const char *cgroup, uint64_t now)
{
	static const struct container_names none;
	uint64_t hash = XXH3_64bits(id, strlen(id));
	struct known *k;

	if (c->host < 0 || strlen(id) != CONTAINER_ID_LEN)
		return &none;
	k = find(c, id, hash);
	if (k && now < k->ask_again)
		return &k->names;
	if (!k)
		k = add(c, id, hash);
	if (!k)
		return &none;
	k->ask_again = look_up(c->host, id, cgroup, &k->names) ? now + MISS_NS : UINT64_MAX;
	return &k->names;
}

size_t containers_bytes(const struct containers *c)
{
	return sizeof(*c) + c->n * sizeof(struct known) + c->cap * sizeof(*c->list) +
	       hmap_bytes(&c->index);
}
