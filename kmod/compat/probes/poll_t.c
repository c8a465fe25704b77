// SPDX-License-Identifier: GPL-2.0
/* 4.16: __poll_t */
#include <linux/poll.h>
__poll_t probe(void);
__poll_t probe(void)
{
	return EPOLLIN | EPOLLRDNORM;
}
