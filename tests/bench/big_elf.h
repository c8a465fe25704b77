/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A program of 500 MB: a million functions with the names of a C++ program, and
 * 400 MB of debug information that says where they are. Made of bytes, as no
 * linker makes it within a test's time. Its code is a hole in the file.
 */
#ifndef RINGPROF_TESTS_BIG_ELF_H
#define RINGPROF_TESTS_BIG_ELF_H

#include <stdint.h>

#include "sym/symcache.h"

#define BIG_ELF_SYMBOLS 1000000U
#define BIG_ELF_NAME	128

int big_elf_make(const char *path); /* 0 or -1 with errno */
/* Name of function i, and the offset of its first of 48 bytes in the file. */
void big_elf_name(uint64_t i, char out[BIG_ELF_NAME]);
uint64_t big_elf_offset(uint64_t i);

#endif
