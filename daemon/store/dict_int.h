/* SPDX-License-Identifier: GPL-2.0 */
/* Between reading (dict.c), adding (dict_write.c) and what files have of it (dict_files.c). */
#ifndef RINGPROF_STORE_DICT_INT_H
#define RINGPROF_STORE_DICT_INT_H

#include "store/dict.h"

/* The model has a new label set of this number: its rows beside it. 0, -ENOMEM, -EBADMSG. */
int dict_series_added(struct dict *d, uint32_t series);
/* Is o, with that key, the object that the model has? */
bool dict_same_object(const struct model_object *have, const struct model_object *o,
		      const struct stored_key *key);
/* The file has all that there is. */
void dict_mark_all(struct dict *d, unsigned int file);
/* A frame has got a name: no file has it. 0 or -ENOMEM. */
int dict_named(struct dict *d, uint32_t frame);
/* All was read from file 0, the others have nothing. 0 or -ENOMEM. */
int dict_mark_read(struct dict *d);
/* Room for so many locals more; 0 or -ENOMEM. */
int dict_local_room(struct dict *d, struct dict_series *s, uint32_t more);

#endif
