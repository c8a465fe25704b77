/* SPDX-License-Identifier: GPL-2.0 */
/* The module's version; the top Makefile's VERSION is the same (tests/unit/test_abi.sh). */
#ifndef RINGPROF_VERSION
#define RINGPROF_VERSION "0.1.0"
#endif
