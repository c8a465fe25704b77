// SPDX-License-Identifier: GPL-2.0
/* Hotplug states for kernels that have a chain of notifiers instead: el7. One user is enough. */
#include "compat.h"

#ifndef RP_HAVE_CPUHP

#include <linux/notifier.h>

static int (*on_up)(unsigned int cpu);
static int (*on_down)(unsigned int cpu);

static int notify(struct notifier_block *nb, unsigned long action, void *arg)
{
	unsigned int cpu = (unsigned long)arg;

	switch (action & ~CPU_TASKS_FROZEN) {
	case CPU_ONLINE:
	case CPU_DOWN_FAILED:
		on_up(cpu);
		break;
	case CPU_DOWN_PREPARE:
		on_down(cpu);
		break;
	}
	return NOTIFY_OK;
}

/* our events go before perf takes all of that CPU's away */
static struct notifier_block notifier = {
	.notifier_call = notify,
	.priority = CPU_PRI_PERF + 1,
};

int cpuhp_setup_state_nocalls(int state, const char *name, int (*up)(unsigned int cpu),
			      int (*down)(unsigned int cpu))
{
	on_up = up;
	on_down = down;
	return register_cpu_notifier(&notifier);
}

void cpuhp_remove_state_nocalls(int state)
{
	unregister_cpu_notifier(&notifier);
}

#endif
