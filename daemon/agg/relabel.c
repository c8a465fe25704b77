// SPDX-License-Identifier: GPL-2.0
/*
 * Applies rules to a label set. Texts that rules make live in one block that
 * is used from its begin for every set.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agg/relabel_int.h"

/* A text of n bytes in the block, to be filled in; NULL: no room. */
static char *make(struct relabel *r, size_t n)
{
	char *p = r->room + r->used;

	if (n > RELABEL_MAX_VALUE || n >= RELABEL_ROOM - r->used) {
		r->failures++;
		return NULL;
	}
	r->used += n + 1;
	p[n] = '\0';
	return p;
}

/* Does it match? What it captured is in r->match. Giving up is no match, and counted. */
static bool matches(struct relabel *r, const struct relabel_rule *u, const char *text,
		    bool *gave_up)
{
	int n = pcre2_match(u->re ? u->re : r->any, (PCRE2_SPTR)text, strlen(text), 0, 0, r->match,
			    r->limits);

	*gave_up = n < 0 && n != PCRE2_ERROR_NOMATCH;
	r->failures += *gave_up;
	r->groups = n > 0 ? (uint32_t)n : 0;
	return n >= 0;
}

/* The group that a name or number stands for: where it is in the text; false: nowhere. */
static bool group(const struct relabel *r, const struct relabel_rule *u, const char *name, size_t n,
		  size_t *from, size_t *to)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(r->match);
	char text[64];
	int k = -1;

	if (n >= sizeof(text))
		return false;
	memcpy(text, name, n);
	text[n] = '\0';
	if (strspn(text, "0123456789") == n && n < 5)
		k = (int)strtol(text, NULL, 10);
	else if (u->re)
		k = pcre2_substring_number_from_name(u->re, (PCRE2_SPTR)text);
	if (k < 0 || (uint32_t)k >= r->groups || at[2 * k] == PCRE2_UNSET)
		return false;
	*from = at[2 * k];
	*to = at[2 * k + 1];
	return *from <= *to;
}

/* Length of the reference behind a '$' ("1", "{1}", "{name}", "name"), 0: it is none. */
static size_t reference(const char *p, const char **name, size_t *n)
{
	bool brace = *p == '{';

	*name = p + brace;
	for (*n = 0; isalnum((unsigned char)(*name)[*n]) || (*name)[*n] == '_'; (*n)++)
		;
	if (!*n || (brace && (*name)[*n] != '}'))
		return 0;
	return *n + 2UL * brace;
}

/* The template with its references replaced, as Go's Regexp.Expand does it; NULL: too long. */
static const char *expand(struct relabel *r, const struct relabel_rule *u, const char *template,
			  const char *text)
{
	char out[RELABEL_MAX_VALUE];
	size_t n = 0;
	char *made;

	for (const char *p = template; *p;) {
		const char *name, *from = p;
		size_t len = 1, name_len, skip = 1, a, b;

		if (*p == '$' && p[1] == '$') {
			skip = 2;
		} else if (*p == '$' && (skip = 1 + reference(p + 1, &name, &name_len)) > 1) {
			len = 0;
			if (group(r, u, name, name_len, &a, &b)) {
				from = text + a;
				len = b - a;
			}
		}
		if (len > sizeof(out) - n) {
			r->failures++;
			return NULL;
		}
		memcpy(out + n, from, len);
		n += len;
		p += skip;
	}
	made = make(r, n);
	if (made)
		memcpy(made, out, n);
	return made;
}

/* Values of the rule's sources in one text; NULL: too long. */
static const char *join(struct relabel *r, const struct relabel_rule *u,
			const struct model_series *s)
{
	const char *separator = u->separator ? u->separator : ";", *key = u->sources;
	char out[RELABEL_MAX_VALUE + 1];
	size_t n = 0;
	char *made;

	for (uint32_t i = 0; i < u->n_sources; i++, key += strlen(key) + 1) {
		const char *value = series_get(s, key);

		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s", i ? separator : "",
				      value ? value : "");
		if (n >= sizeof(out)) {
			r->failures++;
			return NULL;
		}
	}
	made = make(r, n);
	if (made)
		memcpy(made, out, n);
	return made;
}

static bool name_ok(const char *s)
{
	if (!isalpha((unsigned char)*s) && *s != '_')
		return false;
	while (isalnum((unsigned char)*s) || *s == '_')
		s++;
	return !*s;
}

static void put(struct model_series *s, const char *key, const char *value, uint64_t *full)
{
	if (*value) {
		*full += !series_put(s, key, value, false);
		return;
	}
	for (uint32_t i = 0; i < s->n; i++)
		if (!strcmp(s->labels[i].key, key)) {
			series_remove(s, i);
			return;
		}
}

static void replace(struct relabel *r, const struct relabel_rule *u, struct model_series *s,
		    const char *text, uint64_t *full)
{
	const char *key, *value;
	bool gave_up;

	if (!matches(r, u, text, &gave_up))
		return;
	key = expand(r, u, u->target, text);
	value = expand(r, u, u->replacement ? u->replacement : "$1", text);
	if (key && value && name_ok(key))
		put(s, key, value, full);
}

static void change_case(struct relabel *r, const struct relabel_rule *u, struct model_series *s,
			const char *text, uint64_t *full)
{
	size_t n = strlen(text);
	char *value = make(r, n);

	for (size_t i = 0; value && i < n; i++)
		value[i] = (char)(u->action == RELABEL_LOWERCASE ? tolower((unsigned char)text[i])
								 : toupper((unsigned char)text[i]));
	if (value && name_ok(u->target))
		put(s, u->target, value, full);
}

/* Copies labels whose names match to the names that the replacement makes of them. */
static void map_names(struct relabel *r, const struct relabel_rule *u, struct model_series *s,
		      uint64_t *full)
{
	struct model_series old = *s;
	bool gave_up;

	for (uint32_t i = 0; i < old.n; i++) {
		const char *key = old.labels[i].key;

		if (!matches(r, u, key, &gave_up))
			continue;
		key = expand(r, u, u->replacement ? u->replacement : "$1", key);
		if (key && name_ok(key))
			put(s, key, old.labels[i].value, full);
	}
}

static void drop_names(struct relabel *r, const struct relabel_rule *u, struct model_series *s)
{
	bool drop = u->action == RELABEL_LABELDROP, gave_up;

	for (uint32_t i = s->n; i--;)
		if (matches(r, u, s->labels[i].key, &gave_up) == drop && !gave_up)
			series_remove(s, i);
}

/* false: the set is dropped. A match that gave up drops nothing. */
static bool apply_rule(struct relabel *r, const struct relabel_rule *u, struct model_series *s,
		       uint64_t *full)
{
	const char *text = join(r, u, s);
	bool gave_up, hit;

	if (!text)
		return true;
	switch (u->action) {
	case RELABEL_REPLACE:
		replace(r, u, s, text, full);
		return true;
	case RELABEL_LOWERCASE:
	case RELABEL_UPPERCASE:
		change_case(r, u, s, text, full);
		return true;
	case RELABEL_LABELMAP:
		map_names(r, u, s, full);
		return true;
	case RELABEL_LABELDROP:
	case RELABEL_LABELKEEP:
		drop_names(r, u, s);
		return true;
	case RELABEL_KEEP:
	case RELABEL_DROP:
		hit = matches(r, u, text, &gave_up);
		return gave_up || hit == (u->action == RELABEL_KEEP);
	}
	return true;
}

bool relabel_apply(struct relabel *r, struct model_series *s, uint64_t *full)
{
	r->used = 0;
	for (size_t i = 0; i < r->n; i++)
		if (!apply_rule(r, &r->rules[i], s, full))
			return false;
	return true;
}

uint64_t relabel_failures(const struct relabel *r)
{
	return r ? r->failures : 0;
}
