# What `cmake --install` puts where: the binary, libsimul.so, its headers, find_package(simul), simul.pc.
# `--component runtime` leaves out what only developers need; so it does with the lessons (SimulExamples.cmake).
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME development)
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/simul")

if(TARGET simul_cli)
  install(TARGETS simul_cli COMPONENT runtime)
endif()
install(TARGETS simul EXPORT simulTargets LIBRARY COMPONENT runtime NAMELINK_COMPONENT development)
foreach(folder IN ITEMS core protocols)
  if(IS_DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}/include")
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/${folder}/include/" TYPE INCLUDE FILES_MATCHING PATTERN "*.hpp")
  endif()
endforeach()

# For gdb, of core files: -x simul.py
install(FILES scripts/gdb/simul.py DESTINATION "${CMAKE_INSTALL_DATADIR}/simul/gdb" COMPONENT development)
install(EXPORT simulTargets NAMESPACE simul:: DESTINATION "${package_dir}")
configure_package_config_file(cmake/simulConfig.cmake.in simulConfig.cmake INSTALL_DESTINATION "${package_dir}")
# SameMinorVersion until 1.0, like the SONAME.
write_basic_package_version_file(simulConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/simulConfig.cmake" "${CMAKE_CURRENT_BINARY_DIR}/simulConfigVersion.cmake"
  DESTINATION "${package_dir}")

configure_file(cmake/simul.pc.in simul.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/simul.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
