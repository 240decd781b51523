package io.kmolt.lab;

/** No guest of that name runs. */
public final class GuestMissingException extends LabException {
    public GuestMissingException(String message) {
        super(message);
    }
}
