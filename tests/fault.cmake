# Crashes, stops and lost answers. Each file runs short in every run and long (label `long`) in the full one.
file(GLOB fault_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/fault/test_*.py)
set(only_long failover overload)  # slow even when run once, or in need of rare packages
foreach(file ${fault_files})
  string(REGEX REPLACE ".*/test_(.*)\\.py$" "\\1" subject ${file})
  if(NOT subject IN_LIST only_long)
    add_python_test(fault.${subject} ${file} short 120)
    if(subject STREQUAL slow_clients)  # twelve cases of many windows of a second
      set_tests_properties(fault.${subject} PROPERTIES TIMEOUT 600)
    endif()
  endif()
  add_python_test(fault.${subject}.long ${file} long 1800 "TPS_LONG=1")
endforeach()

file(GLOB support_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/support/*.cpp)
# add_fault_target(NAME FILE): C++ fault tests of one adapter against a real server.
function(add_fault_target name file)
  add_executable(${name} fault/${file} ${support_sources})
  target_include_directories(${name} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE tps_adapters_postgres tps_adapters_redis GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS short TIMEOUT 300)
endfunction()
add_fault_target(flight_tests postgres_flight_test.cpp)
add_fault_target(ledger_tests postgres_ledger_test.cpp)
add_fault_target(redis_cache_tests redis_cache_test.cpp)
add_fault_target(redis_tls_tests redis_tls_test.cpp)
add_fault_target(worker_tests postgres_worker_test.cpp)

# The bank test against builds that have a bug in them.
add_test(NAME fault.planted_bugs.long COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/fault/planted_bugs.py)
set_tests_properties(fault.planted_bugs.long PROPERTIES LABELS long TIMEOUT 10800 ENVIRONMENT "TPS_LONG=1")
