package io.kmolt.lab;

/** A guest is in the way: one of that name runs already, or all its shells are in use. */
public final class GuestBusyException extends LabException {
    public GuestBusyException(String message) {
        super(message);
    }
}
