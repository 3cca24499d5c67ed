# examples/<name>/*.cpp           one program per folder: build/<preset>/examples/example_<name>
# examples/lessons/<name>.cpp     one program each, which `simul lesson <name>` runs: target lesson_<name>
# examples/lessons/<name>/*.cpp   a lesson of several files, among them main.cpp

file(GLOB folders CONFIGURE_DEPENDS LIST_DIRECTORIES true "${PROJECT_SOURCE_DIR}/examples/*")
foreach(folder IN LISTS folders)
  get_filename_component(name "${folder}" NAME)
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.cpp")
  if(sources AND NOT name STREQUAL "lessons")
    add_executable(example_${name} ${sources})
    target_link_libraries(example_${name} PRIVATE simul::simul)
    set_target_properties(example_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/examples")
  endif()
endforeach()

# --- the lessons -------------------------------------------------------------------------------------
# `simul lesson` finds them from where it lies itself, so the build tree is laid out as the installed one:
#   bin/simul
#   libexec/simul/lessons/index          a line per lesson: name, tab, title
#   libexec/simul/lessons/<name>         the program
#   share/doc/simul/lessons/<name>.cpp   its source
set(lessons_dir "${PROJECT_SOURCE_DIR}/examples/lessons")
set(lessons_libexec "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/${SIMUL_LESSONS_FROM_BIN}")
set(lessons_doc "${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/${SIMUL_LESSON_SOURCES_FROM_BIN}")
file(RELATIVE_PATH lessons_to_lib
  "${CMAKE_INSTALL_FULL_BINDIR}/${SIMUL_LESSONS_FROM_BIN}" "${CMAKE_INSTALL_FULL_LIBDIR}")

file(GLOB found CONFIGURE_DEPENDS RELATIVE "${lessons_dir}" "${lessons_dir}/*.cpp" "${lessons_dir}/*/main.cpp")
list(TRANSFORM found REPLACE "(/main)?\\.cpp$" "")
file(STRINGS "${lessons_dir}/ORDER" order REGEX "^[a-z]")
foreach(lesson IN LISTS found)
  if(NOT lesson IN_LIST order)
    message(FATAL_ERROR "examples/lessons/ORDER doesn't say where the lesson ${lesson} has its place")
  endif()
endforeach()

set(index "")
foreach(lesson IN LISTS order)
  if(lesson IN_LIST found)
    set(main "${lessons_dir}/${lesson}.cpp")
    set(sources "${main}")
    if(IS_DIRECTORY "${lessons_dir}/${lesson}")
      set(main "${lessons_dir}/${lesson}/main.cpp")
      file(GLOB sources CONFIGURE_DEPENDS "${lessons_dir}/${lesson}/*.cpp")
    endif()
  else()
    message(FATAL_ERROR "examples/lessons/ORDER names ${lesson}, which isn't there")
  endif()
  file(READ "${main}" head LIMIT 200)
  if(NOT head MATCHES "^// ([^\n]+)\n")
    message(FATAL_ERROR "${main}: the first line has to be its title: `// Title`")
  endif()
  string(APPEND index "${lesson}\t${CMAKE_MATCH_1}\n")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${main}")

  add_executable(lesson_${lesson} ${sources})
  target_link_libraries(lesson_${lesson} PRIVATE simul::simul Threads::Threads)
  if(NOT SIMUL_SANITIZE)
    # Nothing is precompiled.
  elseif(first_lesson)
    target_precompile_headers(lesson_${lesson} REUSE_FROM ${first_lesson})
  else()
    set(first_lesson lesson_${lesson})
    simul_precompile(${first_lesson} "${PROJECT_SOURCE_DIR}/cmake/precompiled.hpp")
  endif()
  set_target_properties(lesson_${lesson} PROPERTIES
    OUTPUT_NAME "${lesson}"
    RUNTIME_OUTPUT_DIRECTORY "${lessons_libexec}"
    INSTALL_RPATH "$ORIGIN/${lessons_to_lib}")
  file(MAKE_DIRECTORY "${lessons_doc}")
  file(CREATE_LINK "${main}" "${lessons_doc}/${lesson}.cpp" SYMBOLIC)

  install(TARGETS lesson_${lesson} DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}/simul/lessons" COMPONENT development)
  install(FILES "${main}" RENAME "${lesson}.cpp" DESTINATION "${CMAKE_INSTALL_DOCDIR}/lessons" COMPONENT development)
endforeach()
# What several lessons include.
file(GLOB lesson_headers CONFIGURE_DEPENDS "${lessons_dir}/*.hpp")
install(FILES ${lesson_headers} DESTINATION "${CMAKE_INSTALL_DOCDIR}/lessons" COMPONENT development)

set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${lessons_dir}/ORDER")
file(CONFIGURE OUTPUT "${lessons_libexec}/index" CONTENT "${index}" @ONLY)
install(FILES "${lessons_libexec}/index" DESTINATION "${CMAKE_INSTALL_LIBEXECDIR}/simul/lessons" COMPONENT development)
