# Which compiler, which flags: for every target of the project.

# --- the compiler ------------------------------------------------------------------------------------
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "simul can't be built with g++ ${CMAKE_CXX_COMPILER_VERSION}: before version 13 it miscompiles "
    "coroutines: ordinary ones hang, crash or destroy an object twice; see tests/canary.\n"
    "Use clang 19:\n"
    "  apt-get install clang-19 lld-19\n"
    "  cmake --preset release")
endif()

# clang 19 is what we test with. Any other compiler must first pass tests/canary: see tests/CMakeLists.txt.
set(SIMUL_TRUSTED_COMPILER OFF)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION MATCHES "^19\\.")
  set(SIMUL_TRUSTED_COMPILER ON)
endif()

# --- the language ------------------------------------------------------------------------------------
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Frame pointers stay: the watchdog's native backtraces and `perf` walk them, for about 1 %.
add_compile_options(-fno-omit-frame-pointer)
if(NOT CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  add_compile_definitions(_GLIBCXX_ASSERTIONS)  # bounds of span, string_view, optional ...
endif()

# --- warnings ----------------------------------------------------------------------------------------
# Not -Wsign-conversion: the system calls mix ssize_t, size_t and int, and every cast hides a real one.
set(warnings -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # `{.name = "x"}` that leaves the other fields at their defaults is how options are written.
  # libstdc++ 12's own std::stable_sort uses a deprecated function, and clang blames us for it.
  list(APPEND warnings -Wextra-semi -Wno-missing-designated-field-initializers -Wno-deprecated-declarations)
endif()
if(SIMUL_WERROR)
  list(APPEND warnings -Werror)
endif()
add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:${warnings}>")

# --- sanitizers -------------------------------------------------------------------------------------
if(SIMUL_SANITIZE)
  add_compile_options(-fsanitize=${SIMUL_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SIMUL_SANITIZE})
  add_compile_definitions(SIMUL_SANITIZE=1)
endif()

# --- linker, compiler cache --------------------------------------------------------------------------
include(CheckLinkerFlag)
check_linker_flag(CXX -fuse-ld=lld SIMUL_HAVE_LLD)
if(SIMUL_HAVE_LLD)
  add_link_options(-fuse-ld=lld)
endif()
add_link_options(-Wl,--as-needed -Wl,-z,relro,-z,now)
if(NOT SIMUL_SANITIZE)
  add_link_options($<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,SHARED_LIBRARY>:-Wl,-z,defs>)
endif()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The sloppiness is what ccache's manual asks for with precompiled headers.
  set(CMAKE_C_COMPILER_LAUNCHER "${CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER
    "${CMAKE_COMMAND}" -E env "CCACHE_SLOPPINESS=pch_defines,time_macros" "${CCACHE}")
endif()
