// SPDX-License-Identifier: GPL-2.0
/*
 * Module load and unload: each part in order, what makes us reachable last and
 * gone first. Loading samples nothing.
 */
#include <linux/module.h>
#include <net/genetlink.h>

#include "compat.h"
#include "chardev.h"
#include "netlink.h"
#include "ringprof/abi_check.h"
#include "ringprof/version.h"
#include "sampler.h"
#include "unwind.h"

static int __init ringprof_init(void)
{
	int ret;

	rp_unwind_user_init();
	ret = rp_sampler_init();
	if (ret)
		return ret;
	ret = rp_netlink_init();
	if (ret)
		goto err_sampler;
	/* last: who has opened the device holds on to code that a failure after it would free */
	ret = rp_chardev_init();
	if (ret)
		goto err_netlink;
	pr_info("version %s, ABI %d.%d\n", RINGPROF_VERSION, RINGPROF_ABI_MAJOR,
		RINGPROF_ABI_MINOR);
	return 0;

err_netlink:
	rp_netlink_exit();
err_sampler:
	rp_sampler_exit();
	return ret;
}

static void __exit ringprof_exit(void)
{
	rp_chardev_exit();
	rp_netlink_exit();
	rp_sampler_exit();
}

module_init(ringprof_init);
module_exit(ringprof_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The ringprof authors");
MODULE_DESCRIPTION("Continuous profiler: samples of all processes, by call chain");
MODULE_VERSION(RINGPROF_VERSION);
MODULE_ALIAS_GENL_FAMILY(RINGPROF_GENL_NAME);
