# examples/lessons/*.cpp   one program each
# examples/<name>/*.cpp    one program per folder

function(simul_add_example name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE simul::simul)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/examples")
endfunction()

file(GLOB folders CONFIGURE_DEPENDS LIST_DIRECTORIES true "${PROJECT_SOURCE_DIR}/examples/*")
foreach(folder IN LISTS folders)
  get_filename_component(name "${folder}" NAME)
  file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.cpp")
  if(NOT sources)
    continue()
  elseif(name STREQUAL "lessons")
    foreach(source IN LISTS sources)
      get_filename_component(lesson "${source}" NAME_WE)
      simul_add_example(lesson_${lesson} "${source}")
    endforeach()
  else()
    simul_add_example(example_${name} ${sources})
  endif()
endforeach()
