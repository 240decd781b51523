/** The update module: a new build, linked onto the running base. */
@NullMarked
package io.kmolt.link;

import org.jspecify.annotations.NullMarked;
