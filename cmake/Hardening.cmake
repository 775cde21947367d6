# Makes memory errors crash early instead of being exploitable, in everything that links tps_options.
# _FORTIFY_SOURCE needs an optimised build and gets in the way of the sanitizers.
target_link_options(tps_options INTERFACE -Wl,--as-needed)
target_compile_definitions(tps_options INTERFACE _GLIBCXX_ASSERTIONS)
if(NOT TPS_SANITIZE)
  target_compile_options(tps_options INTERFACE -fPIE -fstack-protector-strong -fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_compile_options(tps_options INTERFACE -fcf-protection)
  endif()
  target_compile_options(tps_options INTERFACE 
    "$<$<CONFIG:RelWithDebInfo,Release>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>")
  target_link_options(tps_options INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
