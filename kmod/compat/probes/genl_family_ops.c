// SPDX-License-Identifier: GPL-2.0
/* 4.10: ops stand in the family, genl_register_family() takes it alone */
#include <net/genetlink.h>
struct genl_ops ops[1];
struct genl_family probe = { .ops = ops, .n_ops = 1, .n_mcgrps = 0, .module = NULL };
int reg(void);
int reg(void)
{
	return genl_register_family(&probe);
}
