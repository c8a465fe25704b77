// SPDX-License-Identifier: GPL-2.0
/* signals.c with its handlers on an alternate stack. */
#define ALTSTACK
#include "signals.c"
