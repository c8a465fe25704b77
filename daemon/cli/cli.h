/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ringprof command: verbs from one table, options from tables of each
 * verb, so that help, man page and completion can be compared with them
 * (ringprof --list prints the tables).
 *
 * A verb makes one jansson object and hands it to cli_emit with a function
 * that writes it for people; --json prints the object itself.
 */
#ifndef RINGPROF_CLI_CLI_H
#define RINGPROF_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

/* exit status; ringprof(1) documents them */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_ABSENT = 3, CLI_DENIED = 4 };

#define CLI_RUN_DIR	  "/run/ringprof-run" /* of a daemon that `make run` started (scripts/run) */
#define CLI_MAX_OPTIONS	  16
#define CLI_QUERY_SECONDS 60 /* that a question may take */

struct config;

struct cli_option {
	const char *name; /* long, without dashes; NULL ends a table */
	char letter;	  /* short form or 0 */
	const char *arg;  /* NULL: a flag */
	const char *help;
};

struct cli {
	const struct verb *verb;
	bool json;
	const char *socket;		     /* --socket, else of the settings */
	const char *url;		     /* --url, else NULL */
	const char *config_file;	     /* --config or NULL */
	const char *values[CLI_MAX_OPTIONS]; /* by row of the verb's table; "" for a flag given */
	char **args;			     /* what is left; what follows "--" too */
	int n_args;
};

struct verb {
	const char *name;
	int (*fn)(struct cli *c);
	const char *help;  /* one line */
	const char *usage; /* what follows the options in the usage line, "" none */
	const struct cli_option *options;
};

extern const struct verb verbs[]; /* name NULL ends it */
extern const struct cli_option global_options[];

/* Parses argv[0..argc) of a verb into c; 0, or CLI_USAGE + a message; *help set for --help. */
int cli_parse(struct cli *c, int argc, char **argv, bool *help);
void cli_help_verb(const struct verb *v);
/* Value of an option by name, NULL when not given. */
const char *cli_value(const struct cli *c, const char *name);

/*
 * Prints obj as JSON, or by text(obj); takes over obj's reference. CLI_OK, or a
 * status + message.
 */
int cli_emit(const struct cli *c, json_t *obj, void (*text)(const json_t *obj));
/* By text(obj): what strangers named in it, like files and services, drives no terminal. */
int cli_text(json_t *obj, void (*text)(const json_t *obj));
/* One line of what an answer of /api/v1/profile rests on: samples, cores, what is missing. */
void cli_put_totals(const json_t *o);
/* The answer of format=top as a table. CLI_OK, or a status + message. */
int top_print(const struct buf *body);

/* "ringprof: ..." on stderr; gives `status`. */
int cli_fail(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The status that says what an errno means to the caller. */
int cli_status_of(int err);

/*
 * GET path (with its query) from the daemon: by --url, the Unix socket, or
 * TCP with the credential. Body into b. 0, or an exit status + message when
 * not quiet. timeout in seconds.
 */
int client_get(const struct cli *c, const char *path, struct buf *b, long timeout, bool quiet);
/* What went wrong with the last question, also a quiet one; until the next. */
const char *client_trouble(void);
/* The same with a method; body: JSON text, NULL none. */
int client_send(const struct cli *c, const char *method, const char *path, const char *body,
		struct buf *b, long timeout, bool quiet);
/*
 * The same, the answer read as JSON (free with json_decref). Frees nothing of
 * path. 0, or an exit status + message.
 */
int client_json(const struct cli *c, const char *method, const struct buf *path, const char *body,
		long timeout, json_t **ret);
/* GET path, an answer of 200 into the file. As client_get, never quiet. */
int client_download(const struct cli *c, const char *path, FILE *to, long timeout);
/* POST of the next `size` bytes of a file; as client_json. */
int client_upload(const struct cli *c, const char *path, FILE *from, uint64_t size, long timeout,
		  json_t **ret);
/* GET any http or https URL, which need not be a daemon's. As client_get, never quiet. */
int client_fetch(const char *url, struct buf *b, long timeout);
/* Is a daemon there? */
bool client_alive(const struct cli *c);
/* Appends "?key=value" or "&key=value", nothing when value is NULL. */
void client_param(struct buf *path, const char *key, const char *value);
/* Appends text percent-encoded for a query string. */
void client_escape(struct buf *b, const char *text);

/*
 * The daemon's settings: --config, else the usual file, else the defaults after a
 * message. 0, and the caller frees them, or -errno.
 */
int cli_settings(const struct cli *c, struct config *cfg);
/*
 * Ends daemons that sample by perf events, by SIGTERM, and SIGKILL when that does
 * not do: that beside --socket, else that of the settings and that of `make run`.
 * CLI_OK after a line on stdout for each, CLI_ABSENT: there is none, without a
 * message, or a status + message.
 */
int stop_daemons(const struct cli *c);

int verb_status(struct cli *c);
int verb_start(struct cli *c);
int verb_stop(struct cli *c);
int verb_set(struct cli *c);
int verb_stats(struct cli *c);
int verb_record(struct cli *c);
int verb_query(struct cli *c);
int verb_top(struct cli *c);
int verb_symbolize(struct cli *c);
int verb_doctor(struct cli *c);
int verb_version(struct cli *c);
int verb_diff(struct cli *c);
int verb_flame(struct cli *c);
int verb_services(struct cli *c);
int verb_events(struct cli *c);
int verb_annotate(struct cli *c);
int verb_pin(struct cli *c);
int verb_unpin(struct cli *c);
int verb_pins(struct cli *c);
int verb_export(struct cli *c);
int verb_import(struct cli *c);

/* May stdout be written to in colour? A terminal, and NO_COLOR not set. */
bool cli_colour(void);
/* The escape that begins a colour, "" where there is none. */
enum cli_colour { CLI_PLAIN, CLI_RED, CLI_BLUE, CLI_GREY, CLI_GREEN, CLI_BOLD };
const char *cli_paint(enum cli_colour c);

extern const struct cli_option set_options[], stats_options[], record_options[], query_options[],
	top_options[], symbolize_options[], diff_options[], flame_options[], services_options[],
	events_options[], annotate_options[], pin_options[], export_options[];

#endif
