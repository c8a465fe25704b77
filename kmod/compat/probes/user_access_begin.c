// SPDX-License-Identifier: GPL-2.0
/* 5.0: user_access_begin() checks a range */
#include <linux/uaccess.h>
int probe(unsigned long __user *p);
int probe(unsigned long __user *p)
{
	unsigned long v;

	if (!user_access_begin(p, sizeof(*p)))
		return 1;
	unsafe_get_user(v, p, fault);
	user_access_end();
	return v != 0;
fault:
	user_access_end();
	return 1;
}
