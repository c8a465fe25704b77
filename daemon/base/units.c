// SPDX-License-Identifier: GPL-2.0
/* Numbers with units, as people write them in the configuration. */
#include "base/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit times[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "ms", 1000000 },
	{ "s", 1000000000ULL },
	{ "m", 60 * 1000000000ULL },
	{ "min", 60 * 1000000000ULL },
	{ "h", 3600 * 1000000000ULL },
	{ "d", 86400 * 1000000000ULL },
	{ "w", 7 * 86400 * 1000000000ULL },
};

static const struct unit sizes[] = {
	{ "", 1 },
	{ "B", 1 },
	{ "K", 1 << 10 },
	{ "M", 1 << 20 },
	{ "G", 1 << 30 },
	{ "KiB", 1 << 10 },
	{ "MiB", 1 << 20 },
	{ "GiB", 1 << 30 },
	{ "TiB", 1ULL << 40 },
	{ "kB", 1000 },
	{ "MB", 1000000 },
	{ "GB", 1000000000ULL },
	{ "TB", 1000000000000ULL },
};

static int parse(const char *s, const struct unit *units, size_t n, uint64_t *ret)
{
	char *end;
	uint64_t v;

	/* strtoull takes signs and blanks; a setting has neither */
	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(end, units[i].name))
			continue;
		if (v > UINT64_MAX / units[i].factor)
			return -EINVAL;
		*ret = v * units[i].factor;
		return 0;
	}
	return -EINVAL;
}

int parse_duration(const char *s, uint64_t *ret_ns)
{
	return parse(s, times, sizeof(times) / sizeof(times[0]), ret_ns);
}

int parse_percent(const char *s, uint32_t *ret)
{
	char *end;
	double v;

	/* nothing else that strtod knows: no sign, no exponent, no inf */
	if (!strspn(s, "0123456789.") || s[strspn(s, "0123456789.%")])
		return -EINVAL;
	v = strtod(s, &end);
	if (end == s || (*end && strcmp(end, "%")) || !(v >= 0 && v <= 100))
		return -EINVAL;
	*ret = (uint32_t)(v * 100 + 0.5);
	return 0;
}

int parse_bytes(const char *s, uint64_t *ret)
{
	return parse(s, sizes, sizeof(sizes) / sizeof(sizes[0]), ret);
}
