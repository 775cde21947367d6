# Fuzz targets stand beside the code as src/<room>/<name>_fuzz.cpp. Each has LLVMFuzzerTestOneInput and, if it
# has something to start from, fuzz_seeds.
#  - The test fuzz_replay runs all of them over their seeds and fixed mutations.
#  - With TPS_FUZZ=ON each is also a libFuzzer program fuzz_<name>. Everything is then built with the sanitizers:
#        cmake --preset fuzz && ninja -C build/fuzz fuzz && build/fuzz/tests/fuzz_money -max_total_time=60 build/fuzz/tests/corpus/money
file(GLOB_RECURSE fuzz_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/*_fuzz.cpp)
set(fuzz_libraries tps_http_server tps_http_api tps_auth tps_adapters_redis)

add_executable(fuzz_replay ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/replay.cpp)
target_link_libraries(fuzz_replay PRIVATE ${fuzz_libraries})
set(declarations "")
set(rows "")
foreach(source ${fuzz_sources})
  get_filename_component(name ${source} NAME_WE)
  string(REGEX REPLACE "_fuzz$" "" name ${name})
  # One program, so each target's two symbols get names of their own.
  add_library(fuzz_${name}_part OBJECT ${source})
  target_link_libraries(fuzz_${name}_part PRIVATE ${fuzz_libraries})
  target_compile_definitions(fuzz_${name}_part PRIVATE LLVMFuzzerTestOneInput=fuzz_${name} fuzz_seeds=fuzz_seeds_${name})
  target_link_libraries(fuzz_replay PRIVATE fuzz_${name}_part)
  string(APPEND declarations "extern \"C\" int fuzz_${name}(const std::uint8_t*, std::size_t);\n"
    "extern const std::span<const std::string_view> fuzz_seeds_${name} __attribute__((weak));\n")
  string(APPEND rows "    {\"${name}\", fuzz_${name}, &fuzz_seeds_${name}},\n")
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/fuzz_targets.cpp @ONLY CONTENT "// Generated.
#include \"targets.hpp\"
${declarations}static const FuzzTarget targets[] = {
${rows}};
const std::span<const FuzzTarget> fuzz_targets(targets);
")
target_include_directories(fuzz_replay PRIVATE fuzz)
target_sources(fuzz_replay PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/fuzz_targets.cpp)
add_test(NAME fuzz_replay COMMAND fuzz_replay)
set_tests_properties(fuzz_replay PROPERTIES LABELS unit TIMEOUT 300)

if(TPS_FUZZ)
  set(sanitizers -fsanitize=fuzzer-no-link,address,undefined)
  target_compile_options(tps_options INTERFACE ${sanitizers} -fno-sanitize-recover=all)
  target_link_options(tps_options INTERFACE ${sanitizers})
  add_custom_target(fuzz COMMAND fuzz_replay --seeds corpus)
  foreach(source ${fuzz_sources})
    get_filename_component(name ${source} NAME_WE)
    string(REGEX REPLACE "_fuzz$" "" name ${name})
    add_executable(fuzz_${name} ${source})
    target_link_libraries(fuzz_${name} PRIVATE ${fuzz_libraries})
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzz fuzz_${name})
  endforeach()
endif()
