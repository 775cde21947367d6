# The manifests of infra/k8s: kubectl renders them, and the tests check types, promises and settings.
file(GLOB infra_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/infra/test_*.py)
foreach(file ${infra_files})
  string(REGEX REPLACE ".*/test_(.*)\\.py$" "\\1" subject ${file})
  add_python_test(infra.${subject} ${file} short 180)
endforeach()
