/** Hot-swapping a module: identify, compare, link, stage, commit, verify, revert. */
@NullMarked
package io.kmolt.swap;

import org.jspecify.annotations.NullMarked;
