// SPDX-License-Identifier: GPL-2.0-only
/*
 * Redirects: calls that arrive at code which no longer answers, through a
 * pointer kept in a heap object or through another module's import, go to the
 * edition that does.
 *
 * One ftrace_ops for each base covers all sites: those of the base and of the
 * editions below the one that answers, and those of retired editions, whose
 * functions send their callers home.  New sites are hooked before a commit and
 * let everything pass; the commit flips one pointer.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "internal.h"

struct kmolt_table {
	size_t count;
	struct kmolt_redirect redirects[];
};

static notrace const struct kmolt_redirect *
find(const struct kmolt_table *table, unsigned long ip)
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

	/*
	 * So that no stop of all CPUs falls in between.  No protection against
	 * recursion is needed, as nothing is called that could be hooked; one
	 * that gave up would send the call to code that no longer answers.
	 */
	preempt_disable_notrace();
	table = READ_ONCE(base->table);
	redirect = table ? find(table, ip) : NULL;
	if (redirect)
		kmolt_set_ip(fregs, redirect->target);
	preempt_enable_notrace();
}

/**
 * kmolt_redirect_handler - where the choice is made
 *
 * Return: address of the handler of all redirects.
 */
unsigned long kmolt_redirect_handler(void)
{
	return (unsigned long)handler;
}

/**
 * kmolt_redirect_trampoline - the way to the handler that ftrace has made
 * @base: the base
 *
 * Return: its code; empty if ftrace uses the one that all share.
 */
struct kmolt_range kmolt_redirect_trampoline(const struct kmolt_base *base)
{
	unsigned long start = base->ops_registered ? base->ops.trampoline : 0;

	return (struct kmolt_range){
		start, start ? start + base->ops.trampoline_size : 0
	};
}

static size_t n_home(const struct kmolt_edition *edition)
{
	return kmolt_way_back(edition)->n_home;
}

/* To an edition, from code that it stands on and that is to stay. */
static void add_redirects(struct kmolt_table *table,
			  const struct kmolt_edition *to,
			  const struct kmolt_edition *without)
{
	const struct kmolt_redirect *redirect = (void *)to->desc->redirects;
	const struct kmolt_redirect *end = redirect + to->desc->n_redirects;

	for (; redirect < end; redirect++)
		if (kmolt_stands_on(to, redirect->site) &&
		    !(without && kmolt_in_text(without->mod, redirect->site)))
			table->redirects[table->count++] = *redirect;
}

/**
 * kmolt_leads_home - whether tasks and calls may be in a retired edition's code
 * @edition: any edition
 *
 * Return: whether it was reverted and may not be unloaded yet.  It may have been
 * staged again since.
 */
bool kmolt_leads_home(const struct kmolt_edition *edition)
{
	bool reverted = edition->state == KMOLT_RETIRED ||
			(edition->state == KMOLT_STAGED && edition->pause_ns);

	return reverted && edition->pinned && !edition->dropped;
}

static int by_site(const void *a, const void *b)
{
	const struct kmolt_redirect *x = a, *y = b;

	return x->site < y->site ? -1 : x->site > y->site;
}

/**
 * kmolt_table_create - what the redirects are while an edition answers
 * @base: the base
 * @to: the edition; NULL for the base itself
 * @leaving: an edition that is about to be retired, or NULL
 * @without: an edition that is about to be dropped or unloaded, or NULL
 *
 * Return: the table, to be freed with kvfree(), or NULL without memory.
 */
struct kmolt_table *kmolt_table_create(struct kmolt_base *base,
				       const struct kmolt_edition *to,
				       const struct kmolt_edition *leaving,
				       const struct kmolt_edition *without)
{
	const struct kmolt_edition *edition;
	size_t n = to ? to->desc->n_redirects : 0;
	struct kmolt_table *table;

	list_for_each_entry(edition, &base->editions, node)
		n += n_home(edition);
	table = kmolt_alloc(struct_size(table, redirects, n));
	if (!table)
		return NULL;
	table->count = 0;
	if (to)
		add_redirects(table, to, without);
	list_for_each_entry(edition, &base->editions, node) {
		if (edition == without || edition == to ||
		    (edition != leaving && !kmolt_leads_home(edition)))
			continue;
		memcpy(table->redirects + table->count,
		       (void *)kmolt_way_back(edition)->home,
		       n_home(edition) * sizeof(*table->redirects));
		table->count += n_home(edition);
	}
	sort(table->redirects, table->count, sizeof(*table->redirects), by_site,
	     NULL);
	return table;
}

/*
 * ftrace_free_filter() leaves pointers to the hashes that it has freed, and the
 * next ftrace_set_filter_ips() would free them once more: begin anew.
 */
static void forget_ops(struct kmolt_base *base)
{
	ftrace_free_filter(&base->ops);
	memset(&base->ops, 0, sizeof(base->ops));
	base->ops_registered = false;
}

static size_t count(const struct kmolt_table *table)
{
	return table ? table->count : 0;
}

static size_t add_sites(unsigned long *ips, const struct kmolt_table *table)
{
	size_t i;

	for (i = 0; i < count(table); i++)
		ips[i] = table->redirects[i].site;
	return count(table);
}

/**
 * kmolt_redirect_hook - hook the sites of one or two tables, and no others
 * @base: the base
 * @table: a table, or NULL
 * @other: another one, or NULL
 *
 * May sleep.  Return: 0, or what ftrace answered; then nothing has changed.
 */
int kmolt_redirect_hook(struct kmolt_base *base, const struct kmolt_table *table,
			const struct kmolt_table *other)
{
	size_t n = count(table) + count(other);
	unsigned long *ips;
	int err;

	base->hooked = NULL;
	if (!n) {
		kmolt_redirect_remove(base);
		return 0;
	}
	ips = kmolt_alloc(array_size(n, sizeof(*ips)));
	if (!ips)
		return -ENOMEM;
	add_sites(ips + add_sites(ips, table), other);

	base->ops.func = handler;
	if (!base->ops_registered)
		/*
		 * IPMODIFY keeps livepatch and us from both claiming a
		 * function; PERMANENT keeps kernel.ftrace_enabled=0 from
		 * silently switching the redirects off.
		 */
		base->ops.flags = FTRACE_OPS_FL_IPMODIFY |
				  FTRACE_OPS_FL_PERMANENT;
	err = kmolt_fails() ? -ENOMEM :
	      ftrace_set_filter_ips(&base->ops, ips, n, 0, 1);
	if (!err && !base->ops_registered) {
		err = kmolt_fails() ? -ENOMEM :
		      register_ftrace_function(&base->ops);
		if (err) {
			/* It was on ftrace's list for a moment, where others look. */
			synchronize_rcu_tasks_rude();
			forget_ops(base);
		} else {
			base->ops_registered = true;
		}
	}
	kvfree(ips);
	return err;
}

/**
 * kmolt_redirect_set - choose the table; all CPUs are stopped
 * @base: the base
 * @table: the table from now on, or NULL
 *
 * Return: the table until now.  No CPU is looking at it, as the handler does
 * not sleep.
 */
struct kmolt_table *kmolt_redirect_set(struct kmolt_base *base,
				       struct kmolt_table *table)
{
	struct kmolt_table *old = base->table;

	WRITE_ONCE(base->table, table);
	return old;
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
	forget_ops(base);
}
