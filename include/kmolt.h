/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an edition of a kernel function is written with:
 *
 *	#include <kmolt.h>
 *	MODULE_LICENSE("GPL");
 *
 *	KMOLT_EDITION(pipe_write)
 *	static ssize_t audited_write(struct kiocb *iocb, struct iov_iter *from)
 *	{
 *		...
 *		return kmolt_original(audited_write, iocb, from);
 *	}
 *
 * "kmolt edition build FILE.c" compiles such a file.  The file has neither
 * module_init nor module_exit.  Its static variables live as long as the
 * update is loaded.  What the kernel does not export is declared "extern" and
 * used: the address comes from the running kernel when the update is loaded.
 * Nothing here generates code; all is told by names of sections and symbols,
 * which io.kmolt.edition reads.
 */
#ifndef KMOLT_H
#define KMOLT_H

#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/types.h>

/**
 * KMOLT_EDITION - the function that follows is an edition of a kernel function
 * @function: the kernel function, as /proc/kallsyms names it
 * @...: up to three more, in this order, each of which may be left out with
 *	those behind it:
 *	the edition's number, 1 to 255, by which routes name it (default 1);
 *	the module that the function is in, or vmlinux (default: wherever it is);
 *	which one of that name it is there, in the order of /proc/kallsyms,
 *	counted from 1 (default 0: there must be only one)
 *
 * Both functions must have the same prototype.  The edition gets a section of
 * its own, .text.kmolt.NUMBER.OBJECT.OCCURRENCE.FUNCTION, with "_" for an
 * object that was left out.
 */
#define KMOLT_EDITION(function, ...)					\
	__KMOLT_PASTE(__KMOLT_EDITION, __KMOLT_COUNT(__VA_ARGS__))	\
		(#function, ##__VA_ARGS__)

/**
 * kmolt_original - call the function that an edition stands in for
 * @edition: the edition, by its name in C; usually the function that this is in
 * @...: the arguments
 *
 * Goes past the route, to the function as it was compiled, with whatever else
 * is attached to it.
 *
 * Return: what the function returns.
 */
#define kmolt_original(edition, ...)					\
({									\
	extern typeof(edition) __kmolt_original_##edition;		\
	__kmolt_original_##edition(__VA_ARGS__);			\
})

/**
 * KMOLT_SYMBOL - which one of several symbols of one name a declaration means
 * @object: the module that it is in, or vmlinux
 * @name: its name, as /proc/kallsyms has it
 * @occurrence: which one of that name it is there, in the order of
 *	/proc/kallsyms, counted from 1; 0 if there is only one in that object
 *
 * Stands behind a declaration, and is only needed where the name alone would be
 * refused as ambiguous:
 *
 *	extern int init_once(void *) KMOLT_SYMBOL(vmlinux, init_once, 3);
 */
#define KMOLT_SYMBOL(object, name, occurrence)				\
	__asm__(".kmolt.sym." #object "." #occurrence "." #name)

/**
 * KMOLT_PREPARE - a build of a module takes care of what its init would do
 * @function: int function(void); called when this build is about to take over
 *	from a loaded one whose init or exit is another
 *
 * Does for the running module what this build's init does beyond the loaded
 * build's, so that this build and its exit find all that they rely on.  May
 * sleep, and may fail with a negative errno: then the swap is refused and
 * nothing has changed.  Called with kmolt's mutex held: must not wait for
 * anything that uses kmolt.  Needs a KMOLT_UNPREPARE.
 *
 * A module that is loaded by insmod has its init called, and no hook.
 */
#define KMOLT_PREPARE(function)						\
	static int (* const __kmolt_prepare)(void)			\
		__used __section(".kmolt.prepare") = function

/**
 * KMOLT_UNPREPARE - a build of a module takes back what it has prepared
 * @function: void function(void); called when the swap is given up, and after
 *	a revert; not when the module is unloaded while this build answers, as
 *	its exit does it then
 */
#define KMOLT_UNPREPARE(function)					\
	static void (* const __kmolt_unprepare)(void)			\
		__used __section(".kmolt.unprepare") = function

/* COUNT_ARGS of the kernel has moved between headers. */
#define __KMOLT_COUNT(...)	__KMOLT_COUNT_(, ##__VA_ARGS__, 3, 2, 1, 0)
#define __KMOLT_COUNT_(_0, _1, _2, _3, n, ...)	n
#define __KMOLT_PASTE(a, b)	__KMOLT_PASTE_(a, b)
#define __KMOLT_PASTE_(a, b)	a##b
#define __KMOLT_EDITION0(function)					\
	__KMOLT_SECTION("1._.0." function)
#define __KMOLT_EDITION1(function, number)				\
	__KMOLT_SECTION(#number "._.0." function)
#define __KMOLT_EDITION2(function, number, object)			\
	__KMOLT_SECTION(#number "." #object ".0." function)
#define __KMOLT_EDITION3(function, number, object, occurrence)		\
	__KMOLT_SECTION(#number "." #object "." #occurrence "." function)
#define __KMOLT_SECTION(name)						\
	__used noinline __section(".text.kmolt." name)

#endif
