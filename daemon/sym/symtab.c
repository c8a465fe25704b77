// SPDX-License-Identifier: GPL-2.0
/* Function symbols sorted by address; see symtab.h for the rules. */
#include "sym/symtab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

/*
 * How many symbols before the nearest one are tried when that one ends before
 * the address (a small symbol inside a larger one). Bounded, as a hostile
 * table may nest without end.
 */
#define FIND_BACK   16
#define INDEX_EVERY 8 /* symbols an entry of the index */

struct sym_raw {
	uint64_t addr;
	uint32_t size;
	uint32_t room;
	uint32_t name;
	uint8_t rank;
};

static uint32_t clamp32(uint64_t v)
{
	return v < UINT32_MAX ? (uint32_t)v : UINT32_MAX;
}

int symtab_add(struct symtab_builder *b, const struct sym_input *in)
{
	size_t len = in->len < SYM_NAME_MAX ? in->len : SYM_NAME_MAX - 1;
	uint64_t size = in->room && in->size > in->room ? in->room : in->size;
	struct sym_raw *r;
	char *names;

	if (!len)
		return 0;
	if (b->n >= (b->limit ? b->limit : SYMTAB_MAX_SYMBOLS) ||
	    b->names_len + len + 1 > symtab_max_names(b)) {
		b->dropped++;
		return 0;
	}
	r = array_room(b->raw, &b->cap, b->n + 1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	b->raw = r;
	names = array_room(b->names, &b->names_cap, b->names_len + len + 1, 1);
	if (!names)
		return -ENOMEM;
	b->names = names;
	r = &b->raw[b->n++];
	r->addr = in->addr;
	r->size = clamp32(size);
	r->room = clamp32(in->room);
	r->rank = (uint8_t)(!in->guessed << 4 | in->func << 3 | (size != 0) << 2 | in->bind);
	r->name = (uint32_t)b->names_len;
	memcpy(b->names + b->names_len, in->name, len);
	b->names[b->names_len + len] = '\0';
	b->names_len += len + 1;
	return 0;
}

void symtab_builder_free(struct symtab_builder *b)
{
	free(b->raw);
	free(b->names);
	memset(b, 0, sizeof(*b));
}

static int compare_names(const char *a, const char *b)
{
	size_t ua = strspn(a, "_"), ub = strspn(b, "_"), la, lb;

	if (ua != ub)
		return ua < ub ? -1 : 1;
	la = strlen(a);
	lb = strlen(b);
	if (la != lb)
		return la < lb ? -1 : 1;
	return strcmp(a, b);
}

static bool is_better(const struct sym_raw *a, const struct sym_raw *b, const char *names)
{
	if (a->rank != b->rank)
		return a->rank > b->rank;
	return compare_names(names + a->name, names + b->name) < 0;
}

/* One pass over a byte of the address; keeps the order of what is equal there. */
static void sort_byte(struct sym_raw *to, const struct sym_raw *from, size_t n, unsigned int shift)
{
	size_t at[256] = { 0 }, sum = 0;

	for (size_t i = 0; i < n; i++)
		at[from[i].addr >> shift & 0xff]++;
	for (unsigned int i = 0; i < 256; i++) {
		size_t here = at[i];

		at[i] = sum;
		sum += here;
	}
	for (size_t i = 0; i < n; i++)
		to[at[from[i].addr >> shift & 0xff]++] = from[i];
}

/*
 * By address, byte by byte: a million symbols take a tenth of what comparing
 * them takes, and that is most of the time until a large file's first name.
 */
static int sort(struct symtab_builder *b)
{
	struct sym_raw *to = malloc((b->n ? b->n : 1) * sizeof(*to)), *from = b->raw;
	uint64_t differ = 0;

	if (!to)
		return -ENOMEM;
	for (size_t i = 1; i < b->n; i++)
		differ |= from[i].addr ^ from[0].addr;
	for (unsigned int shift = 0; shift < 64; shift += 8) {
		struct sym_raw *swap = from;

		if (!(differ >> shift & 0xff))
			continue;
		sort_byte(to, from, b->n, shift);
		from = to;
		to = swap;
	}
	b->raw = from;
	free(to);
	return 0;
}

/* The best symbol of [from, to), all of one address; labels only where nothing else is. */
static const struct sym_raw *best(const struct sym_raw *from, const struct sym_raw *to,
				  uint64_t covered, const char *names)
{
	const struct sym_raw *ret = NULL;

	for (; from < to; from++)
		if ((from->size || from->addr >= covered) && (!ret || is_better(from, ret, names)))
			ret = from;
	return ret;
}

/* Keeps one symbol of each address. */
static size_t choose(struct sym_raw *raw, size_t n, const char *names)
{
	uint64_t covered = 0;
	size_t kept = 0, end;

	for (size_t i = 0; i < n; i = end) {
		const struct sym_raw *r;

		for (end = i + 1; end < n && raw[end].addr == raw[i].addr;)
			end++;
		r = best(raw + i, raw + end, covered, names);
		if (!r)
			continue;
		if (r->addr + r->size > covered)
			covered = r->addr + r->size;
		raw[kept++] = *r;
	}
	return kept;
}

static uint32_t reach(const struct sym_raw *r, const struct sym_raw *next)
{
	uint64_t size = r->room ? r->room : UINT32_MAX;

	if (r->size)
		return r->size;
	if (next && next->addr - r->addr < size)
		size = next->addr - r->addr;
	return clamp32(size);
}

/* Copies the names in use, so that those of aliases and duplicates cost nothing. */
static int fill(struct symtab *t, const struct sym_raw *raw, size_t n, const char *names)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += strlen(names + raw[i].name) + 1;
	t->syms = malloc((n ? n : 1) * sizeof(*t->syms));
	t->names = malloc(len ? len : 1);
	if (!t->syms || !t->names) {
		symtab_free(t);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		const char *name = names + raw[i].name;
		size_t l = strlen(name) + 1;

		t->syms[i].addr = raw[i].addr;
		t->syms[i].size = reach(&raw[i], i + 1 < n ? &raw[i + 1] : NULL);
		t->syms[i].name = (uint32_t)t->names_len;
		memcpy(t->names + t->names_len, name, l);
		t->names_len += l;
	}
	t->n = n;
	return 0;
}

int symtab_finish(struct symtab_builder *b, struct symtab *ret)
{
	struct symtab t = { 0 };
	int r = sort(b);

	if (!r)
		r = fill(&t, b->raw, choose(b->raw, b->n, b->names), b->names);
	symtab_builder_free(b);
	if (!r) {
		symtab_index(&t);
		*ret = t;
	}
	return r;
}

/*
 * A binary search over a million symbols waits for memory some eight times.
 * Code is spread evenly enough that the address alone leads near.
 */
void symtab_index(struct symtab *t)
{
	size_t want = t->n / INDEX_EVERY, k = 0;
	uint64_t span;

	if (want < 16)
		return;
	span = t->syms[t->n - 1].addr - t->syms[0].addr;
	while (span >> t->shift >= want)
		t->shift++;
	t->n_index = (size_t)(span >> t->shift) + 1;
	t->index = malloc((t->n_index + 1) * sizeof(*t->index));
	if (!t->index)
		return;
	for (size_t i = 0; i < t->n; i++)
		while (k <= (t->syms[i].addr - t->syms[0].addr) >> t->shift)
			t->index[k++] = (uint32_t)i;
	t->index[k] = (uint32_t)t->n;
}

bool symtab_ok(const struct symtab *t)
{
	if (t->n && (!t->names_len || t->names[t->names_len - 1]))
		return false;
	for (size_t i = 0; i < t->n; i++)
		if (t->syms[i].name >= t->names_len ||
		    (i && t->syms[i].addr <= t->syms[i - 1].addr))
			return false;
	return true;
}

void symtab_free(struct symtab *t)
{
	if (t->map.data) {
		cachedir_unmap(&t->map);
	} else {
		free(t->syms);
		free(t->names);
	}
	free(t->index);
	memset(t, 0, sizeof(*t));
}

size_t symtab_bytes(const struct symtab *t)
{
	return t->n * sizeof(*t->syms) + t->names_len +
	       (t->index ? (t->n_index + 1) * sizeof(*t->index) : 0);
}

void symtab_copy_name(const struct symtab *t, const struct sym *s, char out[SYM_NAME_MAX])
{
	size_t room = s->name < t->names_len ? t->names_len - s->name : 0, n;

	n = strnlen(t->names + s->name, room < SYM_NAME_MAX ? room : SYM_NAME_MAX - 1);
	memcpy(out, t->names + s->name, n);
	out[n] = '\0';
}

/* Where the first symbol behind addr is looked for: in [*lo, *hi]. */
static void narrow(const struct symtab *t, uint64_t addr, size_t *lo, size_t *hi)
{
	uint64_t k;

	*lo = 0;
	*hi = t->n;
	if (!t->index || addr < t->syms[0].addr)
		return;
	k = (addr - t->syms[0].addr) >> t->shift;
	*lo = t->index[k < t->n_index ? k : t->n_index];
	if (k < t->n_index)
		*hi = t->index[k + 1];
}

const struct sym *symtab_find(const struct symtab *t, uint64_t addr)
{
	size_t lo, hi;

	narrow(t, addr, &lo, &hi);
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->syms[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (size_t back = 0; back < FIND_BACK && lo > back; back++) {
		const struct sym *s = &t->syms[lo - back - 1];

		if (addr - s->addr < s->size)
			return s;
	}
	return NULL;
}
