/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The little that shared code needs from its world: acquire and release,
 * plain single loads and stores, a static assert. Kernel and user space.
 */
#ifndef RINGPROF_PORT_H
#define RINGPROF_PORT_H

#ifdef __KERNEL__

#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/types.h>

#include "compat.h"

#define RINGPROF_ASSERT(cond, name) typedef char ringprof_assert_##name[(cond) ? 1 : -1]

#else

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <linux/types.h>

#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define READ_ONCE(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__atomic_store_n(&(x), v, __ATOMIC_RELAXED)
#ifndef likely
#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif

#define RINGPROF_ASSERT(cond, name) \
	__attribute__((unused)) typedef char ringprof_assert_##name[(cond) ? 1 : -1]

#endif
#endif
