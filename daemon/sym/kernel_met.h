/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Since when a kernel address is asked for. Code of modules and BPF programs
 * comes and goes, and symbols have no sizes: an address in code that was loaded
 * after kallsyms was read seems to belong to the symbol before it. So a name is
 * sure only if what it is from was read after the address was first met.
 *
 * Any thread. Of fixed size: an address waits for its place until the one that has it
 * is sure, which makes its name sure later, never too soon.
 */
#ifndef RINGPROF_SYM_KERNEL_MET_H
#define RINGPROF_SYM_KERNEL_MET_H

#include <stdbool.h>
#include <stdint.h>

struct kernel_met;

struct kernel_met *kernel_met_new(void); /* NULL: no memory */
void kernel_met_free(struct kernel_met *m);
/*
 * Was that address asked for before `read`, when what its name is from was read? Times
 * in mono ns; it is noted if it is asked for now. bpf: of a BPF program, whose names are
 * read at other times than those of modules.
 */
bool kernel_met_before(struct kernel_met *m, bool bpf, uint64_t addr, uint64_t read, uint64_t now);

#endif
