# libbacktrace: which function, file and line a program counter belongs to.
#
# Target: Libbacktrace::libbacktrace, a static, position-independent library.
# Hints: Libbacktrace_ROOT, or Libbacktrace_INCLUDE_DIR (backtrace.h) and Libbacktrace_LIBRARY (libbacktrace.a).
#
# It is GCC's own, and Debian ships it in GCC's private folder, together with the libstdc++ of that version: the
# one that the compiler uses is the one to take. clang says which that is; else the newest is taken.

execute_process(COMMAND "${CMAKE_CXX_COMPILER}" -print-file-name=libbacktrace.a
  OUTPUT_VARIABLE compilers_own OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(IS_ABSOLUTE "${compilers_own}")
  get_filename_component(hints "${compilers_own}" DIRECTORY)
else()
  file(GLOB hints LIST_DIRECTORIES true "/usr/lib/gcc/${CMAKE_LIBRARY_ARCHITECTURE}/*")
  list(SORT hints COMPARE NATURAL ORDER DESCENDING)
endif()

find_path(Libbacktrace_INCLUDE_DIR backtrace.h HINTS ${hints} PATH_SUFFIXES include)
find_library(Libbacktrace_LIBRARY NAMES libbacktrace.a HINTS ${hints})
mark_as_advanced(Libbacktrace_INCLUDE_DIR Libbacktrace_LIBRARY)
unset(hints)
unset(compilers_own)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Libbacktrace
  REQUIRED_VARS Libbacktrace_LIBRARY Libbacktrace_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "It comes with GCC's C++ library on Debian: apt-get install libstdc++-12-dev (its file is in libgcc-12-dev)")

if(Libbacktrace_FOUND AND NOT TARGET Libbacktrace::libbacktrace)
  # The header stands among GCC's own <stddef.h> and the like, which clang must not see: it is taken alone.
  configure_file("${Libbacktrace_INCLUDE_DIR}/backtrace.h" "${PROJECT_BINARY_DIR}/libbacktrace/backtrace.h" COPYONLY)
  add_library(Libbacktrace::libbacktrace STATIC IMPORTED)
  set_target_properties(Libbacktrace::libbacktrace PROPERTIES
    IMPORTED_LOCATION "${Libbacktrace_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${PROJECT_BINARY_DIR}/libbacktrace")
endif()
