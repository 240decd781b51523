// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ten editions of kmolt_cost_target(a, b): edition N answers a + b + 1000 * N,
 * and counts its calls. The tenth asks the original for a + b.
 */
#include <kmolt.h>
#include <linux/atomic.h>

MODULE_DESCRIPTION("Ten answers to one call");
MODULE_LICENSE("GPL");

#define MOST 10

static atomic_long_t calls[MOST + 1];

static int show(char *buffer, const struct kernel_param *param)
{
	int length = 0;
	int i;

	for (i = 1; i <= MOST; i++)
		length += sysfs_emit_at(buffer, length, "%ld%c", atomic_long_read(&calls[i]),
					i < MOST ? ' ' : '\n');
	return length;
}

static const struct kernel_param_ops counters = { .get = show };

module_param_cb(calls, &counters, calls, 0444);

#define EDITION(n)							\
	KMOLT_EDITION(kmolt_cost_target, n)				\
	static int answer##n(int a, long b)				\
	{								\
		atomic_long_inc(&calls[n]);				\
		return a + (int)b + 1000 * n;				\
	}

EDITION(1)
EDITION(2)
EDITION(3)
EDITION(4)
EDITION(5)
EDITION(6)
EDITION(7)
EDITION(8)
EDITION(9)

KMOLT_EDITION(kmolt_cost_target, 10)
static int answer10(int a, long b)
{
	atomic_long_inc(&calls[10]);
	return kmolt_original(answer10, a, b) + 1000 * 10;
}
