/* SPDX-License-Identifier: GPL-2.0 */
/* What every tests/fuzz/fuzz_NAME.c defines; see tests/fuzz.mk. */
#ifndef RINGPROF_TESTS_FUZZ_H
#define RINGPROF_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* One input; gives 0. Aborts when what came of it is wrong. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
