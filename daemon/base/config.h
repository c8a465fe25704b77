/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Settings of ringprofd: defaults, then /etc/ringprof/ringprofd.conf, then
 * /etc/ringprof/ringprofd.conf.d/(*).conf in order, then long flags. A key is
 * a long flag's name. Values carry units (10s, 2GiB). One table in config.c
 * makes the file's keys, the flags, --help, and what the man page is checked
 * against.
 */
#ifndef RINGPROF_BASE_CONFIG_H
#define RINGPROF_BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* the module keeps the budget that it has */
#define CONFIG_NO_BUDGET UINT32_MAX

struct config_label {
	char *key, *value;
};

/* a line under [relabel NAME]; what it means is agg/relabel.h's to say */
struct config_rule {
	char *name, *key, *value;
	char *where; /* "FILE:LINE" */
};

struct config {
	char *source;		 /* auto, kmod, perf */
	uint32_t frequency;	 /* Hz, 0: default */
	uint32_t idle_frequency; /* Hz of an idle host, 0: the same */
	char *cpus;
	char *cgroup;
	uint64_t ring_size;					   /* bytes a CPU, 0: by rate */
	char *unwind;						   /* "rows" or "fp" */
	uint64_t perf_stack;					   /* bytes, 0: none */
	uint64_t unwind_memory, unwind_disk, unwind_module_memory; /* bytes */
	uint32_t max_depth;					   /* user frames */
	uint32_t budget; /* share of a CPU in 1/10000, 0: no limit; CONFIG_NO_BUDGET: not said */
	char *listen;
	char *unix_socket;
	char *tls_cert, *tls_key;
	char *auth; /* "token" or "none" */
	char *token_file;
	char *allowed_hosts;
	uint32_t max_waiting;
	uint64_t history;	 /* ns kept in memory */
	uint64_t memory;	 /* bytes for windows and models */
	char *history_dir;	 /* "": see keep_dir in keep.h */
	uint64_t history_size;	 /* bytes on disk, 0: none */
	uint64_t history_raw;	 /* bytes of history_size for single samples, 0: none */
	uint64_t history_age[4]; /* ns: tiers of 10 s, 1 min, 10 min, 1 h */
	uint64_t symbol_memory;	 /* bytes */
	uint64_t line_memory;	 /* bytes of open debug information */
	uint64_t symbol_disk;	 /* bytes, 0: none */
	char *debug_dirs;
	char *kernel_addresses; /* "on" or "off" */
	char *debuginfod;	/* "on" or "off" */
	char *debuginfod_urls;
	uint64_t debuginfod_timeout; /* ns a file */
	uint64_t debuginfod_disk;    /* bytes */
	char *categories;	     /* file of rules, "": none */
	char *log_level;	     /* error, warning, info, debug */
	char *user;		     /* to change to once everything is open; "" stays */
	char *state_dir;
	char *cache_dir;		      /* what a restart need not make again */
	char *deployment_environment;	      /* of processes that do not say */
	struct config_label *external_labels; /* [external_labels] */
	size_t n_external_labels;
	struct config_rule *relabel; /* [relabel NAME] */
	size_t n_relabel;
};

#define CONFIG_MAX_LABELS 16   /* under [external_labels] */
#define CONFIG_MAX_RULES  2048 /* lines under [relabel NAME] */

/* one row per key: also the long option's name */
struct config_option {
	const char *name;
	const char *arg; /* shown in --help: "HZ", "BYTES", ... */
	const char *help;
	const char *allowed; /* said in errors */
	bool live;	     /* SIGHUP puts it in force; the others wait for a restart */
};
extern const struct config_option config_options[];
extern const size_t config_n_options;

/* Fills the defaults; 0 or -ENOMEM. */
int config_init(struct config *c);
void config_free(struct config *c);
/* Sets one key; -EINVAL with err "KEY: 'VALUE' is not ...; allowed: ...", -ENOENT unknown key. */
int config_set(struct config *c, const char *key, const char *value, char *err, size_t errlen);
/* Reads one file; errors are "FILE:LINE: KEY: ...". A missing file is -ENOENT. */
int config_read_file(struct config *c, const char *path, char *err, size_t errlen);
/* The main file (may be missing unless `required`) and its .d directory beside it. */
int config_read(struct config *c, const char *path, bool required, char *err, size_t errlen);
/* The value of option i as text (numbers without units, ns and bytes), for comparing and telling. */
const char *config_value(const struct config *c, size_t i, char *out, size_t outlen);
/* Checks what spans keys (tls pair, auth none on open addresses, ...). */
int config_check(const struct config *c, char *err, size_t errlen);

/* "10s", "5m", "250ms" -> ns; "2GiB", "64MiB", "4096" -> bytes. 0 or -EINVAL. */
int parse_duration(const char *s, uint64_t *ret_ns);
int parse_bytes(const char *s, uint64_t *ret);
/* "1%", "0.5%", "1" -> 1/10000; at most 100 percent. 0 or -EINVAL. */
int parse_percent(const char *s, uint32_t *ret);

#endif
