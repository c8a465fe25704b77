// SPDX-License-Identifier: GPL-2.0
/* Search for separate debug files; see debugfile.h for where and what counts. */
#include "sym/debugfile.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "sym/file_open.h"

#define CRC_MAX_FILE (1ULL << 30) /* larger files are not read for their CRC */

struct search {
	struct symtab_builder *b;
	const char *dirs;
	int root; /* O_PATH */
	uint8_t id[ELF_MAX_BUILD_ID];
	size_t id_len;
	char link[NAME_MAX + 1]; /* "" none */
	uint32_t crc;
	char dir[PATH_MAX]; /* of the file itself, without the last '/' */
};

static bool crc_matches(const struct elf_image *e, uint32_t want)
{
	cleanup_free uint8_t *piece = malloc(65536);
	uLong crc = crc32(0, NULL, 0);

	if (!piece || e->size > CRC_MAX_FILE)
		return false;
	for (uint64_t off = 0; off < e->size; off += 65536) {
		size_t n = e->size - off < 65536 ? e->size - off : 65536;

		if (elf_read(e, off, piece, n))
			return false;
		crc = crc32(crc, piece, (uInt)n);
	}
	return crc == want;
}

static bool belongs(const struct search *s, struct elf_image *e)
{
	uint8_t id[ELF_MAX_BUILD_ID];
	size_t n = elf_build_id(e, id);

	if (s->id_len && n)
		return n == s->id_len && !memcmp(id, s->id, n);
	return s->link[0] && crc_matches(e, s->crc);
}

/* 1: it is the one and has symbols */
static int try_path(const struct search *s, const char *path)
{
	struct elf_image e;
	struct stat st;
	cleanup_close int fd = file_open_in_root(s->root, path, &st);
	int r;

	if (fd < 0 || elf_open_fd(&e, fd, (uint64_t)st.st_size))
		return 0;
	r = belongs(s, &e) ? elf_add_symtab(&e, s->b) : 0;
	elf_close(&e);
	return r == -ENOMEM ? r : r > 0;
}

static int try_build_id(const struct search *s, const char *dir, int dir_len)
{
	char path[PATH_MAX], hex[2 * ELF_MAX_BUILD_ID + 1];
	int n;

	if (!s->id_len)
		return 0;
	for (size_t i = 0; i < s->id_len; i++)
		snprintf(hex + 2 * i, 3, "%02x", s->id[i]);
	n = snprintf(path, sizeof(path), "%.*s/.build-id/%.2s/%s.debug", dir_len, dir, hex,
		     hex + 2);
	return n < (int)sizeof(path) ? try_path(s, path) : 0;
}

static int try_link(const struct search *s, const char *prefix, int prefix_len, const char *sub)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%.*s%s%s/%s", prefix_len, prefix, s->dir, sub,
			 s->link);

	return n < (int)sizeof(path) ? try_path(s, path) : 0;
}

static int each_dir(const struct search *s, bool by_link)
{
	int r = 0;

	for (const char *p = s->dirs; !r && *p; p += strspn(p, ":")) {
		int n = (int)strcspn(p, ":");

		if (*p == '/')
			r = by_link ? try_link(s, p, n, "") : try_build_id(s, p, n);
		p += n;
	}
	return r;
}

static int search_root(struct search *s)
{
	int r = each_dir(s, false);

	if (r || !s->link[0] || !s->dir[0])
		return r;
	r = try_link(s, "", 0, "");
	if (!r)
		r = try_link(s, "", 0, "/.debug");
	return r ? r : each_dir(s, true);
}

int debugfile_add_symtab(struct elf_image *main, const char *path, pid_t pid, const char *dirs,
			 struct symtab_builder *b)
{
	struct search s = { .b = b, .dirs = dirs ? dirs : DEBUG_DIRS };
	const char *slash = strrchr(path, '/');
	int r = 0;

	s.id_len = elf_build_id(main, s.id);
	if (!elf_debuglink(main, s.link, sizeof(s.link), &s.crc))
		s.link[0] = '\0';
	if (path[0] == '/' && (size_t)(slash - path) < sizeof(s.dir))
		memcpy(s.dir, path, (size_t)(slash - path));
	if (!s.id_len && !s.link[0])
		return 0;
	for (int own = pid > 0 ? 0 : 1; !r && own < 2; own++) {
		cleanup_close int root = file_open_root(own ? 0 : pid);

		s.root = root;
		if (root >= 0)
			r = search_root(&s);
	}
	return r;
}
