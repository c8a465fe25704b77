// SPDX-License-Identifier: GPL-2.0
#include "query/budget.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define DEFAULT_BYTES ((size_t)512 << 20)
#define DEFAULT_NS    (10 * NSEC_PER_SEC)
#define BAD_BYTE      "\xef\xbf\xbd"

void budget_init(struct budget *b, const struct query_limits *lim)
{
	uint64_t ns = lim && lim->max_ns ? lim->max_ns : DEFAULT_NS;

	b->used = 0;
	b->max = lim && lim->max_bytes ? lim->max_bytes : DEFAULT_BYTES;
	if (__builtin_add_overflow(mono_now(), ns, &b->deadline))
		b->deadline = UINT64_MAX;
	b->line_ns = lim && lim->line_ns ? lim->line_ns : UINT64_MAX;
	b->cancelled = lim ? lim->cancelled : NULL;
}

int budget_check(const struct budget *b)
{
	if (b->cancelled && __atomic_load_n(b->cancelled, __ATOMIC_RELAXED))
		return -ECANCELED;
	return mono_now() > b->deadline ? -ETIMEDOUT : 0;
}

int budget_charge(struct budget *b, size_t n)
{
	if (n > b->max || b->used > b->max - n)
		return -ENOMEM;
	b->used += n;
	return 0;
}

void budget_return(struct budget *b, size_t n)
{
	b->used -= n < b->used ? n : b->used;
}

void *budget_zalloc(struct budget *b, size_t n, size_t elem)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, elem, &bytes) || budget_charge(b, bytes))
		return NULL;
	return calloc(n ? n : 1, elem);
}

int budget_grow(struct budget *b, void **p, uint32_t *cap, size_t elem, uint64_t need)
{
	uint64_t want = *cap ? *cap : 64;
	void *q;

	while (want < need)
		want *= 2;
	if (want >= HMAP_DEAD || budget_charge(b, (want - *cap) * elem))
		return -ENOMEM;
	q = realloc(*p, want * elem);
	if (!q)
		return -ENOMEM;
	*p = q;
	*cap = (uint32_t)want;
	return 0;
}

int budget_hmap_insert(struct budget *b, struct hmap *m, uint64_t hash, uint32_t value)
{
	size_t before = hmap_bytes(m);
	int r = hmap_insert(m, hash, value);

	return r ? r : budget_charge(b, hmap_bytes(m) - before);
}

/* Length of what may stay as it is at s, 0: not a character to keep. */
static size_t good_seq(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t n;

	if (u[0] < 0x80)
		return u[0] >= 0x20 && u[0] != 0x7f;
	n = utf8_seq(s);
	return n == 2 && u[0] == 0xc2 && u[1] < 0xa0 ? 0 : n;
}

/* Are these eight bytes 0x20 to 0x7e? The lowest that is not sets its high bit; nothing below it carries. */
static bool good_eight(const char *s)
{
	const uint64_t each = UINT64_MAX / 255;
	uint64_t w;

	memcpy(&w, s, sizeof(w));
	return !((w | (w - 0x20 * each) | (w + each)) & 0x80 * each);
}

/* The whole of s is good and short enough: its length; else 0. */
static size_t good_len(const char *s)
{
	size_t len = strnlen(s, QUERY_TEXT_MAX + 1), step;

	if (len > QUERY_TEXT_MAX)
		return 0;
	for (size_t n = 0; n < len; n += step) {
		step = len - n >= 8 && good_eight(s + n) ? 8 : good_seq(s + n);
		if (!step)
			return 0;
	}
	return len;
}

static int intern(struct budget *b, struct strtab *t, const char *s, size_t n, uint32_t *ret)
{
	size_t before = strtab_bytes(t);
	uint32_t id = strtab_add_n(t, s, n);

	if (id == UINT32_MAX)
		return -ENOMEM;
	*ret = id;
	return budget_charge(b, strtab_bytes(t) - before);
}

int budget_text(struct budget *b, struct strtab *t, const char *s, uint32_t *ret)
{
	struct buf mended = { 0 };
	size_t n;
	int r;

	if (!s || !*s) {
		*ret = 0;
		return 0;
	}
	n = good_len(s);
	if (n)
		return intern(b, t, s, n, ret);
	while (*s) {
		size_t step = good_seq(s), bad = strlen(BAD_BYTE);

		if (mended.len + (step ? step : bad) > QUERY_TEXT_MAX)
			break;
		buf_append(&mended, step ? s : BAD_BYTE, step ? step : bad);
		n = utf8_seq(s);
		s += n ? n : 1;
	}
	r = mended.err ? mended.err : intern(b, t, mended.data, mended.len, ret);
	buf_free(&mended);
	return r;
}
