// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts the bytes that go through pipes.
 *
 * Both editions call the original and look at what it returns; the counters can
 * be read in /sys/module/kmolt_pipes/parameters while the update is loaded.
 */
#include <kmolt.h>
#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/uio.h>

MODULE_DESCRIPTION("Counts the bytes that go through pipes");
MODULE_LICENSE("GPL");

static atomic64_t bytes_read = ATOMIC64_INIT(0);
static atomic64_t bytes_written = ATOMIC64_INIT(0);

static int show(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%lld\n", (long long)atomic64_read(param->arg));
}

static const struct kernel_param_ops counter = { .get = show };

module_param_cb(bytes_read, &counter, &bytes_read, 0444);
module_param_cb(bytes_written, &counter, &bytes_written, 0444);

KMOLT_EDITION(pipe_read)
static ssize_t counted_read(struct kiocb *iocb, struct iov_iter *to)
{
	ssize_t done = kmolt_original(counted_read, iocb, to);

	if (done > 0)
		atomic64_add(done, &bytes_read);
	return done;
}

KMOLT_EDITION(pipe_write)
static ssize_t counted_write(struct kiocb *iocb, struct iov_iter *from)
{
	ssize_t done = kmolt_original(counted_write, iocb, from);

	if (done > 0)
		atomic64_add(done, &bytes_written);
	return done;
}
