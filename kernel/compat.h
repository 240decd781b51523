/* SPDX-License-Identifier: GPL-2.0-only */
/* What differs between the kernels that kmolt supports, and nowhere else. */
#ifndef KMOLT_COMPAT_H
#define KMOLT_COMPAT_H

#include <linux/ftrace.h>
#include <linux/kernfs.h>
#include <linux/module.h>
#include <linux/version.h>
#include <asm/cpufeature.h>
#include <asm/ibt.h>

#ifdef CONFIG_PREEMPT_RT
#error "kmolt does not support real-time kernels: holders of their spinlocks sleep"
#endif

/* Which load of the module this is: a number that kernfs gives once in a boot. */
static inline u64 kmolt_module_load(const struct module *mod)
{
	return mod->mkobj.kobj.sd ? mod->mkobj.kobj.sd->id : 0;
}

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)

/* Until 6.4 a module's core memory was one block. */
static inline unsigned long kmolt_module_address(const struct module *mod)
{
	return (unsigned long)mod->core_layout.base;
}

static inline unsigned long kmolt_module_size(const struct module *mod)
{
	return mod->init_layout.size + mod->core_layout.size;
}

static inline struct kmolt_range kmolt_module_text(const struct module *mod)
{
	unsigned long base = (unsigned long)mod->core_layout.base;

	return (struct kmolt_range){ base, base + mod->core_layout.text_size };
}

/* Whether some bytes are in one block of what stays after init. */
static inline bool kmolt_in_module(const struct module *mod,
				   unsigned long address, unsigned long bytes)
{
	unsigned long offset = address - (unsigned long)mod->core_layout.base;
	unsigned long size = mod->core_layout.size;

	return offset < size && bytes <= size - offset;
}

/* What stays writable, and stays after init. */
static inline struct kmolt_range kmolt_module_data(const struct module *mod)
{
	unsigned long base = (unsigned long)mod->core_layout.base;

	return (struct kmolt_range){ base + mod->core_layout.ro_after_init_size,
				     base + mod->core_layout.size };
}

#else

static inline unsigned long kmolt_module_address(const struct module *mod)
{
	return (unsigned long)mod->mem[MOD_TEXT].base;
}

static inline unsigned long kmolt_module_size(const struct module *mod)
{
	unsigned long size = 0;

	for_each_mod_mem_type(type)
		size += mod->mem[type].size;
	return size;
}

static inline struct kmolt_range kmolt_module_text(const struct module *mod)
{
	unsigned long base = (unsigned long)mod->mem[MOD_TEXT].base;

	return (struct kmolt_range){ base, base + mod->mem[MOD_TEXT].size };
}

static inline bool kmolt_in_module(const struct module *mod,
				   unsigned long address, unsigned long bytes)
{
	for_class_mod_mem_type(type, core) {
		const struct module_memory *block = &mod->mem[type];
		unsigned long offset = address - (unsigned long)block->base;

		if (offset < block->size && bytes <= block->size - offset)
			return true;
	}
	return false;
}

static inline struct kmolt_range kmolt_module_data(const struct module *mod)
{
	unsigned long base = (unsigned long)mod->mem[MOD_DATA].base;

	return (struct kmolt_range){ base, base + mod->mem[MOD_DATA].size };
}

#endif

/*
 * Direct calls from the sites that a filter names.  Their functions had
 * "_multi" in their names until 6.4, and the filter is the caller's to free.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)

static inline int kmolt_direct_register(struct ftrace_ops *ops, unsigned long to)
{
	return register_ftrace_direct_multi(ops, to);
}

static inline int kmolt_direct_modify(struct ftrace_ops *ops, unsigned long to)
{
	return modify_ftrace_direct_multi(ops, to);
}

/* For ops_func, which ftrace calls with its lock held. */
static inline int kmolt_direct_modify_nolock(struct ftrace_ops *ops,
					     unsigned long to)
{
	return modify_ftrace_direct_multi_nolock(ops, to);
}

static inline int kmolt_direct_unregister(struct ftrace_ops *ops,
					  unsigned long to)
{
	return unregister_ftrace_direct_multi(ops, to);
}

#else

static inline int kmolt_direct_register(struct ftrace_ops *ops, unsigned long to)
{
	return register_ftrace_direct(ops, to);
}

static inline int kmolt_direct_modify(struct ftrace_ops *ops, unsigned long to)
{
	return modify_ftrace_direct(ops, to);
}

static inline int kmolt_direct_modify_nolock(struct ftrace_ops *ops,
					     unsigned long to)
{
	return modify_ftrace_direct_nolock(ops, to);
}

static inline int kmolt_direct_unregister(struct ftrace_ops *ops,
					  unsigned long to)
{
	return unregister_ftrace_direct(ops, to, false);
}

#endif

/*
 * Where a function begins, by the address of a kprobe that was put on it by
 * its name; 0 if it must not be called through a pointer.  Where indirect
 * branches are tracked (IBT, since 5.18), such a probe goes behind the ENDBR at
 * the function's beginning, and a call that does not land on an ENDBR is fatal.
 * It has been overwritten ("sealed") where the kernel never takes the address.
 */
static inline unsigned long kmolt_callable(unsigned long probed)
{
#ifdef CONFIG_X86_KERNEL_IBT
	unsigned long before = probed - ENDBR_INSN_SIZE;

	if (is_endbr(*(u32 *)before))
		probed = before;
	if (cpu_feature_enabled(X86_FEATURE_IBT) &&
	    *(u32 *)probed != gen_endbr())
		return 0;
#endif
	return probed;
}

static inline void kmolt_set_ip(struct ftrace_regs *fregs, unsigned long ip)
{
#ifdef ftrace_instruction_pointer_set
	ftrace_instruction_pointer_set(fregs, ip);	/* until 6.2 */
#else
	ftrace_regs_set_instruction_pointer(fregs, ip);
#endif
}

#endif
