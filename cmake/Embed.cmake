# embed_files(TARGET name FILES...): links the bytes of FILES into TARGET. Code accesses them through
#     #include "embedded/<name>.hpp"     ->  tps::embedded::<name>, a span of {name, content}
# in the given order. `name` is the file name without folders. The build may generate the files.
function(embed_files target name)
  set(dir ${CMAKE_BINARY_DIR}/embedded)
  set(asm "")
  set(declarations "")
  set(rows "")
  set(files "")
  foreach(path ${ARGN})
    get_filename_component(full ${path} ABSOLUTE)
    get_filename_component(base ${path} NAME)
    list(LENGTH files index)
    list(APPEND files ${full})
    set(symbol "tps_embedded_${name}_${index}")
    string(APPEND asm "__asm__(\".section .rodata\\n.global ${symbol}\\n${symbol}:\\n.incbin \\\"${full}\\\"\\n"
      ".global ${symbol}_end\\n${symbol}_end:\\n.byte 0\\n.previous\\n\");\n")
    string(APPEND declarations "extern const char ${symbol}[];\nextern const char ${symbol}_end[];\n")
    string(APPEND rows "    {\"${base}\", {${symbol}, static_cast<std::size_t>(${symbol}_end - ${symbol})}},\n")
  endforeach()

  # The files are written only if their content changes, so that a new configuration does not rebuild them.
  file(CONFIGURE OUTPUT ${dir}/file.hpp @ONLY CONTENT "// Generated.
#pragma once
#include <string_view>
namespace tps::embedded {
struct File {
  std::string_view name;
  std::string_view content;
};
}
")
  file(CONFIGURE OUTPUT ${dir}/${name}.hpp @ONLY CONTENT "// Generated.
#pragma once
#include <span>
#include \"embedded/file.hpp\"
namespace tps::embedded {
extern const std::span<const File> ${name};
}
")
  file(CONFIGURE OUTPUT ${dir}/${name}.cpp @ONLY CONTENT "// Generated.
#include <cstddef>
#include \"embedded/${name}.hpp\"
${asm}extern \"C\" {
${declarations}}
namespace tps::embedded {
namespace {
const File files[] = {
${rows}};
}
extern const std::span<const File> ${name}{files};
}
")
  set_source_files_properties(${dir}/${name}.cpp PROPERTIES
    OBJECT_DEPENDS "${files}" SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON)
  target_sources(${target} PRIVATE ${dir}/${name}.cpp)
  target_include_directories(${target} PUBLIC ${CMAKE_BINARY_DIR})
endfunction()
