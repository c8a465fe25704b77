/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Symbols of the vDSO, which is no file: the kernel maps the same code into
 * every process of an architecture, so our own copy names all of them.
 */
#ifndef RINGPROF_SYM_VDSO_H
#define RINGPROF_SYM_VDSO_H

#include "sym/symtab.h"

/* Reads our own vDSO; 0, -ENOENT there is none, -errno. *vaddr: address of its first byte. */
int vdso_read(struct symtab *ret, uint64_t *vaddr);

#endif
