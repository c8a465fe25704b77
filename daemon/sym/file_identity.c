// SPDX-License-Identifier: GPL-2.0
/*
 * What a file with code is: its key and its segments.
 *
 * The key is the GNU build-id. Who writes a file chooses its build-id, so two
 * files count as one only if their PT_LOAD headers are equal too (stripping
 * leaves them alone); the second one of an unequal pair is keyed by its
 * content hash. That hash is XXH3-128 over size, the first and the last 64
 * KiB: the ends hold headers, section names and symbols, and differ when
 * anything was linked anew.
 *
 * A struct file_priv is built by one thread; what is read here never changes
 * after that, but for the key before it is registered.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "sym/files_int.h"

#define MAX_SEGMENTS 64
#define HASHED_END   65536

void file_destroy(struct file_priv *f)
{
	free((char *)f->pub.path);
	free(f->segs);
	free(f);
}

/* 0 or -errno */
static int content_hash(const struct elf_image *e, uint8_t key[20])
{
	size_t n = e->size < HASHED_END ? e->size : HASHED_END;
	cleanup_free uint8_t *end = malloc(HASHED_END);
	XXH3_state_t *st = XXH3_createState();
	XXH128_canonical_t sum;
	int r = end && st ? 0 : -ENOMEM;

	if (!r) {
		XXH3_128bits_reset(st);
		XXH3_128bits_update(st, &e->size, sizeof(e->size));
		r = elf_read(e, 0, end, n);
	}
	if (!r) {
		XXH3_128bits_update(st, end, n);
		r = elf_read(e, e->size - n, end, n);
	}
	if (!r) {
		XXH3_128bits_update(st, end, n);
		XXH128_canonicalFromHash(&sum, XXH3_128bits_digest(st));
		memset(key, 0, 20);
		memcpy(key, sum.digest, sizeof(sum.digest));
	}
	XXH3_freeState(st);
	return r;
}

static int read_segments(struct file_priv *f, const struct elf_image *e)
{
	size_t n = 0;

	f->segs = calloc(MAX_SEGMENTS, sizeof(*f->segs));
	if (!f->segs)
		return -ENOMEM;
	for (size_t i = 0; i < e->n_ph && n < MAX_SEGMENTS; i++) {
		const Elf64_Phdr *ph = &e->ph[i];

		if (ph->p_type != PT_LOAD)
			continue;
		f->segs[n].offset = ph->p_offset;
		f->segs[n].vaddr = ph->p_vaddr;
		f->segs[n].filesz = ph->p_filesz;
		f->segs[n++].exec = ph->p_flags & PF_X;
	}
	f->n_segs = n;
	f->segs_hash = XXH3_64bits(f->segs, n * sizeof(*f->segs));
	return 0;
}

static void set_build_id(struct file *f, const uint8_t *id, size_t n)
{
	for (size_t i = 0; i < n; i++)
		snprintf(f->build_id + 2 * i, 3, "%02x", id[i]);
	memcpy(f->key, id, n < sizeof(f->key) ? n : sizeof(f->key));
	f->key_is_build_id = n != 0;
}

struct file_priv *file_read(struct files *fs, int fd, const struct ident *id,
			    const struct file_where *w, int *err)
{
	struct file_priv *f = calloc(1, sizeof(*f));
	uint8_t build_id[ELF_MAX_BUILD_ID];
	struct elf_image e;

	*err = f ? elf_open_fd(&e, fd, id->size) : -ENOMEM;
	if (*err) {
		free(f);
		return NULL;
	}
	f->fs = fs;
	f->fd = -1;
	f->ident = *id;
	f->where = *w;
	f->pub.size = id->size;
	f->pub.path = strdup(w->path ? w->path : "");
	f->where.path = f->pub.path;
	*err = f->pub.path ? read_segments(f, &e) : -ENOMEM;
	if (!*err) {
		set_build_id(&f->pub, build_id, elf_build_id(&e, build_id));
		if (!f->pub.key_is_build_id)
			*err = content_hash(&e, f->pub.key);
	}
	elf_close(&e);
	if (*err) {
		file_destroy(f);
		return NULL;
	}
	return f;
}

int file_key_by_content(struct file_priv *f, int fd)
{
	struct elf_image e = { .fd = fd, .size = f->pub.size };
	uint8_t key[20];
	int r = content_hash(&e, key);

	if (r)
		return r;
	memcpy(f->pub.key, key, sizeof(key));
	f->pub.key_is_build_id = false;
	return 0;
}

static bool segment_vaddr(const struct segment *s, uint64_t offset, uint64_t *ret)
{
	if (offset < s->offset || offset - s->offset >= s->filesz)
		return false;
	*ret = offset - s->offset + s->vaddr;
	return true;
}

bool file_vaddr(struct file *file, uint64_t offset, uint64_t *ret)
{
	const struct file_priv *f = file_priv(file);

	/* code first: a lying or odd file may have the same bytes in two segments */
	for (size_t i = 0; i < f->n_segs; i++)
		if (f->segs[i].exec && segment_vaddr(&f->segs[i], offset, ret))
			return true;
	for (size_t i = 0; i < f->n_segs; i++)
		if (!f->segs[i].exec && segment_vaddr(&f->segs[i], offset, ret))
			return true;
	return false;
}
