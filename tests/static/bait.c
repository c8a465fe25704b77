// SPDX-License-Identifier: GPL-2.0
/* Every static check must find something here, or it does not look (tests/static/check). */
#include <stdlib.h>

int bait(int n);

int bait(int n)
{
	int *p = malloc(sizeof(*p));

	if (p == NULL)
		return 0;
	*p = n;
	free(p);
	free(p);
	return n;
}
