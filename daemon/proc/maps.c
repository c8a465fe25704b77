// SPDX-License-Identifier: GPL-2.0
/* /proc/PID/maps: "START-END PERM OFFSET MAJ:MIN INODE   PATH". */
#include <string.h>

#include "proc/parse.h"

struct cursor {
	const char *p, *end;
};

static bool number(struct cursor *c, unsigned int base, uint64_t *ret)
{
	const char *start = c->p;
	uint64_t v = 0;

	for (; c->p < c->end; c->p++) {
		unsigned int ch = (unsigned char)*c->p;
		unsigned int d = ch - '0' < 10	       ? ch - '0'
				 : (ch | 32) - 'a' < 6 ? (ch | 32) - 'a' + 10
						       : 99;

		if (d >= base)
			break;
		if (v > (UINT64_MAX - d) / base)
			return false;
		v = v * base + d;
	}
	*ret = v;
	return c->p > start;
}

static bool literal(struct cursor *c, char ch)
{
	if (c->p >= c->end || *c->p != ch)
		return false;
	c->p++;
	return true;
}

bool maps_parse_line(const char *p, const char *end, struct map_line *ret)
{
	struct cursor c = { p, end };
	uint64_t maj, min;

	if (!number(&c, 16, &ret->start) || !literal(&c, '-') || !number(&c, 16, &ret->end) ||
	    !literal(&c, ' ') || c.end - c.p < 5)
		return false;
	ret->exec = c.p[2] == 'x';
	c.p += 4;
	if (!literal(&c, ' ') || !number(&c, 16, &ret->pgoff) || !literal(&c, ' ') ||
	    !number(&c, 16, &maj) || !literal(&c, ':') || !number(&c, 16, &min) ||
	    !literal(&c, ' ') || !number(&c, 10, &ret->ino))
		return false;
	ret->maj = (uint32_t)maj;
	ret->min = (uint32_t)min;
	while (literal(&c, ' '))
		;
	ret->path = c.p;
	ret->path_len = (size_t)(c.end - c.p);
	return ret->start < ret->end;
}

size_t maps_path(const char *path, size_t path_len, char *out, size_t len)
{
	static const char deleted[] = " (deleted)";
	const size_t dl = sizeof(deleted) - 1;
	size_t n = 0;

	if (path_len > dl && !memcmp(path + path_len - dl, deleted, dl))
		path_len -= dl;
	for (size_t i = 0; i < path_len && n + 1 < len; i++) {
		if (path_len - i >= 4 && !memcmp(path + i, "\\012", 4)) {
			out[n++] = '\n';
			i += 3;
		} else {
			out[n++] = path[i];
		}
	}
	out[n] = '\0';
	return n;
}

static bool starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

enum map_kind maps_kind(const char *path)
{
	if (!strcmp(path, "[vdso]"))
		return MAPPING_VDSO;
	if (!strcmp(path, "[vsyscall]") || !strcmp(path, "[uprobes]") || !strcmp(path, "[vvar]"))
		return MAPPING_OTHER;
	/* shared anonymous memory has a name that is no file's */
	if (!path[0] || path[0] == '[' || starts(path, "//anon") || starts(path, "/dev/zero") ||
	    starts(path, "/SYSV") || starts(path, "/anon_hugepage") || starts(path, "anon_inode:"))
		return MAPPING_ANON;
	return path[0] == '/' ? MAPPING_FILE : MAPPING_OTHER;
}
