/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /sys/kernel/kmolt: what is going on, one value a file, for reading only.
 * docs/abi.md lists the files.
 *
 * A file is shown under no lock of ours: its folder cannot be removed while it
 * is, and what changes is read once.
 */
#ifndef KMOLT_SYSFS_H
#define KMOLT_SYSFS_H

#include <linux/kobject.h>
#include <linux/sysfs.h>

#define ATTR(prefix, name) \
	static struct kobj_attribute prefix##_##name = \
		__ATTR(name, 0444, prefix##_##name##_show, NULL)
#define SHOW(prefix, name) \
	static ssize_t prefix##_##name##_show(struct kobject *kobj, \
					      struct kobj_attribute *attr, \
					      char *buf)

/* The folder of functions with editions. */
extern struct kset *kmolt_edition_set;

#endif
