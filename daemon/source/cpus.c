// SPDX-License-Identifier: GPL-2.0
/*
 * CPU lists, see cpus.h.
 */
#include "source/cpus.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define SYS_CPU "/sys/devices/system/cpu/"

static bool take_number(const char **p, uint32_t *ret)
{
	unsigned long v = 0;

	if (!isdigit((unsigned char)**p))
		return false;
	for (; isdigit((unsigned char)**p); (*p)++) {
		v = v * 10 + (unsigned long)(**p - '0');
		if (v >= CPUS_MAX)
			return false;
	}
	*ret = (uint32_t)v;
	return true;
}

int cpus_parse(const char *list, struct cpu_mask *ret)
{
	const char *p = list;

	memset(ret, 0, sizeof(*ret));
	for (;;) {
		uint32_t from, to;

		if (!take_number(&p, &from))
			return -EINVAL;
		to = from;
		if (*p == '-' && (p++, !take_number(&p, &to)))
			return -EINVAL;
		if (to < from)
			return -EINVAL;
		for (; from <= to; from++)
			ret->bits[from / 64] |= 1ULL << (from % 64);
		if (*p == ',') {
			p++;
			continue;
		}
		return *p && *p != '\n' ? -EINVAL : 0;
	}
}

static int read_list(const char *path, struct cpu_mask *ret)
{
	struct buf b = { 0 };
	int r = buf_read_file(&b, path, 65536);

	if (!r)
		r = b.data ? cpus_parse(b.data, ret) : -EINVAL;
	buf_free(&b);
	return r;
}

int cpus_online(struct cpu_mask *ret)
{
	return read_list(SYS_CPU "online", ret);
}

uint32_t cpus_possible(void)
{
	struct cpu_mask m;
	uint32_t n = CPUS_MAX;

	if (read_list(SYS_CPU "possible", &m))
		return CPUS_MAX;
	while (n > 1 && !cpu_isset(&m, n - 1))
		n--;
	return n;
}

void cpus_drop_isolated(struct cpu_mask *m)
{
	static const char *const lists[] = { SYS_CPU "isolated", SYS_CPU "nohz_full" };
	struct cpu_mask out;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		/* empty, "(null)" or absent where the feature is: nothing to take out */
		if (read_list(lists[i], &out))
			continue;
		for (size_t w = 0; w < CPUS_MAX / 64; w++)
			m->bits[w] &= ~out.bits[w];
	}
}
