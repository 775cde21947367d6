# Rules, dashboards and alerts: static checks, and a real Prometheus that watches real servers. The latter run alone, since
# alerts fire if a server is slow.
file(GLOB monitoring_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/infra/prometheus/test_*.py)
foreach(file ${monitoring_files})
  string(REGEX REPLACE ".*/test_(.*)\\.py$" "\\1" subject ${file})
  add_python_test(infra.prometheus.${subject} ${file} infra 600)
endforeach()
# Includes the alerts that take longest to fire, and a longer healthy run.
foreach(subject healthy faults)
  add_python_test(infra.prometheus.${subject}.long
    ${CMAKE_CURRENT_SOURCE_DIR}/infra/prometheus/test_${subject}.py long 1800 "TPS_LONG=1")
endforeach()
set_tests_properties(infra.prometheus.healthy infra.prometheus.healthy.long infra.prometheus.faults
  infra.prometheus.faults.long PROPERTIES RUN_SERIAL TRUE)
