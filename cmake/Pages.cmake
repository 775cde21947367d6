# /openapi.json, /docs and /redoc: converts the document to JSON and downloads the scripts of the two pages from npm at
# build time (api/package-lock.json pins them by hash). They are linked into the binary, so that the pages load nothing
# from other hosts. Without TPS_PAGES neither npm nor a network is needed, and /docs and /redoc say that they were left out.
option(TPS_PAGES "Build the pages /docs and /redoc, with scripts from npm" ON)
# Prefers Debian's Python, because another Python on the PATH may lack yaml.
find_program(DEBIAN_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH)
find_program(DEBIAN_PYTHON python3 REQUIRED)
execute_process(COMMAND ${DEBIAN_PYTHON} -c "import yaml" RESULT_VARIABLE no_yaml ERROR_QUIET)
if(no_yaml)
  message(FATAL_ERROR "Python's yaml is needed to build /openapi.json. Install it with: apt-get install python3-yaml")
endif()

set(api ${CMAKE_SOURCE_DIR}/api)
set(pages ${CMAKE_BINARY_DIR}/pages)
file(MAKE_DIRECTORY ${pages}/npm)

add_custom_command(
  OUTPUT ${pages}/openapi.json
  COMMAND ${DEBIAN_PYTHON} -c
    "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1], encoding='utf-8')), open(sys.argv[2], 'w'), separators=(',', ':'))"
    ${api}/openapi.yaml ${pages}/openapi.json
  DEPENDS ${api}/openapi.yaml
  COMMENT "Writing openapi.json"
  VERBATIM)

set(page_files ${api}/pages/left_out.html)
if(TPS_PAGES)
  find_program(NPM npm)
  if(NOT NPM)
    message(FATAL_ERROR "npm is needed to build the pages /docs and /redoc. Install it with: apt-get install npm, "
      "or build without them: -DTPS_PAGES=OFF")
  endif()
  set(scripts ${pages}/swagger-ui.css ${pages}/swagger-ui-bundle.js ${pages}/redoc.standalone.js)
  add_custom_command(
    OUTPUT ${scripts}
    COMMAND ${CMAKE_COMMAND} -E copy ${api}/package.json ${api}/package-lock.json ${api}/.npmrc .
    COMMAND ${NPM} ci --omit=dev --omit=peer --prefer-offline --loglevel=error
      --fetch-retries=1 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 --fetch-timeout=60000
    COMMAND ${CMAKE_COMMAND} -E copy
      node_modules/swagger-ui-dist/swagger-ui.css
      node_modules/swagger-ui-dist/swagger-ui-bundle.js
      node_modules/redoc/bundles/redoc.standalone.js
      ${pages}
    COMMAND ${CMAKE_COMMAND} -E touch ${scripts}
    COMMAND ${CMAKE_COMMAND} -E rm -r node_modules
    WORKING_DIRECTORY ${pages}/npm
    DEPENDS ${api}/package.json ${api}/package-lock.json ${api}/.npmrc
    COMMENT "Getting the scripts of /docs and /redoc from npm"
    VERBATIM)
  # `dev` builds this first, because what is missing for it must not show up only after minutes of compiling.
  add_custom_target(tps_pages_npm DEPENDS ${scripts})
  set(page_files
    ${api}/pages/docs.html ${api}/pages/docs.js ${api}/pages/redoc.html ${api}/pages/redoc.css ${scripts})
endif()

# A separate library, so that the room http/api compiles without waiting for npm.
add_library(tps_pages STATIC)
target_link_libraries(tps_pages PRIVATE tps_options)
target_link_libraries(tps_http_api PRIVATE tps_pages)
embed_files(tps_pages pages ${pages}/openapi.json ${page_files})
