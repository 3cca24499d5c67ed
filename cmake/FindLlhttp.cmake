# llhttp, the HTTP parser of Node.js, built from the C sources that Debian ships in node-llhttp.
#
# Target: Llhttp::llhttp, a static, position-independent library with hidden symbols.
# Hints: Llhttp_ROOT, or Llhttp_SOURCE_DIR (api.c, http.c, llhttp.c) and Llhttp_INCLUDE_DIR (llhttp.h).
#
# The sources hold two parsers, a lenient and a strict one, and LLHTTP_STRICT_MODE chooses in *every*
# translation unit; the struct doesn't show which one was built. It is therefore a PUBLIC definition, and
# the test `llhttp_is_strict` proves it with requests that only the strict parser rejects.

find_path(Llhttp_SOURCE_DIR llhttp.c PATH_SUFFIXES share/llhttp src PATHS /usr/share/llhttp)
find_path(Llhttp_INCLUDE_DIR llhttp.h PATH_SUFFIXES share/include/llhttp include
  PATHS /usr/share/include/llhttp)
mark_as_advanced(Llhttp_SOURCE_DIR Llhttp_INCLUDE_DIR)

if(Llhttp_INCLUDE_DIR)
  file(STRINGS "${Llhttp_INCLUDE_DIR}/llhttp.h" version_lines REGEX "define LLHTTP_VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX REPLACE "[^0-9;]" "" version_lines "${version_lines}")
  string(REPLACE ";" "." Llhttp_VERSION "${version_lines}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Llhttp
  REQUIRED_VARS Llhttp_SOURCE_DIR Llhttp_INCLUDE_DIR
  VERSION_VAR Llhttp_VERSION
  REASON_FAILURE_MESSAGE "Its C sources come with Debian: apt-get install node-llhttp")

if(Llhttp_FOUND AND NOT TARGET Llhttp::llhttp)
  add_library(llhttp STATIC
    "${Llhttp_SOURCE_DIR}/api.c" "${Llhttp_SOURCE_DIR}/http.c" "${Llhttp_SOURCE_DIR}/llhttp.c")
  add_library(Llhttp::llhttp ALIAS llhttp)
  target_include_directories(llhttp SYSTEM PUBLIC "${Llhttp_INCLUDE_DIR}")
  target_compile_definitions(llhttp PUBLIC LLHTTP_STRICT_MODE=1)
  target_compile_options(llhttp PRIVATE -w)
  set_target_properties(llhttp PROPERTIES POSITION_INDEPENDENT_CODE ON C_VISIBILITY_PRESET hidden)
endif()
