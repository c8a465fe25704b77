/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the handlers of /api/v1 share. Parameters are strict: a misspelt one
 * must not quietly give another answer than was meant.
 */
#ifndef RINGPROF_HTTP_API_H
#define RINGPROF_HTTP_API_H

#include "http/internal.h"
#include "query/labels.h"

#define API_ERROR 640 /* room for a sentence that says what is wrong */

/* A time parameter; *ret stays when it is missing. 0, or -EINVAL with err. */
int api_time(const struct request *req, const char *key, uint64_t now, uint64_t *ret, char *err,
	     size_t errlen);
/*
 * from and until (of these names), by default the last `range` ns. 0, or
 * -EINVAL with err: reversed, or in the future.
 */
int api_range(const struct request *req, const char *from_key, const char *until_key,
	      uint64_t range, uint64_t *from, uint64_t *to, char *err, size_t errlen);
/*
 * The selector in parameter `key` into *ret (free with selector_free). 0,
 * -ENOMEM, or -EINVAL with err: wrong, or it asks for a label that no label
 * set of the history has (err suggests one).
 */
int api_selector(struct request *req, const char *key, struct selector **ret, char *err,
		 size_t errlen);
/* Is there such a label? 0, -EINVAL with err, -ENOMEM. what: the parameter that named it. */
int api_known_label(struct request *req, const char *what, const char *label, char *err,
		    size_t errlen);

/* A list of words separated by commas; the text is the caller's and is cut. */
#define API_MAX_WORDS 8
struct api_words {
	char *text;
	const char *word[API_MAX_WORDS];
	uint32_t n;
};
/* Label names in parameter `key`, none if it is missing. As api_selector; free text. */
int api_labels(struct request *req, const char *key, struct api_words *ret, char *err,
	       size_t errlen);

/* What one query of a request may use. */
struct query_limits api_limits(const struct request *req);
/*
 * History ends with the last closed window, up to ten seconds ago. For a
 * question up to `to` (wall) that reaches past that, gives it a boundary at
 * this moment; not for each one, or impatient readers would chop it to pieces.
 */
void api_freshen(const struct request *req, uint64_t to);
/* Answers what api_ and params_ functions said: 400 with err, or as reply_failed. */
void api_refuse(struct request *req, int r, const char *err);
/* The same of what the store said of pins and files: 400, 404 or 409 with err. */
void api_refuse_store(struct request *req, int r, const char *err);
/* 200 with the JSON in reply.body, compressed if the client takes it. */
void api_finish(struct request *req);
/* ,"key":"value" */
void api_key_text(struct buf *b, const char *key, const char *value);

#endif
