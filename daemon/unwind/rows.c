// SPDX-License-Identifier: GPL-2.0
/*
 * From an ELF file to its table of rows: which segments, which sources in
 * which order, and limits.
 *
 * .eh_frame is first: it is what the program itself would unwind by. Go's own
 * tables come next, as Go code has no .eh_frame and its .debug_frame says the
 * same at ten times the bytes; .debug_frame is for what is left. Where nothing
 * is said the code itself is looked at, last, as only that can be mistaken.
 */
#include "unwind/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "unwind/rows_int.h"

static int read_segments(struct rows_builder *b)
{
	b->base = UINT64_MAX;
	for (size_t i = 0; i < b->elf->n_ph; i++) {
		const Elf64_Phdr *ph = &b->elf->ph[i];

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X) || !ph->p_filesz)
			continue;
		if (ph->p_vaddr + ph->p_filesz < ph->p_vaddr)
			return -ENOEXEC;
		if (b->n_segments == RINGPROF_MAX_SEGMENTS)
			return -E2BIG;
		b->segments[b->n_segments++] = (struct ringprof_segment){ .offset = ph->p_offset,
									  .vaddr = ph->p_vaddr,
									  .size = ph->p_filesz };
		if (ph->p_vaddr < b->base)
			b->base = ph->p_vaddr;
	}
	return 0;
}

static const struct {
	enum rows_origin origin;
	int (*add)(struct rows_builder *b);
} sources[] = {
	{ ROWS_KNOWN, rows_add_context }, /* ahead of what .eh_frame says of it */
	{ ROWS_EH_FRAME, rows_add_eh_frame },
	{ ROWS_GO, rows_add_go },
	{ ROWS_DEBUG_FRAME, rows_add_debug_frame },
	{ ROWS_KNOWN, rows_add_entry },
	{ ROWS_CODE, rows_add_code },
};

const char *rows_origin_name(enum rows_origin origin)
{
	static const char *const names[ROWS_ORIGINS] = {
		[ROWS_KNOWN] = "none",	 [ROWS_EH_FRAME] = "eh_frame",
		[ROWS_GO] = "gopclntab", [ROWS_DEBUG_FRAME] = "debug_frame",
		[ROWS_CODE] = "code",
	};

	return names[origin];
}

static int add_source(struct rows_builder *b, int (*add)(struct rows_builder *b))
{
	bool first = !b->n_settled;
	int r = add(b);

	if (r >= 0)
		r = rows_end_layer(b);
	if (r < 0 && r != -ENOMEM && (!first || b->origin == ROWS_CODE)) {
		/* damaged or too much: what is settled stays good, be it the source's own first half */
		b->n_spans = b->n_settled;
		b->n_bad_fdes++;
		return 0;
	}
	return r;
}

static int add_sources(struct rows_builder *b, uint32_t without, const char **origin)
{
	bool go = false;
	int r = 0;

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]) && !r; i++) {
		size_t before = b->n_settled;

		b->origin = sources[i].origin;
		if (without >> b->origin & 1)
			continue;
		/* nothing has anything to add to what Go's tables say */
		if (go && (b->origin == ROWS_DEBUG_FRAME || b->origin == ROWS_CODE))
			continue;
		r = add_source(b, sources[i].add);
		go |= b->n_settled > before && b->origin == ROWS_GO;
		if (b->n_settled > before && !strcmp(*origin, "none"))
			*origin = rows_origin_name(b->origin);
	}
	return r;
}

static int make(struct rows *ret, struct elf_image *e, const struct rows_limits *lim)
{
	struct rows_builder b = { .elf = e, .max_bytes = ROWS_MAX_BYTES };
	int r = read_segments(&b);

	b.max_rows = lim && lim->max_rows ? lim->max_rows : RINGPROF_MAX_ROWS;
	if (lim && lim->max_bytes)
		b.max_bytes = lim->max_bytes;
	if (!r && b.n_segments)
		r = add_sources(&b, lim ? lim->without : 0, &ret->origin);
	if (!r)
		r = rows_finish(&b, ret);
	if (b.n_segments) {
		ret->base = b.base;
		ret->n_segments = b.n_segments;
		memcpy(ret->segments, b.segments, sizeof(b.segments));
	}
	ret->n_fdes = b.n_fdes;
	ret->n_bad_fdes = b.n_bad_fdes;
	free(b.rows);
	free(b.spans);
	return r;
}

/* Code of another machine or of 32 bits runs here too, and is walked without rows. */
static int rows_of(struct rows *ret, struct elf_image *e, const struct rows_limits *lim)
{
	int r = 0;

	ret->origin = "none";
	if (e->is64 && e->eh.e_machine == EM_X86_64)
		r = make(ret, e, lim);
	elf_close(e);
	if (r)
		rows_free(ret);
	return r;
}

int rows_of_fd(struct rows *ret, int fd, const struct rows_limits *lim)
{
	struct elf_image e;
	struct stat st;
	int r;

	memset(ret, 0, sizeof(*ret));
	if (fstat(fd, &st))
		return -errno;
	r = elf_open_fd(&e, fd, (uint64_t)st.st_size);
	return r ? r : rows_of(ret, &e, lim);
}

int rows_of_mem(struct rows *ret, const void *elf, size_t len, const struct rows_limits *lim)
{
	struct elf_image e;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = elf_open_mem(&e, elf, len);
	return r ? r : rows_of(ret, &e, lim);
}

void rows_free(struct rows *r)
{
	free(r->rows);
	r->rows = NULL;
	r->n = 0;
}
