/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a module must stand that somebody with rights, or an ordinary program
 * that is sampled, may do. Each verb prints what it did as one line and ends with
 * 0, or says what should not have been possible and ends with 1.
 */
#ifndef RINGPROF_TESTS_ABUSE_H
#define RINGPROF_TESTS_ABUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* argv[0..argc): what stands behind the verb. Exit status. */
int abuse_stacks(int argc, char **argv);  /* SECONDS SEED */
int abuse_chains(int argc, char **argv);  /* SECONDS SEED */
int abuse_netlink(int argc, char **argv); /* MESSAGES SEED */
int abuse_device(int argc, char **argv);  /* ROUNDS SEED */
int abuse_lie(int argc, char **argv);	  /* SECONDS SEED */
int abuse_alloc(int argc, char **argv);	  /* MODULE.ko FILE */

/* Numbers that the seed decides: a run can be had again. */
void random_seed(uint64_t seed);
uint64_t random_u64(void);
/* Below n, which is not 0. */
uint32_t random_below(uint32_t n);

double now_seconds(void);	      /* CLOCK_MONOTONIC */
_Noreturn void die(const char *what); /* with errno's text; status 1 */

#endif
