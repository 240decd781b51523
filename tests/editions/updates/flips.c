// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eight editions of each end of a pipe, which call the original and count.
 *
 * The user WITNESS runs one task that writes and reads in turns, while the routes
 * lead it from edition to edition, each of both functions: 1, 2 … 8, 1 … It
 * follows them one by one, or not at all: whenever both functions do not switch
 * over together, a write by the next edition is followed by a read by the last one.
 * How often that was so is told by "astray".
 */
#include <kmolt.h>
#include <linux/atomic.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/uio.h>

MODULE_DESCRIPTION("Ends of pipes that switch over together");
MODULE_LICENSE("GPL");

#define MOST	8
#define WITNESS	4242

static atomic_long_t reads = ATOMIC_LONG_INIT(0);
static atomic_long_t writes = ATOMIC_LONG_INIT(0);
static atomic_long_t steps = ATOMIC_LONG_INIT(0);
static atomic_long_t astray = ATOMIC_LONG_INIT(0);
static int last;	/* the edition that the witness was in */
module_param(last, int, 0444);

static int show(char *buffer, const struct kernel_param *param)
{
	return sysfs_emit(buffer, "%ld\n", atomic_long_read(param->arg));
}

static const struct kernel_param_ops counter = { .get = show };

module_param_cb(reads, &counter, &reads, 0444);
module_param_cb(writes, &counter, &writes, 0444);
module_param_cb(steps, &counter, &steps, 0444);
module_param_cb(astray, &counter, &astray, 0444);

static void follow(int number)
{
	int before = last;

	if (from_kuid(&init_user_ns, current_uid()) != WITNESS)
		return;
	last = number;
	if (!before || number == before)
		return;
	atomic_long_inc(&steps);
	if (number != before % MOST + 1)
		atomic_long_inc(&astray);
}

#define EDITIONS(n)							\
	KMOLT_EDITION(pipe_read, n)					\
	static ssize_t read##n(struct kiocb *iocb, struct iov_iter *to)	\
	{								\
		atomic_long_inc(&reads);				\
		follow(n);						\
		return kmolt_original(read##n, iocb, to);		\
	}								\
	KMOLT_EDITION(pipe_write, n)					\
	static ssize_t write##n(struct kiocb *iocb, struct iov_iter *from) \
	{								\
		atomic_long_inc(&writes);				\
		follow(n);						\
		return kmolt_original(write##n, iocb, from);		\
	}

EDITIONS(1)
EDITIONS(2)
EDITIONS(3)
EDITIONS(4)
EDITIONS(5)
EDITIONS(6)
EDITIONS(7)
EDITIONS(8)
