// SPDX-License-Identifier: GPL-2.0
/* 3.10, CONFIG_UPROBES: a task's return addresses that uretprobes have put away */
#include <linux/sched.h>
#include <linux/uprobes.h>
bool probe(const struct task_struct *t);
bool probe(const struct task_struct *t)
{
	return t->utask && t->utask->return_instances;
}
