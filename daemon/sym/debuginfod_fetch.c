// SPDX-License-Identifier: GPL-2.0
/*
 * The library writes what comes into a directory that we give it, and tells us
 * often how far it is: there the limits are held, also that of bytes on disk,
 * which may be many more than came over the network if they came compressed.
 * Nothing stays in that directory, so that the limit on all files is ours too.
 */
#include "sym/debuginfod_fetch.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "sym/elf_image.h"

#define LIBRARY	  "libdebuginfod.so.1"
#define LOOK_NS	  (20 * NSEC_PER_MSEC) /* between looks at what is on disk */
#define MAX_PARTS 4096

static int load_symbols(struct fetch *f)
{
	const struct {
		const char *name;
		void *to;
	} list[] = {
		{ "debuginfod_begin", &f->begin },
		{ "debuginfod_end", &f->end },
		{ "debuginfod_find_debuginfo", &f->find },
		{ "debuginfod_set_progressfn", &f->set_progressfn },
	};

	for (size_t i = 0; i < ARRAY_SIZE(list); i++) {
		void *p = dlsym(f->library, list[i].name);

		if (!p)
			return -1;
		memcpy(list[i].to, &p, sizeof(p));
	}
	return 0;
}

int fetch_load(struct fetch *f, const struct debuginfod_config *cfg, char *err, size_t errlen)
{
	const char *urls = cfg->urls && *cfg->urls ? cfg->urls : getenv("DEBUGINFOD_URLS");
	const char *library = cfg->library ? cfg->library : LIBRARY;

	if (!urls || !*urls) {
		snprintf(err, errlen, "set debuginfod-urls, or DEBUGINFOD_URLS: nobody to ask");
		return -1;
	}
	f->max_disk = cfg->max_disk;
	f->timeout = cfg->timeout;
	if (snprintf(f->dir, sizeof(f->dir), "%s", cfg->dir) >= PATH_MAX - 64) {
		snprintf(err, errlen, "cache-dir: the path is too long");
		return -1;
	}
	snprintf(f->parts, sizeof(f->parts), "%.*s/debuginfod/parts", PATH_MAX - 64, cfg->dir);
	if (setenv("DEBUGINFOD_URLS", urls, 1) || setenv("DEBUGINFOD_CACHE_PATH", f->parts, 1))
		return -1;
	f->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (!f->library || load_symbols(f)) {
		snprintf(err, errlen, "%s cannot be loaded; Debian: apt install libdebuginfod1",
			 library);
		return -1;
	}
	return 0;
}

void fetch_unload(struct fetch *f)
{
	if (f->library)
		dlclose(f->library);
	cachedir_close(&f->cache);
}

/* Bytes below parts/ID; remove: and takes them away. */
static uint64_t look_at(const char *dir, bool remove)
{
	DIR *d = opendir(dir);
	uint64_t sum = 0;
	struct dirent *e;
	struct stat st;

	for (int i = 0; d && i < MAX_PARTS && (e = readdir(d)); i++) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (!fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			sum += (uint64_t)st.st_size;
		if (remove)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d)
		closedir(d);
	if (remove)
		rmdir(dir);
	return sum;
}

static void parts_of(const struct fetch *f, const char *id, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%.*s/%.100s", PATH_MAX - 160, f->parts, id);
}

/* What an earlier daemon left there. */
static void clean_parts(const struct fetch *f)
{
	DIR *d = opendir(f->parts);
	char path[PATH_MAX];
	struct dirent *e;

	for (int i = 0; d && i < MAX_PARTS && (e = readdir(d)); i++) {
		if (e->d_name[0] == '.' || strlen(e->d_name) > 100)
			continue;
		parts_of(f, e->d_name, path);
		if (unlink(path))
			look_at(path, true);
	}
	if (d)
		closedir(d);
}

static int open_cache(struct fetch *f)
{
	int r;

	if (f->opened)
		return f->cache.dir < 0 ? -ENOENT : 0;
	f->opened = true;
	r = cachedir_open(&f->cache, f->dir, "debuginfod", DEBUGINFOD_VERSION, f->max_disk);
	if (r)
		return r;
	clean_parts(f);
	return mkdir(f->parts, 0700) && errno != EEXIST ? -errno : 0;
}

/* The library calls back in the thread that called it; not all versions carry a pointer. */
static __thread struct fetch *watched;

static bool is_over(struct fetch *f, uint64_t total)
{
	uint64_t now = mono_now();
	char path[PATH_MAX];

	if (__atomic_load_n(&f->stop, __ATOMIC_RELAXED) || now > f->deadline || total > f->max_disk)
		return true;
	if (now < f->next_look)
		return false;
	f->next_look = now + LOOK_NS;
	parts_of(f, f->id, path);
	return look_at(path, false) > f->max_disk;
}

/* debuginfod_progressfn_t: other than 0 gives up. b: all that will come, 0 unknown */
static int watch(debuginfod_client *c, long a, long b)
{
	watched->gave_up |= is_over(watched, b > 0 ? (uint64_t)b : 0);
	return watched->gave_up;
}

/* Is that file the one asked for? 0 or -EBADMSG. */
static int check(int fd, const char *want, uint64_t *size)
{
	char hex[2 * ELF_MAX_BUILD_ID + 1] = "";
	uint8_t id[ELF_MAX_BUILD_ID];
	struct elf_image e;
	struct stat st;
	size_t n;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || elf_open_fd(&e, fd, (uint64_t)st.st_size))
		return -EBADMSG;
	n = elf_build_id(&e, id);
	elf_close(&e);
	for (size_t i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", id[i]);
	*size = (uint64_t)st.st_size;
	return strcmp(hex, want) ? -EBADMSG : 0;
}

static int keep(struct fetch *f, int fd, const char *path, const char *id)
{
	char name[CACHEDIR_NAME_MAX];
	uint64_t size;
	int r = check(fd, id, &size);

	if (!r)
		r = cachedir_reserve(&f->cache, size);
	if (r)
		return r;
	snprintf(name, sizeof(name), "%s.debug", id);
	futimens(fd,
		 NULL); /* the limit takes the first that came: by our clock, not the server's */
	return renameat(AT_FDCWD, path, f->cache.dir, name) ? -errno : 0;
}

static int ask(struct fetch *f, debuginfod_client *c, const char *id)
{
	cleanup_free char *path = NULL;
	cleanup_close int fd = -1;

	f->set_progressfn(c, watch);
	f->deadline = mono_now() + f->timeout;
	f->next_look = 0;
	f->gave_up = false;
	watched = f;
	fd = f->find(c, (const unsigned char *)id, 0, &path);
	watched = NULL;
	/* the library says of such an end that there is no such file */
	if (f->gave_up)
		return -ETIMEDOUT;
	if (fd < 0)
		return fd;
	return path ? keep(f, fd, path, id) : -EBADMSG;
}

int fetch_file(struct fetch *f, const char *id)
{
	int r = open_cache(f);
	debuginfod_client *c;
	char path[PATH_MAX];

	if (r)
		return r == -ENOENT ? -EIO : r;
	c = f->begin();
	if (!c)
		return -ENOMEM;
	snprintf(f->id, sizeof(f->id), "%s", id);
	r = ask(f, c, id);
	f->end(c);
	parts_of(f, id, path);
	look_at(path, true);
	return r;
}
