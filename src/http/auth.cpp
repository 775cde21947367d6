#include "http/auth.hpp"

namespace tps::http {

std::expected<std::reference_wrapper<const service::Caller>, domain::Error> authorise(const Request& /*request*/,
                                                                                      std::string_view /*scope*/) {
  static const service::Caller kAnonymous{"anonymous"};
  return std::cref(kAnonymous);
}

}  // namespace tps::http
