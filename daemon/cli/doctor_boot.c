// SPDX-License-Identifier: GPL-2.0
/*
 * Does this kernel want signed modules, and does it trust the key that dkms
 * signs with? A key enrolled at boot is in the list that shim hands over, as
 * the certificate's bytes among others.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "cli/doctor.h"

#define EFIVARS	  "/sys/firmware/efi/efivars/"
#define MAX_CERT  (64U << 10)
#define MAX_LIST  (1U << 20)
#define DKMS_CERT "/var/lib/dkms/mok.pub"

/* The certificate that dkms signs with; Ubuntu's dkms uses shim's. NULL: none yet. */
static const char *certificate(struct buf *b)
{
	static const char *const places[] = { DKMS_CERT, "/var/lib/shim-signed/mok/MOK.der" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (!buf_read_file(b, places[i], MAX_CERT) && b->len)
			return places[i];
	return NULL;
}

static bool trusted(const struct buf *cert)
{
	static const char *const lists[] = {
		"/sys/firmware/efi/mok-variables/MokListRT",
		EFIVARS "MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23",
	};
	bool yes = false;

	for (size_t i = 0; i < ARRAY_SIZE(lists) && !yes; i++) {
		struct buf list = { 0 };

		yes = !buf_read_file(&list, lists[i], MAX_LIST) &&
		      memmem(list.data, list.len, cert->data, cert->len);
		buf_free(&list);
	}
	return yes;
}

/* why: what makes this kernel ask for signatures */
static void found_key(struct finding *f, const char *why)
{
	struct buf cert = { 0 };
	const char *path = certificate(&cert);

	if (!path)
		found(f, "warning", "apt-get install ringprof-dkms, or make dkms-install",
		      "%s: modules must be signed, and dkms has no key yet (its first build makes "
		      "one)",
		      why);
	else if (!trusted(&cert)) {
		found(f, "warning", "",
		      "%s: modules must be signed, and this machine does not trust %s: the "
		      "module will be refused until it is enrolled (asks for a password, again at "
		      "the next boot)",
		      why, path);
		snprintf(f->fix, sizeof(f->fix), "mokutil --import %s && reboot", path);
	} else {
		found(f, "ok", "", "%s: the key that dkms signs with is enrolled", why);
	}
	buf_free(&cert);
}

void check_lockdown(struct finding *f)
{
	char line[128] = "";

	if (!read_line("/sys/kernel/security/lockdown", line, sizeof(line)) || strstr(line, "[none"
											    "]"))
		found(f, "ok", "", "none");
	else if (strstr(line, "[confidentiality]"))
		found(f, "bad", "",
		      "confidentiality: neither perf events nor the module may read stacks");
	else
		found_key(f, "integrity");
}

void check_secure_boot(struct finding *f)
{
	static const char var[] = EFIVARS "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
	char enforce[8] = "";
	unsigned char b[5];
	cleanup_close int fd = open(var, O_RDONLY | O_CLOEXEC);

	/* four bytes of attributes stand before the value */
	if (fd >= 0 && read(fd, b, sizeof(b)) == (ssize_t)sizeof(b) && b[4])
		found_key(f, "on");
	else if (read_line("/sys/module/module/parameters/sig_enforce", enforce, sizeof(enforce)) &&
		 *enforce == 'Y')
		found_key(f, "off, but module.sig_enforce is set");
	else
		found(f, "ok", "", "off");
}
