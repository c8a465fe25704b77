// SPDX-License-Identifier: GPL-2.0
/* Search for separate debug files; see debugfile.h for where and what counts. */
#include "sym/debugfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "sym/file_open.h"

/*
 * Larger files are not read for their CRC: a thread that must not wait asks
 * for symbols too. All that linkers made in the last years has a build-id.
 */
#define CRC_MAX_FILE (64ULL << 20)
#define ALT_LINK_MAX (PATH_MAX + ELF_MAX_BUILD_ID)

struct search {
	const char *dirs;
	struct file_owner owner;
	const char *section; /* must have bytes; NULL: any file will do */
	bool unchecked;	     /* neither id nor CRC is known here */
	struct owner_root root;
	uint8_t id[ELF_MAX_BUILD_ID];
	size_t id_len;
	char link[NAME_MAX + 1]; /* "" none */
	uint32_t crc;
	char dir[PATH_MAX]; /* of the file itself, without the last '/' */
	struct debugfile *found;
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
	size_t n;

	if (s->unchecked)
		return true;
	n = elf_build_id(e, id);
	if (s->id_len && n)
		return n == s->id_len && !memcmp(id, s->id, n);
	return s->link[0] && crc_matches(e, s->crc);
}

static bool has_section(const struct search *s, struct elf_image *e)
{
	const Elf64_Shdr *sh;

	if (!s->section)
		return true;
	sh = elf_load_sections(e) ? NULL : elf_section(e, s->section);
	return sh && sh->sh_type != SHT_NOBITS && sh->sh_size;
}

/* 1: it is the one */
static int try_path(const struct search *s, const char *path)
{
	struct elf_image e;
	struct stat st;
	cleanup_close int fd = file_open_in_root(s->root.fd, path, &st);
	bool ok;

	if (fd < 0 || !owner_believed(&s->root, &s->owner, fd) ||
	    elf_open_fd(&e, fd, (uint64_t)st.st_size))
		return 0;
	/* the CRC is read last */
	ok = has_section(s, &e) && belongs(s, &e);
	elf_close(&e);
	if (!ok)
		return 0;
	s->found->fd = steal_fd(&fd);
	s->found->size = (uint64_t)st.st_size;
	snprintf(s->found->path, sizeof(s->found->path), "%s", path);
	return 1;
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
	if (n < (int)sizeof(path) && try_path(s, path))
		return 1;
	n = snprintf(path, sizeof(path), "%.*s/%s.debug", dir_len, dir, hex);
	return n < (int)sizeof(path) ? try_path(s, path) : 0;
}

static int try_link(const struct search *s, const char *prefix, int prefix_len, const char *sub)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%.*s%s%s/%s", prefix_len, prefix, s->dir, sub,
			 s->link);

	return n < (int)sizeof(path) ? try_path(s, path) : 0;
}

static int try_dwz(const struct search *s, const char *dir, int dir_len)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%.*s/.dwz/%s", dir_len, dir, s->link);

	return s->link[0] && n < (int)sizeof(path) ? try_path(s, path) : 0;
}

typedef int (*try_fn)(const struct search *s, const char *dir, int dir_len);

static int try_dir_link(const struct search *s, const char *dir, int dir_len)
{
	return try_link(s, dir, dir_len, "");
}

static int each_dir(const struct search *s, try_fn fn)
{
	int r = 0;

	for (const char *p = s->dirs; !r && *p; p += strspn(p, ":")) {
		int n = (int)strcspn(p, ":");

		if (*p == '/')
			r = fn(s, p, n);
		p += n;
	}
	return r;
}

static int search_root(const struct search *s)
{
	int r = each_dir(s, try_build_id);

	if (r || !s->link[0] || !s->dir[0])
		return r;
	r = try_link(s, "", 0, "");
	if (!r)
		r = try_link(s, "", 0, "/.debug");
	return r ? r : each_dir(s, try_dir_link);
}

static int in_root(struct search *s, pid_t pid, int (*fn)(const struct search *s))
{
	int r;

	if (owner_root_open(pid, &s->root))
		return 0;
	r = fn(s);
	owner_root_close(&s->root);
	return r;
}

/*
 * Our own root first: its files are those of who runs this host. Not so what says nothing of
 * the program that it belongs to: the host may have another build's at that path.
 */
static int each_root(struct search *s, pid_t pid, int (*fn)(const struct search *s))
{
	pid_t first = s->unchecked ? pid : 0, second = s->unchecked ? 0 : pid;

	s->found->fd = -1;
	if (first >= 0 && in_root(s, first, fn))
		return 0;
	return second >= 0 && second != first && in_root(s, second, fn) ? 0 : -ENOENT;
}

static struct search new_search(const struct debugfile_of *of, struct debugfile *ret)
{
	ret->fd = -1;
	return (struct search){ .dirs = of->dirs ? of->dirs : DEBUG_DIRS,
				.owner = of->owner,
				.found = ret };
}

static void set_dir(struct search *s, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (path[0] == '/' && (size_t)(slash - path) < sizeof(s->dir))
		memcpy(s->dir, path, (size_t)(slash - path));
}

int debugfile_find(struct elf_image *main, const struct debugfile_of *of, const char *section,
		   struct debugfile *ret)
{
	struct search s = new_search(of, ret);

	s.section = section;
	s.id_len = elf_build_id(main, s.id);
	if (!elf_debuglink(main, s.link, sizeof(s.link), &s.crc))
		s.link[0] = '\0';
	set_dir(&s, of->path);
	if (!s.id_len && !s.link[0])
		return -ENOENT;
	return each_root(&s, of->pid, search_root);
}

/* The link's text may be a path of any kind; `dir` is where the file with the link lies. */
static int search_alt(const struct search *s)
{
	int r = s->dir[0] ? try_path(s, s->dir) : 0;

	if (!r)
		r = each_dir(s, try_dwz);
	return r ? r : each_dir(s, try_build_id);
}

int debugfile_find_alt(struct elf_image *e, const struct debugfile_of *of, struct debugfile *ret)
{
	struct search s = new_search(of, ret);
	const Elf64_Shdr *sh = elf_load_sections(e) ? NULL : elf_section(e, ".gnu_debugaltlink");
	cleanup_free char *link = sh ? elf_dup(e, sh->sh_offset, sh->sh_size, ALT_LINK_MAX) : NULL;
	const char *slash;
	size_t n = link ? strlen(link) + 1 : 0;

	s.section = ".debug_info";
	if (n < 2 || sh->sh_size < n + ELF_MIN_BUILD_ID || sh->sh_size - n > sizeof(s.id))
		return -ENOENT;
	s.id_len = sh->sh_size - n;
	memcpy(s.id, link + n, s.id_len);
	slash = strrchr(link, '/');
	if (strlen(slash ? slash + 1 : link) < sizeof(s.link))
		strcpy(s.link, slash ? slash + 1 : link);
	slash = strrchr(of->path, '/');
	if (link[0] == '/' || !slash)
		n = (size_t)snprintf(s.dir, sizeof(s.dir), "%s", link);
	else
		n = (size_t)snprintf(s.dir, sizeof(s.dir), "%.*s/%s", (int)(slash - of->path),
				     of->path, link);
	if (n >= sizeof(s.dir))
		s.dir[0] = '\0';
	return each_root(&s, of->pid, search_alt);
}

struct split_search {
	struct search s; /* first */
	const char *path, *dir, *name;
};

static int try_joined(const struct search *s, const char *dir, int dir_len, const char *name)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%.*s/%s", dir_len, dir, name);

	return n < (int)sizeof(path) ? try_path(s, path) : 0;
}

static int search_split(const struct search *s)
{
	const struct split_search *x = (const struct split_search *)s;
	const char *slash = strrchr(x->name, '/'), *base = slash ? slash + 1 : x->name;
	char path[PATH_MAX];
	int r = 0;

	if (snprintf(path, sizeof(path), "%s.dwp", x->path) < (int)sizeof(path))
		r = try_path(s, path);
	if (!r && x->name[0] == '/')
		r = try_path(s, x->name);
	else if (!r && x->dir[0] == '/')
		r = try_joined(s, x->dir, (int)strlen(x->dir), x->name);
	slash = strrchr(x->path, '/');
	if (!r && slash && *base)
		r = try_joined(s, x->path, (int)(slash - x->path), base);
	return r;
}

int debugfile_find_split(const struct debugfile_of *of, const char *dir, const char *name,
			 struct debugfile *ret)
{
	struct split_search x = {
		.s = new_search(of, ret), .path = of->path, .dir = dir, .name = name
	};

	x.s.section = ".debug_info.dwo";
	x.s.unchecked = true;
	return each_root(&x.s, of->pid, search_split);
}
