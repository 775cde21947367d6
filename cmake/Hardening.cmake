# Makes memory errors crash early instead of being exploitable, in everything that links tps_options; the test `hardening`
# reads the binary. _FORTIFY_SOURCE needs an optimised build and gets in the way of the sanitizers.
target_link_options(tps_options INTERFACE -Wl,--as-needed)
target_compile_definitions(tps_options INTERFACE _GLIBCXX_ASSERTIONS)
if(NOT TPS_SANITIZE)
  target_compile_options(tps_options INTERFACE -fPIE -fstack-protector-strong -fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    # Ours is ready for CET. Debian 12's C library and the start files that every program gets are not, so the program as a
    # whole is not marked, and the marks are those of our objects.
    target_compile_options(tps_options INTERFACE -fcf-protection=full)
  endif()
  target_compile_options(tps_options INTERFACE
    "$<$<CONFIG:RelWithDebInfo,Release>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=3>")
  target_link_options(tps_options INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
