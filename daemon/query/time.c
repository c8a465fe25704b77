// SPDX-License-Identifier: GPL-2.0
/*
 * Times as people and Prometheus clients write them. A pure function: "now" is
 * given, so that one request's from and until share one moment.
 */
#include "query/query.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* exactly n digits */
static bool take_digits(const char **p, unsigned int n, unsigned int *ret)
{
	unsigned int v = 0;

	for (; n; n--, (*p)++) {
		if (!is_digit(**p))
			return false;
		v = v * 10 + (unsigned int)(**p - '0');
	}
	*ret = v;
	return true;
}

static bool take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* ".123" -> ns; digits past the ninth are dropped */
static bool take_fraction(const char **p, uint64_t *ns)
{
	uint64_t unit = NSEC_PER_SEC / 10;

	*ns = 0;
	if (!take_char(p, '.'))
		return true;
	if (!is_digit(**p))
		return false;
	for (; is_digit(**p); (*p)++, unit /= 10)
		*ns += (uint64_t)(**p - '0') * unit;
	return true;
}

/* "Z", "+01:00", "-0530" -> seconds east of UTC */
static bool take_zone(const char **p, long *east)
{
	unsigned int h, m;
	bool west;

	*east = 0;
	if (take_char(p, 'Z') || take_char(p, 'z'))
		return true;
	west = **p == '-';
	if (!take_char(p, '-') && !take_char(p, '+'))
		return false;
	if (!take_digits(p, 2, &h))
		return false;
	take_char(p, ':');
	if (!take_digits(p, 2, &m) || h > 23 || m > 59)
		return false;
	*east = (long)(h * 3600 + m * 60) * (west ? -1 : 1);
	return true;
}

static bool date_exists(unsigned int y, unsigned int m, unsigned int d)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return m >= 1 && m <= 12 && d >= 1 && d <= days[m - 1] + (m == 2 && leap ? 1U : 0U);
}

static bool take_date(const char **p, struct tm *tm)
{
	unsigned int y, m, d;

	if (!take_digits(p, 4, &y) || !take_char(p, '-') || !take_digits(p, 2, &m) ||
	    !take_char(p, '-') || !take_digits(p, 2, &d) || !date_exists(y, m, d))
		return false;
	tm->tm_year = (int)y - 1900;
	tm->tm_mon = (int)m - 1;
	tm->tm_mday = (int)d;
	return take_char(p, 'T') || take_char(p, 't') || take_char(p, ' ');
}

static bool take_clock(const char **p, struct tm *tm)
{
	unsigned int h, m, s;

	if (!take_digits(p, 2, &h) || !take_char(p, ':') || !take_digits(p, 2, &m) ||
	    !take_char(p, ':') || !take_digits(p, 2, &s))
		return false;
	tm->tm_hour = (int)h;
	tm->tm_min = (int)m;
	tm->tm_sec = (int)s;
	return h <= 23 && m <= 59 && s <= 60; /* 60: a leap second */
}

static int parse_rfc3339(const char *p, uint64_t *ret)
{
	struct tm tm = { 0 };
	uint64_t ns;
	time_t sec;
	long east;

	if (!take_date(&p, &tm) || !take_clock(&p, &tm) || !take_fraction(&p, &ns) ||
	    !take_zone(&p, &east) || *p)
		return -EINVAL;
	sec = timegm(&tm) - east;
	if (sec < 0 || (uint64_t)sec > INT64_MAX / NSEC_PER_SEC - 1)
		return -EINVAL;
	*ret = (uint64_t)sec * NSEC_PER_SEC + ns;
	return 0;
}

static int parse_unix(const char *p, uint64_t *ret)
{
	size_t n = strspn(p, "0123456789");
	uint64_t v = 0, ns, unit;

	if (n > 19)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		v = v * 10 + (uint64_t)(p[i] - '0');
	unit = n <= 11 ? NSEC_PER_SEC : n <= 14 ? NSEC_PER_MSEC : n <= 17 ? 1000 : 1;
	p += n;
	if (*p && n > 11)
		return -EINVAL;
	if (!take_fraction(&p, &ns) || *p)
		return -EINVAL;
	if (v > (uint64_t)INT64_MAX / unit - 1)
		return -EINVAL;
	*ret = v * unit + ns;
	return 0;
}

static uint64_t unit_ns(const char *p, size_t n)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "ms", NSEC_PER_MSEC },       { "s", NSEC_PER_SEC },
		{ "m", 60 * NSEC_PER_SEC },    { "h", 3600 * NSEC_PER_SEC },
		{ "d", 86400 * NSEC_PER_SEC }, { "w", 7 * 86400 * NSEC_PER_SEC },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strlen(units[i].name) == n && !memcmp(units[i].name, p, n))
			return units[i].ns;
	return 0;
}

/* "1h30m" */
static int parse_span(const char *p, uint64_t *ret)
{
	uint64_t sum = 0;

	if (!*p)
		return -EINVAL;
	while (*p) {
		size_t digits = strspn(p, "0123456789"), letters;
		uint64_t v = 0, unit;

		if (!digits || digits > 12)
			return -EINVAL;
		for (; digits; digits--)
			v = v * 10 + (uint64_t)(*p++ - '0');
		letters = strspn(p, "abcdefghijklmnopqrstuvwxyz");
		unit = unit_ns(p, letters);
		p += letters;
		if (!unit || __builtin_mul_overflow(v, unit, &v) ||
		    __builtin_add_overflow(sum, v, &sum))
			return -EINVAL;
	}
	*ret = sum;
	return 0;
}

int query_time_parse(const char *text, uint64_t now_wall, uint64_t *ret)
{
	uint64_t span = 0;

	if (!strncmp(text, "now", 3)) {
		if (text[3] && (text[3] != '-' || parse_span(text + 4, &span)))
			return -EINVAL;
		if (span > now_wall)
			return -EINVAL;
		*ret = now_wall - span;
		return 0;
	}
	if (!is_digit(text[0]))
		return -EINVAL;
	if (strlen(text) > 4 && text[4] == '-')
		return parse_rfc3339(text, ret);
	return parse_unix(text, ret);
}
