// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/PID/maps of a process that chose its paths: lines into a list of
 * mappings, which stays sorted and never overlaps.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "proc/maplist.h"
#include "proc/parse.h"

static void must(int good)
{
	if (!good)
		abort();
}

static void add_line(struct maplist **l, const char *p, const char *end)
{
	struct map_line line;
	char path[64];
	struct mapping m;

	if (!maps_parse_line(p, end, &line))
		return;
	must(line.path_len <= (size_t)(end - p));
	must(!line.path_len || (line.path >= p && line.path + line.path_len <= end));
	must(maps_path(line.path, line.path_len, path, sizeof(path)) < sizeof(path));
	if (line.start >= line.end)
		return;
	m = (struct mapping){ .start = line.start,
			      .end = line.end,
			      .pgoff = line.pgoff,
			      .ino = line.ino,
			      .kind = maps_kind(path),
			      .path = "" };
	maplist_add(l, &m);
}

static void see_list(const struct maplist *l)
{
	for (size_t i = 0; i < l->n; i++) {
		must(l->m[i].start < l->m[i].end);
		must(!i || l->m[i - 1].end <= l->m[i].start);
		must(maplist_find(l, l->m[i].start) == i && maplist_find(l, l->m[i].end - 1) == i);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size;
	uint64_t bytes = 0;
	struct maplist *l = maplist_new(&bytes), *child;

	if (!l)
		return 0;
	child = maplist_ref(l);
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));

		add_line(&l, p, nl ? nl : end);
		p = nl ? nl + 1 : end;
	}
	see_list(l);
	must(!child->n);
	maplist_unref(child);
	maplist_unref(l);
	must(!bytes);
	return 0;
}
