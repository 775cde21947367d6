# The image and docker-compose.yml on a Docker engine of our own; skipped where none can run.
set(containers ${CMAKE_CURRENT_SOURCE_DIR}/infra/containers)
add_python_test(infra.containers ${containers} short 900 "PYTEST_ADDOPTS=-rs")
add_python_test(infra.containers.compiled.long ${containers} long 3600 "PYTEST_ADDOPTS=-rs;TPS_COMPILE_IMAGE=1")
if(TARGET tps)
  set_tests_properties(infra.containers infra.containers.compiled.long PROPERTIES
    SKIP_REGULAR_EXPRESSION "SKIPPED .*no containers here" RESOURCE_LOCK containers)
  # It waits more than it works, and longer than any other: first, and with others beside it.
  set_tests_properties(infra.containers PROPERTIES COST 1000)
endif()
