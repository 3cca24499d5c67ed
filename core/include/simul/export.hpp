// Marks what libsimul.so exports. Everything else in it is hidden, so that the library can change
// inside without changing its ABI, and so that calls within it need no indirection.
#pragma once

#define SIMUL_EXPORT __attribute__((visibility("default")))

// Marks a parameter to which the result refers, so that the compiler can warn of a result that outlives it.
#if __has_cpp_attribute(clang::lifetimebound)
#define SIMUL_LIFETIMEBOUND [[clang::lifetimebound]]
#else
#define SIMUL_LIFETIMEBOUND
#endif
