// SPDX-License-Identifier: GPL-2.0-only
/*
 * turn-dial keeps /dev/dial (tests/swaps/dial) busy and checks what it reads.
 *
 * usage: turn-dial DEVICE
 *
 * It has the device open twice and reads, writes and asks, with a pause of 1 ms after 50
 * rounds: an emulated machine has other things to do. Whenever the setting is another one
 * than before, a line says so: the setting, in hexadecimal. The count of uses must grow
 * with each use. SIGTERM ends it; then the last line is "done ROUNDS", and the exit status
 * is 0. It is 1 as soon as something is wrong.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

static void die(const char *what)
{
	printf("wrong: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_device(const char *path)
{
	int file = open(path, O_RDWR);

	if (file < 0)
		die(path);
	return file;
}

int main(int argc, char **argv)
{
	uint64_t answer[2], last = 0, uses = 0, mine = 0;
	struct sigaction action = { .sa_handler = end };
	int one, other;

	if (argc != 2) {
		fprintf(stderr, "usage: turn-dial DEVICE\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGTERM, &action, NULL);
	one = open_device(argv[1]);
	other = open_device(argv[1]);
	while (!ended) {
		if (read(one, answer, sizeof(answer)) != sizeof(answer))
			die("read");
		/* Others may use it, too; nothing that was counted is lost. */
		if (answer[1] <= uses) {
			errno = 0;
			die("the count of uses");
		}
		uses = answer[1];
		mine++;
		if (answer[0] != last)
			printf("%" PRIx64 "\n", answer[0]);
		last = answer[0];
		if (write(other, "", 1) != 1)
			die("write");
		if (ioctl(other, 0, 0) < 0)
			die("ioctl");
		if (mine % 50 == 0)
			usleep(1000);
	}
	printf("done %" PRIu64 "\n", mine);
	return 0;
}
