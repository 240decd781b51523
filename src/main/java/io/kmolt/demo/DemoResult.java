package io.kmolt.demo;

import java.util.List;

/**
 * How the demonstration went.
 *
 * @param wrong what did not hold; empty if everything did
 * @param kernelFailed whether the guest's kernel crashed or complained
 * @param kernelLog the part of the kernel log that shows it, or its end; empty if everything held
 */
public record DemoResult(List<String> wrong, boolean kernelFailed, String kernelLog) {}
