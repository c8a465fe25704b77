/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Since when a kernel address is asked for. Code of modules and BPF programs
 * comes and goes, and symbols have no sizes: an address in code that was loaded
 * after kallsyms was read seems to belong to the symbol before it. So a name is
 * sure only if what it is from was read after the address was first met.
 *
 * Any thread. Of fixed size: an address that had to make room is met anew, which
 * makes its name sure later, never too soon.
 */
#ifndef RINGPROF_SYM_KERNEL_MET_H
#define RINGPROF_SYM_KERNEL_MET_H

#include <stdint.h>

struct kernel_met;

struct kernel_met *kernel_met_new(void); /* NULL: no memory */
void kernel_met_free(struct kernel_met *m);
/* Mono ns when that address was first asked for; `now` if it is now. */
uint64_t kernel_met_since(struct kernel_met *m, uint64_t addr, uint64_t now);

#endif
