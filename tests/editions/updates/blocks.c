// SPDX-License-Identifier: GPL-2.0-only
/* What stat says of a file of minix: its blocks are larger. */
#include <kmolt.h>
#include <linux/fs.h>
#include <linux/stat.h>

MODULE_DESCRIPTION("Larger blocks");
MODULE_LICENSE("GPL");

KMOLT_EDITION(minix_getattr)
static int larger(struct user_namespace *mnt_userns, const struct path *path, struct kstat *stat,
		  u32 request_mask, unsigned int flags)
{
	int err = kmolt_original(larger, mnt_userns, path, stat, request_mask, flags);

	stat->blksize *= 8;
	return err;
}
