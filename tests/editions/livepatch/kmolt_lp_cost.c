// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another one who changes functions: the kernel's own livepatch, on kmolt_cost_target of
 * kmolt_cost, or another function with its signature. The calls then return the parameter
 * "value".
 */
#include <linux/livepatch.h>
#include <linux/module.h>

static char *object = "kmolt_cost";
module_param(object, charp, 0444);
static char *function = "kmolt_cost_target";
module_param(function, charp, 0444);
static int value = 7;
module_param(value, int, 0644);

static int patched(int a, long b)
{
	return READ_ONCE(value);
}

static struct klp_func funcs[] = {
	{ .new_func = patched },
	{ }
};

static struct klp_object objects[] = {
	{ .funcs = funcs },
	{ }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE,
	.objs = objects,
};

static int __init kmolt_lp_cost_init(void)
{
	objects[0].name = object;
	funcs[0].old_name = function;
	return klp_enable_patch(&patch);
}
module_init(kmolt_lp_cost_init);

/* Needed for the module to be one that can go; what is to be undone, livepatch has undone. */
static void __exit kmolt_lp_cost_exit(void)
{
}
module_exit(kmolt_lp_cost_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Patches kmolt_cost_target by livepatch");
MODULE_INFO(livepatch, "Y");
