// SPDX-License-Identifier: GPL-2.0
/*
 * TYPE{k="v",...} -> struct selector. A hand-written descent over the text:
 * the grammar has no nesting, and errors must name the byte where they are.
 */
#include "query/selector.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "query/labels.h"

struct parser {
	const char *text, *p;
	char *err;
	size_t errlen;
};

/* positions count from 1 */
static int fail_at(const struct parser *ps, const char *at, const char *cause, const char *allowed)
{
	if (ps->err && ps->errlen)
		snprintf(ps->err, ps->errlen, "position %zu: %s; allowed: %s",
			 (size_t)(at - ps->text) + 1, cause, allowed);
	return -EINVAL;
}

static bool is_name(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (!first && c >= '0' && c <= '9');
}

static void skip_space(struct parser *ps)
{
	ps->p += strspn(ps->p, " \t\r\n");
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* n digits of the given base; -1 if they are not there */
static long take_number(struct parser *ps, unsigned int n, int base)
{
	long v = 0;

	for (; n; n--, ps->p++) {
		int d = hex_value(*ps->p);

		if (d < 0 || d >= base)
			return -1;
		v = v * base + d;
	}
	return v;
}

static void put_utf8(struct buf *b, unsigned long c)
{
	if (c < 0x80) {
		buf_putc(b, (char)c);
	} else if (c < 0x800) {
		buf_putc(b, (char)(0xc0 | c >> 6));
		buf_putc(b, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_putc(b, (char)(0xe0 | c >> 12));
		buf_putc(b, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_putc(b, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_putc(b, (char)(0xf0 | c >> 18));
		buf_putc(b, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_putc(b, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_putc(b, (char)(0x80 | (c & 0x3f)));
	}
}

#define ESCAPES "\\\\ \\\" \\' \\a \\b \\f \\n \\r \\t \\v \\xHH \\OOO \\uHHHH \\UHHHHHHHH"

/* at the backslash */
static int parse_escape(struct parser *ps, struct buf *out)
{
	static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
	const char *at = ps->p++, *hit;
	char c = *ps->p;
	long v;

	hit = c ? strchr(from, c) : NULL;
	if (hit) {
		ps->p++;
		buf_putc(out, to[hit - from]);
		return 0;
	}
	if (c >= '0' && c <= '7') {
		v = take_number(ps, 3, 8);
	} else if (c == 'x' || c == 'u' || c == 'U') {
		ps->p++;
		v = take_number(ps, c == 'x' ? 2 : c == 'u' ? 4 : 8, 16);
	} else {
		v = -1;
	}
	if (v <= 0 || v > 0x10ffff || (c != 'x' && c != 'u' && c != 'U' && v > 0xff) ||
	    (v >= 0xd800 && v <= 0xdfff))
		return fail_at(ps, at, "bad escape in a text", ESCAPES);
	if (c == 'u' || c == 'U')
		put_utf8(out, (unsigned long)v);
	else
		buf_putc(out, (char)v);
	return 0;
}

static int parse_text(struct parser *ps, char **ret)
{
	const char *at = ps->p;
	struct buf out = { 0 };
	char quote = *ps->p;
	int r = 0;

	if (quote != '"' && quote != '\'' && quote != '`')
		return fail_at(ps, at, "a quoted text is missing", "\"text\", 'text', `text`");
	ps->p++;
	buf_puts(&out, "");
	while (*ps->p && *ps->p != quote && !r) {
		if (*ps->p == '\\' && quote != '`')
			r = parse_escape(ps, &out);
		else
			buf_putc(&out, *ps->p++);
	}
	if (!r && !*ps->p)
		r = fail_at(ps, at, "the text does not end", "a closing quote");
	if (!r)
		r = out.err;
	if (r) {
		buf_free(&out);
		return r;
	}
	ps->p++;
	*ret = out.data;
	return 0;
}

static int parse_op(struct parser *ps, enum match_op *ret)
{
	static const struct {
		const char *text;
		enum match_op op;
	} ops[] = { { "=~", MATCH_RE }, { "!~", MATCH_NRE }, { "!=", MATCH_NE }, { "=", MATCH_EQ } };

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		if (strncmp(ps->p, ops[i].text, strlen(ops[i].text)))
			continue;
		ps->p += strlen(ops[i].text);
		*ret = ops[i].op;
		return 0;
	}
	return fail_at(ps, ps->p, "an operator is missing", "= != =~ !~");
}

const char *label_alias(const char *key)
{
	static const char *const alias[][2] = {
		{ "service", "service_name" },
		{ "version", "service_version" },
		{ "env", "deployment_environment" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(alias); i++)
		if (!strcmp(key, alias[i][0]))
			return alias[i][1];
	return key;
}

static enum matcher_scope key_scope(const char *key)
{
	if (!strcmp(key, "pid") || !strcmp(key, "comm") || !strcmp(key, "exe"))
		return SCOPE_PROC;
	if (!strcmp(key, "tid"))
		return SCOPE_THREAD;
	return strcmp(key, "cpu") ? SCOPE_SERIES : SCOPE_CPU;
}

static int parse_key(struct parser *ps, struct matcher *m)
{
	const char *at = ps->p;
	cleanup_free char *key = NULL;

	if (!is_name(*ps->p, true))
		return fail_at(ps, at, "a label name is missing", "[a-zA-Z_][a-zA-Z0-9_]*, or }");
	while (is_name(*ps->p, false))
		ps->p++;
	key = strndup(at, (size_t)(ps->p - at));
	m->key = key ? strdup(label_alias(key)) : NULL;
	if (!m->key)
		return -ENOMEM;
	m->scope = key_scope(m->key);
	return 0;
}

/*
 * Clients of other profile stores ask for the type as a label. What holds for
 * all there is says no more than "all" and is taken out again; a matcher that
 * does not hold stays, and matches nothing.
 */
static int settle_type(struct selector *s)
{
	struct matcher *m = &s->m[s->n - 1];
	int cpu = 0, samples = 0;

	if (!strcmp(m->key, "__name__")) {
		cpu = matcher_test(m, "process_cpu");
	} else if (!strcmp(m->key, "__profile_type__")) {
		cpu = matcher_test(m, QUERY_TYPE_CPU);
		samples = cpu ? 0 : matcher_test(m, QUERY_TYPE_SAMPLES);
	}
	if (cpu < 0 || samples < 0)
		return cpu < 0 ? cpu : samples;
	if (!cpu && !samples)
		return 0;
	s->samples |= samples;
	matcher_free(m);
	memset(m, 0, sizeof(*m));
	s->n--;
	return 0;
}

static int parse_matcher(struct parser *ps, struct selector *s)
{
	struct matcher *m = &s->m[s->n];
	char cause[256];
	const char *at;
	int r;

	if (s->n == SELECTOR_MAX_MATCHERS)
		return fail_at(ps, ps->p, "too many matchers", "at most 32");
	s->n++;
	r = parse_key(ps, m);
	if (r)
		return r;
	skip_space(ps);
	r = parse_op(ps, &m->op);
	if (r)
		return r;
	skip_space(ps);
	at = ps->p;
	r = parse_text(ps, &m->value);
	if (r)
		return r;
	s->uses[m->scope] = true;
	if (m->op == MATCH_RE || m->op == MATCH_NRE)
		r = matcher_compile(m, cause, sizeof(cause));
	if (r == -EINVAL)
		return fail_at(ps, at, cause, "an anchored Perl-compatible expression");
	return r ? r : settle_type(s);
}

/* up to `end` ('}' or the end of the text), which is eaten */
static int parse_matchers(struct parser *ps, struct selector *s, char end)
{
	for (;;) {
		int r;

		skip_space(ps);
		if (*ps->p == end)
			break;
		r = parse_matcher(ps, s);
		if (r)
			return r;
		skip_space(ps);
		if (*ps->p == ',')
			ps->p++;
		else if (*ps->p != end)
			return fail_at(ps, ps->p, "the list of matchers goes on wrongly",
				       end ? ", or }" : ", or the end");
	}
	ps->p += end ? 1 : 0;
	return 0;
}

static int parse_type(struct parser *ps, struct selector *s)
{
	const char *at = ps->p;
	size_t n;

	while (is_name(*ps->p, false) || *ps->p == ':')
		ps->p++;
	n = (size_t)(ps->p - at);
	if (n == strlen(QUERY_TYPE_SAMPLES) && !memcmp(at, QUERY_TYPE_SAMPLES, n))
		s->samples = true;
	else if (n != strlen(QUERY_TYPE_CPU) || memcmp(at, QUERY_TYPE_CPU, n) != 0)
		return fail_at(ps, at, "unknown profile type",
			       QUERY_TYPE_CPU ", " QUERY_TYPE_SAMPLES);
	return 0;
}

/* "comm="x"": a name and an operator, without braces */
static bool is_bare_matcher(const char *p)
{
	if (!is_name(*p, true))
		return false;
	while (is_name(*p, false))
		p++;
	p += strspn(p, " \t");
	return *p == '=' || *p == '!';
}

static int parse_selector(struct parser *ps, struct selector *s)
{
	int r = 0;

	skip_space(ps);
	if (is_bare_matcher(ps->p)) {
		r = parse_matchers(ps, s, '\0');
	} else {
		if (*ps->p && *ps->p != '{')
			r = parse_type(ps, s);
		skip_space(ps);
		if (!r && *ps->p == '{') {
			ps->p++;
			r = parse_matchers(ps, s, '}');
		}
	}
	if (r)
		return r;
	skip_space(ps);
	return *ps->p ? fail_at(ps, ps->p, "text behind the selector", "the end") : 0;
}

int selector_parse(struct selector **ret, const char *text, char *err, size_t errlen)
{
	struct parser ps = { .text = text, .p = text, .err = err, .errlen = errlen };
	struct selector *s;
	int r;

	if (err && errlen)
		err[0] = '\0';
	if (strlen(text) > SELECTOR_MAX_TEXT)
		return fail_at(&ps, text + SELECTOR_MAX_TEXT, "the selector is too long",
			       "at most 16384 bytes");
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	r = parse_selector(&ps, s);
	if (r) {
		selector_free(s);
		return r;
	}
	*ret = s;
	return 0;
}
