package io.kmolt.swap;

/**
 * The core that this kmolt was built with for a kernel release.
 *
 * @param file where it is, or should be
 * @param buildId its build-id
 * @param problem why it cannot be used; empty if it can
 */
record BuiltCore(String file, String buildId, String problem) {}
