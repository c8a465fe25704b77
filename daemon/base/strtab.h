/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interned strings: equal texts get equal numbers, 0 is "". Texts never move
 * and live until strtab_free, so a pointer from strtab_get may be kept and read
 * by other threads once its number was handed over; adding is for one thread.
 */
#ifndef RINGPROF_BASE_STRTAB_H
#define RINGPROF_BASE_STRTAB_H

#include <stddef.h>
#include <stdint.h>

struct strtab;

struct strtab *strtab_new(void); /* NULL: no memory */
void strtab_free(struct strtab *t);
/* Number of s (n bytes, no NUL inside); UINT32_MAX: no memory. */
uint32_t strtab_add_n(struct strtab *t, const char *s, size_t n);
uint32_t strtab_add(struct strtab *t, const char *s);
/* The text of a number that strtab_add gave; "" for any other. */
const char *strtab_get(const struct strtab *t, uint32_t id);
uint32_t strtab_count(const struct strtab *t);
size_t strtab_bytes(const struct strtab *t);

#endif
