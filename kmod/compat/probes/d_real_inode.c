// SPDX-License-Identifier: GPL-2.0
/* 4.8: the inode below an overlay */
#include <linux/dcache.h>
struct inode *probe(struct dentry *dentry);
struct inode *probe(struct dentry *dentry)
{
	return d_real_inode(dentry);
}
