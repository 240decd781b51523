// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory, and how to see what happens without it: every allocation of the core
 * passes here, and any one of them can be made to fail.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/module.h>
#include <linux/slab.h>

#include "internal.h"

static unsigned int fail_alloc;
module_param(fail_alloc, uint, 0644);
MODULE_PARM_DESC(fail_alloc, "for tests: the Nth allocation from now on fails, once; counts down to 0");

/**
 * kmolt_fails - whether the allocation that comes next is to fail, as a test
 *
 * For what allocates inside of a call of the kernel; kmolt_alloc() asks by
 * itself.
 */
bool kmolt_fails(void)
{
	unsigned int left = READ_ONCE(fail_alloc);

	if (likely(!left))
		return false;
	WRITE_ONCE(fail_alloc, left - 1);
	return left == 1;
}

/**
 * kmolt_or_fail - make a call that allocates fail after the fact, as a test
 * @err: what it returned; if it succeeded, the caller undoes it on an error
 *
 * Return: @err, or -ENOMEM in place of 0.
 */
int kmolt_or_fail(int err)
{
	return !err && kmolt_fails() ? -ENOMEM : err;
}

/**
 * kmolt_alloc - memory, zeroed
 * @size: bytes; may be large
 *
 * May sleep.  Return: the memory, to be freed with kvfree(), or NULL.
 */
void *kmolt_alloc(size_t size)
{
	return kmolt_fails() ? NULL : kvzalloc(size, GFP_KERNEL);
}
