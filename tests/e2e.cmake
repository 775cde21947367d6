# Black-box tests of the real binary: one ctest entry for each file of tests/e2e. pytest, psycopg2, redis and jsonschema
# are Debian's; another Python on the PATH may lack them.
set(TPS_PYTHON /usr/bin/python3)
set(TPS_ENVIRONMENT PYTHONPATH=${CMAKE_CURRENT_SOURCE_DIR} PYTHONDONTWRITEBYTECODE=1)
if(TARGET tps-load)  # for tests that need more load than Python can make
  list(APPEND TPS_ENVIRONMENT TPS_LOAD=$<TARGET_FILE:tps-load>)
endif()

# add_python_test(NAME FILE LABEL TIMEOUT [ENVIRONMENT...])
function(add_python_test name file label timeout)
  if(NOT TARGET tps)
    return()
  endif()
  add_test(NAME ${name} COMMAND ${TPS_PYTHON} -m pytest -q -rfEPs --maxfail=10 --tb=short -p no:cacheprovider --durations=3 ${file})
  set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT ${timeout} ENVIRONMENT
    "TPS_BINARY=$<TARGET_FILE:tps>;${TPS_ENVIRONMENT};${ARGN}")
endfunction()

file(GLOB e2e_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/e2e/test_*.py)
foreach(file ${e2e_files})
  string(REGEX REPLACE ".*/test_(.*)\\.py$" "\\1" subject ${file})
  add_python_test(e2e.${subject} ${file} short 120)
endforeach()

# Tests in a real browser: Debian's Chromium.
file(GLOB browser_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/browser/test_*.py)
foreach(file ${browser_files})
  string(REGEX REPLACE ".*/test_(.*)\\.py$" "\\1" subject ${file})
  add_python_test(browser.${subject} ${file} short 240)
endforeach()

# Once more what writes and reads, with logins of PostgreSQL that are members of one role each (support/logins.py).
set(with_logins "")
foreach(subject accounts balances batch history holds idempotency list reference reversals statement transactions)
  list(APPEND with_logins ${CMAKE_CURRENT_SOURCE_DIR}/e2e/test_${subject}.py)
endforeach()
add_python_test(e2e.with_logins "${with_logins}" short 240 "TPS_TEST_LOGINS=1;PYTEST_ADDOPTS=-k postgres")
