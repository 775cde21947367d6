# The image and docker-compose.yml on a private Docker engine. Skipped if no engine can run.
set(containers ${CMAKE_CURRENT_SOURCE_DIR}/infra/containers)
add_python_test(infra.containers ${containers} short 900 "PYTEST_ADDOPTS=-rs")
add_python_test(infra.containers.compiled.long ${containers} long 3600 "PYTEST_ADDOPTS=-rs;TPS_COMPILE_IMAGE=1")
if(TARGET tps)
  set_tests_properties(infra.containers infra.containers.compiled.long PROPERTIES
    SKIP_REGULAR_EXPRESSION "SKIPPED .*no containers here" RESOURCE_LOCK containers)
  # This test mostly waits and takes longest: start it first, in parallel with others.
  set_tests_properties(infra.containers PROPERTIES COST 1000)
endif()
