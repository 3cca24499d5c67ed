// Marks what libsimul.so exports. Everything else in it is hidden, so that the library can change
// inside without changing its ABI, and so that calls within it need no indirection.
#pragma once

#define SIMUL_EXPORT __attribute__((visibility("default")))
