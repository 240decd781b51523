/**
 * BPF Type Format: the types of a kernel module, and where two layouts differ.
 *
 * <p>{@link io.kmolt.btf.ModuleBtf} gets a module's types, from its {@code .BTF} or from its debugging information, on top
 * of those of the kernel that it was built for ({@link io.kmolt.btf.VmlinuxBtf}). {@link io.kmolt.btf.LayoutDiff} lists
 * in what the types of two builds differ; {@link io.kmolt.btf.FunctionPrototypes} says whether a call that was compiled
 * for one build may reach a function of the other. All of them are pure functions of the two files' contents.
 */
@NullMarked
package io.kmolt.btf;

import org.jspecify.annotations.NullMarked;
