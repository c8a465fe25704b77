// SPDX-License-Identifier: GPL-2.0
/* 4.11: sched.h came apart; cpu times in ns */
#include <linux/sched/task_stack.h>
