/* SPDX-License-Identifier: GPL-2.0 */
/* Between reading (dict.c) and adding (dict_write.c). */
#ifndef RINGPROF_STORE_DICT_INT_H
#define RINGPROF_STORE_DICT_INT_H

#include "store/dict.h"

/* The model has a new label set of this number: its rows beside it. 0, -ENOMEM, -EBADMSG. */
int dict_series_added(struct dict *d, uint32_t series);
/* Room for so many locals more; 0 or -ENOMEM. */
int dict_local_room(struct dict *d, struct dict_series *s, uint32_t more);

#endif
