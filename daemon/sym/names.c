// SPDX-License-Identifier: GPL-2.0
/*
 * The pair (system name, readable name) by hash of the former; texts in a
 * strtab. One lock: the work under it is a hash, a probe and a compare. It is not held
 * while a name is demangled, once, by another process.
 */
#include "sym/names.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/array.h"
#include "base/hmap.h"
#include "base/strtab.h"
#include "sym/demangle_read.h"
#include "sym/symbols.h"
#include "sym/symtab.h"

struct pair {
	const char *system;
	const char *readable;
};

struct names {
	struct reader *demangler; /* NULL: done here */
	bool lacks_demangler;	  /* atomic */
	pthread_mutex_t lock;
	struct strtab *texts;
	struct hmap index;
	struct pair *pairs;
	uint32_t n;
	size_t cap;
	size_t max_bytes;
	uint64_t limit_hits;
};

struct names *names_new(size_t max_bytes, struct reader *demangler)
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
	n->demangler = demangler;
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

/* names made of addresses and paths, any number of which can be, leave room for the others */
static bool is_full(struct names *n, bool demangle)
{
	if (bytes(n) < (demangle ? n->max_bytes : n->max_bytes / 4))
		return false;
	n->limit_hits++;
	return true;
}

static bool find(const struct names *n, uint64_t hash, const char *name, struct pair *ret)
{
	uint32_t i;

	HMAP_FOR_EACH (&n->index, hash, it, i)
		if (!strcmp(n->pairs[i].system, name)) {
			*ret = n->pairs[i];
			return true;
		}
	return false;
}

static bool keep(struct names *n, uint64_t hash, const struct pair *p)
{
	struct pair *room = array_room(n->pairs, &n->cap, (size_t)n->n + 1, sizeof(*p));

	if (!room)
		return false;
	n->pairs = room;
	n->pairs[n->n] = *p;
	if (hmap_insert(&n->index, hash, n->n))
		return false;
	n->n++;
	return true;
}

/* lock held; stays: what comes next is the same text */
static bool add(struct names *n, uint64_t hash, const char *name, const char *readable, bool stays,
		struct pair *ret)
{
	ret->system = intern(n, name);
	ret->readable = readable == name ? ret->system : intern(n, readable);
	return ret->system && ret->readable && (!stays || keep(n, hash, ret));
}

/* lock not held. False: nobody can tell now, what is given is the name itself. */
static bool make_readable(struct names *n, const char *name, char readable[SYM_READABLE_MAX])
{
	bool told = true;
	int r = 0;

	if (!n->demangler) {
		r = sym_demangle(name, readable, SYM_READABLE_MAX) == readable;
	} else if (sym_is_mangled(name)) {
		r = demangle_ask(n->demangler, name, readable, SYM_READABLE_MAX);
		told = r >= 0 || r == READER_REFUSED;
		__atomic_store_n(&n->lacks_demangler, !told, __ATOMIC_RELAXED);
	}
	if (r <= 0)
		strcpy(readable, name); /* at most SYM_NAME_MAX, as names_get cuts it */
	clean(readable, strlen(readable));
	cut_middle(readable);
	return told;
}

/* The pair of a name that is not known; two that ask at once get the same. */
static bool get_readable(struct names *n, uint64_t hash, const char *name, struct pair *ret)
{
	char readable[SYM_READABLE_MAX];
	bool stays = make_readable(n, name, readable), r;

	pthread_mutex_lock(&n->lock);
	r = find(n, hash, name, ret) || add(n, hash, name, readable, stays, ret);
	pthread_mutex_unlock(&n->lock);
	return r;
}

bool names_get(struct names *n, const char *name, bool demangle, const char **ret_name,
	       const char **ret_system_name)
{
	size_t len = strnlen(name, SYM_NAME_MAX - 1);
	char safe[SYM_NAME_MAX];
	bool known, full;
	struct pair p;
	uint64_t hash;

	memcpy(safe, name, len);
	safe[len] = '\0';
	clean(safe, len);
	/* the same text may stand for itself elsewhere ("[anon]" as a symbol): two entries */
	hash = XXH3_64bits_withSeed(safe, len, demangle);
	pthread_mutex_lock(&n->lock);
	known = find(n, hash, safe, &p);
	full = !known && is_full(n, demangle);
	if (!known && !full && !demangle)
		known = add(n, hash, safe, safe, true, &p);
	pthread_mutex_unlock(&n->lock);
	if (!known && !full && demangle)
		known = get_readable(n, hash, safe, &p);
	if (known) {
		*ret_name = p.readable;
		*ret_system_name = p.system;
	}
	return known;
}

bool names_lacks_demangler(const struct names *n)
{
	return __atomic_load_n(&n->lacks_demangler, __ATOMIC_RELAXED);
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
