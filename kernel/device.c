// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/kmolt: one command a line, one reply of lines that ends in "ok" or in
 * "error NAME: TEXT".  docs/abi.md lists the commands.
 *
 * Who has it open owns what is enrolled and staged; closing it discards that.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "internal.h"

/* The longest one describes as many editions as editions.c allows. */
#define REPLY_SIZE	(256 * 1024)
/* Below that, no stop succeeds; beyond, it can no longer be called a pause. */
#define MIN_PAUSE_US	100
#define MAX_PAUSE_US	1000000
/* A module that is being loaded cannot be unloaded yet; a task may be inside. */
#define CLEANUP_RETRIES	50
#define CLEANUP_WAIT_MS	100

struct kmolt_session __rcu *kmolt_owner;
/* Serialises the readers and writers of one open file. */
static DEFINE_MUTEX(file_mutex);

static __printf(2, 3) void say(struct kmolt_session *session,
			       const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	session->reply_len += vscnprintf(session->reply + session->reply_len,
					 REPLY_SIZE - session->reply_len, fmt,
					 args);
	va_end(args);
}

/**
 * kmolt_refuse - keep, for the session and in the log, why something is refused
 * @fmt: what to say; one line without its end
 */
void kmolt_refuse(const char *fmt, ...)
{
	struct kmolt_session *session =
		rcu_dereference_protected(kmolt_owner,
					  lockdep_is_held(&kmolt_mutex));
	struct va_format vaf;
	va_list args;

	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	pr_notice("refused: %pV\n", &vaf);
	va_end(args);
	if (!session)
		return;
	va_start(args, fmt);
	vscnprintf(session->refusal, sizeof(session->refusal), fmt, args);
	va_end(args);
}

/**
 * kmolt_session_open - whether somebody holds the device who may enrol updates
 *
 * Called with kmolt_mutex.  Return: whether that is so.
 */
bool kmolt_session_open(void)
{
	struct kmolt_session *session =
		rcu_dereference_protected(kmolt_owner,
					  lockdep_is_held(&kmolt_mutex));

	return session && !session->closing;
}

/* Errors: a stable name for programs, a sentence for people. */

static int fail(struct kmolt_session *session, int err, const char *what)
{
	const char *name = err == -EBUSY ? "blocked" :
			   err == -ESTALE ? "stale" :
			   err == -ENOENT ? "unknown" :
			   err == -ENOMEM ? "memory" :
			   err == -EINVAL ? "usage" :
			   err == -EPERM ? "refused" :
			   err == -ETIME ? "late" :
			   err == -EAGAIN ? "busy" : "failed";

	if (session->refusal[0])
		what = session->refusal;
	say(session, "error %s: %s\n", name, what);
	return err;
}

static void say_outcome(struct kmolt_session *session,
			const struct kmolt_outcome *outcome)
{
	const struct kmolt_scan *scan = outcome->scan;
	unsigned int i, j;

	say(session, "pause_ns %llu\nscan_ns %llu\nstop_ns %llu\nslots %zu\n",
	    outcome->pause_ns, outcome->scan_ns, outcome->stop_ns,
	    outcome->n_writes);
	if (outcome->slot.address)
		say(session, "slot %llx expected %llx found %llx %pS\n",
		    outcome->slot.address, outcome->slot.base, outcome->found,
		    (void *)outcome->slot.address);
	if (outcome->late.cpu >= 0)
		say(session, "late %d %d %s\n", outcome->late.cpu,
		    outcome->late.pid, outcome->late.comm);
	if (!scan)
		return;
	say(session, "tasks %u\nblockers %u\n", scan->n_tasks, scan->n_blockers);
	for (i = 0; i < min_t(unsigned int, scan->n_blockers, KMOLT_BLOCKERS); i++) {
		const struct kmolt_blocker *blocker = &scan->blockers[i];

		if (blocker->where)
			say(session, "blocker %d %s\nin %pS\n", blocker->pid,
			    blocker->comm, (void *)blocker->where);
		else
			say(session, "blocker %d %s\nunreliable stack\n",
			    blocker->pid, blocker->comm);
		for (j = 0; j < blocker->depth; j++)
			say(session, "stack %pS\n", (void *)blocker->stack[j]);
	}
}

static void log_change(const struct kmolt_session *session,
		       const struct kmolt_base *base, const char *verb,
		       const struct kmolt_edition *edition,
		       const struct kmolt_outcome *outcome)
{
	const struct kmolt_edition *now = base->current_edition;

	if (now)
		pr_info("%s: %s %s, %s answers (build-id %*phN), pause %llu us, by pid %d (%s) uid %u\n",
			base->mod->name, verb, edition->mod->name,
			now->mod->name, KMOLT_BUILD_ID_LEN, now->build_id,
			outcome->pause_ns / 1000, session->owner, session->comm,
			from_kuid(&init_user_ns, current_uid()));
	else
		pr_info("%s: %s %s, the base answers (build-id %*phN), pause %llu us, by pid %d (%s) uid %u\n",
			base->mod->name, verb, edition->mod->name,
			KMOLT_BUILD_ID_LEN, edition->desc->base_build_id,
			outcome->pause_ns / 1000, session->owner, session->comm,
			from_kuid(&init_user_ns, current_uid()));
}

/* Commands. */

static int do_hello(struct kmolt_session *session, char *arg)
{
	say(session, "abi %d\nboot_id %s\nsequence %lu\n", KMOLT_ABI,
	    kmolt_boot_id, kmolt_sequence);
	return 0;
}

static int do_reason(struct kmolt_session *session, char *arg)
{
	say(session, "reason %s\n", session->refusal[0] ? session->refusal : "none");
	session->refusal[0] = '\0';
	return 0;
}

static struct kmolt_edition *edition_in(struct kmolt_session *session,
					const char *name, enum kmolt_state state)
{
	struct kmolt_edition *edition = kmolt_find_edition(name);

	if (!edition || edition->base->going) {
		fail(session, -ENOENT, "there is no such edition");
		return NULL;
	}
	if (edition->state != state) {
		fail(session, -EINVAL, "the edition is in another state");
		return NULL;
	}
	return edition;
}

static int do_stage(struct kmolt_session *session, char *name)
{
	struct kmolt_edition *edition = kmolt_find_edition(name);
	int err;

	if (!edition || edition->state != KMOLT_RETIRED)
		edition = edition_in(session, name, KMOLT_ENROLLED);
	if (!edition || edition->base->going)
		return -ENOENT;
	err = kmolt_stage(edition);
	if (err)
		return fail(session, err, "the edition cannot be staged");
	kmolt_record_change("staged", edition->base, edition->name,
			    edition->build_id, 0);
	return 0;
}

/* Behind the name may stand how long CPUs may stand still, in microseconds. */
static int take_max_pause(struct kmolt_session *session, char *arg,
			  struct kmolt_outcome *outcome)
{
	char *text = arg;
	u64 us;

	strsep(&text, " ");
	if (!text)
		return 0;
	if (kstrtou64(strim(text), 10, &us) || us < MIN_PAUSE_US ||
	    us > MAX_PAUSE_US)
		return fail(session, -EINVAL,
			    "the longest pause is 100 to 1000000 microseconds");
	outcome->max_pause_ns = us * NSEC_PER_USEC;
	return 0;
}

static int attempt(struct kmolt_session *session, struct kmolt_base *base,
		   struct kmolt_edition *to, bool dry,
		   struct kmolt_outcome *outcome)
{
	int err = kmolt_commit(base, to, dry, outcome);

	say_outcome(session, outcome);
	kmolt_scan_free(outcome->scan);
	if (err == -EBUSY)
		return fail(session, err, "tasks are in code that is about to change");
	if (err == -ESTALE)
		return fail(session, err, "a slot does not hold what it should");
	if (err == -ETIME)
		return fail(session, err, outcome->late.cpu >= 0 ?
			    "a CPU did not come to rest" :
			    "the pause would have been longer than allowed");
	if (err)
		return fail(session, err, "the change could not be prepared");
	return 0;
}

static int do_check(struct kmolt_session *session, char *name)
{
	struct kmolt_outcome outcome = KMOLT_OUTCOME;
	struct kmolt_edition *edition;
	int err = take_max_pause(session, name, &outcome);

	if (err)
		return err;
	edition = edition_in(session, name, KMOLT_STAGED);
	if (!edition)
		return -ENOENT;
	return attempt(session, edition->base, edition, true, &outcome);
}

static int do_commit(struct kmolt_session *session, char *name)
{
	struct kmolt_outcome outcome = KMOLT_OUTCOME;
	struct kmolt_edition *edition;
	struct kmolt_base *base;
	int err = take_max_pause(session, name, &outcome);

	if (err)
		return err;
	edition = edition_in(session, name, KMOLT_STAGED);
	if (!edition)
		return -ENOENT;
	base = edition->base;
	err = kmolt_linked_on(edition);
	if (err)
		return fail(session, err, "something else answers now");
	err = attempt(session, base, edition, false, &outcome);
	if (err)
		return err;
	edition->state = KMOLT_CURRENT;
	edition->pause_ns = outcome.pause_ns;
	if (edition->holds)
		edition->holds->state = KMOLT_SUPERSEDED;
	kmolt_exit_sync(base);
	log_change(session, base, "committed", edition, &outcome);
	kmolt_record_change("committed", base, edition->name, edition->build_id,
			    outcome.pause_ns);
	/* From here on rmmod works as ever. */
	module_put(base->mod);
	return 0;
}

static int do_revert(struct kmolt_session *session, char *name)
{
	struct kmolt_outcome outcome = KMOLT_OUTCOME;
	struct kmolt_edition *from;
	struct kmolt_base *base;
	int err = take_max_pause(session, name, &outcome);

	if (err)
		return err;
	base = kmolt_find_base(name);
	from = base ? base->current_edition : NULL;
	if (!from)
		return fail(session, -ENOENT, "no edition answers for that module");
	if (!try_module_get(base->mod))
		return fail(session, -ENOENT, "the module is being unloaded");
	err = attempt(session, base, from->holds, false, &outcome);
	if (!err) {
		if (from->holds)
			from->holds->state = KMOLT_CURRENT;
		from->state = KMOLT_RETIRED;
		kmolt_hook_unprepare(from);
		kmolt_exit_sync(base);
		log_change(session, base, "reverted", from, &outcome);
		kmolt_record_change("reverted", base, from->name,
				    from->build_id, outcome.pause_ns);
		say(session, "retired %s\n", from->mod->name);
	}
	module_put(base->mod);
	return err;
}

static int do_discard(struct kmolt_session *session, char *name)
{
	struct kmolt_edition *edition = kmolt_find_edition(name);

	if (!edition || (edition->state != KMOLT_ENROLLED &&
			 edition->state != KMOLT_STAGED))
		return fail(session, -ENOENT, "no such edition is staged");
	pr_info("%s: discarded %s (build-id %*phN), by pid %d (%s) uid %u\n",
		edition->base->mod->name, edition->name, KMOLT_BUILD_ID_LEN,
		edition->build_id, session->owner, session->comm,
		from_kuid(&init_user_ns, current_uid()));
	kmolt_discard(edition);
	return 0;
}

static int do_retire(struct kmolt_session *session, char *name)
{
	struct kmolt_edition *edition = edition_in(session, name, KMOLT_RETIRED);
	struct kmolt_outcome outcome = KMOLT_OUTCOME;
	int err;

	if (!edition)
		return -ENOENT;
	err = kmolt_retire(edition, &outcome);
	say_outcome(session, &outcome);
	kmolt_scan_free(outcome.scan);
	if (err == -EBUSY)
		return fail(session, err, "tasks are still in its code");
	if (err == -EPERM)
		return fail(session, err, edition->sticky ?
			    "objects may point into it until its base is unloaded" :
			    "an edition that stays was linked on it");
	if (err)
		return fail(session, err, "it cannot be retired");
	return 0;
}

static int do_drop(struct kmolt_session *session, char *name)
{
	struct kmolt_edition *edition = edition_in(session, name,
						   KMOLT_SUPERSEDED);
	struct kmolt_outcome outcome = KMOLT_OUTCOME;
	int err;

	if (!edition)
		return -ENOENT;
	err = kmolt_drop(edition, &outcome);
	say_outcome(session, &outcome);
	kmolt_scan_free(outcome.scan);
	if (err == -EBUSY)
		return fail(session, err, "tasks are still in its code");
	if (err == -EPERM)
		return fail(session, err, "it has to stay");
	if (err)
		return fail(session, err, "it cannot be dropped");
	log_change(session, edition->base, "dropped", edition, &outcome);
	kmolt_record_change("dropped", edition->base, edition->name,
			    edition->build_id, outcome.pause_ns);
	return 0;
}

/* Editions of functions. */

/* All that dispatchers are made from. */
static int do_describe(struct kmolt_session *session, char *name)
{
	struct kmolt_group *group = kmolt_find_group(name);
	size_t i, j;

	if (!group)
		return fail(session, -ENOENT, "there are no such editions");
	say(session, "routes %s\n",
	    group->routing ? group->routing->mod->name : "none");
	for (i = 0; i < group->n_targets; i++) {
		const struct kmolt_target *target = group->targets[i];
		const struct kmolt_code *codes = (void *)target->desc->editions;

		say(session, "function %s %llx %llx %llx %s\n",
		    target->desc->label, target->desc->address,
		    target->desc->marker,
		    target->route ? target->route->entry : 0,
		    target->gone ? "gone" : "there");
		say(session, "route %s\n",
		    target->route ? target->route->text : "0");
		for (j = 0; j <= target->desc->n_editions; j++)
			say(session, "edition %llu %llx %lx\n",
			    target->counters[j]->number,
			    j ? codes[j - 1].address : 0,
			    (unsigned long)(target->hits + j));
	}
	return 0;
}

static int do_switch(struct kmolt_session *session, char *arg)
{
	char *name = strsep(&arg, " ");
	s64 value, *word;

	if (arg && kstrtos64(strim(arg), 0, &value))
		return fail(session, -EINVAL, "a switch holds a 64-bit integer");
	word = kmolt_switch(name);
	if (IS_ERR(word))
		return fail(session, PTR_ERR(word),
			    PTR_ERR(word) == -ENOSPC ? "there are 64 switches already" :
			    "a switch is named by up to 31 letters, digits, \"_\", \"-\" and \".\"");
	if (arg) {
		WRITE_ONCE(*word, value);
		pr_info("switch %s set to %lld, by pid %d (%s) uid %u\n", name,
			value, session->owner, session->comm,
			from_kuid(&init_user_ns, current_uid()));
	}
	say(session, "switch %s %lld %lx\n", name, READ_ONCE(*word),
	    (unsigned long)word);
	return 0;
}

static void log_routes(const struct kmolt_session *session,
		       const struct kmolt_routing *routing)
{
	const struct kmolt_group *group = routing->group;
	const struct kmolt_route *routes = (void *)routing->desc->routes;
	size_t i;

	for (i = 0; i < group->n_targets; i++)
		pr_info("%s: %s routed by \"%s\", by pid %d (%s) uid %u\n",
			group->desc->name, group->targets[i]->desc->label,
			routes[i].text, session->owner, session->comm,
			from_kuid(&init_user_ns, current_uid()));
}

/* Modules with dispatchers that may be unloaded now. */
static void say_retired(struct kmolt_session *session,
			const struct kmolt_group *group)
{
	struct kmolt_routing *routing;

	list_for_each_entry(routing, &group->routings, node)
		if (routing->retired)
			say(session, "retired %s\n", routing->mod->name);
}

static int do_route(struct kmolt_session *session, char *name)
{
	struct kmolt_routing *routing = kmolt_find_routing(name);
	int err;

	if (!routing || routing->retired || routing->stuck ||
	    routing == routing->group->routing)
		return fail(session, -ENOENT, "there are no such routes");
	err = kmolt_route(routing);
	if (err)
		return fail(session, err, "ftrace refuses the dispatchers");
	log_routes(session, routing);
	say_retired(session, routing->group);
	return 0;
}

static int do_unload(struct kmolt_session *session, char *name)
{
	struct kmolt_group *group = kmolt_find_group(name);
	struct kmolt_outcome outcome = KMOLT_OUTCOME;
	int err;

	if (!group)
		return fail(session, -ENOENT, "there are no such editions");
	/* It was done before, and the modules are still to be removed. */
	if (!group->pinned)
		goto unpinned;
	if (group->routing)
		return fail(session, -EINVAL, "routes lead to these editions");
	err = kmolt_unload_editions(group, &outcome);
	say_outcome(session, &outcome);
	kmolt_scan_free(outcome.scan);
	if (err == -EBUSY)
		return fail(session, err, "tasks are still in their code");
	if (err)
		return fail(session, err, "they cannot be unloaded");
	pr_info("%s: unloaded, by pid %d (%s) uid %u\n", group->desc->name,
		session->owner, session->comm,
		from_kuid(&init_user_ns, current_uid()));
unpinned:
	say_retired(session, group);
	say(session, "retired %s\n", group->mod->name);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct kmolt_session *session, char *arg);
	bool takes_name;
} commands[] = {
	{ "hello", do_hello, false },
	{ "reason", do_reason, false },
	{ "stage", do_stage, true },
	{ "check", do_check, true },
	{ "commit", do_commit, true },
	{ "revert", do_revert, true },
	{ "discard", do_discard, true },
	{ "retire", do_retire, true },
	{ "drop", do_drop, true },
	{ "describe", do_describe, true },
	{ "switch", do_switch, true },
	{ "route", do_route, true },
	{ "unload", do_unload, true },
};

static void run(struct kmolt_session *session, char *line)
{
	char *name = strsep(&line, " ");
	char *arg = line ? strim(line) : "";
	size_t i;

	session->reply_len = 0;
	session->reply_read = 0;
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, name))
			continue;
		if (commands[i].takes_name != (arg[0] != '\0')) {
			say(session, "error usage: %s takes %s\n", name,
			    commands[i].takes_name ? "a name" : "nothing");
			return;
		}
		mutex_lock(&kmolt_mutex);
		if (commands[i].run != do_reason)
			session->refusal[0] = '\0';
		if (!commands[i].run(session, arg))
			say(session, "ok\n");
		mutex_unlock(&kmolt_mutex);
		return;
	}
	say(session, "error usage: unknown command\n");
}

/* The file. */

static int device_open(struct inode *inode, struct file *file)
{
	struct kmolt_session *session;
	int err = 0;

	if (!capable(CAP_SYS_MODULE))
		return -EPERM;
	session = kmolt_alloc(sizeof(*session));
	if (!session)
		return -ENOMEM;
	session->reply = kmolt_alloc(REPLY_SIZE);
	if (!session->reply) {
		kvfree(session);
		return -ENOMEM;
	}
	session->owner = task_tgid_nr(current);
	get_task_comm(session->comm, current);

	mutex_lock(&kmolt_mutex);
	if (rcu_access_pointer(kmolt_owner))
		err = -EBUSY;
	else
		rcu_assign_pointer(kmolt_owner, session);
	mutex_unlock(&kmolt_mutex);
	if (err) {
		kvfree(session->reply);
		kvfree(session);
		return err;
	}
	file->private_data = session;
	return stream_open(inode, file);
}

static ssize_t device_write(struct file *file, const char __user *from,
			    size_t count, loff_t *pos)
{
	struct kmolt_session *session = file->private_data;
	size_t i;
	char c;

	mutex_lock(&file_mutex);
	for (i = 0; i < count; i++) {
		if (get_user(c, from + i)) {
			mutex_unlock(&file_mutex);
			return -EFAULT;
		}
		if (c != '\n') {
			if (session->line_len >= sizeof(session->line) - 1) {
				session->line_len = 0;
				mutex_unlock(&file_mutex);
				return -EINVAL;
			}
			session->line[session->line_len++] = c;
			continue;
		}
		session->line[session->line_len] = '\0';
		session->line_len = 0;
		run(session, session->line);
	}
	mutex_unlock(&file_mutex);
	return count;
}

static ssize_t device_read(struct file *file, char __user *to, size_t count,
			   loff_t *pos)
{
	struct kmolt_session *session = file->private_data;
	ssize_t n;

	mutex_lock(&file_mutex);
	n = min(count, session->reply_len - session->reply_read);
	if (copy_to_user(to, session->reply + session->reply_read, n))
		n = -EFAULT;
	else
		session->reply_read += n;
	mutex_unlock(&file_mutex);
	return n;
}

/*
 * Discards the first edition, or module with dispatchers, that a session left
 * behind unused; @name is set if its module is to be unloaded, too.
 */
static bool discard_leftover(const struct kmolt_session *session, char *name,
			     size_t size)
{
	struct kmolt_routing *routing = kmolt_unused_routing();
	struct kmolt_edition *edition;
	struct kmolt_base *base;

	if (routing) {
		strscpy(name, routing->mod->name, size);
		return true;
	}
	list_for_each_entry(base, &kmolt_bases, node)
		list_for_each_entry(edition, &base->editions, node)
			if (edition->state == KMOLT_ENROLLED ||
			    edition->state == KMOLT_STAGED) {
				pr_notice("%s: discarded, its owner pid %d (%s) is gone (build-id %*phN)\n",
					  edition->name, session->owner,
					  session->comm, KMOLT_BUILD_ID_LEN,
					  edition->build_id);
				kmolt_discard(edition);
				if (!edition->pinned)
					strscpy(name, edition->name, size);
				return true;
			}
	return false;
}

/*
 * Makes the first edition that was reverted, and could be freed, ready to be
 * unloaded; @name is set if there was one.
 */
static void retire_leftover(char *name, size_t size)
{
	struct kmolt_edition *edition;
	struct kmolt_base *base;

	list_for_each_entry(base, &kmolt_bases, node)
		list_for_each_entry(edition, &base->editions, node) {
			struct kmolt_outcome outcome = KMOLT_OUTCOME;
			int err;

			if (edition->state != KMOLT_RETIRED ||
			    edition->sticky || !edition->pinned || base->going)
				continue;
			err = kmolt_retire(edition, &outcome);
			kmolt_scan_free(outcome.scan);
			if (err)
				continue;
			strscpy(name, edition->name, size);
			return;
		}
}

static void remove_leftover(const char *name)
{
	int i;

	for (i = 0; i < CLEANUP_RETRIES; i++) {
		if (!kmolt_remove_module(name))
			return;
		msleep(CLEANUP_WAIT_MS);
	}
	pr_notice("%s: stays loaded, unused; rmmod removes it\n", name);
}

static int device_release(struct inode *inode, struct file *file)
{
	struct kmolt_session *session = file->private_data;
	char name[MODULE_NAME_LEN];
	bool left;

	/* Nothing new is enrolled, and nobody else is let in, until all is gone. */
	mutex_lock(&kmolt_mutex);
	session->closing = true;
	mutex_unlock(&kmolt_mutex);
	do {
		name[0] = '\0';
		mutex_lock(&kmolt_mutex);
		left = discard_leftover(session, name, sizeof(name));
		mutex_unlock(&kmolt_mutex);
		if (name[0])
			remove_leftover(name);
	} while (left);
	do {
		name[0] = '\0';
		mutex_lock(&kmolt_mutex);
		retire_leftover(name, sizeof(name));
		mutex_unlock(&kmolt_mutex);
		if (name[0])
			remove_leftover(name);
	} while (name[0]);
	mutex_lock(&kmolt_mutex);
	rcu_assign_pointer(kmolt_owner, NULL);
	mutex_unlock(&kmolt_mutex);
	kvfree(session->reply);
	kvfree_rcu(session, rcu);
	return 0;
}

static const struct file_operations device_ops = {
	.owner = THIS_MODULE,
	.open = device_open,
	.read = device_read,
	.write = device_write,
	.release = device_release,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "kmolt",
	.fops = &device_ops,
	.mode = 0600,
};

int kmolt_device_init(void)
{
	return misc_register(&device);
}

void kmolt_device_exit(void)
{
	misc_deregister(&device);
}
