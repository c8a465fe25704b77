// SPDX-License-Identifier: GPL-2.0
/*
 * Package notes: https://systemd.io/ELF_PACKAGE_METADATA; Go: debug/buildinfo,
 * the form that Go 1.18 and later write (texts in place; before that they were
 * behind pointers).
 */
#include "proc/exe.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "sym/elf_image.h"

#define NOTE_PACKAGE  0xcafe1a7e
#define NOTE_MAX      4096
#define BUILDINFO_MAX (256U << 10) /* lists every module that was linked in */

static bool take(char out[EXE_VERSION_MAX], const char *p, size_t n)
{
	if (!n || n >= EXE_VERSION_MAX)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] <= 0x20 || p[i] == 0x7f)
			return false;
	memcpy(out, p, n);
	out[n] = '\0';
	return true;
}

/* ---- package notes ---- */

static bool from_json(const char *p, size_t n, struct exe_facts *ret)
{
	json_t *j = json_loadb(p, strnlen(p, n), JSON_DISABLE_EOF_CHECK, NULL);
	const char *v = json_string_value(json_object_get(j, "version"));
	bool ok = v && take(ret->version, v, strlen(v));

	json_decref(j);
	return ok;
}

/* Names and descriptors of these notes are padded to 4 bytes. */
static bool package_in(const char *p, size_t len, struct exe_facts *ret)
{
	Elf64_Nhdr nh;

	while (len >= sizeof(nh)) {
		size_t desc, next;

		memcpy(&nh, p, sizeof(nh));
		if (nh.n_namesz > len || nh.n_descsz > len)
			return false;
		desc = sizeof(nh) + ((nh.n_namesz + 3) & ~3UL);
		next = desc + ((nh.n_descsz + 3) & ~3UL);
		if (desc + nh.n_descsz > len)
			return false;
		if (nh.n_type == NOTE_PACKAGE && nh.n_namesz == 4 &&
		    !memcmp(p + sizeof(nh), "FDO", 4) && nh.n_descsz <= NOTE_MAX)
			return from_json(p + desc, nh.n_descsz, ret);
		if (next > len)
			return false;
		p += next;
		len -= next;
	}
	return false;
}

static bool package_note(const struct elf_image *e, struct exe_facts *ret)
{
	size_t left = ELF_MAX_NOTES;

	for (size_t i = 0; i < e->n_ph && left; i++) {
		const Elf64_Phdr *ph = &e->ph[i];
		cleanup_free char *p = NULL;

		if (ph->p_type != PT_NOTE)
			continue;
		left--;
		p = elf_dup(e, ph->p_offset, ph->p_filesz, ELF_MAX_NOTE_BYTES);
		if (p && package_in(p, ph->p_filesz, ret))
			return true;
	}
	return false;
}

/* ---- Go ---- */

struct text {
	const char *p;
	size_t n;
};

/* A length by Go's varint and so many bytes; false: not inside of [*p, end). */
static bool varint_text(const char **p, const char *end, struct text *ret)
{
	uint64_t n = 0;

	for (unsigned int shift = 0; shift < 35; shift += 7) {
		unsigned char c;

		if (*p == end)
			return false;
		c = (unsigned char)*(*p)++;
		n |= (uint64_t)(c & 0x7f) << shift;
		if (c & 0x80)
			continue;
		if (n > (uint64_t)(end - *p))
			return false;
		*ret = (struct text){ *p, n };
		*p += n;
		return true;
	}
	return false;
}

/* What stands behind `key` in the line [p, end), up to a tab. */
static bool field(const char *p, const char *end, const char *key, struct text *ret)
{
	size_t n = strlen(key);

	if ((size_t)(end - p) < n || memcmp(p, key, n))
		return false;
	ret->p = p + n;
	ret->n = (size_t)(end - ret->p);
	return true;
}

/* "mod\tPATH\tVERSION\tSUM", "build\tvcs.revision=REVISION" */
static bool from_modinfo(struct text m, struct exe_facts *ret)
{
	const char *p = m.p, *end = m.p + m.n;
	struct text mod = { 0 }, revision = { 0 };
	const char *v, *v_end;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));

		nl = nl ? nl : end;
		if (!mod.p)
			field(p, nl, "mod\t", &mod);
		if (!revision.p)
			field(p, nl, "build\tvcs.revision=", &revision);
		p = nl < end ? nl + 1 : end;
	}
	v = mod.p ? memchr(mod.p, '\t', mod.n) : NULL;
	if (v) {
		v++;
		v_end = memchr(v, '\t', (size_t)(mod.p + mod.n - v));
		v_end = v_end ? v_end : mod.p + mod.n;
		if ((v_end - v != 7 || memcmp(v, "(devel)", 7)) &&
		    take(ret->version, v, (size_t)(v_end - v)))
			return true;
	}
	return revision.p && take(ret->version, revision.p, revision.n);
}

static bool go_buildinfo(struct elf_image *e, struct exe_facts *ret)
{
	static const char magic[] = "\xff Go buildinf:";
	const Elf64_Shdr *sh;
	cleanup_free char *info = NULL;
	struct text version, modinfo;
	const char *p;

	if (elf_load_sections(e))
		return false;
	sh = elf_section(e, ".go.buildinfo");
	info = sh && sh->sh_size > 32 ? elf_dup(e, sh->sh_offset, sh->sh_size, BUILDINFO_MAX)
				      : NULL;
	/* byte 15, bit 1: texts in place, from byte 32 on */
	if (!info || memcmp(info, magic, sizeof(magic) - 1) || !(info[15] & 2))
		return false;
	p = info + 32;
	if (!varint_text(&p, info + sh->sh_size, &version) ||
	    !varint_text(&p, info + sh->sh_size, &modinfo) || modinfo.n < 33)
		return false;
	/* between two marks of 16 bytes */
	modinfo.p += 16;
	modinfo.n -= 32;
	return from_modinfo(modinfo, ret);
}

int exe_read(int fd, uint64_t size, struct exe_facts *ret)
{
	uint8_t id[ELF_MAX_BUILD_ID];
	struct elf_image e;
	size_t n;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = elf_open_fd(&e, fd, size);
	if (r)
		return r;
	n = elf_build_id(&e, id);
	for (size_t i = 0; i < n; i++)
		snprintf(ret->build_id + 2 * i, 3, "%02x", id[i]);
	if (!package_note(&e, ret))
		go_buildinfo(&e, ret);
	elf_close(&e);
	return 0;
}
