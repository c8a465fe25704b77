// SPDX-License-Identifier: GPL-2.0
/*
 * The frames of a registered file by its Go tables. Nothing of them is kept:
 * a lookup reads some twenty small pieces, and its answer is remembered by who
 * asks. A file without Go tables is asked once.
 *
 * Any thread.
 */
#include <errno.h>

#include "sym/files_int.h"
#include "sym/lines_read.h"

struct adapter {
	dwarf_emit emit;
	void *arg;
};

static void pass_on(void *arg, const struct gosym_frame *f)
{
	const struct adapter *a = arg;

	a->emit(a->arg, &(struct dwarf_frame){ .name = f->name,
					       .file = f->file,
					       .line = f->line,
					       .decl_line = f->start_line,
					       .inlined = f->inlined });
}

int lines_go(int fd, uint64_t size, uint64_t vaddr, dwarf_emit emit, void *arg)
{
	struct adapter a = { emit, arg };
	struct elf_image e;
	struct gosym g;
	int r = elf_open_fd(&e, fd, size);

	if (r)
		return r;
	r = elf_load_sections(&e);
	if (!r)
		r = gosym_open(&g, &e);
	if (!r)
		r = gosym_lookup(&g, vaddr, DWARF_MAX_FRAMES, pass_on, &a);
	elf_close(&e);
	return r;
}

int gosym_file_lookup(struct file *file, uint64_t vaddr, dwarf_emit emit, void *arg)
{
	struct file_priv *f = file_priv(file);
	int fd, r;

	if (__atomic_load_n(&f->no_go, __ATOMIC_RELAXED))
		return 0;
	fd = file_open_fd_soon(file);
	if (fd < 0)
		return fd == -EAGAIN ? fd : 0;
	r = lines_go_by(f->fs->reader, file, fd, vaddr, emit, arg);
	file_put_fd(file, fd);
	if (r == -ENOENT || r == -EINVAL)
		__atomic_store_n(&f->no_go, true, __ATOMIC_RELAXED);
	return r > 0 || r == -EAGAIN ? r : 0;
}
