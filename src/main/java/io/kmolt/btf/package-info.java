/** BPF Type Format: the types of a kernel module, and where two layouts differ. */
@NullMarked
package io.kmolt.btf;

import org.jspecify.annotations.NullMarked;
