// SPDX-License-Identifier: GPL-2.0
/* /proc/PID/cgroup ("ID:CONTROLLERS:PATH" lines) and what a path tells. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "proc/parse.h"

#define CONTAINER_ID 64

static bool ends_with(const char *s, size_t n, const char *suffix)
{
	size_t sn = strlen(suffix);

	return n > sn && !memcmp(s + n - sn, suffix, sn);
}

void cgroup_unit(const char *path, char *out, size_t len)
{
	bool in_slice = true;

	out[0] = '\0';
	while (*path) {
		size_t n = strcspn(path, "/");
		bool unit = ends_with(path, n, ".service") || ends_with(path, n, ".scope");

		if (unit || (in_slice && ends_with(path, n, ".slice"))) {
			snprintf(out, len, "%.*s", (int)n, path);
			in_slice = !unit;
		}
		path += n + (path[n] == '/');
	}
}

/* A part of the path is an id, or PREFIX-ID.scope. */
static const char *container_in(const char *part, size_t n)
{
	static const char scope[] = ".scope";
	const char *id;

	if (ends_with(part, n, scope))
		n -= sizeof(scope) - 1;
	if (n < CONTAINER_ID)
		return NULL;
	id = part + n - CONTAINER_ID;
	for (size_t i = 0; i < CONTAINER_ID; i++)
		if (!isxdigit((unsigned char)id[i]))
			return NULL;
	if (id > part && id[-1] != '-' && id[-1] != ':')
		return NULL;
	if (id - part >= 7 && !memcmp(id - 7, "conmon-", 7))
		return NULL;
	return id;
}

/* The innermost id of a path, NULL: none. */
static const char *last_container(const char *path, size_t len)
{
	const char *end = path + len, *id = NULL;

	while (path < end) {
		const char *slash = memchr(path, '/', (size_t)(end - path));
		const char *in = container_in(path, (size_t)((slash ? slash : end) - path));

		if (in)
			id = in;
		path = slash ? slash + 1 : end;
	}
	return id;
}

void cgroup_container(const char *path, char out[CONTAINER_ID + 1])
{
	const char *id = last_container(path, strlen(path));

	snprintf(out, CONTAINER_ID + 1, "%s", id ? id : "");
}

/*
 * Runtimes may keep containers in the hierarchies of version 1 alone: in the
 * unified one their processes then are where the runtime is.
 */
enum rank { RANK_NONE, RANK_ROOT, RANK_OTHER, RANK_SYSTEMD, RANK_UNIFIED, RANK_CONTAINER };

static int rank_of(const char *line, const char *controllers, const char *path, size_t path_len)
{
	int r = RANK_OTHER;

	if (path_len == 1)
		return RANK_ROOT;
	if (!strncmp(line, "0::", 3))
		r = RANK_UNIFIED;
	else if (!strncmp(controllers, "name=systemd:", 13))
		r = RANK_SYSTEMD;
	return last_container(path, path_len) ? RANK_CONTAINER + r : r;
}

bool cgroup_path(const char *text, char *out, size_t len)
{
	int best = RANK_NONE;

	while (*text) {
		size_t line_len = strcspn(text, "\n");
		const char *one = memchr(text, ':', line_len);
		const char *two = one ? memchr(one + 1, ':', line_len - (size_t)(one + 1 - text))
				      : NULL;

		if (two && two[1] == '/') {
			size_t n = line_len - (size_t)(two + 1 - text);
			int r = rank_of(text, one + 1, two + 1, n);

			if (r > best) {
				best = r;
				snprintf(out, len, "%.*s", (int)n, two + 1);
			}
		}
		text += line_len;
		text += *text == '\n';
	}
	return best != RANK_NONE;
}

bool cgroup_is_unified(const char *text)
{
	const char *line = strchr(text, '\n');

	return !strncmp(text, "0::", 3) && (!line || !line[1]);
}
