// SPDX-License-Identifier: GPL-2.0-only
/*
 * Redirects: calls that still arrive at a function of the base, through a
 * pointer kept in a heap object or through another module's import, go to the
 * edition that answers.
 *
 * One ftrace_ops for each base covers all sites.  It is installed before a
 * commit and lets everything pass; the commit flips one pointer.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "internal.h"

struct kmolt_table {
	size_t count;
	const struct kmolt_redirect *redirects;
};

static const struct kmolt_redirect *find(const struct kmolt_table *table,
					 unsigned long ip)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct kmolt_redirect *redirect = &table->redirects[middle];

		if (redirect->site == ip)
			return redirect;
		if (redirect->site < ip)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void notrace handler(unsigned long ip, unsigned long parent_ip,
			    struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	struct kmolt_base *base = container_of(ops, struct kmolt_base, ops);
	const struct kmolt_redirect *redirect;
	const struct kmolt_table *table;
	int bit;

	/* Disables preemption, so that no stop of all CPUs falls in between. */
	bit = ftrace_test_recursion_trylock(ip, parent_ip);
	if (bit < 0)
		return;
	table = READ_ONCE(base->table);
	redirect = table ? find(table, ip) : NULL;
	if (redirect)
		kmolt_set_ip(fregs, redirect->target);
	ftrace_test_recursion_unlock(bit);
}

/**
 * kmolt_table_create - the redirect table of an edition
 * @desc: its descriptor, whose redirects are sorted by site
 *
 * Return: the table, to be freed with kfree(), or NULL without memory.
 */
struct kmolt_table *kmolt_table_create(const struct kmolt_update *desc)
{
	struct kmolt_table *table = kmalloc(sizeof(*table), GFP_KERNEL);

	if (!table)
		return NULL;
	table->count = desc->n_redirects;
	table->redirects = (const struct kmolt_redirect *)desc->redirects;
	return table;
}

static bool needs_redirects(const struct kmolt_edition *edition)
{
	return edition->state == KMOLT_STAGED ||
	       edition->state == KMOLT_CURRENT ||
	       edition->state == KMOLT_SUPERSEDED;
}

/**
 * kmolt_redirect_sync - hook the sites that the base's editions need, no others
 * @base: the base
 *
 * May sleep.  Return: 0, or what ftrace answered; then nothing has changed.
 */
int kmolt_redirect_sync(struct kmolt_base *base)
{
	struct kmolt_edition *edition;
	unsigned long *ips;
	size_t n = 0, i;
	int err;

	list_for_each_entry(edition, &base->editions, node)
		if (needs_redirects(edition))
			n += edition->desc->n_redirects;
	if (!n) {
		kmolt_redirect_remove(base);
		return 0;
	}
	ips = kvmalloc_array(n, sizeof(*ips), GFP_KERNEL);
	if (!ips)
		return -ENOMEM;
	n = 0;
	list_for_each_entry(edition, &base->editions, node)
		if (needs_redirects(edition))
			for (i = 0; i < edition->desc->n_redirects; i++)
				ips[n++] = edition->table->redirects[i].site;

	base->ops.func = handler;
	if (!base->ops_registered)
		/*
		 * IPMODIFY keeps livepatch and us from both claiming a
		 * function; PERMANENT keeps kernel.ftrace_enabled=0 from
		 * silently switching the redirects off.
		 */
		base->ops.flags = FTRACE_OPS_FL_IPMODIFY |
				  FTRACE_OPS_FL_PERMANENT;
	err = ftrace_set_filter_ips(&base->ops, ips, n, 0, 1);
	if (!err && !base->ops_registered) {
		err = register_ftrace_function(&base->ops);
		if (err)
			ftrace_free_filter(&base->ops);
		else
			base->ops_registered = true;
	}
	kvfree(ips);
	return err;
}

/**
 * kmolt_redirect_set - choose the table; all CPUs are stopped
 * @base: the base
 * @table: the table of the edition that answers from now on, or NULL
 */
void kmolt_redirect_set(struct kmolt_base *base, struct kmolt_table *table)
{
	WRITE_ONCE(base->table, table);
}

/**
 * kmolt_redirect_remove - unhook all sites of a base
 * @base: the base
 *
 * May sleep; afterwards no CPU is in the handler.
 */
void kmolt_redirect_remove(struct kmolt_base *base)
{
	if (!base->ops_registered)
		return;
	/* Fails only for an ops that is not registered. */
	WARN_ON_ONCE(unregister_ftrace_function(&base->ops));
	ftrace_free_filter(&base->ops);
	base->ops_registered = false;
}
