// SPDX-License-Identifier: GPL-2.0
/* Reading the settings file and its directory of additions (inih). */
#include "base/config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

static bool label_name_ok(const char *s)
{
	if (!isalpha((unsigned char)*s) && *s != '_')
		return false;
	while (isalnum((unsigned char)*s) || *s == '_')
		s++;
	return !*s;
}

static int replace_text(char **text, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*text);
	*text = copy;
	return 0;
}

/* As of every key, the last word counts. */
static int add_label(struct config *c, const char *key, const char *value, char *err, size_t errlen)
{
	struct config_label *l;

	if (!label_name_ok(key)) {
		snprintf(err, errlen, "%s: not a label name; allowed: [a-zA-Z_][a-zA-Z0-9_]*", key);
		return -EINVAL;
	}
	for (size_t i = 0; i < c->n_external_labels; i++)
		if (!strcmp(c->external_labels[i].key, key))
			return replace_text(&c->external_labels[i].value, value);
	if (c->n_external_labels == CONFIG_MAX_LABELS) {
		snprintf(err, errlen, "%s: too many labels; allowed: %d", key, CONFIG_MAX_LABELS);
		return -EINVAL;
	}
	l = realloc(c->external_labels, (c->n_external_labels + 1) * sizeof(*l));
	if (!l)
		return -ENOMEM;
	c->external_labels = l;
	l += c->n_external_labels;
	l->key = strdup(key);
	l->value = strdup(value);
	if (!l->key || !l->value) {
		free(l->key);
		free(l->value);
		return -ENOMEM;
	}
	c->n_external_labels++;
	return 0;
}

struct reading {
	struct config *c;
	const char *path;
	FILE *f;
	int line; /* read last */
	char *err;
	size_t errlen;
	int bad_line, result; /* the first line that was refused, and why; 0 none */
};

static int add_rule(struct reading *r, const char *name, const char *key, const char *value)
{
	struct config *c = r->c;
	struct config_rule *u;

	if (c->n_relabel == CONFIG_MAX_RULES) {
		snprintf(r->err, r->errlen, "%s: too many lines of rules; allowed: %d", key,
			 CONFIG_MAX_RULES);
		return -EINVAL;
	}
	u = realloc(c->relabel, (c->n_relabel + 1) * sizeof(*u));
	if (!u)
		return -ENOMEM;
	c->relabel = u;
	u += c->n_relabel;
	u->name = strdup(name + strspn(name, " \t"));
	u->key = strdup(key);
	u->value = strdup(value);
	if (asprintf(&u->where, "%s:%d", r->path, r->line) < 0)
		u->where = NULL;
	/* counted, so that config_free frees what there is of it */
	c->n_relabel++;
	return u->name && u->key && u->value && u->where ? 0 : -ENOMEM;
}

/*
 * inih's reader. A longer line would come in two pieces, and a line that
 * begins with a blank would go on the one before: both quietly mean something
 * else than they look like.
 */
static char *read_line(char *to, int room, void *stream)
{
	struct reading *r = stream;
	size_t n;

	if (r->result || !fgets(to, room, r->f))
		return NULL;
	r->line++;
	n = strlen(to);
	if ((int)n == room - 1 && to[n - 1] != '\n' && !feof(r->f)) {
		r->result = -E2BIG;
		r->bad_line = r->line;
		snprintf(r->err, r->errlen, "the line is too long; allowed: %d bytes", room - 2);
		return NULL;
	}
	n = strspn(to, " \t");
	memmove(to, to + n, strlen(to + n) + 1);
	return to;
}

/* inih's handler: 0 = stop here with this line's number. */
static int on_line(void *user, const char *section, const char *name, const char *value)
{
	struct reading *r = user;

	if (r->result)
		return 0;
	if (!strcmp(section, "external_labels"))
		r->result = add_label(r->c, name, value, r->err, r->errlen);
	else if (!*section || !strcmp(section, "ringprofd"))
		r->result = config_set(r->c, name, value, r->err, r->errlen);
	else if (!strncmp(section, "relabel", 7) && (!section[7] || section[7] == ' '))
		r->result = add_rule(r, section + 7, name, value);
	else {
		snprintf(r->err, r->errlen,
			 "[%s]: no such section; allowed: [ringprofd], [external_labels], "
			 "[relabel NAME]",
			 section);
		r->result = -EINVAL;
	}
	if (r->result)
		r->bad_line = r->line;
	return r->result == 0;
}

int config_read_file(struct config *c, const char *path, char *err, size_t errlen)
{
	char cause[512] = "";
	struct reading r = { .c = c, .path = path, .err = cause, .errlen = sizeof(cause) };
	cleanup_fclose FILE *f = fopen(path, "re");
	int line, e = errno;

	if (f) {
		r.f = f;
		line = ini_parse_stream(read_line, &r, on_line, &r);
		e = ferror(f) ? errno : 0;
	}
	if (!f || e) {
		snprintf(err, errlen, "%s: %s", path, strerror(e));
		return -e;
	}
	if (line <= 0 && !r.result)
		return 0;
	/* inih goes on after a line that it cannot read itself */
	if (line > 0 && line != r.bad_line)
		snprintf(err, errlen, "%s:%d: not KEY = VALUE", path, line);
	else
		snprintf(err, errlen, "%s:%d: %s", path, r.bad_line, cause);
	return r.result == -ENOMEM ? r.result : -EINVAL;
}

static int conf_only(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return d->d_name[0] != '.' && n > 5 && !strcmp(d->d_name + n - 5, ".conf");
}

static int read_dir(struct config *c, const char *path, char *err, size_t errlen)
{
	struct dirent **list = NULL;
	char dir[4096], file[8192];
	int n, r = 0;

	snprintf(dir, sizeof(dir), "%s.d", path);
	n = scandir(dir, &list, conf_only, alphasort);
	for (int i = 0; i < n; i++) {
		snprintf(file, sizeof(file), "%s/%s", dir, list[i]->d_name);
		if (!r)
			r = config_read_file(c, file, err, errlen);
		free(list[i]);
	}
	free(list);
	return r;
}

int config_read(struct config *c, const char *path, bool required, char *err, size_t errlen)
{
	int r = access(path, F_OK) && !required ? 0 : config_read_file(c, path, err, errlen);

	return r ? r : read_dir(c, path, err, errlen);
}
