// SPDX-License-Identifier: GPL-2.0
/*
 * The pair (system name, readable name) by hash of the former; texts in a
 * strtab. Two locks, in that order:
 *   asking  held while a name is made readable, by another process
 *   lock    all else; the work under it is a hash, a probe and a compare
 *
 * Who asks that process waits for it, and what it is asked comes from strangers: an
 * answer that takes longer than QUICK_NS, or does not come, costs SLOW_SHARE times as
 * long in which nobody asks, with SLOW_BURST_NS of it allowed at once. The start of the
 * process is no answer's fault.
 */
#include "sym/names.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/hmap.h"
#include "base/strtab.h"
#include "sym/demangle_read.h"
#include "sym/symbols.h"
#include "sym/symtab.h"

#define QUICK_NS      (10 * NSEC_PER_MSEC) /* an answer takes 11 us, on a busy host some ms */
#define SLOW_SHARE    10
#define SLOW_BURST_NS NSEC_PER_SEC

struct pair {
	const char *system;
	const char *readable; /* NULL: not asked for, or nobody could tell */
};

struct names {
	struct reader *demangler; /* NULL: done here */
	pthread_mutex_t asking, lock;
	struct strtab *texts;
	struct hmap index;
	struct pair *pairs;
	uint32_t n;
	size_t cap;
	size_t max_bytes;
	uint64_t limit_hits, put_off;
	uint64_t paid; /* mono ns, when the slow answers will have been paid for */
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
	pthread_mutex_init(&n->asking, NULL);
	pthread_mutex_init(&n->lock, NULL);
	n->max_bytes = max_bytes;
	n->demangler = demangler;
	return n;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	pthread_mutex_destroy(&n->asking);
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

/* As names are read: not longer than anybody wants to. NULL: no memory. */
static const char *intern_cut(struct names *n, const char *text)
{
	char cut[SYM_READABLE_MAX];

	if (strlen(text) <= NAMES_MAX_READABLE)
		return intern(n, text);
	snprintf(cut, sizeof(cut), "%s", text);
	cut_middle(cut);
	return intern(n, cut);
}

/* names made of addresses and paths, any number of which can be, leave room for the others */
static bool is_full(struct names *n, bool symbol)
{
	if (bytes(n) < (symbol ? n->max_bytes : n->max_bytes / 4))
		return false;
	n->limit_hits++;
	return true;
}

static struct pair *add(struct names *n, uint64_t hash, const char *name, bool symbol)
{
	struct pair *p;

	if (is_full(n, symbol))
		return NULL;
	p = array_room(n->pairs, &n->cap, (size_t)n->n + 1, sizeof(*p));
	if (!p)
		return NULL;
	n->pairs = p;
	p += n->n;
	p->system = p->readable = intern(n, name);
	if (symbol)
		p->readable = sym_is_mangled(name) ? NULL : intern_cut(n, name);
	if (!p->system || hmap_insert(&n->index, hash, n->n))
		return NULL;
	n->n++;
	return p;
}

/* The same text may stand for itself elsewhere ("[anon]" as a symbol): two entries. */
static uint64_t hash_of(const char *name, size_t len, bool symbol)
{
	return XXH3_64bits_withSeed(name, len, symbol);
}

static struct pair *find(const struct names *n, uint64_t hash, const char *name)
{
	uint32_t i;

	HMAP_FOR_EACH (&n->index, hash, it, i)
		if (!strcmp(n->pairs[i].system, name))
			return &n->pairs[i];
	return NULL;
}

bool names_get(struct names *n, const char *name, bool symbol, const char **ret_name,
	       const char **ret_system_name)
{
	size_t len = strnlen(name, SYM_NAME_MAX - 1);
	char safe[SYM_NAME_MAX];
	struct pair *p;
	uint64_t hash;

	memcpy(safe, name, len);
	safe[len] = '\0';
	clean(safe, len);
	hash = hash_of(safe, len, symbol);
	pthread_mutex_lock(&n->lock);
	p = find(n, hash, safe);
	if (!p)
		p = add(n, hash, safe, symbol);
	if (p) {
		*ret_name = p->readable ? p->readable : p->system;
		*ret_system_name = p->system;
	}
	pthread_mutex_unlock(&n->lock);
	return p != NULL;
}

/* 1: it is in readable; 0: it has none; -EAGAIN: nobody can tell now. */
static int demangle(const struct names *n, const char *name, char readable[SYM_READABLE_MAX],
		    uint64_t *ret_ns)
{
	int r;

	*ret_ns = 0;
	if (n->demangler)
		r = demangle_ask(n->demangler, name, readable, SYM_READABLE_MAX, ret_ns);
	else
		r = sym_demangle(name, readable, SYM_READABLE_MAX) == readable;
	/* a refused one, and one that it makes no sense of, have none; the rest may pass */
	if (r < 0)
		return r == READER_REFUSED || r == -EINVAL ? 0 : -EAGAIN;
	clean(readable, r ? strlen(readable) : 0);
	return r;
}

static void charge(struct names *n, uint64_t took)
{
	uint64_t now = mono_now();

	if (took > QUICK_NS)
		n->paid = (n->paid > now ? n->paid : now) + took * SLOW_SHARE;
}

/* What p reads as from now on. NULL: there is no room for it. */
static const char *settle(struct names *n, struct pair *p, const char *readable)
{
	if (readable && is_full(n, true))
		return NULL;
	p->readable = intern_cut(n, readable ? readable : p->system);
	return p->readable;
}

/* asking held */
static const char *ask(struct names *n, uint64_t hash, const char *name)
{
	char readable[SYM_READABLE_MAX];
	uint64_t began = mono_now(), took;
	int r = demangle(n, name, readable, &took);
	const char *ret = NULL;

	pthread_mutex_lock(&n->lock);
	charge(n, r < 0 ? mono_now() - began : took);
	if (r >= 0)
		ret = settle(n, find(n, hash, name), r ? readable : NULL);
	n->put_off += !ret;
	pthread_mutex_unlock(&n->lock);
	return ret;
}

/* Is it to be asked about? Else *ret is what it reads as, NULL: nobody may ask now. */
static bool must_ask(struct names *n, uint64_t hash, const char *name, const char **ret)
{
	const struct pair *p;
	bool must;

	pthread_mutex_lock(&n->lock);
	p = find(n, hash, name);
	/* what is no symbol's reads as it is */
	*ret = p ? p->readable : name;
	must = !*ret && mono_now() + SLOW_BURST_NS >= n->paid;
	n->put_off += !*ret && !must;
	pthread_mutex_unlock(&n->lock);
	return must;
}

/* NULL: nobody can tell now. */
static const char *readable_of(struct names *n, const char *system_name)
{
	uint64_t hash = hash_of(system_name, strlen(system_name), true);
	const char *ret;

	if (!must_ask(n, hash, system_name, &ret))
		return ret;
	pthread_mutex_lock(&n->asking);
	/* who had it before may have asked the same, or waited for too long */
	if (must_ask(n, hash, system_name, &ret))
		ret = ask(n, hash, system_name);
	pthread_mutex_unlock(&n->asking);
	return ret;
}

void names_settle(struct names *n, struct sym_answer *a)
{
	/* not a second time for one answer */
	if (a->unsettled)
		return;
	for (uint32_t i = 0; i < a->n; i++) {
		struct sym_line *l = &a->lines[i];
		const char *readable = l->name;

		if (readable == l->system_name && sym_is_mangled(readable))
			readable = readable_of(n, readable);
		if (readable)
			l->name = readable;
		else
			a->unsettled = true;
	}
}

void names_counters(struct names *n, struct names_counters *ret)
{
	pthread_mutex_lock(&n->lock);
	ret->bytes = bytes(n);
	ret->limit_hits = n->limit_hits;
	ret->put_off = n->put_off;
	pthread_mutex_unlock(&n->lock);
}
