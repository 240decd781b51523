package io.kmolt.route;

/** A part of a route, after its types are known. */
sealed interface Term permits Value, Condition {}
