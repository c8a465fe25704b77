// SPDX-License-Identifier: GPL-2.0
/*
 * The pair (system name, readable name) by hash of the former; texts in a
 * strtab. One lock: the work under it is a hash, a probe and a compare, and a
 * demangling once per name.
 */
#include "sym/names.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/array.h"
#include "base/hmap.h"
#include "base/strtab.h"
#include "sym/symbols.h"
#include "sym/symtab.h"

#define READABLE_MAX 16384 /* demangled, before it is cut */

struct pair {
	const char *system;
	const char *readable;
};

struct names {
	pthread_mutex_t lock;
	struct strtab *texts;
	struct hmap index;
	struct pair *pairs;
	uint32_t n;
	size_t cap;
	size_t max_bytes;
	uint64_t limit_hits;
};

struct names *names_new(size_t max_bytes)
{
	struct names *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->texts = strtab_new();
	if (!n->texts) {
		free(n);
		return NULL;
	}
	pthread_mutex_init(&n->lock, NULL);
	n->max_bytes = max_bytes;
	return n;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	pthread_mutex_destroy(&n->lock);
	strtab_free(n->texts);
	hmap_free(&n->index);
	free(n->pairs);
	free(n);
}

static size_t bytes(const struct names *n)
{
	return strtab_bytes(n->texts) + hmap_bytes(&n->index) + n->cap * sizeof(*n->pairs);
}

/* without a way out of the loop, so that the compiler takes many at once */
static void clean(char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s[i] = (unsigned char)s[i] < 0x20 || s[i] == 0x7f ? '?' : s[i];
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Takes bytes out of the middle, whole UTF-8 characters of them. */
static void cut_middle(char *s)
{
	static const char mark[] = "…";
	size_t n = strlen(s), keep = (NAMES_MAX_READABLE - (sizeof(mark) - 1)) / 2;
	size_t head = keep, tail = n - keep;

	if (n <= NAMES_MAX_READABLE)
		return;
	while (head && is_continuation(s[head]))
		head--;
	while (tail < n && is_continuation(s[tail]))
		tail++;
	memcpy(s + head, mark, sizeof(mark) - 1);
	memmove(s + head + sizeof(mark) - 1, s + tail, n - tail + 1);
}

static const char *intern(struct names *n, const char *text)
{
	uint32_t id = strtab_add(n->texts, text);

	return id == UINT32_MAX ? NULL : strtab_get(n->texts, id);
}

static struct pair *add(struct names *n, uint64_t hash, const char *name, bool demangle)
{
	char readable[READABLE_MAX];
	struct pair *p;

	/* names made of addresses and paths, any number of which can be, leave room for the others */
	if (bytes(n) >= (demangle ? n->max_bytes : n->max_bytes / 4)) {
		n->limit_hits++;
		return NULL;
	}
	p = array_room(n->pairs, &n->cap, (size_t)n->n + 1, sizeof(*p));
	if (!p)
		return NULL;
	n->pairs = p;
	p += n->n;
	p->system = p->readable = intern(n, name);
	if (p->system && demangle) {
		if (sym_demangle(name, readable, sizeof(readable)) != readable)
			strcpy(readable, name); /* at most SYM_NAME_MAX, as names_get cuts it */
		clean(readable, strlen(readable));
		cut_middle(readable);
		p->readable = intern(n, readable);
	}
	if (!p->system || !p->readable || hmap_insert(&n->index, hash, n->n))
		return NULL;
	n->n++;
	return p;
}

static struct pair *get(struct names *n, uint64_t hash, const char *name, bool demangle)
{
	uint32_t i;

	HMAP_FOR_EACH (&n->index, hash, it, i)
		if (!strcmp(n->pairs[i].system, name))
			return &n->pairs[i];
	return add(n, hash, name, demangle);
}

bool names_get(struct names *n, const char *name, bool demangle, const char **ret_name,
	       const char **ret_system_name)
{
	size_t len = strnlen(name, SYM_NAME_MAX - 1);
	char safe[SYM_NAME_MAX];
	struct pair *p;
	uint64_t hash;

	memcpy(safe, name, len);
	safe[len] = '\0';
	clean(safe, len);
	/* the same text may stand for itself elsewhere ("[anon]" as a symbol): two entries */
	hash = XXH3_64bits_withSeed(safe, len, demangle);
	pthread_mutex_lock(&n->lock);
	p = get(n, hash, safe, demangle);
	if (p) {
		*ret_name = p->readable;
		*ret_system_name = p->system;
	}
	pthread_mutex_unlock(&n->lock);
	return p != NULL;
}

size_t names_bytes(struct names *n)
{
	size_t r;

	pthread_mutex_lock(&n->lock);
	r = bytes(n);
	pthread_mutex_unlock(&n->lock);
	return r;
}

uint64_t names_limit_hits(struct names *n)
{
	uint64_t r;

	pthread_mutex_lock(&n->lock);
	r = n->limit_hits;
	pthread_mutex_unlock(&n->lock);
	return r;
}
