// SPDX-License-Identifier: GPL-2.0
#include "query/resolve.h"

#include <string.h>

static void mend_line(struct sym_line *l)
{
	if (!l->name || !*l->name)
		l->name = "[unnamed]";
	if (!l->system_name || !*l->system_name)
		l->system_name = l->name;
	if (!l->file)
		l->file = "";
}

static void resolve_live(const struct query_env *env, const struct model_object *o, uint64_t off,
			 uint64_t *line_ns, struct sym_answer *ret)
{
	if (o->jit)
		symbols_resolve_jit(env->symbols, o->jit, o->jit_version, off, ret);
	else
		symbols_resolve_within(env->symbols, o->kind,
				       o->kind == FRAME_USER ? o->file : NULL, off, line_ns, ret);
}

void query_resolve(const struct query_env *env, const struct model_object *o, uint64_t off,
		   uint64_t *line_ns, struct sym_answer *ret)
{
	ret->n = 0;
	ret->unsettled = false;
	ret->module[0] = '\0';
	/* what a file of the history holds may be of a program that is gone */
	if (!o->stored || !stored_name(o->stored, off, ret))
		resolve_live(env, o, off, line_ns, ret);
	if (!ret->n) {
		memset(&ret->lines[0], 0, sizeof(ret->lines[0]));
		ret->n = 1;
	}
	if (ret->n > SYM_MAX_LINES)
		ret->n = SYM_MAX_LINES;
	if (env->view.no_inlines && ret->n > 1) {
		ret->lines[0] = ret->lines[ret->n - 1];
		ret->n = 1;
	}
	for (uint32_t i = 0; i < ret->n; i++)
		mend_line(&ret->lines[i]);
	ret->module[sizeof(ret->module) - 1] = '\0';
}

bool query_vaddr(const struct model_object *o, uint64_t off, uint64_t *ret)
{
	if (o->stored)
		return stored_vaddr(o->stored, off, ret);
	return o->kind == FRAME_USER && o->file && file_vaddr(o->file, off, ret);
}
