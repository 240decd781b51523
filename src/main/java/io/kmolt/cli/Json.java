package io.kmolt.cli;

import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** Facts as JSON: records as objects, in the order of their components. */
final class Json {
    private Json() {}

    static String write(Object facts) {
        return JsonMapper.builder()
                .enable(SerializationFeature.INDENT_OUTPUT)
                .build()
                .writeValueAsString(facts);
    }
}
