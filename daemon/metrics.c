// SPDX-License-Identifier: GPL-2.0
/*
 * Every counter of module and daemon as Prometheus text. The HTTP server adds
 * its own, and CPU seconds per service.
 */
#include "metrics.h"
#include "keep.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <linux/ringprof.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "http/metrics.h"
#include "source/control.h"
#include "sym/jit.h"

/* all that the aggregator tells apart */
#define METRIC_BINARIES 256

static void one(struct buf *b, const char *name, const char *type, const char *help, uint64_t v)
{
	metrics_family(b, name, type, help);
	metrics_u64(b, name, v, NULL);
}

static void counter(struct buf *b, const char *name, const char *help, uint64_t v)
{
	one(b, name, METRIC_COUNTER, help, v);
}

static void gauge(struct buf *b, const char *name, const char *help, uint64_t v)
{
	one(b, name, METRIC_GAUGE, help, v);
}

static void seconds(struct buf *b, const char *name, const char *type, const char *help,
		    uint64_t ns)
{
	metrics_family(b, name, type, help);
	metrics_ns(b, name, ns, NULL);
}

/* One family tells what every period of the timer came to. */
static void write_samples(struct buf *b, const struct source_counters *c, uint64_t memory)
{
	static const char name[] = "ringprof_samples_total";
	const struct {
		const char *reason;
		uint64_t n;
	} other[] = {
		{ "timer never fired", c->missed },
		{ "no reader", c->detached },
		{ "queue full", c->lost_samples },
		{ "out of memory", memory },
	};

	metrics_family(b, name, METRIC_COUNTER, "What the periods of the sampling timers came to.");
	for (unsigned int i = 0; i < __RINGPROF_OUT_MAX; i++) {
		bool lost = i >= RINGPROF_LOST_RING_FULL;

		metrics_u64(b, name, c->outcome[i], "outcome",
			    lost ? "lost" : control_outcome_name(i), "reason",
			    lost ? control_outcome_name(i) : "", NULL);
	}
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		metrics_u64(b, name, other[i].n, "outcome", "lost", "reason", other[i].reason,
			    NULL);
}

static void write_source(struct buf *b, const struct collector_status *s)
{
	const struct source_counters *c = &s->counters;

	gauge(b, "ringprof_source_running", "1 while a source delivers samples.", s->running);
	metrics_family(b, "ringprof_source_info", METRIC_GAUGE, "The source in use.");
	metrics_u64(b, "ringprof_source_info", 1, "source", s->info.name ? s->info.name : "none",
		    "module_version", s->info.module_version, NULL);
	seconds(b, "ringprof_sample_period_seconds", METRIC_GAUGE, "CPU time a sample stands for.",
		s->info.unit == RINGPROF_UNIT_NS ? s->info.period : 0);
	counter(b, "ringprof_governor_changes_total",
		"Times the module's governor was seen to have lowered or raised the rate.",
		s->governor.changes);
	gauge(b, "ringprof_governor_slowdown",
	      "The rate asked for, in rates in force; over 1: the governor has lowered it.",
	      s->governor.slowdown);
	gauge(b, "ringprof_sampled_cpus", "CPUs that are sampled.", s->info.cpus);
	counter(b, "ringprof_overflows_total", "Runs of the sampler.", c->calls);
	counter(b, "ringprof_ring_bytes_total", "Bytes written to the rings.", c->bytes);
	counter(b, "ringprof_chain_hits_total", "Samples whose whole chain was known.",
		c->chain_hits);
	counter(b, "ringprof_trie_nodes_total", "Call trie nodes written.", c->nodes);
	counter(b, "ringprof_frames_total", "Frames walked.", c->frames);
	counter(b, "ringprof_node_limit_samples_total",
		"Samples whose process had used up its trie nodes.", c->node_limit_hits);
	seconds(b, "ringprof_handler_seconds_total", METRIC_COUNTER, "Time spent in the sampler.",
		c->handler_ns);
	counter(b, "ringprof_ring_corrupt_bytes_total", "Ring bytes dropped as impossible.",
		c->corrupt);
	counter(b, "ringprof_sideband_records_total", "Side-band records read.",
		c->sideband_records);
	counter(b, "ringprof_sideband_lost_total", "Side-band records lost by the kernel.",
		c->sideband_lost);
	counter(b, "ringprof_late_events_total", "Events that came after their time.", c->late);
	counter(b, "ringprof_source_reopens_total", "Times the source was opened again.",
		s->reopens);
	seconds(b, "ringprof_behind_seconds", METRIC_GAUGE,
		"How far the record ends before now; over a second or two the daemon gets too "
		"little CPU.",
		collector_behind(s));
	counter(b, "ringprof_rounds_total", "Drains of the source.", s->rounds);
	seconds(b, "ringprof_round_seconds_total", METRIC_COUNTER, "Time spent in drains.",
		s->round_ns);
	gauge(b, "ringprof_source_bytes", "Memory of the source.", s->source_bytes);
}

/* Rows walked against frame pointers, and where the rows come from and go to. */
static void write_unwind(struct buf *b, const struct collector_status *s)
{
	static const char frames[] = "ringprof_unwind_frames_total";
	const uint64_t *u = s->counters.unwind;
	const struct tables_counters *t = &s->unwinder.tables;
	const struct handover_counters *h = &s->unwinder.handover;

	metrics_family(b, frames, METRIC_COUNTER, "User frames stepped over, and by what.");
	metrics_u64(b, frames, u[RINGPROF_UNW_ROW_FRAMES], "by", "rows", NULL);
	metrics_u64(b, frames, u[RINGPROF_UNW_FP_FRAMES], "by", "fp", NULL);
	counter(b, "ringprof_unwind_known_samples_total",
		"Samples whose address space was known with its unwind rows.",
		u[RINGPROF_UNW_MM_KNOWN]);
	counter(b, "ringprof_unwind_new_samples_total",
		"Samples walked by frame pointers: rows or mappings were not there yet.",
		u[RINGPROF_UNW_MM_NEW]);
	gauge(b, "ringprof_unwind_stack_bytes", "perf source: user stack copied a sample.",
	      s->info.perf_stack);
	gauge(b, "ringprof_unwind_tables", "Files whose unwind rows are ready.", t->ready);
	gauge(b, "ringprof_unwind_tables_queued", "Files that wait for theirs.", t->queued);
	gauge(b, "ringprof_unwind_table_bytes", "Memory of unwind rows.", t->bytes);
	gauge(b, "ringprof_unwind_disk_bytes", "Unwind rows kept in the cache directory.",
	      t->disk_bytes);
	metrics_family(b, "ringprof_unwind_rows", METRIC_GAUGE,
		       "Unwind rows, by what they were made of.");
	for (unsigned int i = 0; i < ROWS_ORIGINS; i++)
		metrics_u64(b, "ringprof_unwind_rows", t->rows_by[i], "origin", rows_origin_name(i),
			    NULL);
	gauge(b, "ringprof_unwind_opaque_rows", "Rows for what no row can express.",
	      t->opaque_rows);
	counter(b, "ringprof_unwind_compiled_total", "Files whose rows were compiled.",
		t->compiled);
	counter(b, "ringprof_unwind_from_disk_total", "Files whose rows came from the disk.",
		t->from_cache);
	counter(b, "ringprof_unwind_failed_total", "Files whose rows could not be had.", t->failed);
	seconds(b, "ringprof_unwind_compile_seconds_total", METRIC_COUNTER,
		"Time spent compiling rows.", t->compile_ns);
	counter(b, "ringprof_unwind_waits_total", "Times samples were held back for rows.",
		s->unwinder.waits);
	seconds(b, "ringprof_unwind_wait_seconds_total", METRIC_COUNTER,
		"Time samples were held back for rows.", s->unwinder.wait_ns);
	counter(b, "ringprof_unwind_sent_tables_total", "Tables given to the module.", h->sent);
	counter(b, "ringprof_unwind_sent_bytes_total", "Their bytes.", h->bytes);
	counter(b, "ringprof_unwind_refused_tables_total", "Tables that the module refused.",
		h->refused);
	gauge(b, "ringprof_unwind_absent_tables",
	      "Tables given to the module that it has no room for now.", h->absent);
	counter(b, "ringprof_unwind_evicted_tables_total",
		"Tables given to the module that were found gone.", h->evicted);
	counter(b, "ringprof_unwind_tables_again_total",
		"Tables given once more: samples missed them, and there was room or use for them.",
		h->again);
	counter(b, "ringprof_unwind_tables_kept_out_total",
		"Decisions not to: the tables there are used more (unwind-module-memory).",
		h->kept_out);
}

static void write_module_unwind(struct buf *b, const struct collector_status *s)
{
	const uint64_t *u = s->counters.unwind;

	counter(b, "ringprof_module_address_spaces_total", "Address spaces the module has read.",
		u[RINGPROF_UNW_MM_WALKS]);
	counter(b, "ringprof_module_address_spaces_failed_total",
		"Address spaces that were gone, or had no room.", u[RINGPROF_UNW_MM_WALKS_FAILED]);
	counter(b, "ringprof_module_address_spaces_evicted_total",
		"Address spaces forgotten: the limit was reached.", u[RINGPROF_UNW_MM_EVICTED]);
	counter(b, "ringprof_module_address_spaces_late_total",
		"Address spaces read later than 2 ms after their first sample.",
		u[RINGPROF_UNW_MM_LATE]);
	counter(b, "ringprof_module_tables_total", "Tables taken in by the module.",
		u[RINGPROF_UNW_TABLES]);
	counter(b, "ringprof_module_tables_evicted_total",
		"Tables the module dropped to keep its memory limit.",
		u[RINGPROF_UNW_TABLES_EVICTED]);
}

/* Where stacks break off: what to look at when unwind information is missing or wrong. */
static void write_truncated(struct buf *b, struct agg *a)
{
	static const char name[] = "ringprof_truncated_stacks_total";
	cleanup_free struct agg_binary *rows = calloc(METRIC_BINARIES, sizeof(*rows));
	size_t n = rows ? agg_binaries(a, rows, METRIC_BINARIES) : 0;

	metrics_family(b, name, METRIC_COUNTER,
		       "Stacks without their root, by the binary where they end.");
	for (size_t i = 0; i < n; i++)
		for (unsigned int e = 1; e < __RINGPROF_END_MAX; e++)
			if (rows[i].ends[e])
				metrics_u64(b, name, rows[i].ends[e], "binary", rows[i].path, "end",
					    control_end_name(e), NULL);
}

static void write_agg(struct buf *b, const struct agg_counters *c)
{
	static const char name[] = "ringprof_stacks_total";

	metrics_family(b, name, METRIC_COUNTER, "Stacks by how they end.");
	metrics_u64(b, name, c->stacks_whole, "end", "whole", NULL);
	for (unsigned int i = 0; i < __RINGPROF_END_MAX; i++)
		metrics_u64(b, name, c->stacks_truncated[i], "end", control_end_name(i), NULL);
	counter(b, "ringprof_windows_total", "Windows closed.", c->windows);
	counter(b, "ringprof_stack_cache_hits_total", "Samples whose stack was known as a whole.",
		c->cache_hits);
	counter(b, "ringprof_unmapped_frames_total", "New frames in no known mapping.",
		c->no_mapping);
	counter(b, "ringprof_unopened_frames_total", "New frames in files that cannot be opened.",
		c->no_file);
	counter(b, "ringprof_series_other_total", "Processes counted as service \"other\".",
		c->series_other);
	counter(b, "ringprof_label_limit_total", "Labels left out of a set: too many.",
		c->labels_full);
	counter(b, "ringprof_relabel_dropped_samples_total",
		"Samples of processes that a rule drops.", c->relabel_dropped);
	seconds(b, "ringprof_relabel_dropped_cpu_seconds_total", METRIC_COUNTER,
		"CPU time of processes that a rule drops.", c->relabel_dropped_weight);
	counter(b, "ringprof_relabel_failures_total",
		"Times that a rule gave up: its match took too long, or its result was.",
		c->relabel_failures);
	counter(b, "ringprof_models_total", "Stack tables started.", c->models);
	counter(b, "ringprof_late_samples_total", "Samples older than the open window.", c->late);
	counter(b, "ringprof_early_windows_total", "Windows ended early by a limit.",
		c->early_ends);
	counter(b, "ringprof_service_limit_total", "Names not kept for statistics: limit reached.",
		c->names_full);
	counter(b, "ringprof_services_reused_total",
		"Services without processes that made room for a new one; their numbers went to "
		"\"other\".",
		c->services_reused);
	gauge(b, "ringprof_model_bytes", "Memory of the stack tables in use.", c->model_bytes);
}

static void write_store(struct buf *b, struct store *store)
{
	struct store_counters c;

	store_counters(store, &c);
	gauge(b, "ringprof_history_windows", "Windows in memory.", c.windows);
	gauge(b, "ringprof_history_bytes", "Memory of windows and their stack tables.", c.bytes);
	seconds(b, "ringprof_history_oldest_timestamp_seconds", METRIC_GAUGE,
		"Begin of the oldest window, unix time; 0: none.", c.oldest_wall);
	metrics_family(b, "ringprof_history_dropped_windows_total", METRIC_COUNTER,
		       "Windows dropped, and why.");
	metrics_u64(b, "ringprof_history_dropped_windows_total", c.dropped_by_age, "reason", "age",
		    NULL);
	metrics_u64(b, "ringprof_history_dropped_windows_total", c.dropped_by_budget, "reason",
		    "budget", NULL);
	keep_metrics(b, store);
}

static void write_processes(struct buf *b, const struct ptable_counters *c)
{
	gauge(b, "ringprof_processes", "Processes known.", c->processes);
	gauge(b, "ringprof_mappings", "Executable mappings known.", c->mappings);
	gauge(b, "ringprof_process_table_bytes", "Memory of the process table.", c->bytes);
	counter(b, "ringprof_process_scans_total", "Reads of a process from /proc.", c->scans);
	counter(b, "ringprof_process_vanished_total", "Processes gone while they were read.",
		c->vanished);
	counter(b, "ringprof_process_evicted_total", "Processes dropped by the limit.", c->evicted);
	counter(b, "ringprof_process_limit_total", "Labels or mappings not kept: limit reached.",
		c->limit_hits);
	counter(b, "ringprof_process_texts_renewed_total",
		"Times that names of processes that are gone were let go.", c->compactions);
	counter(b, "ringprof_process_stubs_total", "Sampled processes that were gone already.",
		c->stubs);
}

static void write_lines(struct buf *b, const struct symbols_counters *s)
{
	static const char failed[] = "ringprof_debug_files_refused_total";

	gauge(b, "ringprof_answer_bytes", "Memory of names given to addresses lately.",
	      s->answer_bytes);
	counter(b, "ringprof_answer_hits_total", "Addresses whose names were at hand.",
		s->answer_hits);
	gauge(b, "ringprof_debug_files", "Files whose debug information is open.", s->line_files);
	gauge(b, "ringprof_debug_bytes", "Memory of open debug information.", s->line_bytes);
	counter(b, "ringprof_debug_loads_total", "Times that debug information was opened.",
		s->line_loads);
	counter(b, "ringprof_debug_evictions_total",
		"Debug information closed for the sake of other files'.", s->line_evictions);
	counter(b, "ringprof_answers_without_lines_total",
		"Frames answered before their lines were read.", s->without_lines);
	counter(b, "ringprof_lines_dropped_total",
		"Of them, frames whose lines are not read for the next answer: too many wait.",
		s->line_dropped);
	metrics_family(b, failed, METRIC_COUNTER, "Debug information given up, and why.");
	metrics_u64(b, failed, s->line_too_large, "reason", "over the limit", NULL);
	metrics_u64(b, failed, s->line_damaged, "reason", "damaged", NULL);
}

static void write_debuginfod(struct buf *b, const struct debuginfod_counters *c)
{
	static const char files[] = "ringprof_debuginfod_files_total";

	metrics_family(b, files, METRIC_COUNTER, "Debug files asked for, and what came.");
	metrics_u64(b, files, c->came, "result", "came", NULL);
	metrics_u64(b, files, c->not_found, "result", "not found", NULL);
	metrics_u64(b, files, c->failed, "result", "failed", NULL);
	metrics_u64(b, files, c->refused, "result", "another file", NULL);
	metrics_u64(b, files, c->dropped, "result", "too many waiting", NULL);
	gauge(b, "ringprof_debuginfod_waiting", "Debug files to be asked for.", c->waiting);
	gauge(b, "ringprof_debuginfod_bytes", "Debug files from servers that are kept.", c->bytes);
	counter(b, "ringprof_debuginfod_evictions_total", "Such files removed by the limit.",
		c->evicted);
}

static void write_symbol_cache(struct buf *b, const struct files_counters *f)
{
	gauge(b, "ringprof_symbol_mapped_bytes", "Symbol tables mapped from the cache directory.",
	      f->mapped_bytes);
	gauge(b, "ringprof_symbol_disk_bytes", "Symbol tables in the cache directory.",
	      f->cache_bytes);
	counter(b, "ringprof_symbol_from_disk_total", "Symbol tables that came from there.",
		f->cache_loads);
	counter(b, "ringprof_symbol_disk_evictions_total", "And were removed by the limit.",
		f->cache_evicted);
	counter(b, "ringprof_symbol_disk_errors_total",
		"Times that one could not be read, written or believed.", f->cache_errors);
}

static void write_symbols(struct buf *b, const struct metrics_env *env)
{
	struct files_counters f;
	struct symbols_counters s;

	files_counters(env->files, &f);
	symbols_counters(env->symbols, &s);
	gauge(b, "ringprof_files", "Files with code known.", f.files);
	gauge(b, "ringprof_symbol_bytes", "Memory of symbol tables.", f.symbol_bytes);
	gauge(b, "ringprof_kernel_symbols", "Kernel symbols known.", s.kernel_symbols);
	counter(b, "ringprof_symbol_loads_total", "Symbol tables read.", f.loads);
	counter(b, "ringprof_symbol_load_failures_total", "Symbol tables that could not be read.",
		f.load_failures);
	gauge(b, "ringprof_kernel_addresses_hidden", "1 while kallsyms shows no addresses.",
	      s.kernel_hidden);
	counter(b, "ringprof_symbol_evictions_total", "Symbol tables dropped by the limit.",
		f.evictions);
	counter(b, "ringprof_file_open_failures_total", "Mapped files that could not be opened.",
		f.open_failures);
	counter(b, "ringprof_file_open_given_up_total",
		"Mapped files not waited for any longer: their file system hangs.",
		f.open_given_up);
	gauge(b, "ringprof_files_closing",
	      "Files that are not closed yet: many, and for long, if their file system hangs.",
	      f.closing);
	counter(b, "ringprof_bad_elf_total", "Mapped files that are no sound ELF.", f.bad_elf);
	counter(b, "ringprof_resolved_frames_total", "Frames named.", s.resolved);
	counter(b, "ringprof_unnamed_frames_total", "Frames without a symbol.", s.unnamed);
	gauge(b, "ringprof_name_bytes", "Memory of names.", s.name_bytes);
	write_lines(b, &s);
	write_symbol_cache(b, &f);
	write_debuginfod(b, &s.debuginfod);
	counter(b, "ringprof_names_put_off_total",
		"Times that a mangled name was asked for and nobody could make it readable.",
		s.put_off);
	counter(b, "ringprof_name_limit_total", "Names not kept: limit reached.", s.limit_hits);
}

static void write_jit(struct buf *b, struct jit *jit)
{
	static const char refused[] = "ringprof_jit_files_refused_total";
	struct jit_counters c;

	if (!jit)
		return;
	jit_counters(jit, &c);
	gauge(b, "ringprof_jit_processes", "Processes known to run code of their own making.",
	      c.processes);
	gauge(b, "ringprof_jit_tables", "Tables of such code, of live processes or in use.",
	      c.tables);
	gauge(b, "ringprof_jit_symbols", "Pieces of such code known.", c.code);
	gauge(b, "ringprof_jit_bytes", "Memory of the tables.", c.bytes);
	counter(b, "ringprof_jit_lines_total", "Lines taken from perf maps.", c.lines);
	counter(b, "ringprof_jit_records_total", "Records taken from jitdumps.", c.records);
	counter(b, "ringprof_jit_bad_records_total", "Lines and records that make no sense.",
		c.bad_lines);
	counter(b, "ringprof_jit_limit_total", "Pieces of code left out: limit reached.", c.full);
	counter(b, "ringprof_jit_evictions_total", "Tables emptied by the limit.", c.evicted);
	counter(b, "ringprof_jit_late_total",
		"Pieces of code that replaced others and were told of after their samples.",
		c.late);
	counter(b, "ringprof_jit_reads_total", "Readings of perf maps and jitdumps.", c.reads);
	counter(b, "ringprof_jit_waits_total", "Times the collector waited for one.", c.waits);
	seconds(b, "ringprof_jit_wait_seconds_total", METRIC_COUNTER, "And how long.", c.wait_ns);
	metrics_family(b, refused, METRIC_COUNTER, "Perf maps and jitdumps not read, and why.");
	for (unsigned int i = 0; i < JIT_REFUSALS; i++)
		metrics_u64(b, refused, c.refused[i], "reason", jit_refusal_name(i), NULL);
}

static void write_self(struct buf *b, uint64_t started)
{
	struct rusage u;
	uint64_t ns;

	getrusage(RUSAGE_SELF, &u);
	ns = (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NSEC_PER_SEC +
	     (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
	seconds(b, "process_cpu_seconds_total", METRIC_COUNTER, "CPU time of the daemon.", ns);
	seconds(b, "process_start_time_seconds", METRIC_GAUGE, "Start of the daemon, unix time.",
		started ? (uint64_t)((int64_t)started + wall_offset()) : 0);
}

void metrics_write(const struct metrics_env *env, bool names, struct buf *b)
{
	struct collector_status s;
	struct agg_counters a;

	collector_status(env->collector, &s);
	agg_counters(collector_agg(env->collector), &a);
	write_samples(b, &s.counters, a.no_memory);
	write_source(b, &s);
	write_unwind(b, &s);
	write_module_unwind(b, &s);
	write_agg(b, &a);
	if (names)
		write_truncated(b, collector_agg(env->collector));
	write_store(b, env->store);
	write_processes(b, &s.ptable);
	write_symbols(b, env);
	reading_metrics(&env->readings, b);
	write_jit(b, symbols_jit(env->symbols));
	write_self(b, s.started);
}
