// SPDX-License-Identifier: GPL-2.0
/*
 * The query string is decoded here and not by libmicrohttpd, so that broken
 * escapes can be told from absent ones, and so that this can be tested alone.
 * Any thread.
 */
#include "http/params.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* In place; false: bad escape, or a NUL came out. */
static bool unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		int hi, lo;

		if (*s == '+') {
			*to++ = ' ';
			continue;
		}
		if (*s != '%') {
			*to++ = *s;
			continue;
		}
		hi = hex(s[1]);
		lo = hi < 0 ? -1 : hex(s[2]);
		if (lo < 0 || !(hi | lo))
			return false;
		*to++ = (char)(hi << 4 | lo);
		s += 2;
	}
	*to = '\0';
	return true;
}

static void add_pair(struct url_params *p, char *pair)
{
	char *value = strchr(pair, '=');

	if (!*pair)
		return;
	/* Go leaves out pairs with a semicolon too, once a separator itself */
	if (p->n == PARAMS_MAX || strchr(pair, ';')) {
		p->broken++;
		return;
	}
	if (value)
		*value++ = '\0';
	else
		value = pair + strlen(pair);
	if (!unescape(pair) || !unescape(value))
		p->broken++;
	else
		p->p[p->n++] = (struct param){ pair, value };
}

int params_parse(struct url_params *p, const char *query)
{
	char *next;

	memset(p, 0, sizeof(*p));
	p->text = strdup(query ? query : "");
	if (!p->text)
		return -ENOMEM;
	for (char *pair = p->text; pair; pair = next) {
		next = strchr(pair, '&');
		if (next)
			*next++ = '\0';
		add_pair(p, pair);
	}
	return 0;
}

void params_free(struct url_params *p)
{
	free(p->text);
	p->text = NULL;
	p->n = 0;
}

const char *params_get(const struct url_params *p, const char *key)
{
	for (size_t i = 0; i < p->n; i++)
		if (!strcmp(p->p[i].key, key))
			return p->p[i].value;
	return NULL;
}

static bool in_list(const char *key, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(key, *list))
			return true;
	return false;
}

static void say_allowed(const char *const *allowed, char *err, size_t errlen)
{
	size_t at = strlen(err);

	at += (size_t)snprintf(err + at, errlen - at, "; allowed: %s", *allowed ? "" : "none");
	for (size_t i = 0; allowed[i] && at < errlen; i++)
		at += (size_t)snprintf(err + at, errlen - at, "%s%s", i ? ", " : "", allowed[i]);
}

int params_strict(const struct url_params *p, const char *const *allowed, char *err, size_t errlen)
{
	for (size_t i = 0; i < p->n; i++) {
		const char *key = p->p[i].key;

		if (!in_list(key, allowed))
			snprintf(err, errlen, "%.64s: unknown parameter", key);
		else if (params_get(p, key) != p->p[i].value)
			snprintf(err, errlen, "%.64s: given more than once", key);
		else
			continue;
		say_allowed(allowed, err, errlen);
		return -EINVAL;
	}
	if (!p->broken)
		return 0;
	snprintf(err, errlen,
		 "the query string has a parameter that cannot be read (bad %%-escape, "
		 "';', or more than %d)",
		 PARAMS_MAX);
	say_allowed(allowed, err, errlen);
	return -EINVAL;
}

int64_t params_seconds(const struct url_params *p)
{
	const char *s = params_get(p, "seconds");
	long long v;
	char *end;

	if (!s || !(isdigit((unsigned char)*s) || *s == '+' || *s == '-'))
		return PARAMS_DEFAULT_SECONDS;
	errno = 0;
	v = strtoll(s, &end, 10);
	return errno || *end || v <= 0 ? PARAMS_DEFAULT_SECONDS : v;
}

int params_number(const struct url_params *p, const char *key, uint64_t min, uint64_t max,
		  uint64_t def, uint64_t *ret, char *err, size_t errlen)
{
	const char *s = params_get(p, key);
	unsigned long long v;
	char *end;

	*ret = def;
	if (!s)
		return 0;
	errno = 0;
	v = strtoull(s, &end, 10);
	if (!isdigit((unsigned char)*s) || errno || *end || v < min || v > max) {
		snprintf(err, errlen, "%s: '%.64s' is not a number in range; allowed: %llu to %llu",
			 key, s, (unsigned long long)min, (unsigned long long)max);
		return -EINVAL;
	}
	*ret = v;
	return 0;
}

/* Is the part of n bytes at s, up to ';', the name? q=0 takes it away again. */
static bool part_is(const char *s, size_t n, const char *name)
{
	const char *semi = memchr(s, ';', n);
	size_t len = semi ? (size_t)(semi - s) : n;
	char weight[16] = "";
	const char *q;

	while (len && isspace((unsigned char)s[len - 1]))
		len--;
	if (len != strlen(name) || strncasecmp(s, name, len))
		return false;
	if (semi)
		snprintf(weight, sizeof(weight), "%.*s", (int)(n - (size_t)(semi - s)), semi);
	q = strstr(weight, "q=");
	return !q || strtod(q + 2, NULL) > 0;
}

/* Index of the first part of a comma list that is the name; -1: none. */
static int list_find(const char *list, const char *name)
{
	for (int i = 0; list; i++) {
		size_t n;

		list += strspn(list, " \t");
		n = strcspn(list, ",");
		if (part_is(list, n, name))
			return i;
		list = list[n] ? list + n + 1 : NULL;
	}
	return -1;
}

bool accepts_gzip(const char *accept_encoding)
{
	return list_find(accept_encoding, "gzip") >= 0;
}

bool accepts_text(const char *accept)
{
	int text = list_find(accept, "text/plain"), json = list_find(accept, "application/json");

	return text >= 0 && (json < 0 || text < json);
}
