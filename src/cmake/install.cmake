include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(config_folder ${CMAKE_INSTALL_LIBDIR}/cmake/npymap)

install(TARGETS npymap EXPORT npymap-targets FILE_SET HEADERS)
install(EXPORT npymap-targets NAMESPACE npymap:: DESTINATION ${config_folder})

# An export set of its own, read only when COMPONENTS asks for it: it names Eigen3::Eigen.
install(TARGETS npymap_eigen EXPORT npymap-eigen-targets FILE_SET HEADERS)
install(EXPORT npymap-eigen-targets NAMESPACE npymap:: DESTINATION ${config_folder})

get_target_property(library_type npymap TYPE)
configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/npymapConfig.cmake.in ${PROJECT_BINARY_DIR}/npymapConfig.cmake
  INSTALL_DESTINATION ${config_folder}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/npymapConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/npymapConfig.cmake ${PROJECT_BINARY_DIR}/npymapConfigVersion.cmake
  DESTINATION ${config_folder})

if(TARGET npymap_tool)
  file(RELATIVE_PATH tool_to_library
    ${CMAKE_INSTALL_FULL_BINDIR} ${CMAKE_INSTALL_FULL_LIBDIR})
  set_target_properties(npymap_tool PROPERTIES INSTALL_RPATH "$ORIGIN/${tool_to_library}")
  install(TARGETS npymap_tool)
endif()
