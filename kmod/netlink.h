/* SPDX-License-Identifier: GPL-2.0 */
/* Generic netlink control: see the uapi header for commands and attributes. */
#ifndef RINGPROF_KMOD_NETLINK_H
#define RINGPROF_KMOD_NETLINK_H

int rp_netlink_init(void);
/* No command runs and no event is sent afterwards. */
void rp_netlink_exit(void);

/* Tells the "events" group state, rate and why. locked (sampler.h) */
void rp_netlink_event(const char *reason);

#endif
