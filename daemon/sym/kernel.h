/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kernel text symbols from /proc/kallsyms: the kernel, its modules, BPF
 * programs, trampolines.
 *
 * Built by one thread; searched by any. With kernel.kptr_restrict hiding the
 * addresses (all zero) there are no symbols and `hidden` says why.
 */
#ifndef RINGPROF_SYM_KERNEL_H
#define RINGPROF_SYM_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sym/symtab.h"

#define KERNEL_MAX_MODULES 4096
#define KERNEL_MODULE_NAME 64
#define KALLSYMS_MAX	   (64U << 20) /* bytes of text */

struct kernel_symbols {
	struct symtab tab;
	uint16_t *module; /* of each symbol, index of modules; 0: the kernel itself */
	char (*modules)[KERNEL_MODULE_NAME];
	size_t n_modules;
	bool hidden;
	/* where _text is, the last function of the kernel itself, and the lowest of a module, a BPF
	 * program, a trampoline; 0: none */
	uint64_t text, last, modules_start;
};

/* Parses the text of kallsyms; 0 or -ENOMEM. Lines that make no sense are left out. */
int kernel_parse(struct kernel_symbols *k, const char *text, size_t len);
void kernel_free(struct kernel_symbols *k);
size_t kernel_bytes(const struct kernel_symbols *k);
/* Symbol that covers addr and its module ("" the kernel itself); NULL: none. */
const struct sym *kernel_find(const struct kernel_symbols *k, uint64_t addr, const char **module);
/*
 * An address as it may be told: as the kernel is linked (what vmlinux says), and
 * modules from where they begin, instead of where they were put at random at
 * this boot. Different addresses stay different; of one that lies in neither of
 * them, its place in its page is left: a filter of system calls is in no
 * kallsyms, and lies where modules do. kernel_meant is the way back.
 */
uint64_t kernel_told(const struct kernel_symbols *k, uint64_t addr);
uint64_t kernel_meant(const struct kernel_symbols *k, uint64_t told);
/*
 * Of the text of /proc/modules: name, size, state and address of each. Who uses
 * a module, the third and fourth word, changes all the time, and no symbol with it.
 */
uint64_t kernel_modules_hash(const char *text, size_t len);

#endif
