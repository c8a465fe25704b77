// SPDX-License-Identifier: GPL-2.0
/*
 * export_pprof: windows -> rows of numbers -> profile.proto. Collecting ends
 * before writing begins: what a limit can end must not leave half an answer
 * behind a "200 OK", and ids and texts are known when they are referred to.
 * The rows take some tens of bytes per distinct stack; the encoded profile is
 * never held.
 */
#include "export/pprof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int pprof_frame(void *arg, struct stack_merge_model *mm, uint32_t frame, uint32_t *ret,
		       uint32_t *n)
{
	/* an entry without any frame: cut short before the first one */
	static const struct model_object none = { .kind = FRAME_MARK, .name = "", .build_id = "" };
	const struct model_frame *f;

	*n = 1;
	if (frame == STACK_MERGE_NO_FRAME)
		return pprof_location(arg, &none, MARK_END, ret);
	f = model_frame(mm->model, frame);
	return pprof_location(arg, model_object(mm->model, f->object), f->off, ret);
}

static int intern_labels(struct pprof *p, const struct pprof_labels *l, uint32_t *ret)
{
	uint64_t hash = hash_mix((uint64_t)l->service << 32 | (uint32_t)l->cpu,
				 (uint64_t)(uint32_t)l->pid << 32 | (uint32_t)l->tid);
	uint32_t i;

	HMAP_FOR_EACH (&p->label_index, hash, it, i) {
		if (!memcmp(&p->labels[i], l, sizeof(*l))) {
			*ret = i;
			return 0;
		}
	}
	if (BUDGET_ROOM(&p->budget, p->labels, p->cap_labels, (uint64_t)p->n_labels + 1) ||
	    budget_hmap_insert(&p->budget, &p->label_index, hash, p->n_labels))
		return -ENOMEM;
	p->labels[p->n_labels] = *l;
	*ret = p->n_labels++;
	return 0;
}

static int service_text(struct pprof *p, const struct model *m, uint32_t series, uint32_t *ret)
{
	const struct model_series *s = model_series(m, series);
	uint32_t max = sizeof(s->labels) / sizeof(s->labels[0]);

	*ret = 0;
	if (p->opt->no_service_label)
		return 0;
	for (uint32_t i = 0; i < s->n && i < max; i++)
		if (!strcmp(s->labels[i].key, "service_name"))
			return budget_text(&p->budget, p->strings, s->labels[i].value, ret);
	return 0;
}

/* Label set of a thread without its CPU; remembered per thread, 0 not known yet. */
static int thread_labels(struct pprof *p, struct stack_merge_model *mm, uint32_t thread,
			 uint32_t *ret)
{
	const struct model_thread *t;
	const struct model_proc *proc;
	struct pprof_labels l = { .pid = -1, .tid = -1, .cpu = -1 };
	uint32_t *known;
	int r;

	known = mm->by_thread + thread; /* match_thread has checked the number */
	if (*known) {
		*ret = *known - 1;
		return 0;
	}
	t = model_thread(mm->model, thread);
	proc = model_proc(mm->model, t->proc);
	if (p->opt->label_pid)
		l.pid = proc->pid;
	if (p->opt->label_tid)
		l.tid = t->tid;
	r = service_text(p, mm->model, proc->series, &l.service);
	if (!r)
		r = intern_labels(p, &l, ret);
	if (!r)
		*known = *ret + 1;
	return r;
}

static int add_sample(struct pprof *p, uint32_t path, uint32_t labels, uint64_t count,
		      uint64_t weight)
{
	uint64_t hash = hash_mix(path, labels);
	uint32_t i;

	p->mappings[p->locations[p->merge.paths.p[path].key].mapping].self += weight;
	HMAP_FOR_EACH (&p->sample_index, hash, it, i) {
		struct pprof_sample *s = &p->samples[i];

		if (s->path != path || s->labels != labels)
			continue;
		s->count += count;
		s->weight += weight;
		return 0;
	}
	if (BUDGET_ROOM(&p->budget, p->samples, p->cap_samples, (uint64_t)p->n_samples + 1) ||
	    budget_hmap_insert(&p->budget, &p->sample_index, hash, p->n_samples))
		return -ENOMEM;
	p->samples[p->n_samples++] = (struct pprof_sample){
		.path = path, .labels = labels, .count = count, .weight = weight
	};
	return 0;
}

static int pprof_entry(void *arg, struct stack_merge_model *mm, const struct window_entry *e,
		       uint32_t path)
{
	struct pprof *p = arg;
	uint32_t labels;
	int r = thread_labels(p, mm, e->thread, &labels);

	if (!r && p->opt->label_cpu) {
		struct pprof_labels l = p->labels[labels];

		l.cpu = e->cpu;
		r = intern_labels(p, &l, &labels);
	}
	return r ? r : add_sample(p, path, labels, e->count, e->weight);
}

static int add_losses(struct pprof *p)
{
	static const struct model_object marks = { .kind = FRAME_MARK, .name = "", .build_id = "" };
	static const struct pprof_labels bare = { .pid = -1, .tid = -1, .cpu = -1 };
	const struct window_loss *losses = p->merge.losses;
	uint32_t n = p->merge.n_losses, labels;
	int r = n ? intern_labels(p, &bare, &labels) : 0;

	for (uint32_t i = 0; !r && i < n; i++) {
		uint32_t loc, path;

		if (!losses[i].count && !losses[i].weight)
			continue;
		r = pprof_location(p, &marks, losses[i].mark, &loc);
		if (!r)
			r = paths_child(&p->merge.paths, &p->budget, 0, loc, &path);
		if (!r)
			r = add_sample(p, path, labels, losses[i].count, losses[i].weight);
	}
	return r;
}

static int collect(struct pprof *p, const struct query_input *in)
{
	int r = stack_merge_init(&p->merge);

	if (!r)
		r = stack_merge_input(&p->merge, p->env, in);
	if (!r && selector_is_all(p->merge.sel))
		r = add_losses(p);
	return r ? r : pprof_finish_mappings(p);
}

static void pprof_free(struct pprof *p)
{
	stack_merge_free(&p->merge);
	strtab_free(p->strings);
	hmap_free(&p->function_index);
	hmap_free(&p->mapping_index);
	hmap_free(&p->location_index);
	hmap_free(&p->label_index);
	hmap_free(&p->sample_index);
	free(p->functions);
	free(p->lines);
	free(p->mappings);
	free(p->locations);
	free(p->labels);
	free(p->samples);
	free(p->order);
	free(p);
}

int export_pprof(const struct query_env *env, const struct query_input *in,
		 const struct selector *sel, const struct pprof_options *opt,
		 const struct query_limits *lim, struct sink out)
{
	static const struct pprof_options plain;
	struct pprof *p = calloc(1, sizeof(*p));
	int r = -ENOMEM;

	if (!p)
		return r;
	p->env = env;
	p->opt = opt ? opt : &plain;
	p->strings = strtab_new();
	budget_init(&p->budget, lim);
	p->merge = (struct stack_merge){ .budget = &p->budget,
					 .sel = sel,
					 .frame = pprof_frame,
					 .entry = pprof_entry,
					 .arg = p };
	if (p->strings)
		r = collect(p, in);
	if (!r)
		r = pprof_write(p, out);
	pprof_free(p);
	return r;
}
