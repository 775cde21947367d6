# Makes memory errors crash early instead of being exploitable, in every target that links tps_options. The test `hardening`
# checks the binary. _FORTIFY_SOURCE needs an optimised build and conflicts with the sanitizers.
target_link_options(tps_options INTERFACE -Wl,--as-needed)
target_compile_definitions(tps_options INTERFACE _GLIBCXX_ASSERTIONS)
if(NOT TPS_SANITIZE)
  target_compile_options(tps_options INTERFACE -fPIE -fstack-protector-strong -fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    # Our objects support CET. Debian 12's C library and start files do not, so the linker does not mark the program. Only our
    # objects are marked.
    target_compile_options(tps_options INTERFACE -fcf-protection=full)
  endif()
  target_compile_options(tps_options INTERFACE
    "$<$<CONFIG:RelWithDebInfo,Release>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=3>")
  target_link_options(tps_options INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
