/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Code whose unwinding data is wrong on purpose, to see that a probe there notices. Three
 * instructions of it are not what they are said to be:
 *
 *	first nop	return address elsewhere, where no code is: lost
 *	second nop	nothing known: an error
 *	third nop	the right caller, but not where its frame is: lost one further up
 */
#include <linux/linkage.h>
#include <asm/nospec-branch.h>
#include <asm/unwind_hints.h>

SYM_FUNC_START(kmolt_unwind_astray)
	push	$1
	push	8(%rsp)
	UNWIND_HINT sp_reg=ORC_REG_SP sp_offset=16 type=UNWIND_HINT_TYPE_CALL
	nop
	UNWIND_HINT sp_reg=ORC_REG_UNDEFINED type=UNWIND_HINT_TYPE_CALL
	nop
	UNWIND_HINT sp_reg=ORC_REG_SP sp_offset=8 type=UNWIND_HINT_TYPE_CALL
	nop
	UNWIND_HINT sp_reg=ORC_REG_SP sp_offset=24 type=UNWIND_HINT_TYPE_CALL
	add	$16, %rsp
	UNWIND_HINT_FUNC
	RET
SYM_FUNC_END(kmolt_unwind_astray)
