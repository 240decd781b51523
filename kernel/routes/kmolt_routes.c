// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shell of a module with routes.  It is compiled once for each kernel,
 * next to the core, and never loaded as it is: io.kmolt.edition.RoutesModule
 * puts dispatchers and a struct kmolt_routes into a copy of it, renames the
 * copy, and has the core told of it in place of this init.
 */
#include <linux/module.h>

static int __init kmolt_routes_init(void)
{
	return -ENOEXEC;
}
module_init(kmolt_routes_init);

static void __exit kmolt_routes_exit(void)
{
}
module_exit(kmolt_routes_exit);

MODULE_DESCRIPTION("kmolt: shell of modules with routes");
MODULE_LICENSE("GPL");
