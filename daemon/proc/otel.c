// SPDX-License-Identifier: GPL-2.0
/*
 * The environment is read in pieces and looked at entry by entry: an entry is
 * kept only while it may still be one of the two that are wanted.
 */
#include "proc/otel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

static const char name_var[] = "OTEL_SERVICE_NAME=";
static const char attributes_var[] = "OTEL_RESOURCE_ATTRIBUTES=";

struct scan {
	char entry[OTEL_ENTRY_MAX];
	size_t n;
	bool skip; /* the rest of this entry */
	struct otel attributes;
	char service_name[OTEL_VALUE_MAX];
};

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Copies n bytes of s, cut to fit where no UTF-8 sequence is torn. */
static void put_value(char out[OTEL_VALUE_MAX], const char *s, size_t n)
{
	if (n >= OTEL_VALUE_MAX)
		for (n = OTEL_VALUE_MAX - 1; n && ((unsigned char)s[n] & 0xc0) == 0x80; n--)
			;
	memcpy(out, s, n);
	out[n] = '\0';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Percent-decodes [p, end) without the blanks around it; false: it cannot be. */
static bool decode(const char *p, const char *end, char out[OTEL_VALUE_MAX])
{
	char text[OTEL_ENTRY_MAX];
	size_t n = 0;

	while (p < end && is_blank(*p))
		p++;
	while (end > p && is_blank(end[-1]))
		end--;
	for (; p < end; p++) {
		char c = *p;

		if (c == '%') {
			if (end - p < 3 || hex(p[1]) < 0 || hex(p[2]) < 0)
				return false;
			c = (char)(hex(p[1]) << 4 | hex(p[2]));
			p += 2;
		}
		if (!c || n == sizeof(text))
			return false;
		text[n++] = c;
	}
	put_value(out, text, n);
	return true;
}

/* One "key=value" in [p, end). */
static bool attribute(const char *p, const char *end, struct otel *ret, bool *new_name)
{
	const char *eq = memchr(p, '=', (size_t)(end - p));
	char key[OTEL_VALUE_MAX], value[OTEL_VALUE_MAX];

	if (!eq || !decode(p, eq, key) || !decode(eq + 1, end, value) || !*key)
		return false;
	if (!strcmp(key, "service.name")) {
		strcpy(ret->service_name, value);
	} else if (!strcmp(key, "service.version")) {
		strcpy(ret->service_version, value);
	} else if (!strcmp(key, "deployment.environment.name")) {
		strcpy(ret->environment, value);
		*new_name = true;
	} else if (!strcmp(key, "deployment.environment") && !*new_name) {
		/* what the attribute was called before; the newer one wins */
		strcpy(ret->environment, value);
	}
	return true;
}

bool otel_attributes(const char *text, struct otel *ret)
{
	bool new_name = false, ok = true;

	memset(ret, 0, sizeof(*ret));
	while (*text && ok) {
		const char *end = text + strcspn(text, ",");

		ok = attribute(text, end, ret, &new_name);
		text = end + (*end == ',');
	}
	if (!ok)
		memset(ret, 0, sizeof(*ret));
	return ok;
}

static bool starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

/* As for getenv(3), the first of two equal names counts. */
static void end_entry(struct scan *s)
{
	const char *value;

	s->entry[s->n] = '\0';
	if (starts(s->entry, name_var) && !*s->service_name) {
		value = s->entry + sizeof(name_var) - 1;
		put_value(s->service_name, value, strlen(value));
	}
	if (starts(s->entry, attributes_var) && !*s->attributes.service_name &&
	    !*s->attributes.service_version && !*s->attributes.environment)
		otel_attributes(s->entry + sizeof(attributes_var) - 1, &s->attributes);
}

static bool may_be(const struct scan *s, const char *var)
{
	size_t n = strlen(var);

	return !memcmp(s->entry, var, s->n < n ? s->n : n);
}

static void feed(struct scan *s, const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end) {
		const char *nul = memchr(p, '\0', (size_t)(end - p));
		size_t part = (size_t)((nul ? nul : end) - p);

		if (!s->skip && part < sizeof(s->entry) - s->n) {
			memcpy(s->entry + s->n, p, part);
			s->n += part;
			s->skip = !may_be(s, name_var) && !may_be(s, attributes_var);
		} else {
			s->skip = true;
		}
		if (s->skip)
			s->n = 0;
		p += part;
		if (!nul)
			break;
		if (!s->skip)
			end_entry(s);
		s->n = 0;
		s->skip = false;
		p++;
	}
}

int otel_read_fd(int fd, struct otel *ret)
{
	char piece[4096];
	struct scan s = { .n = 0 };
	size_t left = OTEL_ENVIRON_MAX;
	ssize_t n = 1;

	memset(ret, 0, sizeof(*ret));
	while (left && n > 0) {
		do
			n = read(fd, piece, sizeof(piece) < left ? sizeof(piece) : left);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return -errno;
		feed(&s, piece, (size_t)n);
		left -= (size_t)n;
	}
	*ret = s.attributes;
	if (*s.service_name)
		strcpy(ret->service_name, s.service_name);
	explicit_bzero(&s, sizeof(s));
	explicit_bzero(piece, sizeof(piece));
	return 0;
}
