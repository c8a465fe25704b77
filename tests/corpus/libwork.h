/* SPDX-License-Identifier: GPL-2.0 */
/* What plt.c and load.c call in a shared library. */
#ifndef RINGPROF_CORPUS_LIBWORK_H
#define RINGPROF_CORPUS_LIBWORK_H

#include <stddef.h>

#ifdef VARIANT_load1
long lib_padding(long n);
#endif
void lib_nothing(void);
long lib_work(long n);
long lib_outer(long n);
long lib_callback(long (*fn)(long), long n);
long lib_tail(long n);
long lib_tls(long n);
size_t lib_text(char *room, size_t size);

#endif
