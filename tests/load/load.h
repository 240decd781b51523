/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of kmolt-load share. */
#ifndef KMOLT_LOAD_H
#define KMOLT_LOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_PROCS 64

struct options {
	const char *target;	/* the directory or device to be kept busy */
	const char *report;
	uint64_t seed;
	int procs;
	int seconds;		/* 0: until SIGTERM */
	int grace;		/* seconds to wait for the processes at the end */
	bool small;
	bool keep;
};

enum phase { STARTING, RUNNING, VERIFYING, DONE };

/* The counts of one process, in memory shared with the parent. */
struct tally {
	_Atomic uint64_t iterations;
	_Atomic uint64_t mismatches;	/* something is not what it must be */
	_Atomic uint64_t errors;	/* a call failed that must not fail */
	_Atomic uint64_t written;	/* bytes */
	_Atomic uint64_t read;
	_Atomic uint64_t marks;		/* a workload's own count */
	_Atomic int phase;
};

struct shared {
	_Atomic bool stop;
	struct tally tally[MAX_PROCS];
};

extern struct shared *shared;
extern struct tally *me;	/* of the process that asks */

/* A kind of load. false: it cannot run here, and has said why. */
struct workload {
	bool (*prepare)(const struct options *opt);		/* in the parent, first */
	void (*started)(const struct options *opt);		/* in the parent; or NULL */
	void (*run)(const struct options *opt, int index);	/* in each process */
	void (*finish)(const struct options *opt);		/* in the parent, last */
};

extern const struct workload files_workload;
extern const struct workload greeter_workload;
extern const struct workload pipes_workload;

bool stopping(void);
void next_iteration(void);
void enter(enum phase phase);

/* Both count, and print the first few. fail() appends errno's text. */
void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void mismatch(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Repeatable pseudo-random numbers (splitmix64). */
struct rng {
	uint64_t state;
};

uint64_t rng_next(struct rng *rng);
unsigned int rng_below(struct rng *rng, unsigned int limit);

/*
 * Contents. Every 8-byte word of a file says which write put it there (its tag) and
 * for which offset it was meant, so that what is found in the wrong place can be
 * traced to where it came from.
 */
void fill(void *buf, uint32_t tag, uint64_t offset, size_t len);

/* Counts a mismatch, with an explanation, unless both are equal. */
bool same(const char *what, const void *got, const void *expected, uint64_t offset, size_t len);

#endif
