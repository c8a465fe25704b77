/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only place, with compat/, that knows what kernels differ in. The rest is
 * written to the newest kernel's API; here older ones are given that API, as
 * found by the compile probes (compat/probes, result in compat/generated.h).
 * RP_* names stand where no kernel has one name for the thing.
 */
#ifndef RINGPROF_KMOD_COMPAT_H
#define RINGPROF_KMOD_COMPAT_H

#include "compat/generated.h"

#include "compat/basics.h"
#include "compat/mm.h"
#include "compat/spaces.h"
#include "compat/cpus.h"
#include "compat/rights.h"
#include "compat/cgroups.h"

#endif
