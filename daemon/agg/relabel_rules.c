// SPDX-License-Identifier: GPL-2.0
/* Reads rules, one key at a time, and says what is wrong with them. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agg/relabel_int.h"
#include "base/array.h"
#include "base/cleanup.h"

#define MATCH_LIMIT    100000 /* steps of one match: about a millisecond */
#define DEPTH_LIMIT    10000
#define HEAP_LIMIT_KIB 4096

static const char *const actions[] = {
	[RELABEL_REPLACE] = "replace",	   [RELABEL_KEEP] = "keep",
	[RELABEL_DROP] = "drop",	   [RELABEL_LABELMAP] = "labelmap",
	[RELABEL_LABELDROP] = "labeldrop", [RELABEL_LABELKEEP] = "labelkeep",
	[RELABEL_LOWERCASE] = "lowercase", [RELABEL_UPPERCASE] = "uppercase",
};

pcre2_code *relabel_compile(const char *pattern, char *err, size_t errlen)
{
	/* DOTALL as in Prometheus; the JIT would need memory both writable and executable */
	const uint32_t flags = PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOTALL | PCRE2_UTF |
			       PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
	PCRE2_UCHAR cause[160] = "";
	PCRE2_SIZE at;
	pcre2_code *re;
	int code;

	if (strlen(pattern) > RELABEL_MAX_PATTERN) {
		snprintf(err, errlen, "regex: longer than %d bytes", RELABEL_MAX_PATTERN);
		return NULL;
	}
	re = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, flags, &code, &at, NULL);
	if (re)
		return re;
	pcre2_get_error_message(code, cause, sizeof(cause));
	snprintf(err, errlen, "regex: '%s', its byte %zu: %s; allowed: a Perl regular expression",
		 pattern, (size_t)at + 1, (const char *)cause);
	return NULL;
}

struct relabel *relabel_new(void)
{
	struct relabel *r = calloc(1, sizeof(*r));
	char err[8];

	if (!r)
		return NULL;
	r->refs = 1;
	r->limits = pcre2_match_context_create(NULL);
	r->match = pcre2_match_data_create(32, NULL);
	r->any = relabel_compile("(.*)", err, sizeof(err));
	r->room = malloc(RELABEL_ROOM);
	if (!r->limits || !r->match || !r->any || !r->room) {
		relabel_unref(r);
		return NULL;
	}
	pcre2_set_match_limit(r->limits, MATCH_LIMIT);
	pcre2_set_depth_limit(r->limits, DEPTH_LIMIT);
	pcre2_set_heap_limit(r->limits, HEAP_LIMIT_KIB);
	return r;
}

static void free_rule(struct relabel_rule *u)
{
	free(u->name);
	free(u->where);
	free(u->sources);
	free(u->separator);
	free(u->regex);
	free(u->target);
	free(u->replacement);
	pcre2_code_free(u->re);
}

struct relabel *relabel_ref(struct relabel *r)
{
	if (r)
		__atomic_fetch_add(&r->refs, 1, __ATOMIC_RELAXED);
	return r;
}

void relabel_unref(struct relabel *r)
{
	if (!r || __atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL))
		return;
	for (size_t i = 0; i < r->n; i++)
		free_rule(&r->rules[i]);
	free(r->rules);
	free(r->room);
	pcre2_code_free(r->any);
	pcre2_match_data_free(r->match);
	pcre2_match_context_free(r->limits);
	free(r);
}

static struct relabel_rule *rule_of(struct relabel *r, const char *name, const char *where)
{
	struct relabel_rule *u;

	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->rules[i].name, name))
			return &r->rules[i];
	u = array_room(r->rules, &r->cap, r->n + 1, sizeof(*u));
	if (!u)
		return NULL;
	r->rules = u;
	u += r->n;
	memset(u, 0, sizeof(*u));
	u->name = strdup(name);
	u->where = strdup(where);
	if (!u->name || !u->where) {
		free_rule(u);
		return NULL;
	}
	r->n++;
	return u;
}

static size_t name_length(const char *s)
{
	size_t n = 0;

	if (isalpha((unsigned char)*s) || *s == '_')
		while (isalnum((unsigned char)s[n]) || s[n] == '_')
			n++;
	return n;
}

static int set_text(char **at, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*at);
	*at = copy;
	return 0;
}

/* "a, b" becomes "a\0b\0". */
static int set_sources(struct relabel_rule *u, const char *value, char *err, size_t errlen)
{
	char *list = calloc(1, strlen(value) + 2), *to = list;
	uint32_t n = 0;

	if (!list)
		return -ENOMEM;
	for (const char *p = value + strspn(value, " \t"); *p; n++) {
		size_t len = name_length(p), rest = len + strspn(p + len, " \t");

		if (!len || n == RELABEL_MAX_SOURCES || (p[rest] && p[rest] != ',')) {
			snprintf(err, errlen,
				 "source_labels: '%s' is no list of labels; allowed: 1 to %d names "
				 "([a-zA-Z_][a-zA-Z0-9_]*), separated by commas",
				 value, RELABEL_MAX_SOURCES);
			free(list);
			return -EINVAL;
		}
		memcpy(to, p, len);
		to += len + 1;
		p += rest;
		p += *p == ',';
		p += strspn(p, " \t");
	}
	free(u->sources);
	u->sources = list;
	u->n_sources = n;
	return 0;
}

static int set_action(struct relabel_rule *u, const char *value, char *err, size_t errlen)
{
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (strcmp(value, actions[i]))
			continue;
		u->action = (enum relabel_action)i;
		return 0;
	}
	snprintf(err, errlen,
		 "action: '%s' is none; allowed: replace, keep, drop, labelmap, labeldrop, "
		 "labelkeep, lowercase, uppercase",
		 value);
	return -EINVAL;
}

static int set_regex(struct relabel_rule *u, const char *value, char *err, size_t errlen)
{
	pcre2_code *re = relabel_compile(value, err, errlen);

	if (!re)
		return -EINVAL;
	pcre2_code_free(u->re);
	u->re = re;
	return set_text(&u->regex, value);
}

int relabel_set(struct relabel *r, const char *rule, const char *key, const char *value,
		const char *where, char *err, size_t errlen)
{
	struct relabel_rule *u;

	if (!*rule) {
		snprintf(err, errlen, "[relabel]: a rule has a name; allowed: [relabel NAME]");
		return -EINVAL;
	}
	u = rule_of(r, rule, where);
	if (!u)
		return -ENOMEM;
	if (r->n > RELABEL_MAX_RULES) {
		snprintf(err, errlen, "[relabel %s]: too many rules; allowed: %d", rule,
			 RELABEL_MAX_RULES);
		return -EINVAL;
	}
	if (!strcmp(key, "source_labels"))
		return set_sources(u, value, err, errlen);
	if (!strcmp(key, "separator"))
		return set_text(&u->separator, value);
	if (!strcmp(key, "regex"))
		return set_regex(u, value, err, errlen);
	if (!strcmp(key, "target_label"))
		return set_text(&u->target, value);
	if (!strcmp(key, "replacement"))
		return set_text(&u->replacement, value);
	if (!strcmp(key, "action"))
		return set_action(u, value, err, errlen);
	snprintf(err, errlen,
		 "%s: no key of a rule; allowed: source_labels, separator, regex, target_label, "
		 "replacement, action",
		 key);
	return -EINVAL;
}

/* A target may hold "$1", of which not much can be said before there is a match. */
static bool target_ok(const char *s)
{
	return s && *s && (strchr(s, '$') || name_length(s) == strlen(s));
}

static const char *wrong_with(const struct relabel_rule *u)
{
	switch (u->action) {
	case RELABEL_REPLACE:
		return target_ok(u->target) ? NULL : "needs target_label, a label name";
	case RELABEL_LOWERCASE:
	case RELABEL_UPPERCASE:
		if (!target_ok(u->target))
			return "needs target_label, a label name";
		return u->n_sources ? NULL : "needs source_labels";
	case RELABEL_KEEP:
	case RELABEL_DROP:
		return u->n_sources ? NULL : "needs source_labels";
	default:
		return u->regex ? NULL : "needs regex";
	}
}

int relabel_check(struct relabel *r, char *err, size_t errlen)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct relabel_rule *u = &r->rules[i];
		const char *wrong = wrong_with(u);

		if (!wrong)
			continue;
		snprintf(err, errlen, "%s: [relabel %s]: action %s %s", u->where, u->name,
			 actions[u->action], wrong);
		return -EINVAL;
	}
	return 0;
}

bool relabel_is_empty(const struct relabel *r)
{
	return !r || !r->n;
}
