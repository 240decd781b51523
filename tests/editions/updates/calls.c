// SPDX-License-Identifier: GPL-2.0-only
/* Editions of the bodies of system calls, each with an answer that the originals never give. */
#include <kmolt.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/minmax.h>

MODULE_DESCRIPTION("Other answers to system calls");
MODULE_LICENSE("GPL");

KMOLT_EDITION(ksys_read)
static ssize_t no_read(unsigned int fd, char __user *buf, size_t count)
{
	return -EUCLEAN;
}

KMOLT_EDITION(ksys_read, 2)
static ssize_t little_read(unsigned int fd, char __user *buf, size_t count)
{
	return kmolt_original(little_read, fd, buf, min_t(size_t, count, 1));
}

KMOLT_EDITION(ksys_write)
static ssize_t no_write(unsigned int fd, const char __user *buf, size_t count)
{
	return -ENOTUNIQ;
}

KMOLT_EDITION(ksys_lseek)
static off_t fixed_lseek(unsigned int fd, off_t offset, unsigned int whence)
{
	return 4711;
}

KMOLT_EDITION(do_sys_openat2)
static long no_open(int dfd, const char __user *filename, struct open_how *how)
{
	return -ENOTUNIQ;
}

KMOLT_EDITION(do_mkdirat)
static int no_mkdir(int dfd, struct filename *name, umode_t mode)
{
	putname(name);
	return -ENOTUNIQ;
}
