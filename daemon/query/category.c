// SPDX-License-Identifier: GPL-2.0
/* Categories of frames: reading rules, and asking them. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "query/category.h"

#include <errno.h>
#include <pcre2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "query/category_rules.h"
#include "query/selector.h"

#define MAX_RULES  1024
#define MAX_NAME   64
#define WHITESPACE " \t\r"

enum field { FIELD_FUNCTION, FIELD_BINARY, FIELD_KIND };

struct rule {
	char name[MAX_NAME];
	enum field field;
	void *re;
};

struct categories {
	int refs; /* atomic */
	struct rule *rules;
	uint32_t n;
};

static const char *const kinds[] = {
	[FRAME_USER] = "user", [FRAME_KERNEL] = "kernel",   [FRAME_VDSO] = "vdso",
	[FRAME_ANON] = "jit",  [FRAME_UNKNOWN] = "unknown", [FRAME_MARK] = "mark",
};

static int read_field(const char *s, enum field *ret)
{
	static const char *const names[] = { "function", "binary", "kind" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(s, names[i])) {
			*ret = (enum field)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* line is cut into its three words here */
static int read_rule(struct rule *r, char *line, char *err, size_t errlen)
{
	char *rest = line, *name = strsep(&rest, WHITESPACE), *field;

	if (rest)
		rest += strspn(rest, WHITESPACE);
	field = strsep(&rest, WHITESPACE);
	if (rest)
		rest += strspn(rest, WHITESPACE);
	if (!field || !rest || !*rest) {
		snprintf(err, errlen, "wants three words: category, field, expression");
		return -EINVAL;
	}
	if (strlen(name) >= MAX_NAME) {
		snprintf(err, errlen, "category's name is longer than %d bytes", MAX_NAME - 1);
		return -EINVAL;
	}
	if (read_field(field, &r->field)) {
		snprintf(err, errlen, "field '%.32s'; allowed: function, binary, kind", field);
		return -EINVAL;
	}
	strcpy(r->name, name);
	return regex_compile(&r->re, rest, 0, err, errlen);
}

static int add_line(struct categories *c, char *line, char *err, size_t errlen)
{
	size_t n;
	int r;

	line += strspn(line, WHITESPACE);
	for (n = strlen(line); n && strchr(WHITESPACE, line[n - 1]); n--)
		line[n - 1] = '\0';
	if (!n || *line == '#')
		return 0;
	if (c->n == MAX_RULES) {
		snprintf(err, errlen, "more than %d rules", MAX_RULES);
		return -EINVAL;
	}
	r = read_rule(&c->rules[c->n], line, err, errlen);
	if (!r)
		c->n++;
	return r;
}

static int read_lines(struct categories *c, char *text, const char *where, char *err, size_t errlen)
{
	unsigned int number = 0;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		char cause[256];
		int r = add_line(c, line, cause, sizeof(cause));

		number++;
		if (r == -EINVAL)
			snprintf(err, errlen, "%s:%u: %s", where, number, cause);
		if (r)
			return r;
	}
	return 0;
}

int categories_parse(struct categories **ret, const char *text, const char *where, char *err,
		     size_t errlen)
{
	cleanup_free char *copy = strdup(text);
	struct categories *c = calloc(1, sizeof(*c));
	int r = -ENOMEM;

	if (c) {
		c->refs = 1;
		c->rules = calloc(MAX_RULES, sizeof(*c->rules));
	}
	if (copy && c && c->rules)
		r = read_lines(c, copy, where, err, errlen);
	if (r)
		categories_unref(c);
	else
		*ret = c;
	return r;
}

struct categories *categories_ref(struct categories *c)
{
	if (c)
		__atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
	return c;
}

void categories_unref(struct categories *c)
{
	if (!c || __atomic_sub_fetch(&c->refs, 1, __ATOMIC_ACQ_REL))
		return;
	for (uint32_t i = 0; i < c->n; i++)
		pcre2_code_free(c->rules[i].re);
	free(c->rules);
	free(c);
}

const struct categories *categories_builtin(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct categories *builtin;
	char err[256];

	pthread_mutex_lock(&lock);
	/* a test asks that they parse; what is left to fail is memory, and then the next asks anew */
	if (!builtin && categories_parse(&builtin, category_rules, "built-in", err, sizeof(err)))
		builtin = NULL;
	pthread_mutex_unlock(&lock);
	return builtin;
}

static int rule_matches(const struct rule *r, enum frame_kind kind, const char *binary,
			const char *function)
{
	switch (r->field) {
	case FIELD_FUNCTION:
		return regex_test(r->re, function);
	case FIELD_BINARY:
		return regex_test(r->re, binary);
	default:
		return regex_test(r->re, (size_t)kind < ARRAY_SIZE(kinds) ? kinds[kind] : "");
	}
}

static int ask_rules(const struct categories *c, enum frame_kind kind, const char *binary,
		     const char *function, const char **ret)
{
	for (uint32_t i = 0; i < c->n; i++) {
		int r = rule_matches(&c->rules[i], kind, binary, function);

		if (r > 0)
			*ret = c->rules[i].name;
		if (r)
			return r;
	}
	return 0;
}

int category_of(const struct categories *c, enum frame_kind kind, const char *binary,
		const char *function, const char **ret)
{
	const struct categories *builtin = categories_builtin();
	int r;

	if (!builtin)
		return -ENOMEM;
	r = c ? ask_rules(c, kind, binary, function, ret) : 0;
	return r ? r : ask_rules(builtin, kind, binary, function, ret);
}
