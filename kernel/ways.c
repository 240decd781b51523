// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ways: how editions stand on each other, and lead back.
 *
 * An edition is linked on the base and on all editions that stand between the
 * two, and brings a way back to each of these.  So one of them can be dropped:
 * those above it go on to stand on the ones below, and a revert passes over it.
 * What answers does not change by that.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include "internal.h"

static const char *name_of(const struct kmolt_edition *edition)
{
	return edition ? edition->name : "";
}

/* @edition: the first one that may be meant, NULL for the base alone. */
static bool in_text_of(const struct kmolt_edition *edition,
		       const struct module *base, u64 address)
{
	for (; edition; edition = edition->holds)
		if (kmolt_in_text(edition->mod, address))
			return true;
	return kmolt_in_text(base, address);
}

static const char *home_wrong(const struct kmolt_way *way,
			      const struct module *mod,
			      const struct module *to)
{
	const struct kmolt_redirect *home = (void *)way->home;
	u64 i;

	for (i = 0; i < way->n_home; i++) {
		if (!kmolt_in_text(mod, home[i].site))
			return "a redirect home does not begin in the update's code";
		if (!kmolt_in_text(to, home[i].target))
			return "a redirect home does not end where its way leads";
		if (i && home[i].site <= home[i - 1].site)
			return "redirects home are not sorted";
	}
	return NULL;
}

static const char *way_wrong(const struct kmolt_way *way,
			     const struct module *mod, const char *name,
			     const struct module *to)
{
	if (strncmp(way->name, name, sizeof(way->name)))
		return "its ways do not lead to what it was linked on";
	if (way->flags & ~KMOLT_WAY_FLAGS)
		return "a way has a flag that this core does not know";
	if (!kmolt_array_ok(mod, way->home, way->n_home,
			    sizeof(struct kmolt_redirect)) ||
	    !kmolt_array_ok(mod, way->ranges, way->n_ranges,
			    sizeof(struct kmolt_range)))
		return "an array is not in the update module";
	if (!kmolt_ranges_ok(way->ranges, way->n_ranges))
		return "a range ends before it begins";
	return home_wrong(way, mod, to);
}

/* From what answers down to the base: one way to each. */
static const char *ways_wrong(const struct kmolt_update *desc,
			      const struct module *mod,
			      const struct module *pinned,
			      const struct kmolt_edition *current_edition)
{
	const struct kmolt_way *first = (void *)desc->ways;
	const struct kmolt_way *way = first + desc->n_ways;
	const struct kmolt_edition *to = current_edition;
	const char *wrong = NULL;

	for (; !wrong; to = to->holds) {
		if (way == first)
			return "its ways do not lead to what it was linked on";
		wrong = way_wrong(--way, mod, name_of(to), to ? to->mod : pinned);
		if (!to)
			break;
	}
	if (!wrong && way != first)
		wrong = "its ways do not lead to what it was linked on";
	return wrong;
}

/**
 * kmolt_ways_wrong - what is wrong with the ways of an update, and with the
 *	redirects from what it was linked on
 * @desc: its descriptor, whose arrays are in the update; linked on what answers
 * @mod: the update
 * @pinned: its base
 *
 * Return: what, or NULL if all is well.
 */
const char *kmolt_ways_wrong(const struct kmolt_update *desc,
			     const struct module *mod,
			     const struct module *pinned)
{
	const struct kmolt_redirect *to = (void *)desc->redirects;
	const struct kmolt_base *base = kmolt_find_base(desc->base);
	const struct kmolt_edition *current_edition = base ?
						      base->current_edition :
						      NULL;
	u64 i;

	for (i = 0; i < desc->n_redirects; i++) {
		if (!in_text_of(current_edition, pinned, to[i].site))
			return "a redirect's site is not in code it was linked on";
		if (!kmolt_in_text(mod, to[i].target))
			return "a redirect's target is not in the update's code";
		if (i && to[i].site <= to[i - 1].site)
			return "redirects are not sorted";
	}
	return ways_wrong(desc, mod, pinned, current_edition);
}

/**
 * kmolt_stands_on - whether an address is in code that an edition was linked on
 * @edition: the edition
 * @address: the address
 *
 * The memory of one that was dropped may be somebody else's by now.
 */
bool kmolt_stands_on(const struct kmolt_edition *edition, u64 address)
{
	return in_text_of(edition->holds, edition->base->mod, address);
}

/**
 * kmolt_reckons_with - whether an edition was linked with an eye to another one
 * @edition: the edition
 * @other: the other one
 *
 * Return: whether @edition's own ranges tell where nobody may be in @other.
 */
bool kmolt_reckons_with(const struct kmolt_edition *edition,
			const struct kmolt_edition *other)
{
	const u64 *reckoned = (void *)edition->desc->reckoned;
	u64 i;

	for (i = 0; i < edition->desc->n_reckoned; i++)
		if (reckoned[i] == kmolt_module_load(other->mod))
			return true;
	return false;
}

/**
 * kmolt_way_to - the way from an edition to one that it was linked on
 * @edition: the edition
 * @to: where to; NULL for the base
 *
 * Return: the way, or NULL if it was not linked on that one.
 */
const struct kmolt_way *kmolt_way_to(const struct kmolt_edition *edition,
				     const struct kmolt_edition *to)
{
	const struct kmolt_way *ways = (void *)edition->desc->ways;
	u64 i;

	for (i = 0; i < edition->desc->n_ways; i++)
		if (!strcmp(ways[i].name, name_of(to)))
			return &ways[i];
	return NULL;
}

/**
 * kmolt_way_back - the way from an edition to what answers once it is reverted
 * @edition: the edition
 *
 * Return: the way; there is always one.
 */
const struct kmolt_way *kmolt_way_back(const struct kmolt_edition *edition)
{
	return kmolt_way_to(edition, edition->holds);
}

static void add_users(struct kmolt_edition *edition, int n)
{
	struct kmolt_edition *to;

	/* One that is used is not dropped, so that all of them are met. */
	for (to = edition->holds; to; to = to->holds)
		if (kmolt_way_to(edition, to)->flags & KMOLT_WAY_USED)
			WRITE_ONCE(to->users, to->users + n);
}

/**
 * kmolt_hold - keep what an edition stands on in memory
 * @edition: the edition, enrolled; @holds is set
 *
 * Static keys, too, are in the editions below it.
 */
void kmolt_hold(struct kmolt_edition *edition)
{
	struct kmolt_edition *holds = edition->holds;

	if (!holds)
		return;
	__module_get(holds->mod);
	WRITE_ONCE(holds->held, holds->held + 1);
	add_users(edition, 1);
}

/**
 * kmolt_let_go - the reverse of kmolt_hold()
 * @edition: the edition, on its way out
 */
void kmolt_let_go(struct kmolt_edition *edition)
{
	struct kmolt_edition *holds = edition->holds;

	if (!holds)
		return;
	add_users(edition, -1);
	WRITE_ONCE(holds->held, holds->held - 1);
	module_put(holds->mod);
}

/**
 * kmolt_stays - why an edition cannot be dropped, once it is superseded
 * @edition: the edition
 *
 * Return: one word, "no" if it can; "dropped" if it was.
 */
const char *kmolt_stays(const struct kmolt_edition *edition)
{
	if (edition->dropped)
		return "dropped";
	if (edition->sticky)
		return "sticky";
	/* Nobody else could take it back, after the reverts of those above. */
	if (READ_ONCE(edition->prepared))
		return "prepared";
	if (READ_ONCE(edition->users))
		return "used";
	/* Besides its successor by one that was reverted, and leads calls here. */
	if (READ_ONCE(edition->held) > 1)
		return "held";
	return "no";
}

/* Those that were linked on an edition stand on what is below it. */
static void pass_over(struct kmolt_edition *edition)
{
	struct kmolt_edition *each, *below = edition->holds;

	list_for_each_entry(each, &edition->base->editions, node) {
		if (each == edition || !kmolt_way_to(each, edition))
			continue;
		WRITE_ONCE(each->passes_over, each->passes_over + 1);
		if (each->holds != edition)
			continue;
		if (below) {
			__module_get(below->mod);
			WRITE_ONCE(below->held, below->held + 1);
		}
		/* Pairs with the read in sysfs, which an RCU grace period ends. */
		WRITE_ONCE(each->holds, below);
		WRITE_ONCE(edition->held, edition->held - 1);
		module_put(edition->mod);
	}
}

static bool is_about_to_change(const struct kmolt_base *base)
{
	const struct kmolt_edition *edition;

	list_for_each_entry(edition, &base->editions, node)
		if (edition->state == KMOLT_ENROLLED ||
		    edition->state == KMOLT_STAGED)
			return true;
	return false;
}

/**
 * kmolt_drop - give up that a revert can lead to an edition
 * @edition: the edition, superseded
 * @outcome: receives who is still inside; its scan is the caller's to free
 *
 * Nobody outside calls its functions: what answers does not, the tables and
 * pads do not name them, calls that arrive at older code are led on to what
 * answers, and nothing that was reverted leads here.
 *
 * Called with kmolt_mutex.  Return: 0; then it is retired.  Or -EBUSY if tasks
 * are inside or another edition is about to be committed, -EPERM if it has to
 * stay, -ETIME if the CPUs could not be stopped, or another error where memory
 * is short; then nothing has changed.
 */
int kmolt_drop(struct kmolt_edition *edition, struct kmolt_outcome *outcome)
{
	int err;

	if (strcmp(kmolt_stays(edition), "no"))
		return -EPERM;
	if (is_about_to_change(edition->base)) {
		kmolt_refuse("%s: another edition is about to be committed",
			     edition->name);
		return -EBUSY;
	}
	err = kmolt_vacate(edition, outcome);
	if (err)
		return err;
	pass_over(edition);
	edition->dropped = true;
	WRITE_ONCE(edition->state, KMOLT_RETIRED);
	return 0;
}
