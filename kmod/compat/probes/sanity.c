// SPDX-License-Identifier: GPL-2.0
/* a module that does nothing */
#include <linux/module.h>
#include <linux/perf_event.h>
MODULE_LICENSE("GPL");
