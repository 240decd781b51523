package io.kmolt.cli;

import java.nio.file.Path;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.cfg.EnumFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.ser.std.ToStringSerializer;

/** Facts as JSON: records as objects, in the order of their components; constants in lower case, paths as typed. */
final class Json {
    private Json() {}

    static String write(Object facts) {
        SimpleModule paths = new SimpleModule().addSerializer(Path.class, new ToStringSerializer(Path.class));
        return JsonMapper.builder()
                .addModule(paths)
                .enable(SerializationFeature.INDENT_OUTPUT)
                .enable(EnumFeature.WRITE_ENUMS_TO_LOWERCASE)
                .build()
                .writeValueAsString(facts);
    }
}
