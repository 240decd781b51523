package io.kmolt.swap;

import io.kmolt.target.CommandResult;
import io.kmolt.target.ShellQuote;
import io.kmolt.target.Target;
import io.kmolt.target.TargetException;
import java.time.Duration;

/**
 * A shell on the target that reverts a swap which nobody confirmed. While kmolt lives and is connected, it holds {@code
 * /dev/kmolt}, so that nobody else can open it; whoever can, before the swap was confirmed, knows that kmolt is gone.
 *
 * <p>A connection may also hang without ending, and a process be stopped: what still holds the device long after the
 * swap should have been confirmed is killed, if it is the one that held it when the watchdog started.
 */
final class Watchdog {
    /** How often the time for a revert passes, after the last check, until the one who should have confirmed is killed. */
    private static final int PATIENCE = 3;

    /** $1 token, $2 module, $3 edition, $4 attempts at the revert, $5 seconds within which the swap is to be confirmed. */
    private static final String SCRIPT = """
            token=$1 module=$2 edition=$3 attempts=$4 limit=$5 begin= holder=
            read -r holder </sys/kernel/kmolt/owner
            answers() {
              [ "$(cat /sys/kernel/kmolt/modules/$module/current)" = "$edition" ]
            }
            overdue() {
              answers || return
              IFS='. ' read -r now rest </proc/uptime
              begin=${begin:-$now}
              [ $((now - begin)) -ge $limit ]
            }
            evict() {
              [ -e "$token" ] || return
              read -r owner </sys/kernel/kmolt/owner
              [ "$owner" = "$holder" ] || return
              ls -l /proc/${holder%% *}/fd | grep -q '/dev/kmolt$' && kill -KILL ${holder%% *}
            }
            reply() {
              r=
              while IFS= read -r r <&3; do case $r in ok|"error "*) break;; esac; done
            }
            revert() {
              exec 3<>/dev/kmolt || exit 2
              [ -e "$token" ] || exit 0
              answers || exit 3
              while :; do
                echo "revert $module" >&3
                reply
                case $r in
                ok) echo "retire $edition" >&3; reply; [ "$r" = ok ] && rmmod "$edition"; exit 4;;
                "error blocked"*|"error late"*|"error memory"*) ;;
                *) exit 5;;
                esac
                attempts=$((attempts - 1))
                [ $attempts -gt 0 ] || exit 5
                sleep 1
              done
            }
            while [ -e "$token" ]; do
              sleep 1
              [ -e /dev/kmolt ] || break
              overdue && evict
              ( revert )
              case $? in
              0|3) break;;
              4) rm -f "$token"
            REVERTED
              ;;
              5) rm -f "$token"
            STANDS
              ;;
              esac
            done
            rm -f "$token"
            """;

    private final Target target;
    private final String token;

    private Watchdog(Target target, String token) {
        this.target = target;
        this.token = token;
    }

    /**
     * Starts it; {@code /dev/kmolt} must be held.
     *
     * @param intent the journal's entry of the verification
     * @param timeout how long to try the revert
     * @param end when the last check is over, counted from the commit
     */
    static Watchdog start(Target target, Journal journal, JournalEntry intent, Duration timeout, Duration end)
            throws TargetException, SwapException {
        String edition = intent.get("edition");
        String why = "kmolt was ended, lost the target or hung before the verification was over; ";
        String script = SCRIPT.replace(
                        "REVERTED",
                        journal.script(
                                intent.ended("interrupted", why + "the target reverted it", intent.get("before"))))
                .replace(
                        "STANDS",
                        journal.script(intent.ended("interrupted", why + "the target could not revert it", edition)));
        CommandResult started = target.run(
                "T=$(mktemp /run/kmolt-verify.XXXXXX) || exit 1; setsid sh -c " + ShellQuote.word(script)
                        + " sh \"$T\" "
                        + intent.get("module") + " " + edition + " "
                        + Math.max(1, timeout.toSeconds()) + " "
                        + end.plus(timeout.multipliedBy(PATIENCE)).toSeconds()
                        + " </dev/null >/dev/null 2>&1 & echo \"$T\"",
                Target.DEFAULT_TIMEOUT);
        String token = started.stdout().strip();
        if (!started.ok() || token.isEmpty()) {
            throw SwapException.unfit("the verification cannot be prepared: nothing can be written to /run on "
                    + target.describe() + "; nothing has changed");
        }
        return new Watchdog(target, token);
    }

    /** The swap is confirmed, or reverted already, or will not be reverted: nothing is left for it to do. */
    void dismiss() throws TargetException {
        CommandResult done = target.run("rm " + token, Target.DEFAULT_TIMEOUT);
        if (!done.ok()) {
            throw new TargetException(
                    "the swap cannot be confirmed: " + done.stderr().strip(), null);
        }
    }
}
