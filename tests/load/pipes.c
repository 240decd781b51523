// SPDX-License-Identifier: GPL-2.0-only
/*
 * The load on pipes. Processes 0 and 1 are a pair, 2 and 3 the next: the even one writes
 * into a pipe, in pieces of any size, what the odd one must read from it, in pieces of
 * other sizes. Whoever is faster sleeps in pipe_write or pipe_read most of the time.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "load.h"

#define LARGEST (256 * 1024)	/* four times what a pipe holds at first */

static int ends[MAX_PROCS];	/* of each process; -1: closed */

static bool prepare(const struct options *opt)
{
	if (opt->procs % 2) {
		errno = 0;
		fail("pipes need an even number of processes");
		return false;
	}
	for (int i = 0; i < opt->procs; i += 2) {
		int fds[2];

		if (pipe(fds)) {
			fail("pipe");
			return false;
		}
		ends[i] = fds[1];
		ends[i + 1] = fds[0];
	}
	return true;
}

/* A pipe ends when the last process that could write into it has closed it. */
static void close_all_but(const struct options *opt, int mine)
{
	for (int i = 0; i < opt->procs; i++)
		if (i != mine)
			close(ends[i]);
}

static void started(const struct options *opt)
{
	close_all_but(opt, -1);
}

static size_t any_size(struct rng *rng)
{
	switch (rng_below(rng, 8)) {
	case 0:
		return 1 + rng_below(rng, LARGEST);
	case 1:
	case 2:
		return 1 + rng_below(rng, 16 * 1024);
	case 3:
		return 4096;
	default:
		return 1 + rng_below(rng, 600);
	}
}

static void pause_sometimes(struct rng *rng)
{
	if (!rng_below(rng, 64))
		usleep(rng_below(rng, 2000));
}

static void write_until_told(int fd, uint32_t tag, struct rng *rng, unsigned char *buf)
{
	uint64_t offset = 0;

	while (!stopping()) {
		size_t size = any_size(rng), done = 0;

		fill(buf, tag, offset, size);
		while (done < size) {
			ssize_t n = write(fd, buf + done, size - done);

			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0) {
				fail("write into the pipe gave %zd", n);
				return;
			}
			done += n;
			atomic_fetch_add(&me->written, n);
		}
		offset += size;
		next_iteration();
		pause_sometimes(rng);
	}
}

static void read_to_the_end(int fd, uint32_t tag, struct rng *rng, unsigned char *buf,
			    unsigned char *expected)
{
	uint64_t offset = 0;

	for (;;) {
		ssize_t n = read(fd, buf, any_size(rng));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail("read from the pipe");
		if (n <= 0)
			return;
		fill(expected, tag, offset, n);
		same("the pipe", buf, expected, offset, n);
		offset += n;
		atomic_fetch_add(&me->read, n);
		next_iteration();
		pause_sometimes(rng);
	}
}

static void run(const struct options *opt, int index)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct rng rng = { .state = opt->seed * MAX_PROCS + index };
	uint32_t tag = (uint32_t)opt->seed * MAX_PROCS + index / 2 + 1;
	unsigned char *buf = malloc(LARGEST), *expected = malloc(LARGEST);

	if (!buf || !expected) {
		fail("memory");
		return;
	}
	sigaction(SIGPIPE, &ignore, NULL);	/* an error like any other */
	close_all_but(opt, index);
	enter(RUNNING);
	if (index % 2 == 0) {
		write_until_told(ends[index], tag, &rng, buf);
		enter(VERIFYING);
		close(ends[index]);
		return;
	}
	read_to_the_end(ends[index], tag, &rng, buf, expected);
	enter(VERIFYING);
	/* The writer counts before it closes. */
	if (me->read != shared->tally[index - 1].written)
		mismatch("%llu bytes came out of the pipe, %llu went into it",
			 (unsigned long long)me->read,
			 (unsigned long long)shared->tally[index - 1].written);
}

static void finish(const struct options *opt)
{
	(void)opt;
}

const struct workload pipes_workload = {
	.prepare = prepare,
	.started = started,
	.run = run,
	.finish = finish,
};
