#!/run/kmolt-lab/busybox sh
# Waits for the path of a job script and runs it, away from the shell that asked for it: a command then has the signal
# dispositions of a fresh process.

. /run/kmolt-lab/environment
while read -r job; do
	/run/kmolt-lab/busybox setsid /bin/sh "$job" </dev/null >/dev/null 2>&1
done <>/run/kmolt-lab/job
