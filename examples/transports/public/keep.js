// Both builds of the client call themselves `io`. This one runs between them and keeps the first, if this browser could read it.
window.modernIo = window.io;
window.io = undefined;
