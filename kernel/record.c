// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record: what was changed, when and by whom, where a crash dump's reader
 * finds it without symbols, and for the audit trail.  docs/abi.md describes its
 * layout.
 *
 * It lies on whole pages that are neighbours in physical memory too, so that a
 * reader needs no page tables; and is written at run time, so that no copy of
 * our file can be taken for it.
 */
#define pr_fmt(fmt) "kmolt: " fmt

#include <linux/audit.h>
#include <linux/build_bug.h>
#include <linux/cred.h>
#include <linux/gfp.h>
#include <linux/timekeeping.h>
#include <linux/utsname.h>

#include "internal.h"

/* For crash and gdb; readers of a raw image look for its magic. */
struct kmolt_record *kmolt_record;

static const struct kmolt_session *session_of_now(void)
{
	return rcu_dereference_protected(kmolt_owner,
					 lockdep_is_held(&kmolt_mutex));
}

static void put_entry(const struct kmolt_record_entry *from)
{
	struct kmolt_record_entry *to;

	to = &kmolt_record->entries[kmolt_record->count % KMOLT_RECORD_ENTRIES];
	/* A dump may be taken at any moment: a number of 0 says "not complete". */
	WRITE_ONCE(to->number, 0);
	smp_wmb();	/* read by nobody who runs: only the order of stores counts */
	memcpy((void *)to + sizeof(to->number),
	       (const void *)from + sizeof(from->number),
	       sizeof(*from) - sizeof(from->number));
	smp_wmb();	/* as above */
	WRITE_ONCE(to->number, kmolt_record->count + 1);
	WRITE_ONCE(kmolt_record->count, kmolt_record->count + 1);
}

static void put_audit(const struct kmolt_record_entry *entry, u32 auid)
{
	if (audit_enabled == AUDIT_OFF)
		return;
	audit_log(audit_context(), GFP_KERNEL, AUDIT_KERNEL_OTHER,
		  "kmolt op=%s module=%s edition=%s answers=%s build_id=%*phN pid=%u uid=%u auid=%u res=1",
		  entry->verb, entry->module, entry->edition, entry->answers,
		  KMOLT_BUILD_ID_LEN, entry->build_id, entry->pid, entry->uid, auid);
}

/**
 * kmolt_record_change - keep what was done to a base
 * @verb: what: "staged", "committed", "reverted", "dropped", "discarded" or
 *	"unloaded"
 * @base: the base
 * @edition: name of the edition that it was done with; "base" if the base
 *	itself answered when it was unloaded
 * @build_id: of that build
 * @pause_ns: how long all CPUs stood still for it
 *
 * Called with kmolt_mutex, after the change.  Who did it is who holds
 * /dev/kmolt, and for an unload the current process.
 */
void kmolt_record_change(const char *verb, struct kmolt_base *base,
			 const char *edition, const u8 *build_id, u64 pause_ns)
{
	const struct kmolt_edition *now = base->current_edition;
	const struct kmolt_session *session = base->going ? NULL : session_of_now();
	struct kmolt_record_entry entry = {
		.seconds = ktime_get_real_seconds(),
		.pause_ns = pause_ns,
		.pid = session ? session->owner : task_tgid_nr(current),
		.uid = session ? session->uid :
				 from_kuid(&init_user_ns, current_uid()),
	};

	strscpy(entry.verb, verb, sizeof(entry.verb));
	strscpy(entry.comm, session ? session->comm : current->comm,
		sizeof(entry.comm));
	strscpy(entry.module, base->mod->name, sizeof(entry.module));
	strscpy(entry.edition, edition, sizeof(entry.edition));
	strscpy(entry.answers, base->going ? "none" : now ? now->name : "base",
		sizeof(entry.answers));
	memcpy(entry.build_id, build_id, KMOLT_BUILD_ID_LEN);
	put_entry(&entry);
	put_audit(&entry, session ? session->auid :
			  from_kuid(&init_user_ns, audit_get_loginuid(current)));
	/* These two change who answers. */
	if (strcmp(verb, "committed") && strcmp(verb, "reverted"))
		return;
	base->changed = entry;
}

/**
 * kmolt_record_init - begin the record
 *
 * Return: 0 or -ENOMEM.
 */
int kmolt_record_init(void)
{
	struct kmolt_record *record;

	BUILD_BUG_ON(offsetof(struct kmolt_record, entries) != 256);
	BUILD_BUG_ON(sizeof(struct kmolt_record_entry) != 256);
	BUILD_BUG_ON(sizeof(*record) != 4 * PAGE_SIZE);
	record = kmolt_fails() ? NULL :
		 (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO,
					  get_order(sizeof(*record)));
	if (!record)
		return -ENOMEM;
	record->version = KMOLT_RECORD_VERSION;
	record->header_size = offsetof(struct kmolt_record, entries);
	record->entry_size = sizeof(record->entries[0]);
	record->n_entries = KMOLT_RECORD_ENTRIES;
	record->address = (u64)record;
	strscpy(record->boot_id, kmolt_boot_id, sizeof(record->boot_id));
	strscpy(record->release, init_utsname()->release,
		sizeof(record->release));
	record->magic_inverse = ~KMOLT_RECORD_MAGIC;
	WRITE_ONCE(record->magic, KMOLT_RECORD_MAGIC);
	kmolt_record = record;
	return 0;
}

void kmolt_record_exit(void)
{
	/* What is in freed pages is no record any more. */
	kmolt_record->magic = 0;
	free_pages((unsigned long)kmolt_record, get_order(sizeof(*kmolt_record)));
}
