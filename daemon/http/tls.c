// SPDX-License-Identifier: GPL-2.0
/*
 * The certificate and its key. libmicrohttpd only says "no" to a bad pair, so
 * the pair is tried here first, for a message that names the file. At start,
 * one thread.
 */
#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

#include "http/internal.h"

#define MAX_PEM (1U << 20)

static int read_pem(struct buf *b, const char *key, const char *path, char *err, size_t errlen)
{
	int r = buf_read_file(b, path, MAX_PEM);

	if (r)
		snprintf(err, errlen, "%s %s: %s", key, path, strerror(-r));
	return r;
}

static int try_pair(const struct http_server *s, char *err, size_t errlen)
{
	gnutls_datum_t cert = { (void *)s->cert.data, (unsigned int)s->cert.len };
	gnutls_datum_t key = { (void *)s->key.data, (unsigned int)s->key.len };
	gnutls_certificate_credentials_t cred;
	int r = gnutls_certificate_allocate_credentials(&cred);

	if (r)
		return -ENOMEM;
	r = gnutls_certificate_set_x509_key_mem(cred, &cert, &key, GNUTLS_X509_FMT_PEM);
	gnutls_certificate_free_credentials(cred);
	if (r >= 0)
		return 0;
	snprintf(err, errlen,
		 "tls-cert %s, tls-key %s: %s; allowed: PEM files that belong together",
		 s->cfg.tls_cert, s->cfg.tls_key, gnutls_strerror(r));
	return -EINVAL;
}

int tls_load(struct http_server *s, char *err, size_t errlen)
{
	bool cert = s->cfg.tls_cert && *s->cfg.tls_cert, key = s->cfg.tls_key && *s->cfg.tls_key;
	int r;

	if (!cert && !key)
		return 0;
	if (!cert || !key) {
		snprintf(err, errlen, "tls-cert and tls-key: only one of them is set; set both");
		return -EINVAL;
	}
	r = read_pem(&s->cert, "tls-cert", s->cfg.tls_cert, err, errlen);
	if (!r)
		r = read_pem(&s->key, "tls-key", s->cfg.tls_key, err, errlen);
	return r ? r : try_pair(s, err, errlen);
}
