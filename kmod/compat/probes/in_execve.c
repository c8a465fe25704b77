// SPDX-License-Identifier: GPL-2.0
/* 3.2: a task says that it is about to become another program */
#include <linux/sched.h>
bool probe(const struct task_struct *t);
bool probe(const struct task_struct *t)
{
	return t->in_execve;
}
